/*-------------------------------------------------------------------------
 * inspect_check.c
 *	  vecstore.check(): compares a table with its value store and its indexes.
 *
 * A table is checked with its rows and values and each vecann index
 * (inspect_index_check.c), a partitioned table with each partition that is a
 * vecstore table, an index alone.
 *
 *	C0	the TOAST relation is a value store; if not, no other check is made;
 * rows and values, under one snapshot, for every row that it sees:
 *	C1	each pointer names the table's own value store, and its sizes agree;
 *	C2	it leads to a chain of chunks of the pointer's size, in sequence, each
 *		visible to the snapshot;
 *	C3	no two values share an address;
 *	C4	a vector is not compressed, and its dimension agrees with its size;
 * and for the value store:
 *	C5	every chunk that the snapshot sees belongs to a value found by C2;
 *	C6	its index is empty.
 *
 * The check reads pages of the store itself.  A table scan would prune them,
 * and pruning a damaged page ends in a PANIC.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/toast_compression.h"
#include "ann/ann.h"
#include "compat/compat.h"
#include "inspect/inspect_index.h"
#include "inspect/inspect_table.h"
#include "store/store.h"
#include "store/store_page.h"
#include "table/table_types.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_check);

typedef struct ValueEntry
{
	Oid			address;		/* hash key */
	int32		chunks;			/* of its chain */
	int32		seen;			/* met in the store */
} ValueEntry;

typedef struct CheckState
{
	Oid			relation;		/* reported as the object */
	Relation	rel;
	Relation	store;
	Snapshot	snapshot;
	HTAB	   *values;
	ReturnSetInfo *result;
	ItemPointerData tid;		/* row being checked; invalid: none */
	const char *column;
} CheckState;

static void check_rows(CheckState *state);
static void check_pointer(CheckState *state, Form_pg_attribute att, struct varlena *value);
static void check_inline(CheckState *state, Form_pg_attribute att, struct varlena *value);
static void check_chunks(CheckState *state);
static void check_index(CheckState *state);
static void report(CheckState *state, Oid address, const char *format,...) pg_attribute_printf(3, 4);

/* Checks rows and values. */
static void
check_table(CheckState *state)
{
	HASHCTL		control;

	if (OidIsValid(state->rel->rd_rel->reltoastrelid))
		state->store = table_open(state->rel->rd_rel->reltoastrelid, AccessShareLock);
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(ValueEntry);
	control.hcxt = CurrentMemoryContext;
	state->values = hash_create("vecstore values", 1024, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	/* not older than a rewrite of the table, which stores values again */
	state->snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (state->store != NULL && !vs_store_is_store(state->store))
		report(state, InvalidOid, "TOAST relation \"%s\" is not a value store: nothing can be stored until SET ACCESS METHOD makes one",
			   RelationGetRelationName(state->store));
	else
	{
		check_rows(state);
		if (state->store != NULL)
		{
			check_chunks(state);
			check_index(state);
		}
	}
	if (state->store != NULL)
		table_close(state->store, AccessShareLock);
	UnregisterSnapshot(state->snapshot);
	hash_destroy(state->values);
}

static void
report_index(void *arg, ItemPointer tid, const char *problem)
{
	CheckState *state = (CheckState *) arg;

	ItemPointerSetInvalid(&state->tid);
	if (tid != NULL)
		state->tid = *tid;
	report(state, InvalidOid, "%s", problem);
	ItemPointerSetInvalid(&state->tid);
}

static void
check_ann_index(CheckState *state, Oid indexoid)
{
	state->relation = indexoid;
	vs_inspect_index_check(indexoid, report_index, state);
}

/* Checks a vecstore table and those of its indexes that inserts maintain. */
static void
check_with_indexes(CheckState *state, Oid relid)
{
	List	   *indexes;
	ListCell   *cell;

	state->relation = relid;
	state->rel = vs_inspect_table_open(relid);
	state->store = NULL;
	check_table(state);
	indexes = RelationGetIndexList(state->rel);
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		bool		wanted = vs_ann_is_vecann(index) && index->rd_index->indisready;

		index_close(index, AccessShareLock);
		if (wanted)
			check_ann_index(state, lfirst_oid(cell));
	}
	table_close(state->rel, AccessShareLock);
}

static bool
is_vecstore_table(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	bool		result = vs_inspect_is_table(rel);

	relation_close(rel, AccessShareLock);
	return result;
}

Datum
vs_inspect_check(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char		kind = get_rel_relkind(relid);
	CheckState	state = {0};
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	state.result = (ReturnSetInfo *) fcinfo->resultinfo;
	ItemPointerSetInvalid(&state.tid);
	if (kind == RELKIND_INDEX)
		check_ann_index(&state, relid);
	else if (kind == RELKIND_PARTITIONED_TABLE)
	{
		foreach(cell, find_all_inheritors(relid, AccessShareLock, NULL))
		{
			if (is_vecstore_table(lfirst_oid(cell)))
				check_with_indexes(&state, lfirst_oid(cell));
		}
	}
	else
		check_with_indexes(&state, relid);
	return (Datum) 0;
}

