/*-------------------------------------------------------------------------
 * inspect_index_check.c
 *	  vecstore.check(), check_index(): the structure of a vecann index, and that
 *	  each row of the table is in it exactly once.
 *
 * The check holds the seal lock, shared with other checks, so that no entry
 * moves meanwhile; inserts go on.
 *	I0	the metapage's fields are possible, and lead to a center and to the log
 *		of seals;
 *	I1	pending pages are of their kind, linked to the tail, within capacity;
 *	I2	extents, their pages and counts agree, with each other and the metapage;
 *	I3	no page is reached twice, each is of the expected kind, none is retired
 *		(A6);
 *	I4	no entry that counts is numbered above the last published seal (A3);
 *	I5	no TID has two entries that count (A8);
 *	I6	each row that an earlier snapshot sees has an entry, with the address of
 *		its value; for bits, with the value itself, which is the code.
 *
 * Pages may be damaged in any way: their contents are checked before they are
 * followed.  An error about damage ends a pass, and is reported as a problem.
 *
 * On a standby there is no seal lock, and replay changes the index while it is
 * read.  A problem that replay alone explains is not found again by a pass
 * that reads the metapage later.  So a problem is reported there only if each
 * of PASSES finds it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "ann/base/ann_index.h"
#include "ann/base/ann_lock.h"
#include "ann/base/ann_value.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/seal/ann_list_copy.h"
#include "compat/compat.h"
#include "inspect/inspect_index.h"
#include "quant/quant.h"
#include "store/store.h"
#include "util/as_owner.h"
#include "util/stop_point.h"

/* passes on a standby, see above */
#define PASSES			3
#define PROBLEM_BYTES	256

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_check_index);

typedef struct RowEntry
{
	ItemPointerData tid;		/* hash key */
	uint32		address;
	uint64		code_hash;		/* under Hamming */
} RowEntry;

/* A problem found on a standby, as a hash key. */
typedef struct Problem
{
	ItemPointerData tid;		/* invalid: none */
	char		text[PROBLEM_BYTES];
} Problem;

typedef struct ProblemEntry
{
	Problem		problem;		/* hash key */
	int			pass;			/* the last pass, if all so far found it */
} ProblemEntry;

typedef struct Check
{
	VsAnn		ann;
	Relation	heap;
	VsAnnMetaData meta;
	HTAB	   *entries;		/* those that count, by TID */
	uint8	   *reached;
	BlockNumber npages;
	VsAnnListCounts lists;		/* entries of all lists */
	bool		bits;			/* codes are the values */
	VsAnnCoder	coder;			/* if bits */
	int			pass;			/* on a standby, else 0 */
	HTAB	   *found;			/* problems that all passes so far found */
	int64		nfound;			/* in this pass */
	VsAnnProblem problem;
	void	   *problem_arg;
} Check;

static void report(Check *check, const char *format,...) pg_attribute_printf(2, 3);
static void report_row(Check *check, const ItemPointerData *tid, const char *format,...) pg_attribute_printf(3, 4);

/*
 * Passes a problem to the caller, or on a standby notes it for the next pass.
 */
static void
add_problem(Check *check, const ItemPointerData *tid, const char *text)
{
	ItemPointerData row;
	Problem		key;
	ProblemEntry *entry;
	bool		found = true;

	if (tid != NULL)
		row = *tid;
	if (check->pass == 0)
	{
		check->problem(check->problem_arg, tid != NULL ? &row : NULL, text);
		return;
	}
	memset(&key, 0, sizeof(key));
	if (tid != NULL)
		key.tid = *tid;
	strlcpy(key.text, text, sizeof(key.text));
	entry = hash_search(check->found, &key, check->pass == 1 ? HASH_ENTER : HASH_FIND, &found);
	if (entry == NULL || (check->pass > 1 && entry->pass != check->pass - 1))
		return;
	entry->pass = check->pass;
	check->nfound++;
}

static void
report(Check *check, const char *format,...)
{
	char		buffer[PROBLEM_BYTES];
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	add_problem(check, NULL, buffer);
}

