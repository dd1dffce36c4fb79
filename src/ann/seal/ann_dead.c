/*-------------------------------------------------------------------------
 * ann_dead.c
 *	  Entries of dead rows, found without waiting for VACUUM.
 *
 * An upsert leaves the entry of the old row version behind.  Only the table knows
 * when nobody can see that version any more, so it is asked: entries are sorted by TID,
 * and each page of the table is looked at once.  An entry may go when all
 * of its HOT chain may; its line pointer is not reused before VACUUM has flagged the
 * entry, which takes the seal lock that the caller holds.
 *
 * A standby's snapshot can be older than all of the primary's.  Before entries of rows
 * go that it could see, the transaction that removed the last of them is logged, which
 * cancels such queries (invariant A9).
 *
 * vs_ann_flag_dead flags dead entries of lists, as ambulkdelete does.  Locks: a page of the
 * table alone; then first page of an extent and a detail page.
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

/* TIDs that the table is asked about at once; int16 numbers them. */
#define HORIZON_BATCH	4096

/* Suspects that there is room for at first. */
#define FIRST_SUSPECTS	1024

/* Lists, and entries of each, that are looked at to estimate the share of dead ones. */
#define SAMPLED_LISTS	64
#define SAMPLED_ENTRIES	8

static void
row_tid(const VsAnnSuspect *suspect, ItemPointer tid)
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

