/*-------------------------------------------------------------------------
 * ann_scan.c
 *	  amgettuple: rows in order of distance, computed as far as they are asked for.
 *
 * A candidate climbs from what is cheap to know to what is dear: lower bound
 * from its code, id and tighter bound from its detail, exact distance from the
 * value store.  All stages lie in one queue; the first candidate is taken up
 * a stage, or is settled when its key is exact, since then no bound in the
 * queue is below it.  So exact distances are computed only where they matter, and no
 * limit needs to be known.
 *
 * A bound holds with the probability that epsilon stands for, so a candidate
 * may be settled after others that are further away.  The order of what is emitted
 * is exact all the same: a candidate that is nearer than the row emitted last is late,
 * and waits until all others were emitted (invariant A11).  So that few are late, all rows
 * that the plan is known to want (ann_wanted.c) are settled before the first is emitted; of
 * the rows after them a few are settled ahead, and the nearest of those is emitted.
 *
 * For more rows than usual (a large LIMIT, or a filter that drops most), further lists are
 * scored, in proportion to the rows; for those that the plan is known to want, before the first
 * is emitted.  At the end all lists are scored: a scan never returns fewer rows than there are
 * (invariant A8).  A plan that is known to read half of the index or more gets an exact scan: all
 * lists are scored, all distances computed, and no row is late.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/base/ann_effort.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_options.h"
#include "ann/base/ann_value.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_pending.h"
#include "ann/scan/ann_scan.h"
#include "compat/compat.h"
#include "quant/quant.h"
#include "store/store.h"
#include "util/recent_pages.h"
#include "util/stop_point.h"

/* Candidates taken up a stage at once, so that they are waited for together. */
#define REFINE_BATCH	64
#define REFINE_BATCH_LARGE	128
#define RERANK_BATCH	8
#define RERANK_BATCH_LARGE	32		/* where many rows are wanted */

/* Lists to be scored, in proportion to the rank of the last one that gave a near row. */
#define LISTS_PER_RANK	1.6f

/* Codes to be scored at least, for each row wanted, if these are more than a few. */
#define SCORED_PER_ROW	64

/* Of the scan of this session that ended last. */
VsAnnScanStats vs_ann_scan_stats;

IndexScanDesc
vs_ann_beginscan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	VsAnnScan  *so = palloc0(sizeof(VsAnnScan));

	so->context = AllocSetContextCreate(CurrentMemoryContext, "vecann scan",
										ALLOCSET_DEFAULT_SIZES);
	so->scratch = vs_ann_scratch_acquire(CurrentMemoryContext);
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	so->stats.index = RelationGetRelid(index);
	scan->opaque = so;
	return scan;
}

static void
close_reader(VsAnnScan *so)
{
	if (so->reader != NULL)
		vs_store_reader_close(so->reader);
	so->reader = NULL;
}

void
vs_ann_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	VsAnnScan  *so = (VsAnnScan *) scan->opaque;

	so->started = false;
	if (keys != NULL && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys != NULL && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys, scan->numberOfOrderBys * sizeof(ScanKeyData));
}

/* Takes the query from the scan key. */
static void
copy_query(IndexScanDesc scan, VsAnnScan *so)
{
	struct varlena *value;
	Size		size;
	char	   *payload;
	int			dim;

	so->unordered = scan->numberOfOrderBys == 0 ||
		(scan->orderByData[0].sk_flags & SK_ISNULL) != 0;
	if (so->unordered)
		return;
	value = PG_DETOAST_DATUM_PACKED(scan->orderByData[0].sk_argument);
	size = VARSIZE_ANY_EXHDR(value);
	vs_ann_payload_check(so->ann.type.kind, VARDATA_ANY(value), size);
	/* as the value store has it: 4 bytes past an alignment boundary */
	payload = (char *) palloc(size + VARHDRSZ) + VARHDRSZ;
	memcpy(payload, VARDATA_ANY(value), size);
	dim = vs_ann_payload_dim(so->ann.type.kind, payload);
	if (dim != so->ann.spec.dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 so->ann.type.kind == VS_ANN_BIT ?
				 errmsg("different bit lengths %d and %d", so->ann.spec.dim, dim) :
				 errmsg("different vector dimensions %d and %d", so->ann.spec.dim, dim)));
	so->payload = payload;
}

