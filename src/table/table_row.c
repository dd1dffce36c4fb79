/*-------------------------------------------------------------------------
 * table_row.c
 *	  Selects the values of a row that are stored apart, and forms the row.
 *
 * Vectors always go to the value store, whatever their size, because the index
 * access method needs their addresses.  Other values follow heapam's rounds:
 * compress, then store, the largest first, until the row is below its target.
 * The rounds must match heap_toast_insert_or_update exactly, because heapam
 * runs that on the formed tuple too, and it must find nothing left to do.
 *
 * A column with STORAGE PLAIN keeps its values in the row, as in heap.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/toast_compression.h"
#include "access/htup_details.h"
#include "access/toast_helper.h"
#include "access/toast_internals.h"
#include "table/table_row.h"
#include "table/table_types.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static void row_take_values(VsRow *row, ToastTupleContext *ttc, HeapTuple old);
static void row_shrink(VsRow *row, ToastTupleContext *ttc);
static void row_store_value(VsRow *row, ToastTupleContext *ttc, int attribute);
static HeapTuple row_form(VsRow *row);

bool
vs_row_may_store(Relation rel)
{
	return OidIsValid(rel->rd_rel->reltoastrelid);
}

void
vs_row_prepare(VsRow *row, Relation rel, TupleTableSlot *slot, HeapTuple old)
{
	slot_getallattrs(slot);
	vs_row_prepare_values(row, rel, slot->tts_values, slot->tts_isnull,
						  slot->tts_tupleDescriptor->natts, old);
}

void
vs_row_prepare_values(VsRow *row, Relation rel, const Datum *values,
					  const bool *isnull, int natts, HeapTuple old)
{
	ToastTupleContext ttc;
	MemoryContext caller;
	char	   *space;

	row->rel = rel;
	row->natts = RelationGetNumberOfAttributes(rel);
	row->context = AllocSetContextCreate(CurrentMemoryContext, "vecstore row",
										 ALLOCSET_SMALL_SIZES);
	row->changed = false;
	row->nstored = 0;
	row->nreleased = 0;
	caller = MemoryContextSwitchTo(row->context);

	/* one allocation for all arrays, the widest elements first */
	space = palloc(row->natts * (sizeof(Datum) + sizeof(VsStoreValue) + sizeof(VsCarrier *) +
								 sizeof(ToastAttrInfo) + 2 * sizeof(int) + sizeof(bool)));
	row->values = (Datum *) space;
	row->stored = (VsStoreValue *) (row->values + row->natts);
	row->carriers = (VsCarrier **) (row->stored + row->natts);
	ttc.ttc_attr = (ToastAttrInfo *) (row->carriers + row->natts);
	row->stored_attrs = (int *) (ttc.ttc_attr + row->natts);
	row->released = (Oid *) (row->stored_attrs + row->natts);
	row->isnull = (bool *) (row->released + row->natts);
	for (int i = 0; i < row->natts; i++)
	{
		row->isnull[i] = i >= natts || isnull[i];
		row->values[i] = row->isnull[i] ? (Datum) 0 : values[i];
	}

	ttc.ttc_rel = rel;
	ttc.ttc_values = row->values;
	ttc.ttc_isnull = row->isnull;
	ttc.ttc_oldvalues = NULL;
	ttc.ttc_oldisnull = NULL;
	ttc.ttc_flags = 0;
	row_take_values(row, &ttc, old);
	row_shrink(row, &ttc);
	row->changed |= (ttc.ttc_flags & TOAST_NEEDS_CHANGE) != 0;

	MemoryContextSwitchTo(caller);
}

void
vs_row_foreign_pointer(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("row of table \"%s\" points to another table's value store",
					RelationGetRelationName(rel))));
}

/*
 * Whether the new row keeps the old row's value of a column.  If it does not,
 * and the old value is a pointer, notes that the value is to be released.
 */
static bool
keeps_value(VsRow *row, int attribute, struct varlena *old_value)
{
	struct varlena *new_value = (struct varlena *) DatumGetPointer(row->values[attribute]);
	struct varatt_external pointer;

	if (!VARATT_IS_EXTERNAL_ONDISK(old_value))
		return false;
	if (!row->isnull[attribute] && VARATT_IS_EXTERNAL_ONDISK(new_value) &&
		memcmp(new_value, old_value, TOAST_POINTER_SIZE) == 0)
		return true;

	VARATT_EXTERNAL_GET_POINTER(pointer, old_value);
	if (pointer.va_toastrelid != vs_store_pointer_relid(row->rel))
		vs_row_foreign_pointer(row->rel);
	row->released[row->nreleased++] = pointer.va_valueid;
	return false;
}

