/*-------------------------------------------------------------------------
 * table_validate.c
 *	  The second scan of CREATE INDEX CONCURRENTLY.
 *
 * Merges the rows that the snapshot sees with the sorted TIDs that the index
 * has already, and inserts the missing ones.  It does the same as heapam's
 * scan, but reads by heap_getnextslot (see table_build.c).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "table/table_build.h"
#include "table/table_internal.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

/*
 * Cursor over the index's TIDs, which come in order.  Rows come in the order
 * of their own offsets but are compared by the offsets of their roots, so the
 * cursor may already be past a root of the current page; passed[] remembers
 * those.
 */
typedef struct IndexCursor
{
	Tuplesortstate *sort;
	bool		valid;
	bool		exhausted;
	ItemPointerData tid;
	bool		passed[MaxHeapTuplesPerPage];
} IndexCursor;

static void
cursor_advance(IndexCursor *cursor, BlockNumber page)
{
	Datum		value;
	bool		isnull;

	if (cursor->valid && ItemPointerGetBlockNumber(&cursor->tid) == page)
		cursor->passed[ItemPointerGetOffsetNumber(&cursor->tid) - 1] = true;

	cursor->exhausted = !VS_TUPLESORT_GETDATUM(cursor->sort, &value, &isnull);
	cursor->valid = !cursor->exhausted;
	if (cursor->exhausted)
		return;
	itemptr_decode(&cursor->tid, DatumGetInt64(value));
#ifndef USE_FLOAT8_BYVAL
	pfree(DatumGetPointer(value));
#endif
}

/*
 * Whether the index has an entry for the root TID, which is on 'page'.
 */
static bool
cursor_finds(IndexCursor *cursor, ItemPointer root, BlockNumber page)
{
	while (!cursor->exhausted &&
		   (!cursor->valid || ItemPointerCompare(&cursor->tid, root) < 0))
		cursor_advance(cursor, page);
	if (cursor->valid && ItemPointerCompare(&cursor->tid, root) == 0)
		return true;
	return cursor->passed[ItemPointerGetOffsetNumber(root) - 1];
}

void
vs_table_index_validate_scan(Relation rel, Relation index, IndexInfo *info,
							 Snapshot snapshot, ValidateIndexState *state)
{
	TableScanDesc scan;
	HeapScanDesc heap_scan;
	VsBuildEval eval;
	VsRootMap	roots;
	IndexCursor cursor;
	BlockNumber reported = InvalidBlockNumber;
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	/* the value store's index stays empty */
	if (rel->rd_rel->relkind == RELKIND_TOASTVALUE)
		return;

	vs_build_eval_begin(&eval, rel, info);
	roots.block = InvalidBlockNumber;
	memset(&cursor, 0, sizeof(cursor));
	cursor.sort = state->tuplesort;

	/* from block 0 on, to match the sorted TIDs: no synchronized scan */
	scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, false);
	heap_scan = (HeapScanDesc) scan;
	pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_TOTAL, heap_scan->rs_nblocks);

	while (heap_getnextslot(scan, ForwardScanDirection, eval.slot))
	{
		HeapTuple	tuple = ExecFetchSlotHeapTuple(eval.slot, false, NULL);
		Buffer		buffer = heap_scan->rs_cbuf;
		ItemPointerData root;

		CHECK_FOR_INTERRUPTS();
		state->htups += 1;
		if (heap_scan->rs_cblock != reported)
		{
			reported = heap_scan->rs_cblock;
			pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, reported);
		}

		if (vs_root_map_page(&roots, buffer))
			memset(cursor.passed, 0, sizeof(cursor.passed));
		root = vs_root_map_tid(&roots, rel, buffer, tuple);
		if (cursor_finds(&cursor, &root, roots.block))
			continue;

		if (!vs_build_eval_tuple(&eval, values, isnull))
			continue;
		index_insert(index, values, isnull, &root, rel,
					 info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
		state->tups_inserted += 1;
	}

	table_endscan(scan);
	vs_build_eval_end(&eval);
}
