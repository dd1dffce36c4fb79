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

/*
 * Returns the size of the code that follows the id in an item; 0 unless
 * values are bits.
 */
extern Size vs_ann_spooled_code_bytes(const VsAnn *ann);

/*
 * Begins a spool in the current memory context.  Items beyond the given
 * number of bytes go to a temporary file.
 */
extern VsAnnSpool *vs_ann_spool_begin(const VsAnn *ann, Size memory);

/* Adds an item.  code is used only if values are bits. */
extern void vs_ann_spool_put(VsAnnSpool *spool, const VsAnnId *id, const uint8 *code);

/* Returns the number of items. */
extern int64 vs_ann_spool_count(const VsAnnSpool *spool);

/* Starts reading, or starts it again, from the first item. */
extern void vs_ann_spool_rewind(VsAnnSpool *spool);

/*
 * Copies at most max of the next items, each an id and its code.  Returns
 * their number, 0 at the end.
 */
extern int	vs_ann_spool_get(VsAnnSpool *spool, char *items, int max);

/* Frees the spool, with its file. */
extern void vs_ann_spool_end(VsAnnSpool *spool);

/*
 * A shared spool consists of one part per participant of a parallel build.
 * begin_part begins a part; its name is unique in the file set.  export ends
 * writing and returns the number of items.  open_parts opens the exported
 * parts, read-only, as one spool; a part with a count of 0 need not exist.
 * seek sets the next item to read from such a spool.
 */
extern VsAnnSpool *vs_ann_spool_begin_part(const VsAnn *ann, SharedFileSet *files, int part);
extern int64 vs_ann_spool_export(VsAnnSpool *spool);
extern VsAnnSpool *vs_ann_spool_open_parts(const VsAnn *ann, SharedFileSet *files, int nparts,
										   const int64 *counts);
extern void vs_ann_spool_seek(VsAnnSpool *spool, int64 item);

#endif							/* VS_ANN_SPOOL_H */
