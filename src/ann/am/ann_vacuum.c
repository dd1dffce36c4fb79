/*-------------------------------------------------------------------------
 * ann_vacuum.c
 *	  Vacuum: flags entries of dead rows; seals, compacts, finds free pages, and has those
 *	  at the end of the index given back (ann_truncate.c).
 *
 * ambulkdelete is one pass over ids, and rewrites flags only.  Inserts go on
 * meanwhile: what they append belongs to rows that are not dead.  A seal or
 * compaction would move entries past the pass, hence the seal lock.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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
#include "ann/base/ann_memory.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/seal/ann_seal.h"
#include "compat/ann_compat.h"
#include "util/stop_point.h"

typedef struct DeadCheck
{
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	int64		live;
} DeadCheck;

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

/* Flags the dead of a pending page; returns how many. */
static int
vacuum_pending_page(const VsAnn *ann, BlockNumber block, DeadCheck *check, BlockNumber *next)
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

static int64
vacuum_chains(const VsAnn *ann, const VsAnnChain *chains, DeadCheck *check)
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
			dead += vacuum_pending_page(ann, block, check, &block);
		}
	}
	return dead;
}

/*
 * Flags entries of lists; returns how many.  What the metapage says of the lists is exact
 * afterwards; broken off, it is wrong until the next walk, or the next plan of a seal.
 */
static int64
walk_lists(const VsAnn *ann, const VsAnnMetaData *meta, VsAnnIdVisit visit, void *arg)
{
	VsAnnListCounts counts = {0};
	VsAnnDirectory *dir;

	if (meta->directory == InvalidBlockNumber)
		return 0;
	dir = vs_ann_directory_read(ann, meta->directory);
	for (int i = 0; i < dir->nlists; i++)
	{
		vs_compat_vacuum_delay();
		vs_ann_list_walk(ann, dir->heads[i], true, visit, arg, &counts);
		VS_STOP_POINT("lists: one walked");
	}
	vs_ann_meta_count(ann, counts.entries, counts.dead);
	return counts.changed;
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
		dead = vacuum_chains(&ann, meta.closing, &check);
		dead += vacuum_chains(&ann, meta.growing, &check);
		VS_STOP_POINT("bulkdelete: pending done");
		dead += walk_lists(&ann, &meta, flag_if_dead, &check);
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
 * Rows of the index.  Under the seal lock: VACUUM's own transaction does not keep pages that a
 * seal retires from being reused.
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

IndexBulkDeleteResult *
vs_ann_vacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	VsAnnSealResult result;
	Relation	heap;

	if (info->analyze_only)
		return stats;
	heap = table_open(info->index->rd_index->indrelid, AccessShareLock);
	vs_ann_maintain(info->index, heap, VS_ANN_WAIT, VS_ANN_TIDY, &result);
	vs_ann_truncate(info->index, heap, info->message_level);
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

/* ---- what a failed seal left ---- */

static bool
flag_if_unpublished(VsAnnId *id, void *arg)
{
	if ((id->flags & VS_ANN_DEAD) != 0 || id->seal <= *(uint32 *) arg)
		return false;
	id->flags |= VS_ANN_DEAD;
	return true;
}

/*
 * Flags entries that a seal put into lists and did not publish; their rows are
 * pending still.  Needs the seal lock.
 */
void
vs_ann_kill_unpublished(const VsAnn *ann, const VsAnnMetaData *meta)
{
	uint32		sealed = meta->sealed;

	walk_lists(ann, meta, flag_if_unpublished, &sealed);
}

/* ---- pages nobody needs ---- */

typedef struct Sweep
{
	uint8	   *reachable;		/* a bit each page */
	BlockNumber npages;
} Sweep;

static void
mark(BlockNumber block, void *arg)
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

	mark(VS_ANN_META_BLKNO, sweep);
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;

		vs_ann_walk_step(ann, &walk, block);
		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_SEGMENT);
		mark(block, sweep);
		block = VS_ANN_OPAQUE(BufferGetPage(buffer))->next;
		UnlockReleaseBuffer(buffer);
	}
	vs_ann_centre_pages(ann, meta->centre, mark, sweep);
	if (meta->directory != InvalidBlockNumber)
	{
		VsAnnDirectory *dir = vs_ann_directory_read(ann, meta->directory);

		vs_ann_directory_pages(ann, meta->directory, true, mark, sweep);
		for (int i = 0; i < dir->nlists; i++)
			vs_ann_list_pages(ann, dir->heads[i], mark, sweep);
	}
}

/*
 * Whether nothing leads to the page.  A pending page is reachable until its
 * seal is published, which its epoch tells: inserts may add such pages any time.
 * All other kinds are made by the holder of the seal lock only, that is, us.
 */
static bool
is_orphan(const Sweep *sweep, const VsAnnMetaData *meta, BlockNumber block, Page page)
{
	if (vs_ann_page_is(page, VS_ANN_PENDING))
		return VS_ANN_OPAQUE(page)->epoch <= meta->sealed;
	return (sweep->reachable[block / BITS_PER_BYTE] & (1 << (block % BITS_PER_BYTE))) == 0;
}

/*
 * One pass over the index: retires pages that a crash left unreachable, and
 * records retired ones that nobody can be reading in the free space map.
 * Needs the seal lock.
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
	/* with the extension lock, so that no page is counted before it is locked */
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
			;					/* damaged, and nothing leads there */
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
