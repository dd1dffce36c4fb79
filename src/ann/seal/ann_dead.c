/*-------------------------------------------------------------------------
 * ann_dead.c
 *	  Entries of dead rows, found without waiting for VACUUM.
 *
 * An upsert leaves the entry of the old row version behind.  Only the table
 * knows when no snapshot can see that version any more.  The search works in
 * three steps:
 *	1 collect suspects: the TIDs of entries that are not flagged yet
 *	2 sort them by TID and ask the table, reading each of its pages once
 *	3 act on the dead: flag their entries, or leave them out of a list
 * An entry is dead when all members of its HOT chain are dead to all
 * snapshots.
 *
 * The answer stays true while the caller holds the seal lock.  The TID of a
 * dead row is not reused before VACUUM has flagged its entry, and VACUUM
 * takes the seal lock to do so (invariant A9).
 *
 * A snapshot on a standby can be older than all of the primary's.  Before a
 * dead entry is touched, the last transaction that removed one of the rows is
 * logged.  Replay of that record cancels the standby queries that may still
 * see them.
 *
 * Locks: one page of the table at a time; while entries are flagged, the
 * first page of an extent and then one of its detail pages.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ann/base/ann_memory.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_dead.h"
#include "compat/ann_compat.h"

#define ST_SORT sort_suspects
#define ST_ELEMENT_TYPE VsAnnSuspect
#define ST_COMPARE(a, b) ((a)->row < (b)->row ? -1 : (a)->row > (b)->row)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_places
#define ST_ELEMENT_TYPE VsAnnSuspect
#define ST_COMPARE(a, b) ((a)->place < (b)->place ? -1 : (a)->place > (b)->place)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * The number of TIDs per call of table_index_delete_tuples, which numbers
 * them by int16.
 */
#define TIDS_PER_CALL	4096

/* The initial size of the array of suspects. */
#define INITIAL_SUSPECTS	1024

/*
 * The sample that estimates the share of dead entries: lists, and entries per
 * list.
 */
#define SAMPLED_LISTS	64
#define SAMPLED_ENTRIES	8

static void
get_suspect_tid(const VsAnnSuspect *suspect, ItemPointer tid)
{
	ItemPointerSet(tid, (BlockNumber) (suspect->row >> 16), (OffsetNumber) suspect->row);
}

void
vs_ann_suspect(const VsAnnId *id, uint64 place, VsAnnSuspect *suspect)
{
	suspect->row = (uint64) ItemPointerGetBlockNumberNoCheck(&id->tid) << 16 |
		ItemPointerGetOffsetNumberNoCheck(&id->tid);
	suspect->place = place;
}

/*
 * Moves the suspects whose rows no snapshot can see to the front and returns
 * their number.  The suspects are sorted by row, so that each page of the
 * table is pinned and share-locked once.  Only one page is locked at a time.
 */
static int64
move_dead_first(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects, int64 n)
{
	SnapshotData snapshot;
	BlockNumber nblocks = RelationGetNumberOfBlocks(heap);
	BlockNumber block = InvalidBlockNumber;
	Buffer		buffer = InvalidBuffer;
	int64		ndead = 0;

	InitNonVacuumableSnapshot(snapshot, GlobalVisTestFor(heap));
	for (int64 i = 0; i < n; i++)
	{
		VsAnnSuspect suspect = suspects[i];
		ItemPointerData tid;
		HeapTupleData tuple;

		get_suspect_tid(&suspect, &tid);
		if (ItemPointerGetBlockNumber(&tid) != block)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			CHECK_FOR_INTERRUPTS();
			block = ItemPointerGetBlockNumber(&tid);
			buffer = InvalidBuffer;
			if (block >= nblocks)
				vs_ann_refuse_row(ann, heap, &tid);
			buffer = ReadBuffer(heap, block);
			LockBuffer(buffer, BUFFER_LOCK_SHARE);
		}
		if (heap_hot_search_buffer(&tid, heap, buffer, &snapshot, &tuple, NULL, true))
			continue;
		suspects[i] = suspects[ndead];
		suspects[ndead++] = suspect;
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	return ndead;
}

/*
 * Returns the latest transaction that removed one of these rows, all of which
 * are dead.
 */
static TransactionId
get_conflict_horizon(const VsAnn *ann, Relation heap, const VsAnnSuspect *dead, int64 n)
{
	TM_IndexDelete *tids = palloc(sizeof(TM_IndexDelete) * TIDS_PER_CALL);
	TM_IndexStatus *status = palloc(sizeof(TM_IndexStatus) * TIDS_PER_CALL);
	TransactionId horizon = InvalidTransactionId;

	for (int64 done = 0; done < n; done += TIDS_PER_CALL)
	{
		TM_IndexDeleteOp op = {0};
		TransactionId latest;

		CHECK_FOR_INTERRUPTS();
		op.irel = ann->index;
		op.iblknum = VS_ANN_META_BLKNO;
		op.ndeltids = Min(TIDS_PER_CALL, n - done);
		op.deltids = tids;
		op.status = status;
		for (int i = 0; i < op.ndeltids; i++)
		{
			get_suspect_tid(&dead[done + i], &tids[i].tid);
			tids[i].id = i;
			memset(&status[i], 0, sizeof(TM_IndexStatus));
			status[i].idxoffnum = FirstOffsetNumber;
			status[i].knowndeletable = true;
		}
		latest = table_index_delete_tuples(heap, &op);
		if (TransactionIdIsValid(latest) &&
			(!TransactionIdIsValid(horizon) || TransactionIdFollows(latest, horizon)))
			horizon = latest;
	}
	pfree(tids);
	pfree(status);
	return horizon;
}

