/*-------------------------------------------------------------------------
 * inspect_index.c
 *	  SQL: vecstore.index_segments, index_info and last_scan_stats.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ann/ann.h"
#include "ann/base/ann_effort.h"
#include "ann/base/ann_index.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/scan/ann_scan.h"
#include "compat/compat.h"
#include "inspect/inspect_index.h"
#include "quant/quant.h"
#include "util/inspect_right.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_index_segments);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_index_info);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_last_scan_stats);

Relation
vs_inspect_index_open(Oid indexoid, Relation *heap)
{
	Oid			heapoid = IndexGetRelation(indexoid, true);
	char	   *name = get_rel_name(indexoid);
	Relation	index;

	if (!OidIsValid(heapoid) && name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a vecann index", name)));
	*heap = OidIsValid(heapoid) ? try_relation_open(heapoid, AccessShareLock) : NULL;
	index = *heap == NULL ? NULL : try_relation_open(indexoid, AccessShareLock);
	/* the OID was not locked, and may belong to another relation now */
	if (index == NULL || IndexGetRelation(indexoid, true) != heapoid)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("index with OID %u does not exist", indexoid)));
	if (!vs_ann_is_vecann(index))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a vecann index", RelationGetRelationName(index))));
	vs_ann_refuse_foreign_temporary(index);
	vs_inspect_right_require(*heap);
	return index;
}

Relation
vs_inspect_index_open_built(Oid indexoid, Relation *heap)
{
	Relation	index = vs_inspect_index_open(indexoid, heap);

	if (!index->rd_index->indisready)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not ready", RelationGetRelationName(index)),
				 errdetail("A concurrent build or drop of it is under way, or was interrupted.")));
	return index;
}

/* ---- segments ---- */

typedef struct SegmentCount
{
	uint32		number;			/* hash key */
	int64		rows;
	int64		dead;
	int64		pages;			/* with entries of it */
	BlockNumber last_code;		/* the last pages counted */
	BlockNumber last_detail;
} SegmentCount;

static void
count_entry(HTAB *counts, const VsAnnId *id, BlockNumber code, BlockNumber detail)
{
	bool		found;
	SegmentCount *count = hash_search(counts, &id->seal, HASH_ENTER, &found);

	if (!found)
	{
		count->rows = count->dead = count->pages = 0;
		count->last_code = count->last_detail = InvalidBlockNumber;
	}
	count->rows++;
	if ((id->flags & VS_ANN_DEAD) != 0)
		count->dead++;
	if (count->last_code != code)
		count->pages++;
	if (count->last_detail != detail)
		count->pages++;
	count->last_code = code;
	count->last_detail = detail;
}

/* The code page with an entry's code, or its first if codes span pages. */
static BlockNumber
code_page(const VsAnn *ann, BlockNumber block, const VsAnnExtent *extent, int ordinal)
{
	int			per_page = ann->geo.blocks_per_page * VS_QUANT_BLOCK;
	int			page = per_page > 0 ? ordinal / per_page : 0;

	return page == 0 ? block : extent->pages[page - 1];
}

static void
count_extent(const VsAnn *ann, BlockNumber block, const VsAnnExtent *extent, HTAB *counts)
{
	const VsAnnGeometry *geo = &ann->geo;
	int			n = Min(extent->header.nentries, geo->extent_entries);

	for (int first = 0; first < n; first += geo->details_per_page)
	{
		BlockNumber detail = extent->pages[vs_ann_detail_page_of(geo, first)];
		Buffer		buffer = vs_ann_detail_read(ann, detail, BUFFER_LOCK_SHARE,
												Min(geo->details_per_page, n - first));

		for (int i = first; i < Min(n, first + geo->details_per_page); i++)
		{
			VsAnnId		id;

			memcpy(&id, (char *) BufferGetPage(buffer) + vs_ann_detail_offset(geo, i),
				   sizeof(id));
			count_entry(counts, &id, code_page(ann, block, extent, i), detail);
		}
		UnlockReleaseBuffer(buffer);
	}
}

