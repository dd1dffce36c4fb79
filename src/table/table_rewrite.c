/*-------------------------------------------------------------------------
 * table_rewrite.c
 *	  VACUUM FULL and CLUSTER: rows by rewriteheap, values into a new store.
 *
 * A rewrite moves every chunk, so each value is stored again and the row is
 * formed with its new pointer.  Rows come in heapam's order (scan, index scan
 * or sort), and rewriteheap places them.
 *
 * Rows that some old snapshot may still see are copied too.  Versions of one
 * row share a value that an update kept, and the copies must share it again.
 * Values that only deleted versions have must be marked deleted again:
 * otherwise nothing would ever reclaim them.  ShareEntry records both by old
 * address, for the versions that can share; a table without such rows has no
 * entries.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/rewriteheap.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "table/table_internal.h"
#include "table/table_row.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

/* A value that several versions of a row may share. */
typedef struct ShareEntry
{
	Oid			old_address;	/* hash key */
	Oid			address;		/* in the new store */
	bool		live;			/* some version that is not deleted has it */
} ShareEntry;

typedef struct CopyState
{
	Relation	old_rel;
	Relation	new_rel;
	Relation	old_store;		/* NULL: the table has none */
	Relation	new_store;
	RewriteState rewrite;
	TransactionId oldest_xmin;
	CommandId	cid;
	HTAB	   *shares;
	MemoryContext context;		/* lives until rewriteheap has ended */
	Datum	   *values;
	bool	   *isnull;
	double	   *num_tuples;
	double	   *tups_vacuumed;
	double	   *tups_recently_dead;
} CopyState;

static void copy_begin(CopyState *state);
static void copy_end(CopyState *state);
static void copy_in_scan_order(CopyState *state, Relation index, Tuplesortstate *sort);
static void copy_sorted(CopyState *state, Tuplesortstate *sort);
static bool must_copy(CopyState *state, HeapTuple tuple, Buffer buffer);
static void copy_row(CopyState *state, HeapTuple tuple);

/* logical decoding skips the new values: the table's content is the same */
#define REWRITE_OPTIONS		(HEAP_INSERT_SKIP_FSM | HEAP_INSERT_NO_LOGICAL)

void
vs_table_copy_for_cluster(Relation old_rel, Relation new_rel, Relation index,
						  bool use_sort, TransactionId oldest_xmin,
						  TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
						  double *num_tuples, double *tups_vacuumed,
						  double *tups_recently_dead)
{
	CopyState	state;
	Tuplesortstate *sort = NULL;

	if (old_rel->rd_rel->relkind == RELKIND_TOASTVALUE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot rewrite value store \"%s\" by itself",
						RelationGetRelationName(old_rel)),
				 errdetail("The rows of its table hold the addresses of its values."),
				 errhint("Use VACUUM FULL or CLUSTER on the table.")));

	state.old_rel = old_rel;
	state.new_rel = new_rel;
	state.oldest_xmin = oldest_xmin;
	state.num_tuples = num_tuples;
	state.tups_vacuumed = tups_vacuumed;
	state.tups_recently_dead = tups_recently_dead;
	copy_begin(&state);
	state.rewrite = begin_heap_rewrite(old_rel, new_rel, oldest_xmin, *xid_cutoff,
									   *multi_cutoff);

	if (use_sort)
		sort = tuplesort_begin_cluster(RelationGetDescr(old_rel), index,
									   maintenance_work_mem, NULL, TUPLESORT_NONE);
	copy_in_scan_order(&state, index, sort);
	if (sort != NULL)
		copy_sorted(&state, sort);

	end_heap_rewrite(state.rewrite);
	copy_end(&state);
}

static void
copy_begin(CopyState *state)
{
	int			natts = Max(RelationGetNumberOfAttributes(state->old_rel),
							RelationGetNumberOfAttributes(state->new_rel));
	HASHCTL		control;

	state->context = AllocSetContextCreate(CurrentMemoryContext, "vecstore rewrite",
										   ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(ShareEntry);
	control.hcxt = state->context;
	state->shares = hash_create("vecstore shared values", 256, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	state->values = MemoryContextAlloc(state->context, natts * sizeof(Datum));
	state->isnull = MemoryContextAlloc(state->context, natts * sizeof(bool));
	state->cid = GetCurrentCommandId(true);
	state->old_store = NULL;
	state->new_store = NULL;
	if (OidIsValid(state->old_rel->rd_rel->reltoastrelid))
		state->old_store = vs_store_open(state->old_rel, AccessShareLock);
	if (OidIsValid(state->new_rel->rd_rel->reltoastrelid))
		state->new_store = vs_store_open(state->new_rel, RowExclusiveLock);
}

/*
 * Marks those values deleted that only deleted versions have, and cleans up.
 */
static void
copy_end(CopyState *state)
{
	HASH_SEQ_STATUS scan;
	ShareEntry *entry;
	bool		counted = false;

	hash_seq_init(&scan, state->shares);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->live)
			continue;
		if (!counted)
		{
			/* a tuple cannot be deleted by the command that inserted it */
			CommandCounterIncrement();
			counted = true;
		}
		vs_store_release(state->new_store, entry->address, GetCurrentCommandId(true), false);
	}
	if (state->old_store != NULL)
		table_close(state->old_store, NoLock);
	if (state->new_store != NULL)
		table_close(state->new_store, NoLock);
	MemoryContextDelete(state->context);
}

