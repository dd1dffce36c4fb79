/*-------------------------------------------------------------------------
 * table_build.c
 *	  Index build scan.
 *
 * heapam's own scan reads by heap_getnext, which refuses a relation of another
 * access method.  This scan reads by heap_getnextslot, and otherwise indexes,
 * counts and waits as heapam's does.
 *
 * Under SnapshotAny, HeapTupleSatisfiesVacuum judges each tuple.  Live and
 * recently dead tuples are indexed, because old snapshots may need them.  Of a
 * HOT chain only the last tuple is indexed, under the TID of its root.
 *
 * The value store's index stays empty: only the address locates a value, and
 * heapam's toaster, which looks there for chunks to delete, must find none.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/multixact.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "table/table_build.h"
#include "table/table_internal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

typedef struct BuildState
{
	Relation	rel;
	IndexInfo  *info;
	TableScanDesc scan;
	HeapScanDesc heap_scan;
	bool		anyvisible;
	bool		checking_uniqueness;
	bool		system_catalog;
	TransactionId oldest_xmin;	/* Invalid: the scan's snapshot decides */
	double		reltuples;
	VsBuildEval eval;
	VsRootMap	roots;
} BuildState;

static bool judge_tuple(BuildState *state, HeapTuple tuple, bool *alive);
static bool judge_insert_in_progress(BuildState *state, HeapTuple tuple, bool *index_it);
static bool judge_delete_in_progress(BuildState *state, HeapTuple tuple, bool *index_it);
static BlockNumber blocks_done(HeapScanDesc scan);
static BlockNumber blocks_total(HeapScanDesc scan);

void
vs_build_eval_begin(VsBuildEval *eval, Relation rel, IndexInfo *info)
{
	eval->info = info;
	eval->estate = CreateExecutorState();
	eval->econtext = GetPerTupleExprContext(eval->estate);
	eval->slot = table_slot_create(rel, NULL);
	eval->econtext->ecxt_scantuple = eval->slot;
	eval->predicate = ExecPrepareQual(info->ii_Predicate, eval->estate);
}

bool
vs_build_eval_tuple(VsBuildEval *eval, Datum *values, bool *isnull)
{
	MemoryContextReset(eval->econtext->ecxt_per_tuple_memory);
	if (eval->predicate != NULL && !ExecQual(eval->predicate, eval->econtext))
		return false;
	FormIndexDatum(eval->info, eval->slot, eval->estate, values, isnull);
	return true;
}

void
vs_build_eval_end(VsBuildEval *eval)
{
	ExecDropSingleTupleTableSlot(eval->slot);
	FreeExecutorState(eval->estate);

	/* these point into the executor state, which is gone */
	eval->info->ii_ExpressionsState = NIL;
	eval->info->ii_PredicateState = NULL;
}

static void
root_map_read(VsRootMap *map, Buffer buffer)
{
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	heap_get_root_tuples(BufferGetPage(buffer), map->offsets);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

/*
 * The pin keeps pruning away, so the map stays valid, except for HOT chains
 * that begin later.
 */
bool
vs_root_map_page(VsRootMap *map, Buffer buffer)
{
	BlockNumber block = BufferGetBlockNumber(buffer);

	if (map->block == block)
		return false;
	root_map_read(map, buffer);
	map->block = block;
	return true;
}

ItemPointerData
vs_root_map_tid(VsRootMap *map, Relation rel, Buffer buffer, HeapTuple tuple)
{
	ItemPointerData tid = tuple->t_self;
	OffsetNumber offset = ItemPointerGetOffsetNumber(&tid);

	if (!HeapTupleIsHeapOnly(tuple))
		return tid;

	/* the chain may have begun after the map was read */
	if (map->offsets[offset - 1] == InvalidOffsetNumber)
		root_map_read(map, buffer);
	if (!OffsetNumberIsValid(map->offsets[offset - 1]))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg_internal("failed to find parent tuple for heap-only tuple at (%u,%u) in table \"%s\"",
								 ItemPointerGetBlockNumber(&tid), offset,
								 RelationGetRelationName(rel))));
	ItemPointerSetOffsetNumber(&tid, map->offsets[offset - 1]);
	return tid;
}