/*
 * Brings each value into a form that the row can hold: fetches pointers that
 * are not the old row's, flattens in-memory forms, marks vectors to be stored.
 */
static void
row_take_values(VsRow *row, ToastTupleContext *ttc, HeapTuple old)
{
	TupleDesc	desc = RelationGetDescr(row->rel);
	bool		has_store = vs_row_may_store(row->rel);
	Datum	   *old_values = NULL;
	bool	   *old_isnull = NULL;

	if (old != NULL && HeapTupleHasExternal(old))
	{
		old_values = palloc(row->natts * sizeof(Datum));
		old_isnull = palloc(row->natts * sizeof(bool));
		heap_deform_tuple(old, desc, old_values, old_isnull);
	}

	for (int i = 0; i < row->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ToastAttrInfo *info = &ttc->ttc_attr[i];
		struct varlena *value = (struct varlena *) DatumGetPointer(row->values[i]);
		bool		kept = false;

		if (old_values && !old_isnull[i] && att->attlen == -1)
			kept = keeps_value(row, i, (struct varlena *) DatumGetPointer(old_values[i]));

		info->tai_colflags = 0;
		info->tai_oldexternal = NULL;
		info->tai_compression = att->attcompression;
		info->tai_size = 0;
		if (row->isnull[i] || att->attlen != -1)
		{
			info->tai_colflags |= TOASTCOL_IGNORE;
			if (row->isnull[i])
				ttc->ttc_flags |= TOAST_HAS_NULLS;
			continue;
		}
		if (kept)
		{
			info->tai_colflags |= TOASTCOL_IGNORE;
			continue;
		}

		if (att->attstorage == TYPSTORAGE_PLAIN)
		{
			info->tai_colflags |= TOASTCOL_IGNORE;
			if (VARATT_IS_EXTERNAL(value))
				value = detoast_attr(value);
		}
		else if (has_store && vs_type_element_size(att->atttypid) > 0)
		{
			if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value))
				value = detoast_attr(value);
			row->values[i] = PointerGetDatum(value);
			if (VARSIZE_ANY_EXHDR(value) > 0)
			{
				row_store_value(row, ttc, i);
				continue;
			}
		}
		else if (VARATT_IS_EXTERNAL(value))
			value = detoast_external_attr(value);

		if (value != (struct varlena *) DatumGetPointer(row->values[i]))
		{
			row->values[i] = PointerGetDatum(value);
			ttc->ttc_flags |= TOAST_NEEDS_CHANGE;
		}
		info->tai_size = VARSIZE_ANY(value);
	}
}

static Size
row_data_size(VsRow *row)
{
	return heap_compute_data_size(RelationGetDescr(row->rel), row->values, row->isnull);
}

/*
 * heap_toast_insert_or_update's four rounds.
 */
static void
row_shrink(VsRow *row, ToastTupleContext *ttc)
{
	bool		has_store = vs_row_may_store(row->rel);
	Size		hoff = SizeofHeapTupleHeader;
	Size		target;
	int			attribute;

	if (ttc->ttc_flags & TOAST_HAS_NULLS)
		hoff += BITMAPLEN(row->natts);
	hoff = MAXALIGN(hoff);
	if (row->nstored == 0 && (ttc->ttc_flags & TOAST_NEEDS_CHANGE) == 0 &&
		hoff + row_data_size(row) <= TOAST_TUPLE_THRESHOLD)
		return;

	/* 1: compress EXTENDED values; store those that alone exceed the target */
	target = RelationGetToastTupleTarget(row->rel, TOAST_TUPLE_TARGET) - hoff;
	while (row_data_size(row) > target &&
		   (attribute = toast_tuple_find_biggest_attribute(ttc, true, false)) >= 0)
	{
		if (TupleDescAttr(RelationGetDescr(row->rel), attribute)->attstorage == TYPSTORAGE_EXTENDED)
			toast_tuple_try_compression(ttc, attribute);
		else
			ttc->ttc_attr[attribute].tai_colflags |= TOASTCOL_INCOMPRESSIBLE;
		if (ttc->ttc_attr[attribute].tai_size > target && has_store)
			row_store_value(row, ttc, attribute);
	}

	/* 2: store EXTENDED and EXTERNAL values */
	while (has_store && row_data_size(row) > target &&
		   (attribute = toast_tuple_find_biggest_attribute(ttc, false, false)) >= 0)
		row_store_value(row, ttc, attribute);

	/* 3: compress MAIN values */
	while (row_data_size(row) > target &&
		   (attribute = toast_tuple_find_biggest_attribute(ttc, true, true)) >= 0)
		toast_tuple_try_compression(ttc, attribute);

	/* 4: store MAIN values, to a target of a whole page */
	target = TOAST_TUPLE_TARGET_MAIN - hoff;
	while (has_store && row_data_size(row) > target &&
		   (attribute = toast_tuple_find_biggest_attribute(ttc, false, true)) >= 0)
		row_store_value(row, ttc, attribute);
}

