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

/*
 * Entries to be appended to pending pages, all coded against the same vector.
 */
typedef struct VsAnnPendingBatch
{
	int			n;
	int			written;		/* of those, already on pages */
	bool		centred;		/* coded against the center, not 0 */
	VsAnnId    *ids;
	uint8	   *codes;			/* n * code_bytes */
	VsQuantFactors *factors;
} VsAnnPendingBatch;

/*
 * Appends the entries of the batch that are not written yet.  batch->written
 * grows page by page, so that a call after an error writes nothing twice.
 * The caller keeps *tail between calls.  Returns whether a page was added;
 * only then has the pending part grown enough for the caller to look at its
 * size.  Locks: see ann_pending.c.
 */
extern bool vs_ann_pending_append(const VsAnn *ann, BlockNumber *tail, VsAnnPendingBatch *batch);

/*
 * Returns the tail of the chain that this backend appends to: the first *tail
 * for vs_ann_pending_append.
 */
extern BlockNumber vs_ann_pending_tail(const VsAnnMetaData *meta);

/* Returns the ids of a pending page. */
extern VsAnnId *vs_ann_pending_ids(Page page);

/* Sets *out to the block'th block on the page. */
extern void vs_ann_pending_block(const VsAnn *ann, Page page, int block,
								 VsQuantBlock *out);

/*
 * Makes a whole block of a page's narrow one, in memory of block_bytes.
 * Entries below pending_width go to the slots from 0 on, the others to the
 * slots from 16 on.  The contents of other slots are undefined.
 */
extern void vs_ann_pending_widen(const VsAnn *ann, Page page, char *memory, VsQuantBlock *out);

/* Copies the code of an entry (code_bytes) out of its block. */
extern void vs_ann_pending_code(const VsAnn *ann, Page page, int ordinal, uint8 *code);

/*
 * Returns the number of entries on pending pages, dead ones included.  Pages
 * except the tail are taken as full.  One page may not be: the index switches
 * once from codes against the origin to codes against the center, and then
 * starts a new page.
 */
extern int64 vs_ann_pending_rows(const VsAnn *ann, const VsAnnMetaData *meta);

#endif							/* VS_ANN_PENDING_H */
