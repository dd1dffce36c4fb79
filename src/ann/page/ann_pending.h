/*-------------------------------------------------------------------------
 * ann_pending.h
 *	  Pending pages: rows added since the last seal.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PENDING_H
#define VS_ANN_PENDING_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "quant/quant.h"

/* Entries on their way to pending pages, all coded against the same vector. */
typedef struct VsAnnPendingBatch
{
	int			n;
	int			written;		/* of those, on pages by now */
	bool		centred;		/* coded against the centre, not the origin */
	VsAnnId    *ids;
	uint8	   *codes;			/* n * code_bytes */
	VsQuantFactors *factors;
} VsAnnPendingBatch;

/*
 * Appends the entries of the batch that are not yet written, and counts them
 * there page by page, so that nothing is written twice after an error.  The
 * caller keeps *tail between calls.  Returns whether a page was added, which is
 * when a caller may want to look at the size of the pending part.
 */
extern bool vs_ann_pending_append(const VsAnn *ann, BlockNumber *tail, VsAnnPendingBatch *batch);

/* Where this backend's next entries go: a first *tail for vs_ann_pending_append. */
extern BlockNumber vs_ann_pending_tail(const VsAnnMetaData *meta);

/* The ids of a pending page. */
extern VsAnnId *vs_ann_pending_ids(Page page);

/* Fills *out with where the block'th block lies on the page. */
extern void vs_ann_pending_block(const VsAnn *ann, Page page, int block,
								 VsQuantBlock *out);

/*
 * Makes a whole block of a page's narrow one, in memory of block_bytes: entries
 * before pending_width are in slots 0 and on, those after it in slots 16 and
 * on.  The contents of other slots mean nothing.
 */
extern void vs_ann_pending_widen(const VsAnn *ann, Page page, char *memory, VsQuantBlock *out);

/* Copies the code of an entry out of its block: code_bytes. */
extern void vs_ann_pending_code(const VsAnn *ann, Page page, int ordinal, uint8 *code);

/*
 * Entries on pending pages, dead ones too.  Pages except the tail count as
 * full; one is not when entries coded otherwise came after it, which happens
 * once in the life of an index.
 */
extern int64 vs_ann_pending_rows(const VsAnn *ann, const VsAnnMetaData *meta);

#endif							/* VS_ANN_PENDING_H */