/*
 * Scans the table, by the index if there is one and no sort, and copies each
 * row or puts it into the sort.
 */
static void
copy_in_scan_order(CopyState *state, Relation index, Tuplesortstate *sort)
{
	TupleTableSlot *slot = table_slot_create(state->old_rel, NULL);
	IndexScanDesc index_scan = NULL;
	TableScanDesc scan = NULL;
	HeapScanDesc heap_scan = NULL;
	BlockNumber reported = InvalidBlockNumber;

	if (index != NULL && sort == NULL)
	{
		const int	params[] = {PROGRESS_CLUSTER_PHASE, PROGRESS_CLUSTER_INDEX_RELID};
		const int64 values[] = {PROGRESS_CLUSTER_PHASE_INDEX_SCAN_HEAP, RelationGetRelid(index)};

		pgstat_progress_update_multi_param(2, params, values);
		index_scan = VS_INDEX_BEGINSCAN(state->old_rel, index, SnapshotAny, 0, 0);
		index_rescan(index_scan, NULL, 0, NULL, 0);
	}
	else
	{
		pgstat_progress_update_param(PROGRESS_CLUSTER_PHASE, PROGRESS_CLUSTER_PHASE_SEQ_SCAN_HEAP);
		scan = table_beginscan(state->old_rel, SnapshotAny, 0, NULL);
		heap_scan = (HeapScanDesc) scan;
		pgstat_progress_update_param(PROGRESS_CLUSTER_TOTAL_HEAP_BLKS, heap_scan->rs_nblocks);
	}

	while (index_scan != NULL ?
		   index_getnext_slot(index_scan, ForwardScanDirection, slot) :
		   table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, NULL);

		CHECK_FOR_INTERRUPTS();
		if (index_scan != NULL && index_scan->xs_recheck)
			elog(ERROR, "CLUSTER does not support lossy index conditions");
		if (heap_scan != NULL && heap_scan->rs_cblock != reported)
		{
			/* the scan may have started in the middle */
			reported = heap_scan->rs_cblock;
			pgstat_progress_update_param(PROGRESS_CLUSTER_HEAP_BLKS_SCANNED,
										 (reported + heap_scan->rs_nblocks -
										  heap_scan->rs_startblock) %
										 heap_scan->rs_nblocks +
										 1);
		}

		if (!must_copy(state, tuple, ((BufferHeapTupleTableSlot *) slot)->buffer))
			continue;
		*state->num_tuples += 1;
		if (sort != NULL)
			tuplesort_putheaptuple(sort, tuple);
		else
		{
			copy_row(state, tuple);
			pgstat_progress_update_param(PROGRESS_CLUSTER_HEAP_TUPLES_WRITTEN,
										 *state->num_tuples);
		}
		pgstat_progress_update_param(PROGRESS_CLUSTER_HEAP_TUPLES_SCANNED, *state->num_tuples);
	}

	if (heap_scan != NULL)
		pgstat_progress_update_param(PROGRESS_CLUSTER_HEAP_BLKS_SCANNED, heap_scan->rs_nblocks);
	if (index_scan != NULL)
		index_endscan(index_scan);
	if (scan != NULL)
		table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

static void
copy_sorted(CopyState *state, Tuplesortstate *sort)
{
	HeapTuple	tuple;
	double		written = 0;

	pgstat_progress_update_param(PROGRESS_CLUSTER_PHASE, PROGRESS_CLUSTER_PHASE_SORT_TUPLES);
	tuplesort_performsort(sort);
	pgstat_progress_update_param(PROGRESS_CLUSTER_PHASE, PROGRESS_CLUSTER_PHASE_WRITE_NEW_HEAP);
	while ((tuple = tuplesort_getheaptuple(sort, true)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		copy_row(state, tuple);
		pgstat_progress_update_param(PROGRESS_CLUSTER_HEAP_TUPLES_WRITTEN, ++written);
	}
	tuplesort_end(sort);
}

/*
 * Whether some snapshot may need the tuple.  Reports a dead one to rewriteheap.
 */
static bool
must_copy(CopyState *state, HeapTuple tuple, Buffer buffer)
{
	bool		dead = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	switch (HeapTupleSatisfiesVacuum(tuple, state->oldest_xmin, buffer))
	{
		case HEAPTUPLE_DEAD:
			dead = true;
			break;
		case HEAPTUPLE_RECENTLY_DEAD:
			*state->tups_recently_dead += 1;
			break;
		case HEAPTUPLE_LIVE:
			break;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			/* under the exclusive lock it can only be our own */
			if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
				elog(WARNING, "concurrent insert in progress within table \"%s\"",
					 RelationGetRelationName(state->old_rel));
			break;
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(tuple->t_data)))
				elog(WARNING, "concurrent delete in progress within table \"%s\"",
					 RelationGetRelationName(state->old_rel));
			*state->tups_recently_dead += 1;
			break;
		default:
			elog(ERROR, "unexpected HeapTupleSatisfiesVacuum result");
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);

	if (dead)
	{
		*state->tups_vacuumed += 1;
		if (rewrite_heap_dead_tuple(state->rewrite, tuple))
		{
			/* an earlier version, counted as recently dead, is dead now */
			*state->tups_vacuumed += 1;
			*state->tups_recently_dead -= 1;
		}
	}
	return !dead;
}