static void
report_row(Check *check, const ItemPointerData *tid, const char *format,...)
{
	char		buffer[PROBLEM_BYTES];
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	add_problem(check, tid, buffer);
}

/* I3 for one page.  False if its contents cannot be used. */
static bool
reach_page(Check *check, BlockNumber block, VsAnnPageKind kind, const char *what)
{
	Buffer		buffer;
	Page		page;
	const char *wrong = NULL;

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
	if (PageIsNew(page))
		wrong = "empty";
	else if (!vs_ann_page_is(page, kind))
		wrong = "of another kind";
	else if ((VS_ANN_OPAQUE(page)->flags & VS_ANN_RETIRED) != 0)
		wrong = "unused";
	else
		wrong = vs_ann_page_fault(&check->ann, page, kind);
	UnlockReleaseBuffer(buffer);
	if (wrong != NULL)
		report(check, "%s page %u is %s", what, block, wrong);
	return wrong == NULL;
}

/*
 * Reaches the pages of a chain.  Returns the number of items on them, or -1 if
 * they cannot be followed.
 */
static int64
reach_chain(Check *check, BlockNumber block, VsAnnPageKind kind, const char *what)
{
	int64		sum = 0;

	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		VsAnnPageOpaque opaque;

		if (!reach_page(check, block, kind, what))
			return -1;
		buffer = vs_ann_page_read(&check->ann, block, BUFFER_LOCK_SHARE, kind);
		opaque = VS_ANN_OPAQUE(BufferGetPage(buffer));
		sum += opaque->used;
		block = opaque->next;
		UnlockReleaseBuffer(buffer);
	}
	return sum;
}

/* Under Hamming, notes the code of an entry. */
static void
note_code(const VsAnnId *id, const uint8 *code, void *arg)
{
	Check	   *check = (Check *) arg;
	RowEntry   *entry = hash_search(check->entries, &id->tid, HASH_FIND, NULL);

	if (entry != NULL && id->seal <= check->meta.sealed)
		entry->code_hash = hash_bytes_extended(code, check->ann.geo.code_bytes, 0);
}

/* An entry has only one flag. */
static void
check_flags(Check *check, const VsAnnId *id)
{
	if ((id->flags & ~VS_ANN_DEAD) != 0)
		report_row(check, &id->tid, "an entry has flags %u", id->flags);
}

/* I5.  Notes an entry that counts. */
static void
note_entry(Check *check, const VsAnnId *id)
{
	bool		found;
	RowEntry   *entry = hash_search(check->entries, &id->tid, HASH_ENTER, &found);

	if (found)
		report_row(check, &id->tid, "row has two entries");
	entry->address = id->address;
	entry->code_hash = 0;
}

/* Notes the entries that count of a locked pending page. */
static void
note_pending(Check *check, BlockNumber block, Page page)
{
	for (int i = 0; i < VS_ANN_OPAQUE(page)->used; i++)
	{
		VsAnnId    *id = &vs_ann_pending_ids(page)[i];

		check_flags(check, id);
		if ((id->flags & VS_ANN_DEAD) != 0)
			continue;
		vs_ann_id_check(&check->ann, block, id);
		note_entry(check, id);
		if (!check->bits)
			continue;
		vs_ann_pending_code(&check->ann, page, i, check->coder.code);
		note_code(id, check->coder.code, check);
	}
}

