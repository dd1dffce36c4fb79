/*-------------------------------------------------------------------------
 * table_names.c
 *	  The addresses that row versions on a page name.
 *
 * VACUUM reads them, autovacuum too, so that a damaged page must not lead to a
 * crash: every length is compared with the tuple's end before it is followed.
 * (heap_deform_tuple believes lengths.)  For the same reason the flag
 * HEAP_HASEXTERNAL is not asked.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "compat/compat.h"
#include "storage/bufmgr.h"
#include "table/table_internal.h"
#include "utils/rel.h"

typedef struct NameState
{
	VsNameFunction function;
	void	   *arg;
} NameState;

/*
 * Reports a value of varlena type if it is a pointer to a stored value.
 * Returns its size, or 0 if it does not end within the 'left' bytes.
 */
static Size
varlena_name(NameState *state, const char *value, Size left)
{
	Size		size = 0;

	if (left < 1)
		return 0;
	if (VARATT_IS_1B_E(value))
	{
		struct varatt_external pointer;

		if (left < TOAST_POINTER_SIZE || !VARATT_IS_EXTERNAL_ONDISK(value))
			return 0;
		VARATT_EXTERNAL_GET_POINTER(pointer, (struct varlena *) value);
		state->function(state->arg, pointer.va_valueid);
		return TOAST_POINTER_SIZE;
	}
	if (VARATT_IS_1B(value))
		size = VARSIZE_1B(value);
	else if (left >= VARHDRSZ)
		size = VARSIZE_4B(value) < VARHDRSZ ? 0 : VARSIZE_4B(value);
	return size <= left ? size : 0;
}

/*
 * Size of a value of the attribute, of which 'left' bytes are in the tuple; 0
 * if it does not end there.
 */
static Size
value_size(NameState *state, Form_pg_attribute att, const char *value, Size left)
{
	Size		size = att->attlen;

	if (att->attlen == -1)
		return varlena_name(state, value, left);
	if (att->attlen == -2)
		size = strnlen(value, left) + 1;
	return size <= left ? size : 0;
}

/*
 * Reports the names in a tuple of 'length' bytes.  Returns false if it is
 * damaged.
 */
static bool
tuple_names(NameState *state, TupleDesc desc, HeapTupleHeader tuple, Size length)
{
	int			natts = HeapTupleHeaderGetNatts(tuple);
	bits8	   *nulls = (tuple->t_infomask & HEAP_HASNULL) != 0 ? tuple->t_bits : NULL;
	const char *data = (const char *) tuple + tuple->t_hoff;
	Size		offset = 0;

	if (natts > desc->natts || tuple->t_hoff > length ||
		tuple->t_hoff < SizeofHeapTupleHeader + (nulls != NULL ? BITMAPLEN(natts) : 0) ||
		tuple->t_hoff != MAXALIGN(tuple->t_hoff))
		return false;
	length -= tuple->t_hoff;
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Size		size;

		if (nulls != NULL && att_isnull(i, nulls))
			continue;
		if (offset >= length)
			return false;
		/* a varlena with a short header is not aligned */
		if (att->attlen != -1 || !VARATT_NOT_PAD_BYTE(data + offset))
			offset = att_align_nominal(offset, att->attalign);
		size = offset < length ? value_size(state, att, data + offset, length - offset) : 0;
		if (size == 0)
			return false;
		offset += size;
	}
	return true;
}

bool
vs_page_names(Relation rel, Buffer buffer, Snapshot snapshot, VsNameFunction function,
			  void *arg)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber last = PageIsNew(page) ? 0 : PageGetMaxOffsetNumber(page);
	NameState	state = {function, arg};

	if (last > MaxHeapTuplesPerPage)
		return false;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_len = ItemIdGetLength(item);
		if (ItemIdGetOffset(item) < ((PageHeader) page)->pd_upper ||
			ItemIdGetOffset(item) != MAXALIGN(ItemIdGetOffset(item)) ||
			tuple.t_len < SizeofHeapTupleHeader ||
			ItemIdGetOffset(item) + tuple.t_len > BLCKSZ)
			return false;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_tableOid = RelationGetRelid(rel);
		ItemPointerSet(&tuple.t_self, BufferGetBlockNumber(buffer), offset);
		if (snapshot != InvalidSnapshot && !PageIsAllVisible(page) &&
			!HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer))
			continue;
		if (!tuple_names(&state, RelationGetDescr(rel), tuple.t_data, tuple.t_len))
			return false;
	}
	return true;
}