static int
compare_addresses(const void *a, const void *b)
{
	const VsAnnFound *x = *(const VsAnnFound *const *) a;
	const VsAnnFound *y = *(const VsAnnFound *const *) b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Computes exact distances of candidates just popped, and pushes them again. */
static void
rerank(VsAnnScan *so, VsAnnRefined *candidates, int n)
{
	Size		bytes = vs_ann_payload_bytes(so->ann.type.kind, so->ann.spec.dim);
	VsAnnFound *found[RERANK_BATCH_LARGE];
	Oid			addresses[RERANK_BATCH_LARGE];

	for (int i = 0; i < n; i++)
		found[i] = &so->scratch->found[candidates[i].ref];
	qsort(found, n, sizeof(VsAnnFound *), compare_addresses);
	for (int i = 0; i < n; i++)
		addresses[i] = found[i]->address;
	if (n > 1)
		vs_store_reader_prefetch(so->reader, addresses, n);
	for (int i = 0; i < n; i++)
	{
		const void *payload = vs_store_reader_get(so->reader, found[i]->address, bytes);
		VsAnnRefined refined;

		/* the row is dead and its value gone, perhaps for one of another shape */
		if (payload == NULL ||
			vs_ann_payload_dim(so->ann.type.kind, payload) != so->ann.spec.dim)
			continue;
		found[i]->distance = vs_ann_payload_distance(&so->ann.type, so->ann.spec.dim, so->payload,
													 payload);
		refined.key = isnan(found[i]->distance) ? INFINITY : found[i]->distance;
		refined.kind = isnan(found[i]->distance) ? VS_ANN_KEY_NAN : VS_ANN_KEY_EXACT;
		refined.ref = (uint32) (found[i] - so->scratch->found);
		vs_ann_heap_push(&so->scratch->queue, &so->scratch->queue.refined, refined);
	}
	so->stats.exact_distances += n;
}

/* Computes exact distances of the first of the heap, those below bound. */
static void
rerank_first(VsAnnScan *so, VsAnnRefined first, float bound)
{
	VsAnnHeap  *refined = &so->scratch->queue.refined;
	VsAnnRefined taken[RERANK_BATCH_LARGE];
	int			most = so->first_rows > VS_ANN_TYPICAL_LIMIT ? RERANK_BATCH_LARGE : RERANK_BATCH;
	int			n = 0;

	do
	{
		taken[n++] = first;
		vs_ann_heap_pop(refined);
	} while (n < most && vs_ann_heap_peek(refined, &first) &&
			 first.key <= bound && first.kind == VS_ANN_KEY_BOUND);
	rerank(so, taken, n);
}

/*
 * Brings candidates forward until the first one is exact, and nothing scored can be
 * nearer; false if none is left of what was scored.
 */
static bool
settle_first(VsAnnScan *so, VsAnnRefined *first)
{
	VsAnnQueue *queue = &so->scratch->queue;

	for (;;)
	{
		int			portion = so->scratch->nfound < 4 * REFINE_BATCH ? REFINE_BATCH : REFINE_BATCH_LARGE;
		float		bound = INFINITY;
		bool		more = vs_ann_queue_bound(queue, portion, &bound);
		bool		any = vs_ann_heap_peek(&queue->refined, first);

		CHECK_FOR_INTERRUPTS();
		if (any && (!more || first->key <= bound))
		{
			if (first->kind != VS_ANN_KEY_BOUND)
				return true;
			rerank_first(so, *first, bound);
		}
		else if (more)
			vs_ann_refine_next(so, portion);
		else
			return false;
	}
}

/* Lists scored before any row is looked at, of an index that has some. */
static int
initial_probes(const VsAnnScan *so)
{
	return vs_ann_probes > 0 || so->exact ? so->probes : (so->probes + 1) / 2;
}

/*
 * Scores further lists until the list that gave the last of the nearest rows is left well
 * behind; before, some are likely to be in lists still further away.
 * How many lists it takes differs by query, and from one set of vectors to another.
 */
static void
probe_enough(VsAnnScan *so)
{
	VsAnnQueue *queue = &so->scratch->queue;
	VsAnnRefined nearest[VS_ANN_TYPICAL_LIMIT];

	while (so->next_list < so->nranked)
	{
		int			n = 0;
		int			last = -1;
		int			wanted;

		while (n < VS_ANN_TYPICAL_LIMIT && settle_first(so, &nearest[n]))
		{
			last = Max(last, so->scratch->found[nearest[n].ref].list);
			vs_ann_heap_pop(&queue->refined);
			n++;
		}
		for (int i = 0; i < n; i++)
			vs_ann_heap_push(queue, &queue->refined, nearest[i]);
		if (n < VS_ANN_TYPICAL_LIMIT)
			wanted = Max(so->next_list * 2, 1);
		else
			wanted = initial_probes(so) + (int) (LISTS_PER_RANK * (last + 1));
		if (wanted <= so->next_list)
			break;
		vs_ann_probe_lists(so, Min(so->nranked, wanted));
	}
	so->probes = so->next_list;
}

/* Finds out how many rows are wanted, and whether the scan is to be exact. */
static void
set_wanted_rows(IndexScanDesc scan, VsAnnScan *so)
{
	VsAnnWanted wanted;

	so->index_rows = Max(so->meta.list_rows, 0) + vs_ann_pending_rows(&so->ann, &so->meta);
	wanted = vs_ann_wanted(scan, so->index_rows);
	so->exact = VS_ANN_WORTH_EXACT(wanted.rows, so->index_rows);
	if (so->exact)
		so->epsilon = VS_QUANT_EPSILON_MAX;
	so->first_rows = VS_ANN_TYPICAL_LIMIT;
	so->likely_rows = Min(wanted.first, so->index_rows);
	if (wanted.first > VS_ANN_TYPICAL_LIMIT)
		so->first_rows = so->likely_rows + VS_ANN_SETTLED_AHEAD - 1;
}

/* Everything up to the first rows; false when the index has none. */
static bool
start_scan(IndexScanDesc scan, VsAnnScan *so)
{
	MemoryContext old;

	close_reader(so);
	MemoryContextReset(so->context);
	old = MemoryContextSwitchTo(so->context);
	so->started = true;
	so->emitted = 0;
	so->scored_before = so->stats.codes_scanned + so->stats.pending_scanned;
	so->nupper_bounds = 0;
	so->heap_blocks = 0;
	so->pending_query = so->list_query = NULL;
	so->epsilon = vs_ann_epsilon;
	so->stats.scans++;
	pgstat_count_index_scan(scan->indexRelation);
	VS_COUNT_INDEX_SEARCH(scan);

	vs_ann_open(&so->ann, scan->indexRelation);
	so->ann.recent = vs_recent_pages(scan->indexRelation);
	if (so->ann.has_dim)
	{
		copy_query(scan, so);
		vs_ann_meta_read(&so->ann, &so->meta);
		set_wanted_rows(scan, so);
		VS_STOP_POINT("scan: metapage copied");
		vs_ann_rank_begin(so);
		so->reader = vs_store_reader_open(scan->heapRelation);
		so->stats.lists = so->nranked;
		vs_ann_probe_pending(so);
		VS_STOP_POINT("scan: pending scored");
		so->probes = so->exact ? so->nranked : Min(so->nranked, vs_ann_probes > 0 ? vs_ann_probes :
												   vs_ann_probes_of(so->nranked, so->meta.list_rows));
		vs_ann_probe_lists(so, initial_probes(so));
		VS_STOP_POINT("scan: lists scored");
		if (vs_ann_probes == 0 && !so->unordered)
			probe_enough(so);
	}
	MemoryContextSwitchTo(old);
	return so->ann.has_dim;
}

/* Lists that should be scored for as many rows as are wanted. */
static int
lists_wanted(VsAnnScan *so)
{
	int64		rows = Max(so->emitted, so->likely_rows - 1);
	int64		scored = so->stats.codes_scanned + so->stats.pending_scanned - so->scored_before;
	int64		wanted = so->probes + so->probes * rows / VS_ANN_ROWS_PER_PROBES;
	int64		lists = so->next_list;

	if (so->exact)
		return so->nranked;
	/* not by driblets */
	while (wanted >= lists + Max(1, lists / 2))
		lists += Max(1, lists / 2);
	/* the furthest rows of a few short lists are further away than most other rows */
	if (rows >= VS_ANN_ROWS_PER_PROBES / 2 && scored < rows * SCORED_PER_ROW)
		lists = Max(lists, so->next_list + Max(1, so->next_list / 2));
	return Min(lists, so->nranked);
}

/* How many rows are to be settled, of which the nearest is the next. */
static int64
rows_ahead(VsAnnScan *so)
{
	/* bounds that are the distances are never wrong */
	if (so->unordered || so->ann.type.metric == VS_QUANT_HAMMING)
		return 1;
	if (so->exact)
		return PG_INT64_MAX;
	if (so->emitted >= so->first_rows)
		return VS_ANN_SETTLED_AHEAD;
	return so->scratch->queue.settled.n > 0 ? 0 : so->first_rows;
}

/*
 * Settles as many candidates as are wanted to choose the next row from; false if those that
 * were scored are too few.
 */
static bool
settle_ahead(VsAnnScan *so)
{
	VsAnnQueue *queue = &so->scratch->queue;
	int64		wanted = rows_ahead(so);
	VsAnnRefined next;

	while (queue->settled.n < wanted && settle_first(so, &next))
	{
		bool		late = so->emitted > 0 && vs_ann_refined_before(&next, &so->last);

		vs_ann_heap_pop(&queue->refined);
		vs_ann_heap_push(queue, late ? &queue->late : &queue->settled, next);
	}
	return queue->settled.n >= wanted;
}

/*
 * An entry may lead beyond the table on a damaged page only: VACUUM cuts no table that is scanned, and
 * has flagged the entries of rows that it removed.
 */
static void
check_row_block(IndexScanDesc scan, VsAnnScan *so, ItemPointer tid)
{
	if (likely(ItemPointerGetBlockNumber(tid) < so->heap_blocks))
		return;
	so->heap_blocks = RelationGetNumberOfBlocks(scan->heapRelation);
	if (ItemPointerGetBlockNumber(tid) >= so->heap_blocks)
		vs_ann_refuse_row(&so->ann, scan->heapRelation, tid);
}

/* Scores lists, those before until, after which other rows may be the nearest. */
static void
probe_further(VsAnnScan *so, int until)
{
	VsAnnQueue *queue = &so->scratch->queue;

	for (int i = 0; i < queue->settled.n; i++)
		vs_ann_heap_push(queue, &queue->refined, queue->settled.items[i]);
	queue->settled.n = 0;
	vs_ann_probe_lists(so, until);
}

/*
 * The next row: one that is no nearer than the last, as long as there are such, then the late ones, by
 * distance.  False at the end.
 */
static bool
next_row(VsAnnScan *so, VsAnnRefined *next)
{
	VsAnnQueue *queue = &so->scratch->queue;
	int			lists;

	if (VS_ANN_WORTH_EXACT(so->emitted, so->index_rows))
		so->exact = true;
	while ((lists = lists_wanted(so)) > so->next_list)
		probe_further(so, lists);
	while (!settle_ahead(so) && so->next_list < so->nranked)
		probe_further(so, Min(so->nranked, Max(so->next_list * 2, 1)));
	if (vs_ann_heap_peek(&queue->settled, next))
	{
		vs_ann_heap_pop(&queue->settled);
		Assert(so->emitted == 0 || !vs_ann_refined_before(next, &so->last));
		so->last = *next;
		return true;
	}
	if (!vs_ann_heap_peek(&queue->late, next))
		return false;
	vs_ann_heap_pop(&queue->late);
	return true;
}

bool
vs_ann_gettuple(IndexScanDesc scan, ScanDirection direction)
{
	VsAnnScan  *so = (VsAnnScan *) scan->opaque;
	VsAnnFound *found;
	VsAnnRefined next;

	if (!ScanDirectionIsForward(direction))
		elog(ERROR, "vecann scans forward only");
	if (!so->started && !start_scan(scan, so))
		return false;
	if (!so->ann.has_dim || !next_row(so, &next))
		return false;
	found = &so->scratch->found[next.ref];

	so->emitted++;
	so->stats.rows_returned++;
	check_row_block(scan, so, &found->tid);
	scan->xs_heaptid = found->tid;
	scan->xs_recheck = false;
	scan->xs_recheckorderby = false;
	if (scan->numberOfOrderBys > 0)
	{
		scan->xs_orderbynulls[0] = so->unordered;
		scan->xs_orderbyvals[0] =
			Float8GetDatum(vs_ann_operator_distance(so->ann.type.metric, found->distance));
	}
	return true;
}

void
vs_ann_endscan(IndexScanDesc scan)
{
	VsAnnScan  *so = (VsAnnScan *) scan->opaque;

	close_reader(so);
	if (so->stats.scans > 0)
		vs_ann_scan_stats = so->stats;
	MemoryContextDelete(so->context);
}