static void
report(CheckState *state, Oid address, const char *format,...)
{
	Datum		values[5];
	bool		isnull[5] = {false};
	char		buffer[256];
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);

	values[0] = ObjectIdGetDatum(state->relation);
	isnull[1] = !ItemPointerIsValid(&state->tid);
	values[1] = PointerGetDatum(&state->tid);
	isnull[2] = state->column == NULL;
	values[2] = isnull[2] ? (Datum) 0 : CStringGetTextDatum(state->column);
	isnull[3] = !OidIsValid(address);
	values[3] = Int64GetDatum((int64) address);
	values[4] = CStringGetTextDatum(buffer);
	tuplestore_putvalues(state->result->setResult, state->result->setDesc, values, isnull);
}

static void
check_rows(CheckState *state)
{
	TupleDesc	desc = RelationGetDescr(state->rel);
	TupleTableSlot *slot = table_slot_create(state->rel, NULL);
	TableScanDesc scan = table_beginscan(state->rel, state->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, i);
			struct varlena *value = (struct varlena *) DatumGetPointer(slot->tts_values[i]);

			if (slot->tts_isnull[i] || att->attlen != -1)
				continue;
			state->tid = slot->tts_tid;
			state->column = NameStr(att->attname);
			if (VARATT_IS_EXTERNAL(value))
				check_pointer(state, att, value);
			else
				check_inline(state, att, value);
		}
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	ItemPointerSetInvalid(&state->tid);
	state->column = NULL;
}

/*
 * Reads one chunk under the page's lock and reports its problems.
 */
