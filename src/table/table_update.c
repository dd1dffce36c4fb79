/*-------------------------------------------------------------------------
 * table_update.c
 *	  UPDATE and DELETE: rows by heapam, values kept, stored or released.
 *
 * heapam writes the row first; the old values are marked deleted only after
 * that has succeeded.  New values of an update are stored from within
 * heap_update, when the old row is locked (table_carrier.c).
 *
 * heapam looks for the old values' chunks in the TOAST relation's index too;
 * the index is empty, so it finds none.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/table.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "table/table_internal.h"
#include "table/table_row.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * Copies the tuple at tid if it has external values, else returns NULL.  The
 * caller knows that the tuple exists: some snapshot sees it, or this
 * transaction has deleted it.
 */
static HeapTuple
copy_external_tuple(Relation rel, ItemPointer tid)
{
	Buffer		buffer = ReadBuffer(rel, ItemPointerGetBlockNumber(tid));
	OffsetNumber offset = ItemPointerGetOffsetNumber(tid);
	HeapTuple	result = NULL;
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	if (offset >= FirstOffsetNumber && offset <= PageGetMaxOffsetNumber(page))
	{
		ItemId		item = PageGetItemId(page, offset);

		if (ItemIdIsNormal(item))
		{
			HeapTupleData tuple;

			tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
			tuple.t_len = ItemIdGetLength(item);
			tuple.t_self = *tid;
			tuple.t_tableOid = RelationGetRelid(rel);
			if (HeapTupleHasExternal(&tuple))
				result = heap_copytuple(&tuple);
		}
	}
	UnlockReleaseBuffer(buffer);
	return result;
}

/*
 * Marks n values of the table's store deleted.  If the TOAST relation is no
 * value store, heapam has already deleted them by its index.
 */
static void
release_values(Relation rel, const Oid *addresses, int n, CommandId cid, bool speculative)
{
	Relation	store;

	if (n == 0)
		return;
	store = table_open(rel->rd_rel->reltoastrelid, RowExclusiveLock);
	for (int i = 0; i < n && vs_store_is_store(store); i++)
		vs_store_release(store, addresses[i], cid, speculative);
	table_close(store, NoLock);
}

void
vs_table_release_values(Relation rel, HeapTuple tuple, CommandId cid, bool speculative)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *values = palloc(desc->natts * (sizeof(Datum) + sizeof(Oid) + sizeof(bool)));
	Oid		   *addresses = (Oid *) (values + desc->natts);
	bool	   *isnull = (bool *) (addresses + desc->natts);
	int			n = 0;

	heap_deform_tuple(tuple, desc, values, isnull);
	for (int i = 0; i < desc->natts; i++)
	{
		struct varatt_external pointer;

		if (isnull[i] || TupleDescAttr(desc, i)->attlen != -1 ||
			!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(values[i])))
			continue;
		VARATT_EXTERNAL_GET_POINTER(pointer, DatumGetPointer(values[i]));
		if (pointer.va_toastrelid != rel->rd_rel->reltoastrelid)
			vs_row_foreign_pointer(rel);
		addresses[n++] = pointer.va_valueid;
	}
	release_values(rel, addresses, n, cid, speculative);
	pfree(values);
}

TM_Result
vs_table_tuple_delete(Relation rel, ItemPointer tid, CommandId cid, Snapshot snapshot,
					  Snapshot crosscheck, bool wait, TM_FailureData *failure,
					  bool changing_partition)
{
	TM_Result	result;
	HeapTuple	old;

	result = heap_delete(rel, tid, cid, crosscheck, wait, failure, changing_partition);
	if (result != TM_Ok || !vs_row_may_store(rel))
		return result;

	old = copy_external_tuple(rel, tid);
	if (old != NULL)
	{
		vs_table_release_values(rel, old, cid, false);
		heap_freetuple(old);
	}
	return result;
}

/*
 * heap_update, with *update_indexes set as heapam's callback sets it.
 */
static TM_Result
update_row(Relation rel, ItemPointer otid, HeapTuple tuple, CommandId cid,
		   Snapshot crosscheck, bool wait, TM_FailureData *failure,
		   LockTupleMode *lockmode, VsUpdateIndexes *update_indexes)
{
#if VS_UPDATE_TELLS_INDEXES
	return heap_update(rel, otid, tuple, cid, crosscheck, wait, failure, lockmode,
					   update_indexes);
#else
	TM_Result	result = heap_update(rel, otid, tuple, cid, crosscheck, wait, failure,
									 lockmode);

	*update_indexes = result == TM_Ok && !HeapTupleIsHeapOnly(tuple);
	return result;
#endif
}

TM_Result
vs_table_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot, CommandId cid,
					  Snapshot snapshot, Snapshot crosscheck, bool wait,
					  TM_FailureData *failure, LockTupleMode *lockmode,
					  VsUpdateIndexes *update_indexes)
{
	ItemPointerData old_tid = *otid;
	VsRow		row;
	HeapTuple	old;
	TM_Result	result;

	if (!vs_row_may_store(rel))
		return vs_table_heap->tuple_update(rel, otid, slot, cid, snapshot, crosscheck, wait,
										   failure, lockmode, update_indexes);

	old = copy_external_tuple(rel, &old_tid);
	vs_row_prepare(&row, rel, slot, old);

	if (row.changed)
	{
		Relation	store = NULL;
		HeapTuple	tuple = vs_row_form(&row);

		if (row.nstored > 0)
		{
			store = vs_store_open(rel, RowExclusiveLock);
			for (int i = 0; i < row.nstored; i++)
				vs_carrier_arm(row.carriers[i], store, cid);
		}
		result = update_row(rel, otid, tuple, cid, crosscheck, wait, failure, lockmode,
							update_indexes);
		if (store != NULL)
			table_close(store, NoLock);
		if (result == TM_Ok)
			vs_row_to_slot(&row, tuple, slot);
	}
	else
		result = vs_table_heap->tuple_update(rel, otid, slot, cid, snapshot, crosscheck, wait,
											 failure, lockmode, update_indexes);

	if (result == TM_Ok)
		release_values(rel, row.released, row.nreleased, cid, false);
	if (old != NULL)
		heap_freetuple(old);
	MemoryContextDelete(row.context);
	return result;
}