/*
 * Whether the version was deleted or replaced.  must_copy has set the hint
 * bits, so that an aborted deletion does not count.
 */
static bool
is_superseded(HeapTuple tuple)
{
	return (tuple->t_data->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HeapTupleHeaderIsOnlyLocked(tuple->t_data);
}

/*
 * Whether the version replaced one that some snapshot may still see.
 */
static bool
is_recent_successor(CopyState *state, HeapTuple tuple)
{
	return (tuple->t_data->t_infomask & HEAP_UPDATED) != 0 &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple->t_data), state->oldest_xmin);
}

/*
 * Stores the row's values, except for those already stored for another version.
 */
static void
store_shared(CopyState *state, VsRow *row, bool superseded)
{
	for (int i = 0; i < row->nstored; i++)
	{
		Datum		old_value = state->values[row->stored_attrs[i]];
		ShareEntry *entry = NULL;
		struct varatt_external pointer;
		bool		found = false;

		if (VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(old_value)))
		{
			VARATT_EXTERNAL_GET_POINTER(pointer, DatumGetPointer(old_value));
			entry = hash_search(state->shares, &pointer.va_valueid, HASH_ENTER, &found);
		}
		if (found)
			row->stored[i].address = entry->address;
		else
			vs_store_write(state->new_store, &row->stored[i], 1, state->cid, REWRITE_OPTIONS);
		vs_carrier_stored(row->carriers[i]);

		if (entry != NULL)
		{
			entry->address = row->stored[i].address;
			entry->live = (found && entry->live) || !superseded;
		}
	}
}

/*
 * Sets pointers of a superseded version to NULL if their values were vacuumed
 * already.  The store's horizon may have been ahead of the table's, but then no
 * snapshot can need the version.
 */
static void
null_lost_values(CopyState *state)
{
	TupleDesc	desc = RelationGetDescr(state->old_rel);

	for (int i = 0; i < desc->natts; i++)
	{
		struct varatt_external pointer;
		char	   *value = DatumGetPointer(state->values[i]);

		if (state->isnull[i] || TupleDescAttr(desc, i)->attlen != -1 ||
			!VARATT_IS_EXTERNAL_ONDISK(value))
			continue;
		VARATT_EXTERNAL_GET_POINTER(pointer, value);
		if (!vs_store_value_exists(state->old_store, pointer.va_valueid,
								   VARATT_EXTERNAL_GET_EXTSIZE(pointer)))
			state->isnull[i] = true;
	}
}

/*
 * Forms the row with its values in the new store and passes it to rewriteheap.
 */
static void
copy_row(CopyState *state, HeapTuple tuple)
{
	bool		superseded = is_superseded(tuple);
	bool		shared = superseded || is_recent_successor(state, tuple);
	VsRow		row;

	heap_deform_tuple(tuple, RelationGetDescr(state->old_rel), state->values, state->isnull);
	for (int i = 0; i < RelationGetNumberOfAttributes(state->new_rel); i++)
		if (TupleDescAttr(RelationGetDescr(state->new_rel), i)->attisdropped)
			state->isnull[i] = true;
	if (superseded && HeapTupleHasExternal(tuple))
		null_lost_values(state);

	vs_row_prepare_values(&row, state->new_rel, state->values, state->isnull,
						  RelationGetNumberOfAttributes(state->new_rel), NULL);
	if (shared)
	{
		/*
		 * rewriteheap may keep the tuple, so its carriers must outlive the row
		 */
		MemoryContext caller = MemoryContextSwitchTo(state->context);

		store_shared(state, &row, superseded);
		for (int i = 0; i < row.nstored; i++)
			row.carriers[i] = vs_carrier_copy(row.carriers[i]);
		MemoryContextSwitchTo(caller);
	}
	else if (row.nstored > 0)
	{
		vs_store_write(state->new_store, row.stored, row.nstored, state->cid, REWRITE_OPTIONS);
		for (int i = 0; i < row.nstored; i++)
			vs_carrier_stored(row.carriers[i]);
	}
	rewrite_heap_tuple(state->rewrite, tuple, vs_row_form(&row));
	MemoryContextDelete(row.context);
}