double
vs_table_index_build_range_scan(Relation rel, Relation index, IndexInfo *info,
								bool allow_sync, bool anyvisible, bool progress,
								BlockNumber start, BlockNumber nblocks,
								IndexBuildCallback callback, void *callback_state,
								TableScanDesc scan)
{
	BuildState	state;
	Snapshot	registered = NULL;
	BlockNumber reported = InvalidBlockNumber;
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	if (rel->rd_rel->relkind == RELKIND_TOASTVALUE)
	{
		if (scan)
			table_endscan(scan);
		return 0;
	}

	state.rel = rel;
	state.info = info;
	state.anyvisible = anyvisible;
	state.checking_uniqueness = info->ii_Unique || info->ii_ExclusionOps != NULL;
	state.system_catalog = IsSystemRelation(rel);
	state.reltuples = 0;
	state.roots.block = InvalidBlockNumber;
	Assert(!(anyvisible && state.checking_uniqueness));
	vs_build_eval_begin(&state.eval, rel, info);

	/*
	 * A plain build must see recently dead tuples too; a concurrent build
	 * indexes the tuples that its snapshot sees.  A parallel build brings its
	 * own scan, set up by the same rule.
	 */
	state.oldest_xmin = InvalidTransactionId;
	if (!info->ii_Concurrent)
		state.oldest_xmin = GetOldestNonRemovableTransactionId(rel);
	if (scan == NULL)
	{
		Snapshot	snapshot = SnapshotAny;

		if (info->ii_Concurrent)
			snapshot = registered = RegisterSnapshot(GetTransactionSnapshot());
		scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, allow_sync);
	}
	Assert((scan->rs_snapshot == SnapshotAny) == TransactionIdIsValid(state.oldest_xmin));
	state.scan = scan;
	state.heap_scan = (HeapScanDesc) scan;

	if (progress)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_TOTAL, blocks_total(state.heap_scan));
	if (!allow_sync)
		heap_setscanlimits(scan, start, nblocks);

	while (heap_getnextslot(scan, ForwardScanDirection, state.eval.slot))
	{
		bool		should_free;
		HeapTuple	tuple = ExecFetchSlotHeapTuple(state.eval.slot, false, &should_free);
		Buffer		buffer = state.heap_scan->rs_cbuf;
		ItemPointerData tid;
		bool		alive;

		Assert(!should_free);
		CHECK_FOR_INTERRUPTS();
		if (progress && blocks_done(state.heap_scan) != reported)
		{
			reported = blocks_done(state.heap_scan);
			pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, reported);
		}

		vs_root_map_page(&state.roots, buffer);
		if (!judge_tuple(&state, tuple, &alive))
			continue;
		if (!vs_build_eval_tuple(&state.eval, values, isnull))
			continue;
		tid = vs_root_map_tid(&state.roots, rel, buffer, tuple);
		callback(index, &tid, values, isnull, alive, callback_state);
	}

	if (progress)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, blocks_total(state.heap_scan));

	/* the slot pins the scan's last page; end both */
	table_endscan(scan);
	if (registered)
		UnregisterSnapshot(registered);
	vs_build_eval_end(&state.eval);
	return state.reltuples;
}

/*
 * Returns whether to index the tuple, and in *alive whether it counts as alive
 * for a uniqueness check.  Counts it in reltuples by ANALYZE's rule.  May wait
 * for the transaction that is inserting or deleting it.  Needs a pin on the
 * page, and locks it meanwhile.
 */