/*
 * The conflict record is logged here, before the caller flags or drops any
 * entry.  A crash after it has no effect but canceled queries on standbys.
 */
int64
vs_ann_find_dead(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects, int64 n)
{
	int64		ndead;

	sort_suspects(suspects, n);
	ndead = move_dead_first(ann, heap, suspects, n);
	if (ndead > 0 && RelationNeedsWAL(ann->index) && XLogStandbyInfoActive())
	{
		TransactionId horizon = get_conflict_horizon(ann, heap, suspects, ndead);

		if (TransactionIdIsValid(horizon))
			vs_compat_log_reuse_page(ann->index, VS_ANN_META_BLKNO,
									 vs_compat_full_xid(horizon));
	}
	return ndead;
}

/* ---- flagging dead entries of lists ---- */

/*
 * A detail page from which suspects were collected, and the extent that it
 * belongs to.
 */
typedef struct DetailPage
{
	BlockNumber extent;
	BlockNumber detail;
} DetailPage;

/*
 * The low bits of a suspect's place are the entry's ordinal on its detail
 * page; the rest is the index of that page in details.
 */
#define PLACE_BITS	16

typedef struct DeadSearch
{
	const VsAnn *ann;
	Relation	heap;
	VsAnnSuspect *suspects;
	int64		n;
	int64		capacity;		/* of the array of suspects */
	int64		limit;			/* upper limit of capacity */
	DetailPage *details;
	int			ndetails;
	int			detail_capacity;
} DeadSearch;

/*
 * Suspects take at most about the work memory.  The array starts small and
 * grows with the number of entries.
 */
static void
begin_search(DeadSearch *search, const VsAnn *ann, Relation heap)
{
	Size		fit = vs_ann_work_memory() / sizeof(VsAnnSuspect);

	memset(search, 0, sizeof(*search));
	search->ann = ann;
	search->heap = heap;
	search->limit = Max(fit, 4 * (Size) ann->geo.extent_entries);
	search->capacity = Min(INITIAL_SUSPECTS, search->limit);
	search->suspects = palloc(sizeof(VsAnnSuspect) * search->capacity);
	search->detail_capacity = 1024;
	search->details = palloc(sizeof(DetailPage) * search->detail_capacity);
}

static void
end_search(DeadSearch *search)
{
	pfree(search->suspects);
	pfree(search->details);
}

/*
 * Makes room for n more suspects.  Returns false if that would exceed the
 * limit.
 */
static bool
reserve_suspects(DeadSearch *search, int64 n)
{
	int64		needed = search->n + n;

	if (needed > search->limit)
		return false;
	if (needed > search->capacity)
	{
		search->capacity = Min(Max(2 * search->capacity, needed), search->limit);
		search->suspects = repalloc_huge(search->suspects,
										 sizeof(VsAnnSuspect) * search->capacity);
	}
	return true;
}

static void
add_detail_page(DeadSearch *search, BlockNumber extent, BlockNumber detail)
{
	if (search->ndetails == search->detail_capacity)
	{
		search->detail_capacity *= 2;
		search->details = repalloc_huge(search->details, sizeof(DetailPage) * search->detail_capacity);
	}
	search->details[search->ndetails].extent = extent;
	search->details[search->ndetails++].detail = detail;
}

/*
 * Collects suspects from a detail page of n entries: every step'th one,
 * starting at first.  Skips entries that are flagged already.  Holds a share
 * lock on the page.
 */