/* I1. */
static void
check_chain(Check *check, const VsAnnChain *chain)
{
	BlockNumber block = chain->head;
	uint32		npages = 0;

	/* pages that inserts add meanwhile are not checked */
	while (block != InvalidBlockNumber && block < check->npages && npages < chain->npages &&
		   reach_page(check, block, VS_ANN_PENDING, "pending"))
	{
		Buffer		buffer = vs_ann_page_read(&check->ann, block, BUFFER_LOCK_SHARE,
											  VS_ANN_PENDING);
		Page		page = BufferGetPage(buffer);
		VsAnnPageOpaque opaque = VS_ANN_OPAQUE(page);

		if (opaque->epoch <= check->meta.sealed)
			report(check, "pending page %u is of seal %u, but %u is published", block,
				   opaque->epoch, check->meta.sealed);
		if (opaque->epoch > Max(check->meta.sealed, check->meta.sealing) + 1)
			report(check, "pending page %u is of a future seal, %u", block, opaque->epoch);
		if ((opaque->flags & VS_ANN_CENTRED) != 0 && check->meta.centre == InvalidBlockNumber)
			report(check, "pending page %u is coded against a center, but the index has none", block);
		note_pending(check, block, page);
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

	check_flags(check, id);
	if ((id->flags & VS_ANN_DEAD) != 0)
		return false;
	if (ItemPointerGetBlockNumberNoCheck(&id->tid) == InvalidBlockNumber ||
		!OffsetNumberIsValid(ItemPointerGetOffsetNumberNoCheck(&id->tid)))
		report_row(check, &id->tid, "an entry has an invalid TID");
	if (id->seal <= check->meta.sealed)
		note_entry(check, id);
	else if (check->meta.sealing == 0)
		report_row(check, &id->tid, "an entry is of seal %u, but only %u is published", id->seal,
				   check->meta.sealed);
	return false;
}

/* Reaches the pages of an extent; false if it lacks some that it needs. */
static bool
check_extent(Check *check, int list, BlockNumber block, const VsAnnExtent *extent)
{
	const VsAnnGeometry *geo = &check->ann.geo;
	int			per_page = geo->blocks_per_page * VS_QUANT_BLOCK;
	int			nentries = extent->header.nentries;
	bool		sound = true;

	if (extent->header.nentries > geo->extent_entries || extent->header.ndead > nentries)
	{
		report(check, "extent %u of list %d holds %u entries, %u of them dead, %d at most", block,
			   list, extent->header.nentries, extent->header.ndead, geo->extent_entries);
		return false;
	}
	for (int i = 0; i < vs_ann_extent_page_count(geo); i++)
	{
		bool		code = i < geo->code_pages - 1;
		int			first = code ? (i + 1) * per_page : (i - geo->code_pages + 1) * geo->details_per_page;

		if (extent->pages[i] != InvalidBlockNumber)
			sound = reach_page(check, extent->pages[i], code ? VS_ANN_CODES : VS_ANN_DETAIL,
							   code ? "code" : "detail") &&
				sound;
		else if (first < nentries)
		{
			report(check, "extent %u of list %d lacks a page", block, list);
			sound = false;
		}
	}
	return sound;
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
	VsAnnListCounts counts = {0};
	BlockNumber tail = InvalidBlockNumber;
	bool		sound = true;

	while (block != InvalidBlockNumber)
	{
		if (!reach_page(check, block, VS_ANN_EXTENT, "extent"))
			return;
		vs_ann_extent_read(&check->ann, block, &extent);
		if (block == head)
		{
			tail = extent.header.tail;
			list_entries = extent.header.list_entries;
		}
		sound = check_extent(check, list, block, &extent) && sound;
		entries += extent.header.nentries;
		dead += extent.header.ndead;
		last = block;
		block = extent.header.next;
	}
	if (tail != last)
		report(check, "list %d ends at page %u, its first page says %u", list, last, tail);
	if (!sound)
		return;
	if (list_entries != entries)
		report(check, "list %d holds %u entries, its first page says %u", list, entries,
			   list_entries);
	vs_ann_list_walk(&check->ann, head, false, check_id, check, &counts);
	if (check->bits)
		vs_ann_list_codes(&check->ann, head, note_code, check);
	if (dead > counts.dead)
		report(check, "list %d has " INT64_FORMAT " dead entries, its pages say %u", list,
			   counts.dead, dead);
	check->lists.entries += counts.entries;
	check->lists.dead += counts.dead;
}

/* I0: the log of seals ends with the last one published. */
static void
check_segments(Check *check)
{
	BlockNumber block = check->meta.segments;
	uint32		above = check->meta.sealed + 1;

	if (reach_chain(check, block, VS_ANN_SEGMENT, "segment") < 0)
		return;
	if (block == InvalidBlockNumber && check->meta.sealed > 0)
		report(check, "seal %u is published, and the metapage leads to no segment", check->meta.sealed);
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer = vs_ann_page_read(&check->ann, block, BUFFER_LOCK_SHARE, VS_ANN_SEGMENT);
		Page		page = BufferGetPage(buffer);

		for (int i = VS_ANN_OPAQUE(page)->used - 1; i >= 0; i--)
		{
			const VsAnnSegment *segment = &VS_ANN_SEGMENTS(page)[i];

			if (above > check->meta.sealed ? segment->number != check->meta.sealed :
				segment->number >= above)
				report(check, "segment page %u has segment %u before %u", block, segment->number, above);
			above = segment->number;
		}
		block = VS_ANN_OPAQUE(page)->next;
		UnlockReleaseBuffer(buffer);
	}
}

