/*-------------------------------------------------------------------------
 * ann_check.c
 *	  vecstore.check_index(): the structure of a vecann index, and that each row
 *	  of the table is in it exactly once.
 *
 * Under the seal lock, so that nothing moves meanwhile; inserts go on:
 *	I1	pending pages are of their kind, linked to the tail, within capacity;
 *	I2	extents, their pages and counts agree;
 *	I3	no page is reached twice, and no reached page is retired (A6);
 *	I4	no entry that counts is numbered above the last published seal (A3);
 *	I5	no TID has two entries that count (A8);
 *	I6	each row that a snapshot taken before sees has an entry, with the address
 *		of its value.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ann/ann_internal.h"
#include "compat/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_sql_check);

typedef struct RowEntry
{
	ItemPointerData tid;		/* hash key */
	uint32		address;
} RowEntry;

typedef struct Check
{
	VsAnn		ann;
	Relation	heap;
	VsAnnMetaData meta;
	HTAB	   *entries;		/* those that count, by TID */
	uint8	   *reached;
	BlockNumber npages;
	int64		dead;			/* flagged, in the current extent's list */
	ReturnSetInfo *result;
} Check;

static void report(Check *check, const char *format,...) pg_attribute_printf(2, 3);

static void
report(Check *check, const char *format,...)
{
	char		buffer[256];
	va_list		args;
	Datum		value;
	bool		null = false;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	value = CStringGetTextDatum(buffer);
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, &value, &null);
}

/* I3.  False when the page cannot be followed. */
static bool
reach(Check *check, BlockNumber block, const char *what)
{
	Buffer		buffer;
	Page		page;
	bool		sound;

	CHECK_FOR_INTERRUPTS();
	if (block >= check->npages)
	{
		report(check, "%s page %u is beyond the end of the index", what, block);
		return false;
	}
	if ((check->reached[block / BITS_PER_BYTE] & (1 << (block % BITS_PER_BYTE))) != 0)
	{
		report(check, "%s page %u is reached twice", what, block);
		return false;
	}
	check->reached[block / BITS_PER_BYTE] |= 1 << (block % BITS_PER_BYTE);
	buffer = ReadBuffer(check->ann.index, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	sound = !PageIsNew(page) && (VS_ANN_OPAQUE(page)->flags & VS_ANN_RETIRED) == 0;
	UnlockReleaseBuffer(buffer);
	if (!sound)
		report(check, "%s page %u is unused", what, block);
	return sound;
}

/* I5. */
static void
enter(Check *check, const VsAnnId *id)
{
	bool		found;
	RowEntry   *entry = hash_search(check->entries, &id->tid, HASH_ENTER, &found);

	if (found)
		report(check, "row (%u,%u) has two entries",
			   ItemPointerGetBlockNumberNoCheck(&id->tid),
			   ItemPointerGetOffsetNumberNoCheck(&id->tid));
	entry->address = id->address;
}

/* I1. */
static void
check_chain(Check *check, const VsAnnChain *chain)
{
	BlockNumber block = chain->head;
	uint32		npages = 0;

	/* pages that inserts add meanwhile are not looked at */
	while (block != InvalidBlockNumber && block < check->npages && npages < chain->npages &&
		   reach(check, block, "pending"))
	{
		Buffer		buffer = vs_ann_page_read(&check->ann, block, BUFFER_LOCK_SHARE,
											  VS_ANN_PENDING);
		Page		page = BufferGetPage(buffer);
		VsAnnPageOpaque opaque = VS_ANN_OPAQUE(page);

		if (opaque->used > check->ann.geo.pending_capacity)
			report(check, "pending page %u holds %u entries", block, opaque->used);
		if (opaque->epoch <= check->meta.sealed)
			report(check, "pending page %u is of seal %u, but %u is published", block,
				   opaque->epoch, check->meta.sealed);
		for (int i = 0; i < Min(opaque->used, check->ann.geo.pending_capacity); i++)
		{
			VsAnnId    *id = &vs_ann_pending_ids(page)[i];

			if ((id->flags & VS_ANN_DEAD) == 0)
				enter(check, id);
		}
		npages++;
		block = opaque->next;
		UnlockReleaseBuffer(buffer);
	}
	if (npages < chain->npages)
		report(check, "a pending chain has %u pages, the metapage says %u", npages,
			   chain->npages);
}

static bool
check_id(VsAnnId *id, void *arg)
{
	Check	   *check = (Check *) arg;

	if ((id->flags & VS_ANN_DEAD) != 0)
		check->dead++;
	else if (id->seal <= check->meta.sealed)
		enter(check, id);
	else if (check->meta.sealing == 0)
		report(check, "an entry of row (%u,%u) is of seal %u, but only %u is published",
			   ItemPointerGetBlockNumberNoCheck(&id->tid),
			   ItemPointerGetOffsetNumberNoCheck(&id->tid), id->seal, check->meta.sealed);
	return false;
}

/* I2. */
static void
check_list(Check *check, int list, BlockNumber head)
{
	BlockNumber block = head;
	BlockNumber last = head;
	VsAnnExtent extent;
	uint32		entries = 0;
	uint32		dead = 0;
	uint32		list_entries = 0;
	BlockNumber tail = InvalidBlockNumber;

	while (block != InvalidBlockNumber && reach(check, block, "extent"))
	{
		vs_ann_extent_read(&check->ann, block, &extent);
		if (block == head)
		{
			tail = extent.header.tail;
			list_entries = extent.header.list_entries;
		}
		if (extent.header.nentries > check->ann.geo.extent_entries)
			report(check, "extent %u of list %d holds %u entries", block, list,
				   extent.header.nentries);
		for (int i = 0; i < vs_ann_extent_page_count(&check->ann.geo); i++)
		{
			if (extent.pages[i] != InvalidBlockNumber)
				reach(check, extent.pages[i], "list");
		}
		entries += extent.header.nentries;
		dead += extent.header.ndead;
		last = block;
		block = extent.header.next;
	}
	if (tail != last)
		report(check, "list %d ends at page %u, its first page says %u", list, last, tail);
	if (list_entries != entries)
		report(check, "list %d holds %u entries, its first page says %u", list, entries,
			   list_entries);
	check->dead = 0;
	vs_ann_list_walk(&check->ann, head, false, check_id, check);
	if (dead > check->dead)
		report(check, "list %d has " INT64_FORMAT " dead entries, its pages say %u", list,
			   check->dead, dead);
}

static void
reach_directory(BlockNumber block, void *arg)
{
	reach((Check *) arg, block, "directory");
}

static void
check_lists(Check *check)
{
	VsAnnDirectory *dir;

	vs_ann_centre_pages(&check->ann, check->meta.centre, reach_directory, check);
	if (check->meta.directory == InvalidBlockNumber)
		return;
	vs_ann_directory_pages(&check->ann, check->meta.directory, true, reach_directory, check);
	dir = vs_ann_directory_read(&check->ann, check->meta.directory);
	if (dir->nlists != check->meta.nlists || dir->generation != check->meta.generation)
		report(check, "directory has %d lists of generation %u, the metapage says %u of %u",
			   dir->nlists, dir->generation, check->meta.nlists, check->meta.generation);
	for (int i = 0; i < dir->nlists; i++)
		check_list(check, i, dir->heads[i]);
}

/* TID of the row's index entries: the root of its HOT chain. */
static void
root_tid(Check *check, ItemPointer tid, ItemPointer root)
{
	OffsetNumber roots[MaxHeapTuplesPerPage];
	Buffer		buffer = ReadBuffer(check->heap, ItemPointerGetBlockNumber(tid));
	OffsetNumber offset;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	heap_get_root_tuples(BufferGetPage(buffer), roots);
	UnlockReleaseBuffer(buffer);
	offset = roots[ItemPointerGetOffsetNumber(tid) - 1];
	ItemPointerSet(root, ItemPointerGetBlockNumber(tid),
				   OffsetNumberIsValid(offset) ? offset : ItemPointerGetOffsetNumber(tid));
}

static void
check_row(Check *check, TupleTableSlot *slot, AttrNumber attnum)
{
	ItemPointerData root;
	RowEntry   *entry;
	Oid			address;
	Size		len;
	bool		null;
	Datum		value = slot_getattr(slot, attnum, &null);

	if (null)
		return;
	root_tid(check, &slot->tts_tid, &root);
	entry = hash_search(check->entries, &root, HASH_FIND, NULL);
	if (entry == NULL)
		report(check, "row (%u,%u) has no entry", ItemPointerGetBlockNumber(&slot->tts_tid),
			   ItemPointerGetOffsetNumber(&slot->tts_tid));
	else if (vs_store_datum_address(check->heap, value, &address, &len) &&
			 address != entry->address)
		report(check, "row (%u,%u) has its value at %u, its entry says %u",
			   ItemPointerGetBlockNumber(&slot->tts_tid),
			   ItemPointerGetOffsetNumber(&slot->tts_tid), address, entry->address);
}

/* I6. */
static void
check_rows(Check *check, Snapshot snapshot)
{
	IndexInfo  *info = BuildIndexInfo(check->ann.index);
	TupleTableSlot *slot = table_slot_create(check->heap, NULL);
	EState	   *estate = CreateExecutorState();
	ExprContext *econtext = GetPerTupleExprContext(estate);
	ExprState  *predicate = ExecPrepareQual(info->ii_Predicate, estate);
	TableScanDesc scan = table_beginscan(check->heap, snapshot, 0, NULL);

	econtext->ecxt_scantuple = slot;
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (predicate == NULL || ExecQual(predicate, econtext))
			check_row(check, slot, info->ii_IndexAttrNumbers[0]);
		ResetExprContext(econtext);
	}
	table_endscan(scan);
	FreeExecutorState(estate);
	ExecDropSingleTupleTableSlot(slot);
}