static HTAB *
count_segments(const VsAnn *ann, const VsAnnMetaData *meta)
{
	HASHCTL		control;
	HTAB	   *counts;
	VsAnnDirectory *dir;

	control.keysize = sizeof(uint32);
	control.entrysize = sizeof(SegmentCount);
	control.hcxt = CurrentMemoryContext;
	counts = hash_create("vecann segments", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (meta->directory == InvalidBlockNumber)
		return counts;
	dir = vs_ann_directory_read(ann, meta->directory);
	for (int i = 0; i < dir->nlists; i++)
	{
		BlockNumber block = dir->heads[i];
		VsAnnWalk	walk = {0};

		while (block != InvalidBlockNumber)
		{
			VsAnnExtent extent;

			vs_ann_walk_step(ann, &walk, block);
			vs_ann_extent_read(ann, block, &extent);
			count_extent(ann, block, &extent, counts);
			block = extent.header.next;
		}
	}
	return counts;
}

/* Counts the entries of pending chains as those of a segment. */
static void
count_chains(const VsAnn *ann, const VsAnnChain *chains, SegmentCount *count)
{
	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		BlockNumber block = chains[i].head;
		VsAnnWalk	walk = {0};

		while (block != InvalidBlockNumber)
		{
			Buffer		buffer;
			Page		page;
			int			used;

			vs_ann_walk_step(ann, &walk, block);
			buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_PENDING);
			page = BufferGetPage(buffer);
			used = Min(VS_ANN_OPAQUE(page)->used, ann->geo.pending_capacity);
			count->pages++;
			count->rows += used;
			for (int j = 0; j < used; j++)
			{
				if ((vs_ann_pending_ids(page)[j].flags & VS_ANN_DEAD) != 0)
					count->dead++;
			}
			block = VS_ANN_OPAQUE(page)->next;
			UnlockReleaseBuffer(buffer);
		}
	}
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

#define SEGMENT_COLUMNS 8

