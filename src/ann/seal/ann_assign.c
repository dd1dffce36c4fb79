/*-------------------------------------------------------------------------
 * ann_assign.c
 *	  Assignment of rows to lists: finds the list of each row, codes the row
 *	  and appends the entry.
 *
 * Rows come as ids from a spool and are processed in rounds (ann_round.c).
 * The coded rows of a round take at most vs_ann_work_memory().
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_assign.h"
#include "ann/seal/ann_round.h"
#include "ann/seal/ann_spool.h"

/*
 * Each iteration reads and codes some rows; a full round is appended to the
 * lists.  A crash leaves entries with an unpublished seal number, which no
 * scan counts.
 */
int64
vs_ann_assign(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
			  VsAnnSpool *spool, uint32 seal, void (*progress) (int64 done))
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann assignment",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VsAnnRound	round;
	int64		written = 0;
	int64		read = 0;
	int			n;

	vs_ann_round_begin(&round, ann, heap, dir, vs_ann_spool_count(spool), vs_ann_work_memory());
	vs_ann_spool_rewind(spool);
	while ((n = vs_ann_spool_get(spool, round.items, round.rows_at_once)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		vs_ann_round_add(&round, n, seal);
		read += n;
		if (vs_ann_round_full(&round))
		{
			written += round.n;
			vs_ann_round_append(&round, seal);
		}
		if (progress != NULL)
			progress(read);
	}
	written += round.n;
	vs_ann_round_append(&round, seal);
	vs_ann_round_end(&round);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return written;
}
