/*-------------------------------------------------------------------------
 * ann_sweep.c
 *	  Finding unreachable pages, and retired pages that can be reused.
 *
 * A crash or an error can leave pages that were written and never became
 * reachable.  A sweep marks every page that the metapage leads to, and
 * retires the others.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

#include "ann/base/ann_memory.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_seal.h"
#include "compat/ann_compat.h"
#include "util/stop_point.h"

typedef struct Sweep
{
	uint8	   *reachable;		/* one bit per page */
	BlockNumber npages;
} Sweep;

static void
mark_page(BlockNumber block, void *arg)
{
	Sweep	   *sweep = (Sweep *) arg;

	if (block < sweep->npages)
		sweep->reachable[block / BITS_PER_BYTE] |= 1 << (block % BITS_PER_BYTE);
}

static void
mark_reachable(const VsAnn *ann, const VsAnnMetaData *meta, Sweep *sweep)
{
	BlockNumber block = meta->segments;
	VsAnnWalk	walk = {0};

	mark_page(VS_ANN_META_BLKNO, sweep);
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;

		vs_ann_walk_step(ann, &walk, block);
		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_SEGMENT);
		mark_page(block, sweep);
		block = VS_ANN_OPAQUE(BufferGetPage(buffer))->next;
		UnlockReleaseBuffer(buffer);
	}
	vs_ann_centre_pages(ann, meta->centre, mark_page, sweep);
	if (meta->directory != InvalidBlockNumber)
	{
		VsAnnDirectory *dir = vs_ann_directory_read(ann, meta->directory);

		vs_ann_directory_pages(ann, meta->directory, true, mark_page, sweep);
		for (int i = 0; i < dir->nlists; i++)
			vs_ann_list_pages(ann, dir->heads[i], mark_page, sweep);
	}
}

/*
 * Returns whether no page leads to this one.  A pending page is reachable
 * until its seal is published, which its epoch shows; inserts may add such
 * pages at any time.  Pages of all other kinds are only made under the seal
 * lock, which we hold.
 */
static bool
is_orphan(const Sweep *sweep, const VsAnnMetaData *meta, BlockNumber block, Page page)
{
	if (vs_ann_page_is(page, VS_ANN_PENDING))
		return VS_ANN_OPAQUE(page)->epoch <= meta->sealed;
	return (sweep->reachable[block / BITS_PER_BYTE] & (1 << (block % BITS_PER_BYTE))) == 0;
}

/*
 * Walks the reachable pages, then reads every page once, under a share lock.
 * Retired pages past the horizon go to the free space map.  Orphans are
 * retired at the end.  A crash leaves them for the next sweep; the free space
 * map is a hint and not logged.
 */
void
vs_ann_sweep(const VsAnn *ann)
{
	VsAnnBlocks orphans = {0};
	VsAnnMetaData meta;
	VsAnnChange change;
	VsAnnMetaData *changed;
	Sweep		sweep;
	uint32		waiting = 0;
	FullTransactionId newest = InvalidFullTransactionId;

	vs_ann_meta_read(ann, &meta);

	/*
	 * The extension lock ensures that no page is counted before it is locked
	 * by the backend that added it.
	 */
	LockRelationForExtension(ann->index, ExclusiveLock);
	sweep.npages = RelationGetNumberOfBlocks(ann->index);
	UnlockRelationForExtension(ann->index, ExclusiveLock);
	sweep.reachable = palloc_extended(sweep.npages / BITS_PER_BYTE + 1,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	mark_reachable(ann, &meta, &sweep);
	VS_STOP_POINT("sweep: marked");
	for (BlockNumber block = 0; block < sweep.npages; block++)
	{
		Buffer		buffer = ReadBuffer(ann->index, block);
		Page		page = BufferGetPage(buffer);
		bool		free;

		vs_compat_vacuum_delay();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		free = vs_ann_page_recyclable(page);
		if (!free && !vs_ann_page_is_ours(page))
			;					/* damaged or foreign; leave it alone */
		else if (!free && (VS_ANN_OPAQUE(page)->flags & VS_ANN_RETIRED) != 0)
		{
			waiting++;
			if (FullTransactionIdPrecedes(newest, VS_ANN_OPAQUE(page)->retired_xid))
				newest = VS_ANN_OPAQUE(page)->retired_xid;
		}
		else if (!free && is_orphan(&sweep, &meta, block, page))
			vs_ann_blocks_add(block, &orphans);
		UnlockReleaseBuffer(buffer);
		if (free)
			RecordFreeIndexPage(ann->index, block);
	}
	pfree(sweep.reachable);
	IndexFreeSpaceMapVacuum(ann->index);

	vs_ann_change_begin(&change, ann);
	changed = vs_ann_meta_change(&change);
	changed->pages_retired = changed->pages_waiting = waiting;
	changed->waiting_xid = newest;
	vs_ann_change_commit(&change);
	if (orphans.n > 0)
		vs_ann_page_retire(ann, orphans.blocks, orphans.n);
}