static void
return_segment(ReturnSetInfo *result, const VsAnnSegment *segment, const SegmentCount *count)
{
	Datum		values[SEGMENT_COLUMNS];
	bool		nulls[SEGMENT_COLUMNS] = {false};

	values[0] = Int32GetDatum(segment->number);
	values[1] = CStringGetTextDatum("sealed");
	values[2] = Int64GetDatum(count->rows);
	values[3] = Int64GetDatum(count->dead);
	values[4] = TimestampTzGetDatum(segment->created);
	values[5] = CStringGetTextDatum(method_name(segment->method));
	values[6] = Int64GetDatum(segment->rows);
	values[7] = Int64GetDatum(count->pages);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
return_pending(ReturnSetInfo *result, const VsAnn *ann, const VsAnnChain *chains,
			   uint32 number, const char *state)
{
	SegmentCount count = {0};
	Datum		values[SEGMENT_COLUMNS] = {0};
	bool		nulls[SEGMENT_COLUMNS] = {false, false, false, false, true, true, true, false};

	if (ann->has_dim)
		count_chains(ann, chains, &count);
	values[0] = Int32GetDatum(number);
	values[1] = CStringGetTextDatum(state);
	values[2] = Int64GetDatum(count.rows);
	values[3] = Int64GetDatum(count.dead);
	values[7] = Int64GetDatum(count.pages);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * One row per segment that has entries: the growing one, then the newest first.
 */
Datum
vs_inspect_index_segments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	heap;
	Relation	index;
	VsAnn		ann;
	VsAnnMetaData meta;
	BlockNumber block;
	VsAnnWalk	walk = {0};
	HTAB	   *counts;

	InitMaterializedSRF(fcinfo, 0);
	index = vs_inspect_index_open_built(PG_GETARG_OID(0), &heap);
	vs_ann_held_write(index);
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	return_pending(result, &ann, meta.growing, Max(meta.sealed, meta.sealing) + 1, "growing");
	if (meta.sealing != 0)
		return_pending(result, &ann, meta.closing, meta.sealing, "sealing");
	counts = count_segments(&ann, &meta);
	block = meta.segments;
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		Page		page;

		vs_ann_walk_step(&ann, &walk, block);
		buffer = vs_ann_page_read(&ann, block, BUFFER_LOCK_SHARE, VS_ANN_SEGMENT);
		page = BufferGetPage(buffer);
		for (int i = Min(VS_ANN_OPAQUE(page)->used, VS_ANN_SEGMENTS_PER_PAGE) - 1; i >= 0; i--)
		{
			VsAnnSegment *segment = &VS_ANN_SEGMENTS(page)[i];
			SegmentCount *count = hash_search(counts, &segment->number, HASH_FIND, NULL);

			if (count != NULL && segment->number <= meta.sealed)
				return_segment(result, segment, count);
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
	int64	   *live;			/* entries of each list, fewest first */
	int64		entries;
	int64		dead;
	int64		pages;
} ListSizes;

static void
count_page(BlockNumber block, void *arg)
{
	(*(int64 *) arg)++;
}

static int
compare_sizes(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static void
measure_lists(const VsAnn *ann, const VsAnnMetaData *meta, ListSizes *sizes)
{
	VsAnnDirectory *dir;

	memset(sizes, 0, sizeof(*sizes));
	if (meta->directory == InvalidBlockNumber)
		return;
	dir = vs_ann_directory_read(ann, meta->directory);
	if (dir->nlists != meta->nlists)
		vs_ann_damaged(ann, meta->directory, "a directory of %d lists, while the metapage says %u",
					   dir->nlists, meta->nlists);
	sizes->live = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * dir->nlists);
	for (int i = 0; i < dir->nlists; i++)
	{
		BlockNumber block = dir->heads[i];
		VsAnnWalk	walk = {0};

		sizes->live[i] = 0;
		while (block != InvalidBlockNumber)
		{
			VsAnnExtent extent;

			vs_ann_walk_step(ann, &walk, block);
			vs_ann_extent_read(ann, block, &extent);
			sizes->entries += extent.header.nentries;
			sizes->dead += extent.header.ndead;
			sizes->live[i] += (int64) extent.header.nentries - extent.header.ndead;
			block = extent.header.next;
		}
		vs_ann_list_pages(ann, dir->heads[i], count_page, &sizes->pages);
	}
	qsort(sizes->live, dir->nlists, sizeof(int64), compare_sizes);
}

/* Length of the vector that pending rows are coded against. */
static double
centre_norm(const VsAnn *ann, const VsAnnMetaData *meta)
{
	float	   *centre = palloc(sizeof(float) * ann->geo.padded);
	double		sum = 0;

	vs_ann_centre_read(ann, meta->centre, centre);
	for (int i = 0; i < ann->geo.padded; i++)
		sum += (double) centre[i] * centre[i];
	return sqrt(sum);
}

static Datum
pages_to_bytes(int64 pages)
{
	return Int64GetDatum(pages * BLCKSZ);
}

Datum
vs_inspect_index_info(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Relation	heap;
	Relation	index;
	VsAnn		ann;
	VsAnnMetaData meta;
	ListSizes	sizes;
	int64		directory_pages = 0;
	int64		pending_pages = 0;
	static const double quantiles[] = {0, 0.1, 0.5, 0.9, 0.99, 1};
	Datum		values[23];
	bool		nulls[23] = {false};
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	index = vs_inspect_index_open_built(PG_GETARG_OID(0), &heap);
	vs_ann_held_write(index);
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	measure_lists(&ann, &meta, &sizes);
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
	for (int i = 0; i < lengthof(quantiles); i++)
	{
		nulls[n] = meta.nlists == 0;
		values[n++] = Int64GetDatum(meta.nlists == 0 ? 0 :
									sizes.live[(int) (quantiles[i] * (meta.nlists - 1))]);
	}
	nulls[n] = meta.nlists == 0;
	values[n++] = Float8GetDatum(meta.nlists == 0 ? 0 :
								 (double) (sizes.entries - sizes.dead) / meta.nlists);
	values[n++] = Int32GetDatum(meta.nlists == 0 ? 0 : 1);
	nulls[n] = meta.centre == InvalidBlockNumber;
	values[n] = Float8GetDatum(nulls[n] ? 0 : centre_norm(&ann, &meta));
	n++;
	values[n++] = Int32GetDatum(vs_ann_probes_of(meta.nlists, meta.list_rows));
	values[n++] = pages_to_bytes(pending_pages);
	values[n++] = pages_to_bytes(sizes.pages);
	values[n++] = pages_to_bytes(directory_pages);
	values[n++] = pages_to_bytes(meta.pages_retired);
	values[n++] = pages_to_bytes(RelationGetNumberOfBlocks(index));
	Assert(n == lengthof(values));
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * A scan counts rows that its user may not see.  A function with other rights
 * than its caller may have made it.
 */
static bool
may_show_stats(const VsAnnScanStats *stats)
{
	Oid			heapoid = OidIsValid(stats->index) ? IndexGetRelation(stats->index, true) : InvalidOid;

	return OidIsValid(heapoid) && vs_inspect_right_held(heapoid);
}

/*
 * The work of the vecann scan that ended last in this session.  NULLs before
 * the first scan, or without the right to inspect the table.
 */
Datum
vs_inspect_last_scan_stats(PG_FUNCTION_ARGS)
{
	const VsAnnScanStats *stats = &vs_ann_scan_stats;
	TupleDesc	desc;
	Datum		values[9];
	bool		nulls[9] = {false};
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!may_show_stats(stats))
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