/* I0: an index with lists has a center, with one number per dimension. */
static void
check_centre(Check *check)
{
	const VsAnnMetaData *meta = &check->meta;
	int64		padded = check->ann.geo.padded;
	int64		floats = reach_chain(check, meta->centre, VS_ANN_CENTROID, "center");

	if ((meta->centre == InvalidBlockNumber) != (meta->directory == InvalidBlockNumber))
		report(check, "the metapage leads to a %s and to no %s",
			   meta->centre == InvalidBlockNumber ? "directory" : "center",
			   meta->centre == InvalidBlockNumber ? "center" : "directory");
	else if (meta->centre != InvalidBlockNumber && floats >= 0 && floats != padded)
		report(check, "the center has " INT64_FORMAT " numbers, not " INT64_FORMAT, floats, padded);
	else if (meta->centre != InvalidBlockNumber && floats >= 0)
		vs_ann_centre_read(&check->ann, meta->centre, palloc(sizeof(float) * padded));
}

/*
 * Reaches the pages of the directory, the centroids and the center; false if
 * they cannot be read.
 */
static bool
check_directory(Check *check)
{
	const VsAnnMetaData *meta = &check->meta;
	int64		padded = check->ann.geo.padded;
	Buffer		buffer;
	BlockNumber centroids;
	int64		heads;
	int64		floats;

	check_centre(check);
	if (meta->directory == InvalidBlockNumber)
		return false;
	heads = reach_chain(check, meta->directory, VS_ANN_DIRECTORY, "directory");
	if (heads < 0)
		return false;
	buffer = vs_ann_page_read(&check->ann, meta->directory, BUFFER_LOCK_SHARE, VS_ANN_DIRECTORY);
	centroids = VS_ANN_DIRECTORY_HEADER(BufferGetPage(buffer))->centroids;
	UnlockReleaseBuffer(buffer);
	floats = reach_chain(check, centroids, VS_ANN_CENTROID, "centroid");
	if (heads != meta->nlists || (floats >= 0 && floats != (heads + 1) * padded))
	{
		report(check, "the directory has " INT64_FORMAT " lists and " INT64_FORMAT
			   " numbers of centroids, the metapage says %u lists of " INT64_FORMAT " dimensions",
			   heads, floats, meta->nlists, padded);
		return false;
	}
	return floats >= 0;
}

static void
check_lists(Check *check)
{
	const VsAnnMetaData *meta = &check->meta;
	VsAnnDirectory *dir;

	check_segments(check);
	if (!check_directory(check))
		return;
	dir = vs_ann_directory_read(&check->ann, meta->directory);
	if (dir->nlists != meta->nlists || dir->generation != meta->generation)
		report(check, "directory has %d lists of generation %u, the metapage says %u of %u",
			   dir->nlists, dir->generation, meta->nlists, meta->generation);
	if (dir->centroids_of > dir->generation)
		report(check, "directory of generation %u has centroids of %u", dir->generation,
			   dir->centroids_of);
	for (int i = 0; i < dir->nlists; i++)
		check_list(check, i, dir->heads[i]);
	/*
	 * Entries of an unpublished seal need not be counted, and neither need the
	 * last entries that were flagged before an error.
	 */
	if (meta->list_rows > check->lists.entries ||
		(meta->sealing == 0 && meta->list_rows < check->lists.entries) ||
		meta->list_dead > check->lists.dead || meta->list_dead < 0)
		report(check, "lists hold " INT64_FORMAT " entries, " INT64_FORMAT
			   " of them dead; the metapage says " INT64_FORMAT " and " INT64_FORMAT,
			   check->lists.entries, check->lists.dead, meta->list_rows, meta->list_dead);
}

