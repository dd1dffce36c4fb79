/*-------------------------------------------------------------------------
 * ann_spool.h
 *	  Ids (and codes of bits) on their way into lists.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SPOOL_H
#define VS_ANN_SPOOL_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"

#include "storage/buffile.h"
#include "storage/sharedfileset.h"

typedef struct VsAnnSpool VsAnnSpool;

/* An item is a VsAnnId and, for bits, the code: so many bytes of it. */
extern Size vs_ann_spooled_code_bytes(const VsAnn *ann);

/* A spool in the current memory context; beyond memory bytes it goes to a file. */
extern VsAnnSpool *vs_ann_spool_begin(const VsAnn *ann, Size memory);
extern void vs_ann_spool_put(VsAnnSpool *spool, const VsAnnId *id, const uint8 *code);
extern int64 vs_ann_spool_count(const VsAnnSpool *spool);
extern void vs_ann_spool_rewind(VsAnnSpool *spool);

/* Copies up to max of the next items; returns how many, 0 at the end. */
extern int	vs_ann_spool_get(VsAnnSpool *spool, char *items, int max);
extern void vs_ann_spool_end(VsAnnSpool *spool);

/* A participant's part of a shared spool, and all parts read as one. */
extern VsAnnSpool *vs_ann_spool_begin_part(const VsAnn *ann, SharedFileSet *files, int part);
extern int64 vs_ann_spool_export(VsAnnSpool *spool);
extern VsAnnSpool *vs_ann_spool_open_parts(const VsAnn *ann, SharedFileSet *files, int nparts,
										   const int64 *counts);
extern void vs_ann_spool_seek(VsAnnSpool *spool, int64 item);

#endif							/* VS_ANN_SPOOL_H */