static void
check_all(Check *check)
{
	HASHCTL		control;
	Snapshot	snapshot;

	control.keysize = sizeof(ItemPointerData);
	control.entrysize = sizeof(RowEntry);
	control.hcxt = CurrentMemoryContext;
	check->entries = hash_create("vecann entries", 1024, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	/* before the entries are read: each row that it sees has its entry by now */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	vs_ann_meta_read(&check->ann, &check->meta);
	check->npages = RelationGetNumberOfBlocks(check->ann.index);
	check->reached = palloc_extended(check->npages / BITS_PER_BYTE + 1,
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (check->ann.has_dim)
	{
		for (int i = 0; i < VS_ANN_CHAINS; i++)
		{
			check_chain(check, &check->meta.closing[i]);
			check_chain(check, &check->meta.growing[i]);
		}
		check_lists(check);
	}
	check_rows(check, snapshot);
	UnregisterSnapshot(snapshot);
}

Datum
vs_ann_sql_check(PG_FUNCTION_ARGS)
{
	Check		check = {0};
	Relation	index;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	check.result = (ReturnSetInfo *) fcinfo->resultinfo;
	index = vs_ann_open_for_inspection(PG_GETARG_OID(0), &check.heap);
	if (!RecoveryInProgress())
		vs_ann_seal_lock(index, VS_ANN_WAIT);
	vs_ann_open(&check.ann, index);
	check_all(&check);
	if (!RecoveryInProgress())
		vs_ann_seal_unlock(index);
	index_close(index, AccessShareLock);
	table_close(check.heap, AccessShareLock);
	return (Datum) 0;
}
