/*-------------------------------------------------------------------------
 * ann_inspect.c
 *	  SQL: vecstore.index_segments, vecstore.index_info, vecstore.last_scan_stats.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ann/ann_scan.h"
#include "compat/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_sql_segments);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_sql_index_info);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_sql_last_scan_stats);

/*
 * Opens a vecann index and its table with AccessShareLock.  Needs the right to
 * read the table.
 */
Relation
vs_ann_open_for_inspection(Oid indexoid, Relation *heap)
{
	Oid			heapoid = IndexGetRelation(indexoid, true);
	Relation	index;
	AclResult	result;

	if (!OidIsValid(heapoid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation %u is not a vecann index", indexoid)));
	*heap = table_open(heapoid, AccessShareLock);
	index = index_open(indexoid, AccessShareLock);
	if (!vs_ann_is_vecann(index))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a vecann index", RelationGetRelationName(index))));
	result = pg_class_aclcheck(heapoid, GetUserId(), ACL_SELECT);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, RelationGetRelationName(*heap));
	return index;
}

/* ---- segments ---- */

typedef struct SegmentCount
{
	uint32		number;			/* hash key */
	int64		rows;
	int64		dead;
} SegmentCount;

static bool
count_id(VsAnnId *id, void *arg)
{
	bool		found;
	SegmentCount *count = hash_search((HTAB *) arg, &id->seal, HASH_ENTER, &found);

	if (!found)
		count->rows = count->dead = 0;
	count->rows++;
	if ((id->flags & VS_ANN_DEAD) != 0)
		count->dead++;
	return false;
}

static HTAB *
count_segments(const VsAnn *ann, const VsAnnMetaData *meta)
{
	HASHCTL		control;
	HTAB	   *counts;

	control.keysize = sizeof(uint32);
	control.entrysize = sizeof(SegmentCount);
	control.hcxt = CurrentMemoryContext;
	counts = hash_create("vecann segments", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (meta->directory != InvalidBlockNumber)
	{
		VsAnnDirectory *dir = vs_ann_directory_read(ann, meta->directory);

		for (int i = 0; i < dir->nlists; i++)
			vs_ann_list_walk(ann, dir->heads[i], false, count_id, counts);
	}
	return counts;
}

static const char *
method_name(uint32 method)
{
	switch ((VsAnnSegmentMethod) method)
	{
		case VS_ANN_SEALED_BUILD:
			return "build";
		case VS_ANN_SEALED_FLUSH:
			return "flush";
		case VS_ANN_SEALED_COMPACT:
			return "compact";
	}
	return "unknown";
}

static void
put_segment(ReturnSetInfo *result, const VsAnnSegment *segment, const SegmentCount *count)
{
	Datum		values[7];
	bool		nulls[7] = {false};

	values[0] = Int32GetDatum(segment->number);
	values[1] = CStringGetTextDatum("sealed");
	values[2] = Int64GetDatum(count->rows);
	values[3] = Int64GetDatum(count->dead);
	values[4] = TimestampTzGetDatum(segment->created);
	values[5] = CStringGetTextDatum(method_name(segment->method));
	values[6] = Int64GetDatum(segment->rows);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_growing(ReturnSetInfo *result, const VsAnn *ann, const VsAnnMetaData *meta)
{
	Datum		values[7] = {0};
	bool		nulls[7] = {false, false, false, true, true, true, true};

	values[0] = Int32GetDatum(Max(meta->sealed, meta->sealing) + 1);
	values[1] = CStringGetTextDatum("growing");
	values[2] = Int64GetDatum(ann->has_dim ? vs_ann_pending_rows(ann, meta) : 0);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* One row a segment that still has entries, newest first after the growing one. */
Datum
vs_ann_sql_segments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	heap;
	Relation	index;
	VsAnn		ann;
	VsAnnMetaData meta;
	BlockNumber block;
	HTAB	   *counts;

	InitMaterializedSRF(fcinfo, 0);
	index = vs_ann_open_for_inspection(PG_GETARG_OID(0), &heap);
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	put_growing(result, &ann, &meta);
	counts = count_segments(&ann, &meta);
	block = meta.segments;
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer = vs_ann_page_read(&ann, block, BUFFER_LOCK_SHARE, VS_ANN_SEGMENT);
		Page		page = BufferGetPage(buffer);

		for (int i = VS_ANN_OPAQUE(page)->used - 1; i >= 0; i--)
		{
			VsAnnSegment *segment = &VS_ANN_SEGMENTS(page)[i];
			SegmentCount *count = hash_search(counts, &segment->number, HASH_FIND, NULL);

			if (count != NULL && segment->number <= meta.sealed)
				put_segment(result, segment, count);
		}
		block = VS_ANN_OPAQUE(page)->next;
		UnlockReleaseBuffer(buffer);
	}
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	return (Datum) 0;
}

/* ---- index_info ---- */

typedef struct ListSizes
{
	int64		smallest;
	int64		largest;
	int64		entries;
	int64		dead;
	int64		pages;
} ListSizes;

static void
count_page(BlockNumber block, void *arg)
{
	(*(int64 *) arg)++;
}

static void
size_lists(const VsAnn *ann, const VsAnnMetaData *meta, ListSizes *sizes)
{
	VsAnnDirectory *dir;

	memset(sizes, 0, sizeof(*sizes));
	if (meta->directory == InvalidBlockNumber)
		return;
	dir = vs_ann_directory_read(ann, meta->directory);
	for (int i = 0; i < dir->nlists; i++)
	{
		BlockNumber block = dir->heads[i];
		int64		live = 0;

		CHECK_FOR_INTERRUPTS();
		while (block != InvalidBlockNumber)
		{
			VsAnnExtent extent;

			vs_ann_extent_read(ann, block, &extent);
			sizes->entries += extent.header.nentries;
			sizes->dead += extent.header.ndead;
			live += (int64) extent.header.nentries - extent.header.ndead;
			block = extent.header.next;
		}
		sizes->smallest = i == 0 ? live : Min(sizes->smallest, live);
		sizes->largest = Max(sizes->largest, live);
		vs_ann_list_pages(ann, dir->heads[i], count_page, &sizes->pages);
	}
}

static Datum
bytes_of_pages(int64 pages)
{
	return Int64GetDatum(pages * BLCKSZ);
}

Datum
vs_ann_sql_index_info(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Relation	heap;
	Relation	index;
	VsAnn		ann;
	VsAnnMetaData meta;
	ListSizes	sizes;
	int64		directory_pages = 0;
	int64		pending_pages = 0;
	Datum		values[17];
	bool		nulls[17] = {false};
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	index = vs_ann_open_for_inspection(PG_GETARG_OID(0), &heap);
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	size_lists(&ann, &meta, &sizes);
	if (meta.directory != InvalidBlockNumber)
		vs_ann_directory_pages(&ann, meta.directory, true, count_page, &directory_pages);
	for (int i = 0; i < VS_ANN_CHAINS; i++)
		pending_pages += meta.growing[i].npages + meta.closing[i].npages;

	values[n++] = Int32GetDatum(meta.dim);
	values[n++] = Int32GetDatum(ann.has_dim ? ann.geo.padded : 0);
	values[n++] = Int32GetDatum(meta.bits);
	values[n++] = Int32GetDatum(meta.sealed);
	values[n++] = Int64GetDatum(ann.has_dim ? vs_ann_pending_rows(&ann, &meta) : 0);
	values[n++] = Int64GetDatum(sizes.entries - sizes.dead);
	values[n++] = Int64GetDatum(sizes.dead);
	values[n++] = Int32GetDatum(meta.nlists);
	values[n++] = Int64GetDatum(sizes.smallest);
	nulls[n] = meta.nlists == 0;
	values[n++] = Float8GetDatum(meta.nlists == 0 ? 0 :
								 (double) (sizes.entries - sizes.dead) / meta.nlists);
	values[n++] = Int64GetDatum(sizes.largest);
	values[n++] = Int32GetDatum(vs_ann_probes_of(meta.nlists, meta.list_rows));
	values[n++] = bytes_of_pages(pending_pages);
	values[n++] = bytes_of_pages(sizes.pages);
	values[n++] = bytes_of_pages(directory_pages);
	values[n++] = bytes_of_pages(meta.pages_retired);
	values[n++] = bytes_of_pages(RelationGetNumberOfBlocks(index));
	Assert(n == lengthof(values));
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* What the vecann scan of this session that ended last did; nulls before the first. */
Datum
vs_ann_sql_last_scan_stats(PG_FUNCTION_ARGS)
{
	const VsAnnScanStats *stats = &vs_ann_scan_stats;
	TupleDesc	desc;
	Datum		values[9];
	bool		nulls[9] = {false};
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!OidIsValid(stats->index))
		memset(nulls, true, sizeof(nulls));
	values[n++] = ObjectIdGetDatum(stats->index);
	values[n++] = Int64GetDatum(stats->scans);
	values[n++] = Int64GetDatum(stats->lists);
	values[n++] = Int64GetDatum(stats->lists_probed);
	values[n++] = Int64GetDatum(stats->codes_scanned);
	values[n++] = Int64GetDatum(stats->pending_scanned);
	values[n++] = Int64GetDatum(stats->refined);
	values[n++] = Int64GetDatum(stats->exact_distances);
	values[n++] = Int64GetDatum(stats->rows_returned);
	Assert(n == lengthof(values));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