static bool
judge_tuple(BuildState *state, HeapTuple tuple, bool *alive)
{
	Buffer		buffer = state->heap_scan->rs_cbuf;

	if (!TransactionIdIsValid(state->oldest_xmin))
	{
		*alive = true;
		state->reltuples += 1;
		return true;
	}

	for (;;)
	{
		bool		index_it = true;
		bool		decided = true;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		switch (HeapTupleSatisfiesVacuum(tuple, state->oldest_xmin, buffer))
		{
			case HEAPTUPLE_DEAD:
				index_it = false;
				*alive = false;
				break;
			case HEAPTUPLE_LIVE:
				*alive = true;
				state->reltuples += 1;
				break;
			case HEAPTUPLE_RECENTLY_DEAD:
				*alive = false;
				if (HeapTupleIsHotUpdated(tuple))
				{
					/*
					 * the index has the chain's end only: not for old
					 * snapshots
					 */
					index_it = false;
					state->info->ii_BrokenHotChain = true;
				}
				break;
			case HEAPTUPLE_INSERT_IN_PROGRESS:
				*alive = true;
				decided = judge_insert_in_progress(state, tuple, &index_it);
				break;
			case HEAPTUPLE_DELETE_IN_PROGRESS:
				*alive = false;
				decided = judge_delete_in_progress(state, tuple, &index_it);
				break;
			default:
				elog(ERROR, "unexpected HeapTupleSatisfiesVacuum result");
		}
		if (decided)
		{
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
			return index_it;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Unlocks the page and waits for the transaction.
 */
static void
wait_for_transaction(BuildState *state, HeapTuple tuple, TransactionId xid)
{
	LockBuffer(state->heap_scan->rs_cbuf, BUFFER_LOCK_UNLOCK);
	XactLockTableWait(xid, state->rel, &tuple->t_self, XLTW_InsertIndexUnique);
}

/*
 * Both judge_*_in_progress need the page locked.  They return true with the
 * page still locked and *index_it set; or false after they have waited, with
 * the page unlocked: the caller must judge the tuple again.
 *
 * The build's lock keeps other writers away, so such tuples are normally this
 * transaction's own; those of other transactions occur in system catalogs only.
 */
static bool
judge_insert_in_progress(BuildState *state, HeapTuple tuple, bool *index_it)
{
	TransactionId xid = HeapTupleHeaderGetXmin(tuple->t_data);

	*index_it = true;
	if (!state->anyvisible && !TransactionIdIsCurrentTransactionId(xid))
	{
		if (!state->system_catalog)
			elog(WARNING, "concurrent insert in progress within table \"%s\"",
				 RelationGetRelationName(state->rel));
		if (state->checking_uniqueness)
		{
			wait_for_transaction(state, tuple, xid);
			return false;
		}
		return true;
	}
	state->reltuples += 1;
	return true;
}

static bool
judge_delete_in_progress(BuildState *state, HeapTuple tuple, bool *index_it)
{
	TransactionId xid = HeapTupleHeaderGetUpdateXid(tuple->t_data);

	*index_it = true;
	if (state->anyvisible)
	{
		state->reltuples += 1;
		return true;
	}
	if (TransactionIdIsCurrentTransactionId(xid))
	{
		/*
		 * assume that the deletion commits: if not, the index does not matter
		 */
		if (HeapTupleIsHotUpdated(tuple))
		{
			*index_it = false;
			state->info->ii_BrokenHotChain = true;
		}
		return true;
	}

	if (!state->system_catalog)
		elog(WARNING, "concurrent delete in progress within table \"%s\"",
			 RelationGetRelationName(state->rel));

	/*
	 * A HOT-updated tuple is indexed only if the deletion aborts, and a
	 * uniqueness check depends on it too.
	 */
	if (state->checking_uniqueness || HeapTupleIsHotUpdated(tuple))
	{
		wait_for_transaction(state, tuple, xid);
		return false;
	}
	state->reltuples += 1;
	return true;
}

static BlockNumber
blocks_total(HeapScanDesc scan)
{
	if (scan->rs_base.rs_parallel != NULL)
		return ((ParallelBlockTableScanDesc) scan->rs_base.rs_parallel)->phs_nblocks;
	return scan->rs_nblocks;
}

/*
 * Number of blocks scanned so far; a scan may start in the middle.
 */
static BlockNumber
blocks_done(HeapScanDesc scan)
{
	BlockNumber start = scan->rs_startblock;

	if (scan->rs_base.rs_parallel != NULL)
		start = ((ParallelBlockTableScanDesc) scan->rs_base.rs_parallel)->phs_startblock;
	if (scan->rs_cblock > start)
		return scan->rs_cblock - start;
	return blocks_total(scan) - start + scan->rs_cblock;
}