/* TID of the row's index entries: the root of its HOT chain. */
static void
find_root_tid(Check *check, ItemPointer tid, ItemPointer root)
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

/* Under Hamming: whether the entry's code is the value. */
static bool
bits_match(Check *check, Datum value, const RowEntry *entry)
{
	struct varlena *bits = PG_DETOAST_DATUM_PACKED(value);

	if (!vs_ann_payload_fits(check->ann.type.kind, VARDATA_ANY(bits), VARSIZE_ANY_EXHDR(bits)) ||
		vs_ann_payload_dim(check->ann.type.kind, VARDATA_ANY(bits)) != check->ann.spec.dim)
		return false;
	vs_ann_coder_encode(&check->coder, VARDATA_ANY(bits), NULL, NULL, false);
	return entry->code_hash == hash_bytes_extended(check->coder.code, check->ann.geo.code_bytes, 0);
}

/* Checks that the index has an entry of the row, with the row's value. */
static void
check_row(Check *check, TupleTableSlot *slot, Datum value)
{
	ItemPointerData root;
	RowEntry   *entry;
	Oid			address;
	Size		len;

	find_root_tid(check, &slot->tts_tid, &root);
	entry = hash_search(check->entries, &root, HASH_FIND, NULL);
	if (entry == NULL)
		report_row(check, &slot->tts_tid, "row has no entry");
	else if (check->bits)
	{
		if (!bits_match(check, value, entry))
			report_row(check, &slot->tts_tid, "row has other bits than its entry");
	}
	else if (vs_store_datum_address(check->heap, value, &address, &len) &&
			 address != entry->address)
		report_row(check, &slot->tts_tid, "row has its value at %u, its entry says %u", address,
				   entry->address);
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
		MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		CHECK_FOR_INTERRUPTS();
		if (predicate == NULL || ExecQual(predicate, econtext))
		{
			FormIndexDatum(info, slot, estate, values, nulls);
			if (!nulls[0])
				check_row(check, slot, values[0]);
		}
		MemoryContextSwitchTo(old);
		ResetExprContext(econtext);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
}

/*
 * Whether a session may be building the index.  It holds a lock on the table
 * that keeps other builds away; VACUUM holds one too.  A standby does not have
 * these locks.
 */
static bool
may_be_building(Relation heap)
{
	LOCKTAG		tag;
	int			holders;

	if (RecoveryInProgress())
		return true;
	SET_LOCKTAG_RELATION(tag, heap->rd_lockInfo.lockRelId.dbId, heap->rd_lockInfo.lockRelId.relId);
	pfree(GetLockConflicts(&tag, ShareUpdateExclusiveLock, &holders));
	return holders > 0;
}

/*
 * An index that CREATE or REINDEX CONCURRENTLY is building, or has left
 * unbuilt, does not have all rows.
 */
