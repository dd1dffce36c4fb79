/*-------------------------------------------------------------------------
 * table_insert.c
 *	  Insertion of rows: values first, then the rows by heapam.
 *
 * After an insertion the slot holds the row as it is on the page, with pointers
 * for the values stored apart: index access methods get the pointers.  heapam
 * alone handles a row of which no value is stored apart.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/table.h"
#include "executor/executor.h"
#include "store/store.h"
#include "table/table_internal.h"
#include "table/table_row.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "util/withdrawn_row.h"

/*
 * Stores the values of n rows, in order, and sets the addresses in the rows.
 */
static void
store_rows(Relation rel, VsRow *rows, int n, CommandId cid, int options)
{
	int			total = 0;
	int			next = 0;
	VsStoreValue *values;
	Relation	store;

	for (int i = 0; i < n; i++)
		total += rows[i].nstored;
	if (total == 0)
		return;

	values = palloc(total * sizeof(VsStoreValue));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < rows[i].nstored; j++)
			values[next++] = rows[i].stored[j];

	store = vs_store_open(rel, RowExclusiveLock);
	vs_store_write(store, values, total, cid, options);
	table_close(store, NoLock);

	next = 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < rows[i].nstored; j++)
		{
			rows[i].stored[j].address = values[next++].address;
			vs_carrier_stored(rows[i].carriers[j]);
		}
	pfree(values);
}

static void
insert_row(Relation rel, VsRow *row, TupleTableSlot *slot, CommandId cid, int options,
		   BulkInsertState bistate, bool speculative, uint32 token)
{
	HeapTuple	tuple;

	store_rows(rel, row, 1, cid, options);
	tuple = vs_row_form(row);
	if (speculative)
	{
		HeapTupleHeaderSetSpeculativeToken(tuple->t_data, token);
		options |= HEAP_INSERT_SPECULATIVE;
	}
	heap_insert(rel, tuple, cid, options, bistate);
	vs_row_to_slot(row, tuple, slot);
}

void
vs_table_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
					  BulkInsertState bistate)
{
	VsRow		row;

	if (!vs_row_may_store(rel))
	{
		vs_table_heap->tuple_insert(rel, slot, cid, options, bistate);
		return;
	}
	vs_row_prepare(&row, rel, slot, NULL);
	if (row.changed)
		insert_row(rel, &row, slot, cid, options, bistate, false, 0);
	else
		vs_table_heap->tuple_insert(rel, slot, cid, options, bistate);
	MemoryContextDelete(row.context);
}

void
vs_table_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid,
								  int options, BulkInsertState bistate, uint32 token)
{
	VsRow		row;

	if (!vs_row_may_store(rel))
	{
		vs_table_heap->tuple_insert_speculative(rel, slot, cid, options, bistate, token);
		return;
	}
	vs_row_prepare(&row, rel, slot, NULL);
	if (row.changed)
		insert_row(rel, &row, slot, cid, options, bistate, true, token);
	else
		vs_table_heap->tuple_insert_speculative(rel, slot, cid, options, bistate, token);
	MemoryContextDelete(row.context);
}

/*
 * A withdrawn insertion releases its values too.  The executor then goes on
 * with the same slot, as EXCLUDED: the slot must hold the values, because the
 * pointers dangle from now on.
 */
void
vs_table_tuple_complete_speculative(Relation rel, TupleTableSlot *slot, uint32 token,
									bool succeeded)
{
	ItemPointerData tid = slot->tts_tid;
	bool		should_free;
	HeapTuple	tuple;

	if (!succeeded && vs_withdrawn_row != NULL)
		vs_withdrawn_row(RelationGetRelid(rel), &tid);
	if (succeeded || !vs_row_may_store(rel))
	{
		vs_table_heap->tuple_complete_speculative(rel, slot, token, succeeded);
		return;
	}

	tuple = ExecFetchSlotHeapTuple(slot, true, &should_free);
	if (HeapTupleHasExternal(tuple))
	{
		HeapTuple	flat = toast_flatten_tuple(tuple, RelationGetDescr(rel));
		HeapTuple	pointers = heap_copytuple(tuple);

		ExecForceStoreHeapTuple(flat, slot, true);
		slot->tts_tid = tid;
		slot->tts_tableOid = RelationGetRelid(rel);
		heap_abort_speculative(rel, &tid);
		vs_table_release_values(rel, pointers, InvalidCommandId, true);
		heap_freetuple(pointers);
	}
	else
		heap_abort_speculative(rel, &tid);
	if (should_free)
		heap_freetuple(tuple);
}

void
vs_table_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid,
					  int options, BulkInsertState bistate)
{
	MemoryContext context;
	MemoryContext caller;
	VsRow	   *rows;
	HeapTuple  *final;

	if (!vs_row_may_store(rel))
	{
		heap_multi_insert(rel, slots, nslots, cid, options, bistate);
		return;
	}

	context = AllocSetContextCreate(CurrentMemoryContext, "vecstore rows",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	rows = palloc(nslots * sizeof(VsRow));
	final = palloc(nslots * sizeof(HeapTuple));

	for (int i = 0; i < nslots; i++)
		vs_row_prepare(&rows[i], rel, slots[i], NULL);
	store_rows(rel, rows, nslots, cid, options);

	/*
	 * heap_multi_insert takes its tuples from slots.  rows[] point into the
	 * present contents of the slots, so a row's final tuple is formed before
	 * its slot changes.
	 */
	for (int i = 0; i < nslots; i++)
	{
		HeapTuple	tuple = vs_row_form(&rows[i]);

		final[i] = vs_row_form_final(&rows[i]);
		ExecForceStoreHeapTuple(tuple, slots[i], false);
	}
	heap_multi_insert(rel, slots, nslots, cid, options, bistate);

	MemoryContextSwitchTo(caller);
	for (int i = 0; i < nslots; i++)
	{
		ItemPointerData tid = slots[i]->tts_tid;

		if (TTS_IS_HEAPTUPLE(slots[i]) || TTS_IS_BUFFERTUPLE(slots[i]))
			vs_row_stamp(final[i], ExecFetchSlotHeapTuple(slots[i], false, NULL));
		ExecForceStoreHeapTuple(heap_copytuple(final[i]), slots[i], true);
		slots[i]->tts_tid = tid;
		slots[i]->tts_tableOid = RelationGetRelid(rel);
	}
	MemoryContextDelete(context);
}