static void
collect_suspects(DeadSearch *search, BlockNumber extent, BlockNumber detail, int first, int n, int step)
{
	const VsAnn *ann = search->ann;
	Buffer		buffer = vs_ann_detail_read(ann, detail, BUFFER_LOCK_SHARE, n);

	add_detail_page(search, extent, detail);
	for (int i = first; i < n; i += step)
	{
		VsAnnId		id;

		memcpy(&id, (char *) BufferGetPage(buffer) + vs_ann_detail_offset(&ann->geo, i),
			   sizeof(id));
		if ((id.flags & VS_ANN_DEAD) != 0)
			continue;
		vs_ann_id_check(ann, detail, &id);
		vs_ann_suspect(&id, (uint64) (search->ndetails - 1) << PLACE_BITS | i,
					   &search->suspects[search->n++]);
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * Flags n dead entries of one detail page.  The change holds the locks of the
 * extent's first page and of the detail page, so that the flags and the
 * extent's ndead agree after a crash too.
 */
static void
flag_entries(DeadSearch *search, const VsAnnSuspect *dead, int n)
{
	const VsAnn *ann = search->ann;
	const DetailPage *place = &search->details[dead->place >> PLACE_BITS];
	VsAnnChange change;
	Page		extent;
	Page		detail;

	vs_ann_change_begin(&change, ann);
	extent = vs_ann_change_read(&change, place->extent, VS_ANN_EXTENT);
	detail = vs_ann_change_read(&change, place->detail, VS_ANN_DETAIL);
	VS_ANN_EXTENT_HEADER(extent)->ndead += n;
	for (int i = 0; i < n; i++)
	{
		int			ordinal = dead[i].place & ((1 << PLACE_BITS) - 1);
		char	   *at = (char *) detail + vs_ann_detail_offset(&ann->geo, ordinal);
		VsAnnId		id;

		memcpy(&id, at, sizeof(id));
		id.flags |= VS_ANN_DEAD;
		memcpy(at, &id, sizeof(id));
	}
	vs_ann_change_commit(&change);
}

/*
 * Finds the dead among the suspects collected, flags their entries and
 * returns their number.  Each detail page is one change.  A crash between two
 * changes leaves some dead entries without a flag; a later search finds them.
 */
static int64
flag_collected(DeadSearch *search)
{
	int64		ndead = vs_ann_find_dead(search->ann, search->heap, search->suspects, search->n);
	int64		i = 0;

	sort_places(search->suspects, ndead);
	while (i < ndead)
	{
		const VsAnnSuspect *first = &search->suspects[i];
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		while (i < ndead &&
			   search->suspects[i].place >> PLACE_BITS == first->place >> PLACE_BITS)
		{
			i++;
			n++;
		}
		flag_entries(search, first, n);
	}
	search->n = 0;
	search->ndetails = 0;
	return ndead;
}

/*
 * No page is locked between two iterations.  When the next extent's entries
 * would exceed the limit, the suspects collected so far are processed first.
 */
int64
vs_ann_flag_dead(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir, int first, int n)
{
	const VsAnnGeometry *geo = &ann->geo;
	DeadSearch	search;
	int64		ndead = 0;

	begin_search(&search, ann, heap);
	for (int i = 0; i < n; i++)
	{
		BlockNumber block = dir->heads[(first + i) % dir->nlists];
		VsAnnExtent extent;
		VsAnnWalk	walk = {0};

		for (; block != InvalidBlockNumber; block = extent.header.next)
		{
			vs_ann_walk_step(ann, &walk, block);
			vs_ann_extent_read(ann, block, &extent);
			if (!reserve_suspects(&search, extent.header.nentries))
			{
				ndead += flag_collected(&search);
				reserve_suspects(&search, extent.header.nentries);
			}
			for (int j = 0; j < extent.header.nentries; j += geo->details_per_page)
				collect_suspects(&search, block, extent.pages[vs_ann_detail_page_of(geo, j)], 0,
								 Min(geo->details_per_page, extent.header.nentries - j), 1);
		}
	}
	ndead += flag_collected(&search);
	end_search(&search);
	return ndead;
}

/*
 * Collects a few suspects from one detail page of a list, chosen at random by
 * entry.
 */
static void
collect_sample(DeadSearch *search, BlockNumber head)
{
	const VsAnnGeometry *geo = &search->ann->geo;
	BlockNumber block = head;
	VsAnnExtent extent;
	VsAnnWalk	walk = {0};
	int64		ordinal;

	vs_ann_extent_read(search->ann, block, &extent);
	if (extent.header.list_entries == 0)
		return;
	ordinal = pg_prng_uint64_range(&pg_global_prng_state, 0, extent.header.list_entries - 1);
	while (ordinal >= extent.header.nentries && extent.header.next != InvalidBlockNumber)
	{
		ordinal -= extent.header.nentries;
		block = extent.header.next;
		vs_ann_walk_step(search->ann, &walk, block);
		vs_ann_extent_read(search->ann, block, &extent);
	}
	if (ordinal < extent.header.nentries)
	{
		int			before = ordinal / geo->details_per_page * geo->details_per_page;
		int			n = Min(geo->details_per_page, extent.header.nentries - before);

		collect_suspects(search, block, extent.pages[vs_ann_detail_page_of(geo, ordinal)],
						 0, n, Max(1, n / SAMPLED_ENTRIES));
	}
}

double
vs_ann_dead_share(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir)
{
	int			nlists = Min(dir->nlists, SAMPLED_LISTS);
	DeadSearch	search;
	double		share = 0;

	begin_search(&search, ann, heap);
	reserve_suspects(&search, nlists * 2 * SAMPLED_ENTRIES);
	for (int i = 0; i < nlists; i++)
		collect_sample(&search, dir->heads[(int64) i * dir->nlists / nlists]);
	if (search.n > 0)
	{
		sort_suspects(search.suspects, search.n);
		share = (double) move_dead_first(ann, heap, search.suspects, search.n) / search.n;
	}
	end_search(&search);
	return share;
}