static void
check_invalid(Check *check)
{
	if (may_be_building(check->heap))
		ereport(NOTICE,
				(errmsg("index \"%s\" is not valid and may be under construction: its entries are not compared with the rows of the table",
						RelationGetRelationName(check->ann.index))));
	else
		report(check, "the index is not valid: its build was not completed");
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
	memset(&check->lists, 0, sizeof(check->lists));
	/*
	 * taken before the entries are read, so each row that it sees has its
	 * entry
	 */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	vs_ann_meta_read(&check->ann, &check->meta);
	VS_STOP_POINT("check: metapage copied");
	check->npages = RelationGetNumberOfBlocks(check->ann.index);
	check->reached = palloc_extended(check->npages / BITS_PER_BYTE + 1,
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	check->bits = check->ann.has_dim && check->ann.type.metric == VS_QUANT_HAMMING;
	if (check->ann.has_dim)
	{
		vs_ann_coder_init(&check->coder, &check->ann);
		if (check->meta.seed != VS_ANN_ROTATION_SEED)
			report(check, "the metapage has an unexpected seed of the rotation");
		for (int i = 0; i < VS_ANN_CHAINS; i++)
		{
			check_chain(check, &check->meta.closing[i]);
			check_chain(check, &check->meta.growing[i]);
		}
		check_lists(check);
	}
	if (check->ann.index->rd_index->indisvalid)
		check_rows(check, snapshot);
	else
		check_invalid(check);
	UnregisterSnapshot(snapshot);
}

/*
 * Runs one pass, in a subtransaction: an error about damage ends it, releases
 * the seal lock, and is reported as a problem.
 */
static void
run_pass(Check *check, Relation index)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext context = AllocSetContextCreate(caller, "vecann check pass",
												  ALLOCSET_DEFAULT_SIZES);

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (!RecoveryInProgress())
			vs_ann_check_lock(index);
		vs_ann_held_write(index);
		vs_ann_open(&check->ann, index);
		check_all(check);
		if (!RecoveryInProgress())
			vs_ann_check_unlock(index);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode != ERRCODE_INDEX_CORRUPTED &&
			error->sqlerrcode != ERRCODE_DATA_CORRUPTED)
			ReThrowError(error);
		report(check, "%s", error->message);
	}
	PG_END_TRY();
	MemoryContextDelete(context);
}

/*
 * Runs the passes on a standby, until one finds no problem that all passes
 * before have found.  Reports the problems that all PASSES found.
 */
static void
run_passes(Check *check, Relation index)
{
	HASHCTL		control;
	HASH_SEQ_STATUS status;
	ProblemEntry *entry;

	control.keysize = sizeof(Problem);
	control.entrysize = sizeof(ProblemEntry);
	control.hcxt = CurrentMemoryContext;
	check->found = hash_create("vecann problems", 64, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	do
	{
		check->pass++;
		check->nfound = 0;
		run_pass(check, index);
	} while (check->nfound > 0 && check->pass < PASSES);
	hash_seq_init(&status, check->found);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		Problem    *problem = &entry->problem;

		if (entry->pass == check->pass && check->nfound > 0)
			check->problem(check->problem_arg,
						   ItemPointerIsValid(&problem->tid) ? &problem->tid : NULL, problem->text);
	}
}

void
vs_inspect_index_check(Oid indexoid, VsAnnProblem problem, void *arg)
{
	Check		check = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Relation	index = vs_inspect_index_open(indexoid, &check.heap);
	VsCaller	caller;

	/* the index's expressions must not run with the rights of the caller */
	vs_as_owner_begin(check.heap->rd_rel->relowner, &caller);
	check.problem = problem;
	check.problem_arg = arg;
	if (!index->rd_index->indisready)
		ereport(NOTICE,
				(errmsg("index \"%s\" is not ready, and is not checked", RelationGetRelationName(index))));
	else if (RecoveryInProgress())
		run_passes(&check, index);
	else
		run_pass(&check, index);
	vs_as_owner_end(&caller);
	index_close(index, AccessShareLock);
	table_close(check.heap, AccessShareLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
return_problem(void *arg, ItemPointer tid, const char *problem)
{
	ReturnSetInfo *result = (ReturnSetInfo *) arg;
	Datum		value;
	bool		null = false;

	if (tid == NULL)
		value = CStringGetTextDatum(problem);
	else
		value = CStringGetTextDatum(psprintf("(%u,%u): %s", ItemPointerGetBlockNumberNoCheck(tid),
											 ItemPointerGetOffsetNumberNoCheck(tid), problem));
	tuplestore_putvalues(result->setResult, result->setDesc, &value, &null);
}

Datum
vs_inspect_check_index(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	vs_inspect_index_check(PG_GETARG_OID(0), return_problem, fcinfo->resultinfo);
	return (Datum) 0;
}