/*
 * Marks the value, which must be flat, to be stored.
 */
static void
row_store_value(VsRow *row, ToastTupleContext *ttc, int attribute)
{
	char	   *value = DatumGetPointer(row->values[attribute]);
	VsStoreValue *stored = &row->stored[row->nstored];
	struct varatt_external pointer;

	stored->data = VARDATA_ANY(value);
	stored->len = VARSIZE_ANY_EXHDR(value);
	stored->address = InvalidOid;
	pointer.va_rawsize = stored->len + VARHDRSZ;
	pointer.va_extinfo = stored->len;
	if (VARATT_IS_COMPRESSED(value))
	{
		stored->data = VARDATA(value);
		stored->len = VARSIZE(value) - VARHDRSZ;
		pointer.va_rawsize = VARDATA_COMPRESSED_GET_EXTSIZE(value) + VARHDRSZ;
		VARATT_EXTERNAL_SET_SIZE_AND_COMPRESS_METHOD(pointer, stored->len,
													 VARDATA_COMPRESSED_GET_COMPRESS_METHOD(value));
	}

	row->carriers[row->nstored] =
		vs_carrier_make(stored, pointer.va_rawsize, pointer.va_extinfo,
						vs_store_pointer_relid(row->rel));
	row->values[attribute] = vs_carrier_pointer(row->carriers[row->nstored]);
	row->stored_attrs[row->nstored++] = attribute;
	ttc->ttc_attr[attribute].tai_colflags |= TOASTCOL_IGNORE;
	ttc->ttc_flags |= TOAST_NEEDS_CHANGE;
}

HeapTuple
vs_row_form(VsRow *row)
{
	HeapTuple	tuple;

	for (int i = 0; i < row->nstored; i++)
		row->values[row->stored_attrs[i]] = vs_carrier_datum(row->carriers[i]);
	tuple = row_form(row);
	for (int i = 0; i < row->nstored; i++)
		row->values[row->stored_attrs[i]] = vs_carrier_pointer(row->carriers[i]);
	return tuple;
}

HeapTuple
vs_row_form_final(VsRow *row)
{
	return row_form(row);
}

void
vs_row_stamp(HeapTuple tuple, HeapTuple stamped)
{
	tuple->t_self = stamped->t_self;
	tuple->t_data->t_choice = stamped->t_data->t_choice;
	tuple->t_data->t_ctid = stamped->t_data->t_ctid;
	tuple->t_data->t_infomask &= ~HEAP_XACT_MASK;
	tuple->t_data->t_infomask |= stamped->t_data->t_infomask & HEAP_XACT_MASK;
	tuple->t_data->t_infomask2 &= ~HEAP2_XACT_MASK;
	tuple->t_data->t_infomask2 |= stamped->t_data->t_infomask2 & HEAP2_XACT_MASK;
}

void
vs_row_to_slot(VsRow *row, HeapTuple stamped, TupleTableSlot *slot)
{
	HeapTuple	tuple = heap_copytuple(vs_row_form_final(row));

	vs_row_stamp(tuple, stamped);
	ExecForceStoreHeapTuple(tuple, slot, true);
	slot->tts_tid = stamped->t_self;
	slot->tts_tableOid = RelationGetRelid(row->rel);
}

static HeapTuple
row_form(VsRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(row->context);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(row->rel), row->values, row->isnull);

	tuple->t_tableOid = RelationGetRelid(row->rel);
	MemoryContextSwitchTo(caller);
	return tuple;
}
