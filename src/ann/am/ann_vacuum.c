/*-------------------------------------------------------------------------
 * ann_vacuum.c
 *	  ambulkdelete and amvacuumcleanup.
 *
 * ambulkdelete reads the ids of all entries once and flags those of dead
 * rows; it changes nothing else.  Inserts go on meanwhile, which is harmless:
 * the entries that they append are of rows that are not dead.  A seal or
 * compaction could move entries to pages that the pass has read already, so
 * ambulkdelete holds the seal lock.  After an ERROR or a crash some flags are
 * set; the next VACUUM sets the others.
 *
 * amvacuumcleanup seals the pending rows, compacts the lists and finds free
 * pages (all by vs_ann_seal), and cuts off those at the end (ann_truncate.c).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/am/ann_am.h"
#include "ann/ann.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_lock.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/seal/ann_dead.h"
#include "ann/seal/ann_seal.h"
#include "compat/ann_compat.h"
#include "util/stop_point.h"

/* VACUUM's test for a dead TID, and the entries that passed it so far. */
typedef struct DeadCheck
{
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	int64		live;
} DeadCheck;

/*
 * Sets the dead flag of an entry of a dead row.  Returns whether it did so
 * now.
 */
static bool
flag_if_dead(VsAnnId *id, void *arg)
{
	DeadCheck  *check = (DeadCheck *) arg;

	if ((id->flags & VS_ANN_DEAD) != 0)
		return false;
	if (check->callback(&id->tid, check->callback_state))
	{
		id->flags |= VS_ANN_DEAD;
		return true;
	}
	check->live++;
	return false;
}

/*
 * Flags the dead entries of a pending page.  Returns their number and the
 * next page of the chain.  The page is locked exclusively, since inserts may
 * append to it.  All its flags are one WAL record; without a dead entry there
 * is none.
 */
static int
flag_pending_page(const VsAnn *ann, BlockNumber block, DeadCheck *check, BlockNumber *next)
{
	Buffer		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_EXCLUSIVE, VS_ANN_PENDING);
	Page		page = BufferGetPage(buffer);
	int			used = VS_ANN_OPAQUE(page)->used;
	VsAnnChange change;
	int			dead = 0;

	*next = VS_ANN_OPAQUE(page)->next;
	vs_ann_change_begin(&change, ann);
	for (int i = 0; i < used; i++)
	{
		VsAnnId		id = vs_ann_pending_ids(page)[i];

		if ((id.flags & VS_ANN_DEAD) == 0)
			vs_ann_id_check(ann, block, &id);
		if (!flag_if_dead(&id, check))
			continue;
		if (dead++ == 0)
			page = vs_ann_change_page(&change, buffer);
		vs_ann_pending_ids(page)[i] = id;
	}
	if (dead > 0)
		vs_ann_change_commit(&change);
	else
		UnlockReleaseBuffer(buffer);
	return dead;
}

/*
 * Flags the dead entries of chains.  We hold the seal lock; no page is
 * pinned.
 */
static int64
flag_chains(const VsAnn *ann, const VsAnnChain *chains, DeadCheck *check)
{
	int64		dead = 0;

	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		BlockNumber block = chains[i].head;
		VsAnnWalk	walk = {0};

		while (block != InvalidBlockNumber)
		{
			vs_ann_walk_step(ann, &walk, block);
			vs_compat_vacuum_delay();
			dead += flag_pending_page(ann, block, check, &block);
		}
	}
	return dead;
}

IndexBulkDeleteResult *
vs_ann_bulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				  IndexBulkDeleteCallback callback, void *callback_state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann vacuum",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	DeadCheck	check = {callback, callback_state, 0};
	VsAnn		ann;
	int64		dead = 0;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	old = MemoryContextSwitchTo(context);
	vs_ann_seal_lock(info->index, VS_ANN_WAIT);
	vs_ann_open(&ann, info->index);
	if (ann.has_dim)
	{
		VsAnnMetaData meta;

		vs_ann_meta_read(&ann, &meta);
		VS_STOP_POINT("bulkdelete: begun");
		dead = flag_chains(&ann, meta.closing, &check);
		dead += flag_chains(&ann, meta.growing, &check);
		VS_STOP_POINT("bulkdelete: pending done");
		dead += vs_ann_flag_lists(&ann, &meta, flag_if_dead, &check);
	}
	vs_ann_seal_unlock(info->index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	stats->tuples_removed += dead;
	stats->num_index_tuples = check.live;
	stats->estimated_count = false;
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	return stats;
}

/*
 * The number of rows in the index.  It reads pages under the seal lock: a
 * seal could retire them, and the horizon ignores VACUUM's own transaction,
 * so they could even be reused while we read.
 */
static double
count_rows(Relation index)
{
	VsAnn		ann;
	VsAnnMetaData meta;
	double		rows;

	vs_ann_seal_lock(index, VS_ANN_WAIT);
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	rows = Max(meta.list_rows - meta.list_dead, 0);
	if (ann.has_dim)
		rows += vs_ann_pending_rows(&ann, &meta);
	vs_ann_seal_unlock(index);
	return rows;
}

/* VACUUM goes through the ready indexes in the order of this list. */
static List *
open_ready(Relation heap)
{
	List	   *ready = NIL;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(heap))
	{
		Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);

		if (vs_ann_is_vecann(index) && index->rd_index->indisready)
			ready = lappend(ready, index);
		else
			index_close(index, RowExclusiveLock);
	}
	return ready;
}

/*
 * Has free pages at the end of all vecann indexes of the table given back, when
 * index is the last of them.  A standby keeps the lock on an index that is
 * truncated until VACUUM commits, and a seal of the next one can take long.
 */
static void
truncate_all_at_last(Relation index, Relation heap, int elevel)
{
	List	   *ready = open_ready(heap);
	bool		is_last = RelationGetRelid((Relation) llast(ready)) == RelationGetRelid(index);
	ListCell   *cell;

	foreach(cell, ready)
	{
		if (is_last)
			vs_ann_truncate(lfirst(cell), heap, elevel);
		index_close(lfirst(cell), RowExclusiveLock);
	}
}

IndexBulkDeleteResult *
vs_ann_vacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	const VsAnnSealRequest request = {.caller = VS_ANN_SEAL_VACUUM, .may_train = true};
	VsAnnSealResult result;
	Relation	heap;

	if (info->analyze_only)
		return stats;
	heap = table_open(info->index->rd_index->indrelid, AccessShareLock);
	vs_ann_seal(info->index, heap, VS_ANN_WAIT, &request, &result);
	truncate_all_at_last(info->index, heap, info->message_level);
	table_close(heap, AccessShareLock);
	if (stats == NULL)
	{
		stats = palloc0(sizeof(IndexBulkDeleteResult));
		stats->estimated_count = true;
		stats->num_index_tuples = count_rows(info->index);
	}
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	return stats;
}