static bool
check_chunk(CheckState *state, Oid at, Oid address, int32 seq, Size *len, Oid *next,
			uint32 *head)
{
	BlockNumber block = vs_address_block(at);
	OffsetNumber offset = vs_address_offset(at);
	Buffer		buffer;
	VsChunk		chunk;
	bool		found;
	bool		visible = false;

	if (block >= RelationGetNumberOfBlocks(state->store))
	{
		report(state, address, "chunk %d lies beyond the end of the value store", seq);
		return false;
	}
	buffer = ReadBuffer(state->store, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	found = vs_chunk_locate(BufferGetPage(buffer), offset, address, seq, &chunk);
	if (found)
	{
		ItemId		item = PageGetItemId(BufferGetPage(buffer), offset);
		HeapTupleData tuple;

		tuple.t_data = (HeapTupleHeader) PageGetItem(BufferGetPage(buffer), item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(state->store);
		ItemPointerSet(&tuple.t_self, block, offset);
		visible = HeapTupleSatisfiesVisibility(&tuple, state->snapshot, buffer);
		*len = chunk.len;
		*next = chunk.next;
		if (seq == 0)
			memcpy(head, chunk.data, Min(sizeof(*head), chunk.len));
	}
	UnlockReleaseBuffer(buffer);

	if (!found)
		report(state, address, "chunk %d is missing", seq);
	else if (!visible)
		report(state, address, "chunk %d is not visible to snapshots that see its row", seq);
	return found;
}

/*
 * C4, for a vector of 'size' bytes, without its length word, that begins with
 * 'head'.
 */
static void
check_vector(CheckState *state, Oid address, Size element, Size size, uint32 head)
{
	int16		dim;

	memcpy(&dim, &head, sizeof(dim));
	if (dim < 1 || size != 2 * sizeof(int16) + (Size) dim * element)
		report(state, address, "vector of %zu bytes has dimension %d", size, dim);
}

/* Checks a value in the row. */
static void
check_inline(CheckState *state, Form_pg_attribute att, struct varlena *value)
{
	Size		element = vs_type_element_size(att->atttypid);
	uint32		head = 0;

	if (element == 0 || VARATT_IS_COMPRESSED(value))
		return;
	memcpy(&head, VARDATA_ANY(value), Min(sizeof(head), VARSIZE_ANY_EXHDR(value)));
	check_vector(state, InvalidOid, element, VARSIZE_ANY_EXHDR(value), head);
}

/* C1: the sizes in a pointer to a value that begins with 'head'. */
static void
check_sizes(CheckState *state, const struct varatt_external *pointer, Size element, uint32 head)
{
	Size		size = VARATT_EXTERNAL_GET_EXTSIZE(*pointer);
	int			method = VARATT_EXTERNAL_GET_COMPRESS_METHOD(*pointer);
	int			raw = pointer->va_rawsize - (int) VARHDRSZ;

	if (!VARATT_EXTERNAL_IS_COMPRESSED(*pointer))
	{
		if (raw != size || method != 0)
			report(state, pointer->va_valueid, "pointer to %zu bytes gives their size as %d", size, raw);
		else if (element > 0)
			check_vector(state, pointer->va_valueid, element, size, head);
	}
	else if (element > 0)
		report(state, pointer->va_valueid, "pointer to a vector says that it is compressed, to %zu bytes of %d",
			   size, raw);
	else if (head != ((uint32) raw | (uint32) method << VARLENA_EXTSIZE_BITS) ||
			 !CompressionMethodIsValid(method == TOAST_PGLZ_COMPRESSION_ID ? TOAST_PGLZ_COMPRESSION :
									   method == TOAST_LZ4_COMPRESSION_ID  ? TOAST_LZ4_COMPRESSION :
									   InvalidCompressionMethod))
		report(state, pointer->va_valueid, "pointer to %zu compressed bytes gives their size as %d and their method as %d",
			   size, raw, method);
}

static void
check_pointer(CheckState *state, Form_pg_attribute att, struct varlena *value)
{
	struct varatt_external pointer;
	ValueEntry *entry;
	bool		found;
	Size		size;
	Size		done = 0;
	Oid			at;
	int32		seq;
	uint32		head = 0;

	if (!VARATT_IS_EXTERNAL_ONDISK(value))
	{
		report(state, InvalidOid, "value is an in-memory pointer");
		return;
	}
	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	size = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	at = pointer.va_valueid;
	if (pointer.va_toastrelid != state->rel->rd_rel->reltoastrelid)
	{
		report(state, at, "pointer names relation %u", pointer.va_toastrelid);
		return;
	}

	entry = hash_search(state->values, &pointer.va_valueid, HASH_ENTER, &found);
	if (found)
	{
		report(state, at, "value belongs to another row or column too");
		return;
	}
	entry->seen = 0;
	for (seq = 0; OidIsValid(at) && done < size; seq++)
	{
		Size		len;

		if (!check_chunk(state, at, pointer.va_valueid, seq, &len, &at, &head))
			break;
		done += len;
	}
	entry->chunks = seq;

	if (done != size || OidIsValid(at))
		report(state, pointer.va_valueid, "value has %zu bytes instead of %zu", done, size);
	else
		check_sizes(state, &pointer, vs_type_element_size(att->atttypid), head);
}

/* C5, for a line pointer of a locked page. */
static void
check_item(CheckState *state, Buffer buffer, BlockNumber block, OffsetNumber offset)
{
	Page		page = BufferGetPage(buffer);
	ItemId		item = PageGetItemId(page, offset);
	HeapTupleData tuple;
	ValueEntry *entry;
	Oid			address;
	int32		seq;

	if (!ItemIdIsNormal(item))
		return;
	if (ItemIdGetOffset(item) + ItemIdGetLength(item) > BLCKSZ ||
		ItemIdGetOffset(item) < ((PageHeader) page)->pd_upper ||
		ItemIdGetOffset(item) != MAXALIGN(ItemIdGetOffset(item)) ||
		ItemIdGetLength(item) <= VS_CHUNK_DATA_OFFSET)
	{
		report(state, InvalidOid, "line pointer (%u,%u) of the value store is damaged", block, offset);
		return;
	}
	tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
	tuple.t_len = ItemIdGetLength(item);
	tuple.t_tableOid = RelationGetRelid(state->store);
	ItemPointerSet(&tuple.t_self, block, offset);
	if (!HeapTupleSatisfiesVisibility(&tuple, state->snapshot, buffer))
		return;
	memcpy(&address, (char *) tuple.t_data + VS_CHUNK_ID_OFFSET, sizeof(address));
	memcpy(&seq, (char *) tuple.t_data + VS_CHUNK_SEQ_OFFSET, sizeof(seq));
	entry = hash_search(state->values, &address, HASH_FIND, NULL);
	if (entry != NULL)
		entry->seen++;
	else
		report(state, address, "chunk %d at (%u,%u) belongs to no row", seq, block, offset);
}

/* C5, for a locked page of the store. */
static void
check_store_page(CheckState *state, Buffer buffer, BlockNumber block)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber last = PageIsNew(page) ? 0 : PageGetMaxOffsetNumber(page);

	if (!PageIsNew(page) && ((PageHeader) page)->pd_lower < SizeOfPageHeaderData)
		report(state, InvalidOid, "page %u of the value store has a damaged header", block);
	else
	{
		for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
			check_item(state, buffer, block, offset);
	}
}

/*
 * C5: counts the store's chunks by value.
 */
static void
check_chunks(CheckState *state)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(state->store);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	HASH_SEQ_STATUS values;
	ValueEntry *entry;

	for (BlockNumber block = 0; block < nblocks; block++)
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(state->store, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		check_store_page(state, buffer, block);
		UnlockReleaseBuffer(buffer);
	}
	FreeAccessStrategy(strategy);

	hash_seq_init(&values, state->values);
	while ((entry = hash_seq_search(&values)) != NULL)
		if (entry->seen != entry->chunks)
			report(state, entry->address, "value has %d chunks, %d of them in its chain",
				   entry->seen, entry->chunks);
}

/*
 * C6: the index has only the metapage, or an empty root after it.
 */
static void
check_index(CheckState *state)
{
	List	   *indexes = RelationGetIndexList(state->store);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = relation_open(lfirst_oid(cell), AccessShareLock);

		if (RelationGetNumberOfBlocks(index) > 1)
			report(state, InvalidOid, "index \"%s\" of the value store is not empty",
				   RelationGetRelationName(index));
		relation_close(index, AccessShareLock);
	}
	list_free(indexes);
}