/* Moves those dead to everybody to the front; returns how many.  Sorted by row. */
static int64
move_dead_first(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects, int64 n)
{
	SnapshotData anybody;
	BlockNumber nblocks = RelationGetNumberOfBlocks(heap);
	BlockNumber block = InvalidBlockNumber;
	Buffer		buffer = InvalidBuffer;
	int64		ndead = 0;

	InitNonVacuumableSnapshot(anybody, GlobalVisTestFor(heap));
	for (int64 i = 0; i < n; i++)
	{
		VsAnnSuspect suspect = suspects[i];
		ItemPointerData tid;
		HeapTupleData tuple;

		row_tid(&suspect, &tid);
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
		if (heap_hot_search_buffer(&tid, heap, buffer, &anybody, &tuple, NULL, true))
			continue;
		suspects[i] = suspects[ndead];
		suspects[ndead++] = suspect;
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	return ndead;
}

/* The last transaction that made one of these rows, all dead, invisible. */
static TransactionId
conflict_horizon(const VsAnn *ann, Relation heap, const VsAnnSuspect *dead, int64 n)
{
	TM_IndexDelete *tids = palloc(sizeof(TM_IndexDelete) * HORIZON_BATCH);
	TM_IndexStatus *status = palloc(sizeof(TM_IndexStatus) * HORIZON_BATCH);
	TransactionId horizon = InvalidTransactionId;

	for (int64 done = 0; done < n; done += HORIZON_BATCH)
	{
		TM_IndexDeleteOp op = {0};
		TransactionId latest;

		CHECK_FOR_INTERRUPTS();
		op.irel = ann->index;
		op.iblknum = VS_ANN_META_BLKNO;
		op.ndeltids = Min(HORIZON_BATCH, n - done);
		op.deltids = tids;
		op.status = status;
		for (int i = 0; i < op.ndeltids; i++)
		{
			row_tid(&dead[done + i], &tids[i].tid);
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
 * Finds those dead to everybody, and moves them to the front; returns how many.
 * Standbys have been told when it returns.  Needs the seal lock, no buffer lock.
 */
int64
vs_ann_find_dead(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects, int64 n)
{
	int64		ndead;

	sort_suspects(suspects, n);
	ndead = move_dead_first(ann, heap, suspects, n);
	if (ndead > 0 && RelationNeedsWAL(ann->index) && XLogStandbyInfoActive())
	{
		TransactionId horizon = conflict_horizon(ann, heap, suspects, ndead);

		if (TransactionIdIsValid(horizon))
			vs_compat_log_reuse_page(ann->index, VS_ANN_META_BLKNO,
									 vs_compat_full_xid(horizon));
	}
	return ndead;
}

/* ---- flagging the dead of lists ---- */

/* A detail page that was looked at. */
typedef struct Place
{
	BlockNumber extent;
	BlockNumber detail;
} Place;

/* place of a suspect: number of the detail page, and of the entry on it */
#define PLACE_BITS	16

typedef struct Prune
{
	const VsAnn *ann;
	Relation	heap;
	VsAnnSuspect *suspects;
	int64		n;
	int64		capacity;		/* of suspects */
	int64		limit;			/* to which they may grow */
	Place	   *places;
	int			nplaces;
	int			place_capacity;
} Prune;

/* Suspects take about the work memory at most, and no more than there are. */
static void
prune_begin(Prune *prune, const VsAnn *ann, Relation heap)
{
	Size		fit = vs_ann_work_memory() / sizeof(VsAnnSuspect);

	memset(prune, 0, sizeof(*prune));
	prune->ann = ann;
	prune->heap = heap;
	prune->limit = Max(fit, 4 * (Size) ann->geo.extent_entries);
	prune->capacity = Min(FIRST_SUSPECTS, prune->limit);
	prune->suspects = palloc(sizeof(VsAnnSuspect) * prune->capacity);
	prune->place_capacity = 1024;
	prune->places = palloc(sizeof(Place) * prune->place_capacity);
}

static void
prune_end(Prune *prune)
{
	pfree(prune->suspects);
	pfree(prune->places);
}

/* Makes room for n suspects more; false if that would exceed the limit. */
static bool
make_room(Prune *prune, int64 n)
{
	int64		needed = prune->n + n;

	if (needed > prune->limit)
		return false;
	if (needed > prune->capacity)
	{
		prune->capacity = Min(Max(2 * prune->capacity, needed), prune->limit);
		prune->suspects = repalloc_huge(prune->suspects,
										sizeof(VsAnnSuspect) * prune->capacity);
	}
	return true;
}

static void
add_place(Prune *prune, BlockNumber extent, BlockNumber detail)
{
	if (prune->nplaces == prune->place_capacity)
	{
		prune->place_capacity *= 2;
		prune->places = repalloc_huge(prune->places, sizeof(Place) * prune->place_capacity);
	}
	prune->places[prune->nplaces].extent = extent;
	prune->places[prune->nplaces++].detail = detail;
}

/* Takes the entries from first on, each step'th, of one detail page. */
static void
suspect_page(Prune *prune, BlockNumber extent, BlockNumber detail, int first, int n, int step)
{
	const VsAnn *ann = prune->ann;
	Buffer		buffer = vs_ann_detail_read(ann, detail, BUFFER_LOCK_SHARE, n);

	add_place(prune, extent, detail);
	for (int i = first; i < n; i += step)
	{
		VsAnnId		id;

		memcpy(&id, (char *) BufferGetPage(buffer) + vs_ann_detail_offset(&ann->geo, i),
			   sizeof(id));
		if ((id.flags & VS_ANN_DEAD) != 0)
			continue;
		vs_ann_id_check(ann, detail, &id);
		vs_ann_suspect(&id, (uint64) (prune->nplaces - 1) << PLACE_BITS | i,
					   &prune->suspects[prune->n++]);
	}
	UnlockReleaseBuffer(buffer);
}

static void
flag_page(Prune *prune, const VsAnnSuspect *dead, int n)
{
	const VsAnn *ann = prune->ann;
	const Place *place = &prune->places[dead->place >> PLACE_BITS];
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

/* Asks about those taken, and flags the dead; returns how many. */
static int64
flag_dead(Prune *prune)
{
	int64		ndead = vs_ann_find_dead(prune->ann, prune->heap, prune->suspects, prune->n);
	int64		i = 0;

	sort_places(prune->suspects, ndead);
	while (i < ndead)
	{
		const VsAnnSuspect *first = &prune->suspects[i];
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		while (i < ndead &&
			   prune->suspects[i].place >> PLACE_BITS == first->place >> PLACE_BITS)
		{
			i++;
			n++;
		}
		flag_page(prune, first, n);
	}
	prune->n = 0;
	prune->nplaces = 0;
	return ndead;
}

/*
 * Flags the dead among the entries of n lists from first on (and round to
 * list 0); returns how many.  Needs the seal lock.
 */
int64
vs_ann_flag_dead(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir, int first, int n)
{
	const VsAnnGeometry *geo = &ann->geo;
	Prune		prune;
	int64		ndead = 0;

	prune_begin(&prune, ann, heap);
	for (int i = 0; i < n; i++)
	{
		BlockNumber block = dir->heads[(first + i) % dir->nlists];
		VsAnnExtent extent;
		VsAnnWalk	walk = {0};

		for (; block != InvalidBlockNumber; block = extent.header.next)
		{
			vs_ann_walk_step(ann, &walk, block);
			vs_ann_extent_read(ann, block, &extent);
			if (!make_room(&prune, extent.header.nentries))
			{
				ndead += flag_dead(&prune);
				make_room(&prune, extent.header.nentries);
			}
			for (int j = 0; j < extent.header.nentries; j += geo->details_per_page)
				suspect_page(&prune, block, extent.pages[vs_ann_detail_page_of(geo, j)], 0,
							 Min(geo->details_per_page, extent.header.nentries - j), 1);
		}
	}
	ndead += flag_dead(&prune);
	prune_end(&prune);
	return ndead;
}

/* Takes a few entries of a detail page of a list, any. */
static void
sample_list(Prune *prune, BlockNumber head)
{
	const VsAnnGeometry *geo = &prune->ann->geo;
	BlockNumber block = head;
	VsAnnExtent extent;
	VsAnnWalk	walk = {0};
	int64		ordinal;

	vs_ann_extent_read(prune->ann, block, &extent);
	if (extent.header.list_entries == 0)
		return;
	ordinal = pg_prng_uint64_range(&pg_global_prng_state, 0, extent.header.list_entries - 1);
	while (ordinal >= extent.header.nentries && extent.header.next != InvalidBlockNumber)
	{
		ordinal -= extent.header.nentries;
		block = extent.header.next;
		vs_ann_walk_step(prune->ann, &walk, block);
		vs_ann_extent_read(prune->ann, block, &extent);
	}
	if (ordinal < extent.header.nentries)
	{
		int			before = ordinal / geo->details_per_page * geo->details_per_page;
		int			n = Min(geo->details_per_page, extent.header.nentries - before);

		suspect_page(prune, block, extent.pages[vs_ann_detail_page_of(geo, ordinal)],
					 0, n, Max(1, n / SAMPLED_ENTRIES));
	}
}

/* About which share of the entries not flagged in lists is dead.  Flags nothing. */
double
vs_ann_dead_share(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir)
{
	int			nlists = Min(dir->nlists, SAMPLED_LISTS);
	Prune		prune;
	double		share = 0;

	prune_begin(&prune, ann, heap);
	make_room(&prune, nlists * 2 * SAMPLED_ENTRIES);
	for (int i = 0; i < nlists; i++)
		sample_list(&prune, dir->heads[(int64) i * dir->nlists / nlists]);
	if (prune.n > 0)
	{
		sort_suspects(prune.suspects, prune.n);
		share = (double) move_dead_first(ann, heap, prune.suspects, prune.n) / prune.n;
	}
	prune_end(&prune);
	return share;
}
