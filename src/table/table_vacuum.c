/*-------------------------------------------------------------------------
 * table_vacuum.c
 *	  VACUUM: heapam's, and then the values that no row names are given back.
 *
 * A tool that deletes rows with simple_heap_delete bypasses tuple_delete, which
 * releases their values.  heapam's VACUUM removes such rows, and their values
 * stay in the value store.  The reclaim marks these values deleted; VACUUM of
 * the value store, which follows, frees the space.
 *
 * The reclaim reads all of the store and of the table.  It runs if VACUUM is
 * aggressive, or if a sample says that the store has more values than the rows
 * name.
 *
 * Why a value that is deleted here is not needed
 *
 * The reclaim takes a snapshot S.  It leaves PROC_IN_VACUUM first, so that the
 * horizon of all backends stays at or before S's xmin until the end: from then
 * on no row version is removed whose deleter had not committed before S.
 * Candidates are values that S sees.  Then it reads all pages of the table and
 * collects the addresses in all row versions, visible or not.
 *
 * Let some snapshot, now or later, need a row version w that names a candidate
 * v.  Then the reclaim has read v's address:
 *
 * - If w was there at S, and its deleter had not committed before S, then w is
 *   not removed, and a tuple does not change its place.  The reclaim reads its
 *   page and finds it.
 * - If w was there at S, and its deleter had committed before S, then w may be
 *   removed before its page is read, but only after all snapshots that see it
 *   have ended.  (On a standby, replay of the removal ends them.)
 * - If w came after S, then w is the result of an update that kept the value.
 *   (A new row has a new value, and S does not see a value whose inserter has
 *   not committed; with the inserter the row has committed that it wrote.)  The
 *   version that was updated had no committed deleter at the time of the
 *   update.  So it had none at S, if it was there at S.  If it was not, then it
 *   came by an update itself.  The first version of the chain that was there
 *   at S names v and falls under the first case.
 *
 * The table does not shrink and is not rewritten meanwhile: VACUUM holds
 * ShareUpdateExclusiveLock.  COPY FREEZE, whose values S would see too early,
 * holds AccessExclusiveLock on its table.
 *
 * old_snapshot_threshold lets pruning go beyond all snapshots, and
 * zero_damaged_pages makes rows disappear.  With either the reclaim does not
 * run; nor does it go on when it meets a damaged row.
 *
 * Why the deletions are made in a subtransaction
 *
 * Other backends' snapshots leave out the transaction id of a backend in
 * VACUUM: they would take its deletions for aborted ones, and set a hint bit
 * that says so.  Truncation may have assigned an id to this transaction while
 * it had PROC_IN_VACUUM.  The id of a subtransaction that begins later is not
 * yet assigned for older snapshots, and is in progress for newer ones.
 *
 * Locks: RowExclusiveLock on the store, if available at once; then one page
 * at a time, share-locked.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/heapam.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "commands/vacuum.h"
#include "common/pg_prng.h"
#include "compat/compat.h"
#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "store/store.h"
#include "table/table_internal.h"
#include "table/table_row.h"
#include "util/stop_point.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* Pages that are read of each relation to decide whether to reclaim. */
#define SAMPLE_PAGES	64

/* Values that no row names are left if they are a smaller part of the store. */
#define TOLERATED_PART	(1.0 / 16)

/* An extrapolated number and its variance. */
typedef struct Estimate
{
	double		total;
	double		variance;
} Estimate;

typedef int (*BlockCounter) (Relation rel, BlockNumber block, Snapshot snapshot,
							 BufferAccessStrategy strategy);

/*
 * Whether heapam is going to read all pages that are not frozen.  Only this
 * decides for the table; heapam's own decision considers multixacts too.
 */
static bool
is_aggressive(Relation rel, const struct VacuumParams *params)
{
	int			age = params->freeze_table_age;

	if (age < 0)
		age = vacuum_freeze_table_age;
	age = Min(age, (int) (autovacuum_freeze_max_age * 0.95));
	return (params->options & VACOPT_DISABLE_PAGE_SKIPPING) != 0 ||
		(int32) (ReadNextTransactionId() - rel->rd_rel->relfrozenxid) >= age;
}

static void
count_name(void *arg, Oid address)
{
	*(int *) arg += 1;
}

/*
 * Number of values that row versions in the block name, of those versions that
 * the snapshot sees.  Counting ends at a damaged one.
 */
static int
count_named(Relation rel, BlockNumber block, Snapshot snapshot, BufferAccessStrategy strategy)
{
	Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	int			count = 0;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vs_page_names(rel, buffer, snapshot, count_name, &count);
	UnlockReleaseBuffer(buffer);
	return count;
}

/*
 * Extrapolates from pages at equal distances, which suits values that were
 * deleted in ranges.  Of a small relation all pages are read.
 */
