/*-------------------------------------------------------------------------
 * ann_scan.c
 *	  amgettuple: rows in the order of their distances.
 *
 * A candidate goes through stages, from cheap to expensive: a lower bound
 * from its code, its id and a tighter bound from its detail, the exact
 * distance from the value store.  Candidates of all stages are in one queue.
 * The scan takes the nearest candidate to its next stage.  A candidate with
 * an exact distance is settled if it is the nearest one, because no bound in
 * the queue is below its distance.  So exact distances are computed only
 * where they matter, and the scan need not know a limit.
 *
 * A bound holds with the probability that epsilon stands for, so a row may be
 * settled after a row that is further away.  The order of the emitted rows is
 * exact nevertheless: a row that is nearer than the row emitted last is late,
 * and waits until all others were emitted (invariant A11).  To keep the
 * number of late rows small, the scan settles all rows that the plan is known
 * to want (ann_wanted.c) before it emits the first.  After those, it settles
 * a few rows ahead, and emits the nearest of them.
 *
 * A scan of more rows than usual (a large LIMIT, or a filter that drops most
 * rows) scores further lists, in proportion to the rows.  It scores the lists
 * for the rows that the plan is known to want before it emits the first.  At
 * the end it has scored all lists, and so returns every row (invariant A8).
 * If the plan is known to read half of the index or more, the scan is exact:
 * it scores all lists and computes all distances, and no row is late.
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
#include "ann/scan/ann_probe.h"
#include "ann/scan/ann_queue.h"
#include "ann/scan/ann_rank_lists.h"
#include "ann/scan/ann_refine.h"
#include "ann/scan/ann_scan.h"
#include "ann/scan/ann_scan_state.h"
#include "ann/scan/ann_scratch.h"
#include "ann/scan/ann_wanted.h"
#include "compat/compat.h"
#include "quant/quant.h"
#include "store/store.h"
#include "util/recent_pages.h"
#include "util/stop_point.h"

/*
 * Candidates that go to their next stage together, so that memory is read for
 * all of them at the same time.
 */
#define REFINE_BATCH	64
#define REFINE_BATCH_LARGE	128	/* after the first few batches */
#define RERANK_BATCH	8
#define RERANK_BATCH_LARGE	32	/* if many rows are wanted */

/*
 * Rows settled ahead of the next one.  A row that is settled after one
 * further away is not late if both are among them.
 */
#define SETTLED_AHEAD	8

/* Lists to score per rank of the last list that gave a near row. */
#define LISTS_PER_RANK	1.6f

/* Codes to score at least per row, if more than a few rows are wanted. */
#define SCORED_PER_ROW	64

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

/* Close the reader of the value store, and release its pin. */
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

/*
 * Copy the query of the scan key into the current memory context, and check
 * its dimension.
 */
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
	/* a payload begins 4 bytes past an alignment boundary */
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

/*
 * Compute the exact distances of n candidates that the caller has popped, and
 * push them again.  Values are read in the order of their addresses.
 */
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

		/*
		 * The row is dead and its value was freed.  The value there now, if
		 * any, may have another dimension.
		 */
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

/*
 * Rerank the first refined candidate, which the caller has peeked at, and
 * some that follow it and whose bounds are not above bound.
 */
static void
rerank_first(VsAnnScan *so, VsAnnRefined first, float bound)
{
	VsAnnHeap  *refined = &so->scratch->queue.refined;
	VsAnnRefined taken[RERANK_BATCH_LARGE];
	int			batch = so->first_rows > VS_ANN_TYPICAL_LIMIT ? RERANK_BATCH_LARGE : RERANK_BATCH;
	int			n = 0;

	do
	{
		taken[n++] = first;
		vs_ann_heap_pop(refined);
	} while (n < batch && vs_ann_heap_peek(refined, &first) &&
			 first.key <= bound && first.kind == VS_ANN_KEY_BOUND);
	rerank(so, taken, n);
}

/*
 * Refine and rerank candidates until the first refined one has an exact
 * distance and no bound in the queue is below it.  Leaves it in the heap, and
 * copies it to *first.  Returns false if no scored entry is left.
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

/*
 * Return how many lists to score before the first row is settled.  An
 * adaptive scan begins with half of so->probes, see probe_enough.
 */
static int
initial_probes(const VsAnnScan *so)
{
	return vs_ann_probes > 0 || so->exact ? so->probes : (so->probes + 1) / 2;
}

/*
 * Score further lists, until their number is well above the rank of the last
 * list that gave one of the VS_ANN_TYPICAL_LIMIT nearest rows.  As long as it
 * is not, lists of still higher ranks are likely to hold some of them.  The
 * number of lists that this takes differs between queries and between
 * collections.
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
		/* too few rows say nothing about the ranks */
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

/* Set how many rows the plan wants, and whether the scan is exact. */
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
		so->first_rows = so->likely_rows + SETTLED_AHEAD - 1;
}

/*
 * Start the scan: copy the metapage and the query, and score the pending part
 * and the first lists.  Returns false if the index never had a row.  Holds no
 * lock or pin at its stop points.
 */
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

/*
 * Return how many lists should be scored for the rows that were emitted, or
 * for those that are likely to be wanted if these are more.
 */
static int
lists_wanted(VsAnnScan *so)
{
	int64		rows = Max(so->emitted, so->likely_rows - 1);
	int64		scored = so->stats.codes_scanned + so->stats.pending_scanned - so->scored_before;
	int64		wanted = so->probes + so->probes * rows / VS_ANN_ROWS_PER_PROBES;
	int64		lists = so->next_list;

	if (so->exact)
		return so->nranked;
	/* in few large steps: after each one, rows are settled again */
	while (wanted >= lists + Max(1, lists / 2))
		lists += Max(1, lists / 2);
	/*
	 * The furthest rows of a few lists are further away than most rows of
	 * other lists.
	 */
	if (rows >= VS_ANN_ROWS_PER_PROBES / 2 && scored < rows * SCORED_PER_ROW)
		lists = Max(lists, so->next_list + Max(1, so->next_list / 2));
	return Min(lists, so->nranked);
}

/* Return how many rows to settle before the nearest of them is emitted. */
static int64
rows_ahead(VsAnnScan *so)
{
	/* a key that is the distance is never wrong */
	if (so->unordered || so->ann.type.metric == VS_QUANT_HAMMING)
		return 1;
	if (so->exact)
		return PG_INT64_MAX;
	if (so->emitted >= so->first_rows)
		return SETTLED_AHEAD;
	return so->scratch->queue.settled.n > 0 ? 0 : so->first_rows;
}

/*
 * Settle rows until there are rows_ahead of them to choose the next one from.
 * Returns false if too few entries were scored for that.
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
 * Refuse a row beyond the end of the table.  Only a damaged page has such an
 * entry: VACUUM does not truncate a table that is being scanned, and it has
 * flagged the entries of the rows that it removed.
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

/*
 * Score the lists up to rank until - 1.  They may hold nearer rows than those
 * already settled, which therefore go back to the refined candidates.
 */
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
 * Remove the next row from its heap, and copy it to *next.  Rows that are no
 * nearer than the row before come first, then the late ones, in the order of
 * their distances.  Returns false at the end.
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

bool
vs_ann_scan_started(IndexScanDesc scan)
{
	return ((const VsAnnScan *) scan->opaque)->started;
}