static Estimate
estimate(Relation rel, BlockCounter counter, Snapshot snapshot, BufferAccessStrategy strategy)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	int			n = Min(nblocks, SAMPLE_PAGES);
	double		start = pg_prng_double(&pg_global_prng_state);
	double		sum = 0;
	double		squares = 0;
	Estimate	result = {0, 0};

	for (int i = 0; i < n; i++)
	{
		double		count;

		VS_VACUUM_DELAY_POINT();
		count = counter(rel, (BlockNumber) ((i + start) * nblocks / n), snapshot, strategy);
		sum += count;
		squares += count * count;
	}
	if (n > 0)
		result.total = sum / n * nblocks;
	if (n < nblocks)
		result.variance = Max(squares / n - sum / n * (sum / n), 0) / n * nblocks * nblocks;
	return result;
}

/*
 * Whether a sample says that the store has more values than rows name.
 */
static bool
seems_to_leak(Relation rel, Relation store, BufferAccessStrategy strategy)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Estimate	named = estimate(rel, count_named, snapshot, strategy);
	Estimate	stored = estimate(store, vs_store_block_count, snapshot, strategy);
	bool		exact = RelationGetNumberOfBlocks(rel) <= SAMPLE_PAGES &&
		RelationGetNumberOfBlocks(store) <= SAMPLE_PAGES;
	double		tolerated = exact ? 0 : stored.total * TOLERATED_PART + 2 * sqrt(named.variance + stored.variance);

	UnregisterSnapshot(snapshot);
	return stored.total - named.total > tolerated;
}

/*
 * Lets this backend hold back the horizon again, by a new snapshot, which takes
 * the place of the one that VACUUM has pushed.
 */
static void
hold_horizon(void)
{
	Assert(ActiveSnapshotSet());
	PopActiveSnapshot();
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->statusFlags &= ~PROC_IN_VACUUM;
	ProcGlobal->statusFlags[MyProc->pgxactoff] = MyProc->statusFlags;
	LWLockRelease(ProcArrayLock);
	PushActiveSnapshot(GetLatestSnapshot());
}

static void
note_name(void *arg, Oid address)
{
	vs_store_candidate_named(arg, address);
}

/*
 * Reports the addresses in all row versions to the candidates.  Returns false,
 * after a warning, if a row is damaged.
 */
static bool
read_names(Relation rel, VsCandidates *candidates, BufferAccessStrategy strategy)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);

	for (BlockNumber block = 0; block < nblocks; block++)
	{
		Buffer		buffer;
		bool		sound;

		VS_VACUUM_DELAY_POINT();
		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		sound = vs_page_names(rel, buffer, InvalidSnapshot, note_name, candidates);
		UnlockReleaseBuffer(buffer);
		if (!sound)
		{
			ereport(WARNING,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("page %u of table \"%s\" is damaged", block,
							RelationGetRelationName(rel)),
					 errdetail("Values that belong to no row are not removed.")));
			return false;
		}
		VS_STOP_POINT("reclaim: row page read");
	}
	return true;
}

/*
 * Deletes the candidates that no row names, in a subtransaction.
 */
static int64
delete_unnamed(VsCandidates *candidates)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int64		deleted;

	if (!vs_store_candidates_unnamed(candidates))
		return 0;
	BeginInternalSubTransaction(NULL);
	deleted = vs_store_candidates_delete(candidates, GetCurrentCommandId(true));
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return deleted;
}

static void
reclaim(Relation rel, Relation store, BufferAccessStrategy strategy, int elevel)
{
	int			memory = VS_IS_AUTOVACUUM_WORKER() && autovacuum_work_mem != -1 ?
		autovacuum_work_mem :
					 maintenance_work_mem;
	VsCandidates *candidates;
	int64		deleted = 0;

	hold_horizon();
	VS_STOP_POINT("reclaim: snapshot taken");
	candidates = vs_store_candidates_begin(store, GetActiveSnapshot(), strategy,
										   (Size) memory * 1024);
	while (vs_store_candidates_next(candidates) && read_names(rel, candidates, strategy))
		deleted += delete_unnamed(candidates);
	vs_store_candidates_end(candidates);
	if (deleted > 0)
		ereport(elevel,
				(errmsg("table \"%s\": removed " INT64_FORMAT " values that belong to no row",
						RelationGetRelationName(rel), deleted)));
}

/*
 * Opens the store for the reclaim if nothing stands against it, without waiting
 * for a lock.  Else returns NULL.
 */
static Relation
open_store(Relation rel)
{
	Relation	store;

	if (!vs_row_may_store(rel) || VS_SNAPSHOTS_GROW_OLD() || zero_damaged_pages ||
		VS_XIDS_RUN_OUT() ||
		!ConditionalLockRelationOid(rel->rd_rel->reltoastrelid, RowExclusiveLock))
		return NULL;
	store = table_open(rel->rd_rel->reltoastrelid, NoLock);
	if (vs_store_is_store(store))
		return store;
	table_close(store, NoLock);
	return NULL;
}

void
vs_table_relation_vacuum(Relation rel, struct VacuumParams *params,
						 BufferAccessStrategy strategy)
{
	bool		aggressive = is_aggressive(rel, params);
	Relation	store;

	vs_table_heap->relation_vacuum(rel, params, strategy);
	store = open_store(rel);
	if (store == NULL)
		return;
	if (aggressive || seems_to_leak(rel, store, strategy))
		reclaim(rel, store, strategy, (params->options & VACOPT_VERBOSE) != 0 ? INFO : DEBUG1);
	table_close(store, NoLock);
}
