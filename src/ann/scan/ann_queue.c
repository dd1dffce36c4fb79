/*-------------------------------------------------------------------------
 * ann_queue.c
 *	  The queue of a scan's candidates.
 *
 * A scan scores tens of thousands of entries and wants the few with the smallest
 * keys, without knowing how few.  So the keys of all are kept as they come
 * (scored), and a candidate is made only of an entry whose key is below limit
 * (near).  When near grows large it is cut back to the smallest, which lowers
 * the limit; when it is used up and more is wanted, the limit is raised and near is filled
 * from scored, in portions that double.
 *
 * Invariant: near got exactly the entries of scored whose key is below limit,
 * those already taken from it among them; so limit stays above any key taken.
 * Keys of entries are no NaN and below INFINITY.
 *
 * Candidates whose id is known lie in heaps: those not settled, those settled, those late.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "ann/scan/ann_scan.h"
#include "quant/quant.h"

/* near is cut back to the size that is expected to be taken, within these, when it is 8/3 of that */
#define MIN_NEAR_TARGET	768
#define MAX_NEAR_TARGET	100000
#define NEAR_MAX(least) ((least) / 3 * 8)
#define BUCKETS		512

/* Blocks that tell how keys are spread. */
#define SAMPLED_BLOCKS	64

/* Makes it empty.  About so many candidates are expected to be taken. */
void
vs_ann_queue_reset(VsAnnQueue *queue, int64 expected)
{
	queue->near_target = Min(Max(expected, MIN_NEAR_TARGET), MAX_NEAR_TARGET);
	queue->nnear = queue->taken = queue->ready = 0;
	queue->sorted = false;
	queue->near_max = NEAR_MAX(queue->near_target);
	queue->nblocks = 0;
	queue->beyond = 0;
	queue->refined.n = queue->settled.n = queue->late.n = 0;
	queue->limit = INFINITY;
	queue->any_taken = false;
	queue->refill_size = queue->near_target;
}

static void *
grow(VsAnnQueue *queue, void *array, int *capacity, int64 needed, Size size)
{
	int64		larger = Max(needed, Max(4096, (int64) *capacity * 2));

	if (larger > INT_MAX || larger > MaxAllocHugeSize / size)
		elog(ERROR, "too many candidates in a vecann scan");
	if (array == NULL)
		array = MemoryContextAllocHuge(queue->context, size * larger);
	else
		array = repalloc_huge(array, size * larger);
	*capacity = larger;
	return array;
}

static inline void
swap(VsAnnCandidate *a, VsAnnCandidate *b)
{
	VsAnnCandidate t = *a;

	*a = *b;
	*b = t;
}

/*
 * Reorders so that the k smallest come first (quickselect, median of three).
 * Keys are no NaN.
 */
static void
select_smallest(VsAnnCandidate *array, int n, int k)
{
	int			low = 0;
	int			high = n - 1;

	while (low < high)
	{
		int			i = low;
		int			j = high;
		int			middle = low + (high - low) / 2;
		float		pivot;

		if (array[middle].key < array[low].key)
			swap(&array[middle], &array[low]);
		if (array[high].key < array[low].key)
			swap(&array[high], &array[low]);
		if (array[high].key < array[middle].key)
			swap(&array[high], &array[middle]);
		pivot = array[middle].key;
		while (i <= j)
		{
			while (array[i].key < pivot)
				i++;
			while (pivot < array[j].key)
				j--;
			if (i <= j)
				swap(&array[i++], &array[j--]);
		}
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			break;
	}
}

/* Raises or lowers limit, not below what was taken. */
static void
set_limit(VsAnnQueue *queue, float limit)
{
	if (queue->any_taken && limit <= queue->max_taken)
		limit = nextafterf(queue->max_taken, INFINITY);
	queue->limit = limit;
}

/* Puts what was not taken of near first, in no order. */
static void
remove_taken(VsAnnQueue *queue)
{
	if (queue->taken > 0)
		memmove(queue->near, queue->near + queue->taken,
				sizeof(VsAnnCandidate) * (queue->nnear - queue->taken));
	queue->nnear -= queue->taken;
	queue->taken = queue->ready = 0;
	queue->sorted = false;
}

/*
 * Buckets over the finite keys of some candidates, by size.  False when the keys
 * do not spread.
 */
static bool
set_buckets(VsAnnQueue *queue, const VsAnnCandidate *array, int n)
{
	float		least = INFINITY;
	float		most = -INFINITY;

	for (int i = 0; i < n; i++)
	{
		float		key = array[i].key;

		least = key < least && key > -INFINITY ? key : least;
		most = key > most ? key : most;
	}
	queue->bucket_min = least;
	queue->bucket_scale = (BUCKETS - 1) / (most - least);
	return least < most && isfinite(queue->bucket_scale);
}

static inline int
bucket_of(const VsAnnQueue *queue, float key)
{
	float		bucket = (key - queue->bucket_min) * queue->bucket_scale;

	return bucket > 0 ? (int) bucket : 0;
}

/* A key that about n of near are below. */
static float
key_of_rank(VsAnnQueue *queue, int n)
{
	int			counts[BUCKETS] = {0};
	int			bucket = 0;
	int			below;

	if (!set_buckets(queue, queue->near, queue->nnear))
	{
		select_smallest(queue->near, queue->nnear, n);
		return queue->near[n].key;
	}
	for (int i = 0; i < queue->nnear; i++)
		counts[bucket_of(queue, queue->near[i].key)]++;
	below = counts[0];
	while (bucket < BUCKETS - 1 && below + counts[bucket + 1] <= n)
		below += counts[++bucket];
	return queue->bucket_min + (bucket + 1) / queue->bucket_scale;
}

/*
 * Lowers the limit: nothing from there on is likely to be wanted, and it need not be in near.
 */
void
vs_ann_queue_lower_limit(VsAnnQueue *queue, float limit)
{
	int			kept = 0;

	if (limit >= queue->limit)
		return;
	if (queue->sorted)
		remove_taken(queue);
	set_limit(queue, limit);
	for (int i = 0; i < queue->nnear; i++)
	{
		if (queue->near[i].key < queue->limit)
			queue->near[kept++] = queue->near[i];
	}
	queue->beyond += queue->nnear - kept;
	queue->nnear = kept;
	queue->near_max = Max(NEAR_MAX(queue->near_target), 2 * kept);
}

/* Leaves only the smallest in near. */
static void
shrink_near(VsAnnQueue *queue)
{
	vs_ann_queue_lower_limit(queue, key_of_rank(queue, queue->near_target));
	queue->near_max = Max(NEAR_MAX(queue->near_target), 2 * queue->nnear);
}

/* Room for the keys of the next block, which vs_ann_queue_add takes over. */
float *
vs_ann_queue_keys(VsAnnQueue *queue)
{
	if (queue->nblocks == queue->block_capacity)
		queue->blocks = grow(queue, queue->blocks, &queue->block_capacity,
							 (int64) queue->nblocks + 1, sizeof(VsAnnScoredBlock));
	return queue->blocks[queue->nblocks].keys;
}

/*
 * Adds n (at most 32) scored entries with consecutive refs, their keys in
 * vs_ann_queue_keys; bit i of below is set where the i'th is below the limit.
 */
void
vs_ann_queue_add(VsAnnQueue *queue, uint32 first_ref, int n, uint32 below)
{
	VsAnnScoredBlock *block = &queue->blocks[queue->nblocks++];
	int			before;

	block->first_ref = first_ref;
	block->n = n;
	queue->beyond += n;
	if (below == 0)
		return;
	if (queue->sorted)
		remove_taken(queue);
	if (queue->nnear + n > queue->near_capacity)
		queue->near = grow(queue, queue->near, &queue->near_capacity,
						   (int64) queue->nnear + n, sizeof(VsAnnCandidate));
	before = queue->nnear;
	for (; below != 0; below &= below - 1)
	{
		int			i = pg_rightmost_one_pos32(below);

		/* a NaN that became a bound is marked as below whatever the limit is */
		if (block->keys[i] < queue->limit)
		{
			queue->near[queue->nnear].key = block->keys[i];
			queue->near[queue->nnear++].ref = first_ref + i;
		}
	}
	queue->beyond -= queue->nnear - before;
	if (queue->nnear >= queue->near_max)
		shrink_near(queue);
}

/*
 * A limit above the present one, such that about n keys of scored lie between, judged by
 * a sample of the blocks.  INFINITY when n is all there are, or no finite key was met.
 */
static float
higher_limit(VsAnnQueue *queue, int n)
{
	int			step = Max(1, queue->nblocks / SAMPLED_BLOCKS);
	int			nkeys = 0;
	int			wanted;

	if (n >= queue->beyond)
		return INFINITY;
	if (queue->near_capacity < queue->nblocks / step * VS_QUANT_BLOCK + VS_QUANT_BLOCK)
		queue->near = grow(queue, queue->near, &queue->near_capacity,
						   queue->nblocks / step * VS_QUANT_BLOCK + VS_QUANT_BLOCK,
						   sizeof(VsAnnCandidate));
	for (int b = 0; b < queue->nblocks; b += step)
	{
		const VsAnnScoredBlock *block = &queue->blocks[b];

		for (int i = 0; i < block->n; i++)
		{
			queue->near[nkeys].key = block->keys[i];
			nkeys += block->keys[i] >= queue->limit;
		}
	}
	wanted = (int) ((double) n / queue->beyond * nkeys);
	if (wanted + 1 >= nkeys)
		return INFINITY;
	select_smallest(queue->near, nkeys, wanted + 1);
	return nextafterf(queue->near[wanted + 1].key, INFINITY);
}

/* Appends to near what of scored lies from the present limit up to the given one. */
static void
append_below(VsAnnQueue *queue, float limit)
{
	for (int b = 0; b < queue->nblocks; b++)
	{
		const VsAnnScoredBlock *block = &queue->blocks[b];
		VsAnnCandidate *near;
		int			n = 0;

		if (queue->nnear + VS_QUANT_BLOCK > queue->near_capacity)
			queue->near = grow(queue, queue->near, &queue->near_capacity,
							   (int64) queue->nnear + VS_QUANT_BLOCK, sizeof(VsAnnCandidate));
		near = queue->near + queue->nnear;
		for (int i = 0; i < block->n; i++)
		{
			near[n].key = block->keys[i];
			near[n].ref = block->first_ref + i;
			n += (block->keys[i] >= queue->limit) & (block->keys[i] < limit);
		}
		queue->nnear += n;
	}
}

/* Fills near, which is empty, from scored. */
static void
refill_near(VsAnnQueue *queue)
{
	queue->nnear = queue->taken = queue->ready = 0;
	queue->sorted = false;
	while (queue->nnear == 0 && queue->beyond > 0)
	{
		float		limit = higher_limit(queue, queue->refill_size);

		CHECK_FOR_INTERRUPTS();
		queue->nnear = 0;
		append_below(queue, limit);
		/* some lay beyond the limit before, and all keys are below INFINITY */
		if (queue->nnear == 0 && limit == INFINITY)
			elog(ERROR, "%d candidates of a vecann scan are lost", queue->beyond);
		queue->limit = limit;
		queue->refill_size = Min(queue->refill_size * 2, INT_MAX / 4);
	}
	queue->beyond -= queue->nnear;
	queue->near_max = Max(NEAR_MAX(queue->near_target), 2 * queue->nnear);
}

/* Sorts near by bucket. */
static void
sort_near(VsAnnQueue *queue)
{
	int			starts[BUCKETS + 1] = {0};
	VsAnnCandidate *sorted;

	queue->sorted = true;
	queue->has_buckets = set_buckets(queue, queue->near, queue->nnear);
	if (!queue->has_buckets)
		return;
	if (queue->sort_capacity < queue->nnear)
		queue->sort_space = grow(queue, queue->sort_space, &queue->sort_capacity, queue->nnear,
								 sizeof(VsAnnCandidate));
	for (int i = 0; i < queue->nnear; i++)
		starts[bucket_of(queue, queue->near[i].key) + 1]++;
	for (int b = 1; b < BUCKETS; b++)
		starts[b] += starts[b - 1];
	for (int i = 0; i < queue->nnear; i++)
		queue->sort_space[starts[bucket_of(queue, queue->near[i].key)]++] = queue->near[i];

	sorted = queue->sort_space;
	queue->sort_space = queue->near;
	queue->near = sorted;
	Assert(queue->taken == 0);
	{
		int			capacity = queue->sort_capacity;

		queue->sort_capacity = queue->near_capacity;
		queue->near_capacity = capacity;
	}
}

/* Makes about so many ready, up to the end of a bucket, so that none after them is less. */
static void
make_ready(VsAnnQueue *queue, int portion)
{
	int			end = queue->taken + portion;

	if (!queue->has_buckets || end >= queue->nnear)
		end = queue->nnear;
	else
	{
		int			bucket = bucket_of(queue, queue->near[end - 1].key);

		while (end < queue->nnear && bucket_of(queue, queue->near[end].key) == bucket)
			end++;
	}
	queue->ready = end;
	queue->bound = INFINITY;
	for (int i = queue->taken; i < end; i++)
		queue->bound = Min(queue->bound, queue->near[i].key);
}

/*
 * A key that none of the entries scored and not yet taken is below, as near as can be told
 * without looking at those beyond the limit; false if there are no entries.
 * The next of them, about portion, are then ready to be taken.
 */
bool
vs_ann_queue_bound(VsAnnQueue *queue, int portion, float *bound)
{
	if (queue->taken == queue->ready)
	{
		if (queue->ready == queue->nnear)
		{
			*bound = queue->limit;
			return queue->beyond > 0;
		}
		if (!queue->sorted)
			sort_near(queue);
		make_ready(queue, portion);
	}
	*bound = queue->bound;
	return true;
}

/*
 * Takes those that are ready, or if none is, about portion of those beyond the limit; the
 * array is good until the next call.
 */
VsAnnCandidate *
vs_ann_queue_take(VsAnnQueue *queue, int portion, int *n)
{
	VsAnnCandidate *taken;

	if (queue->taken == queue->nnear && queue->beyond > 0)
	{
		refill_near(queue);
		sort_near(queue);
		make_ready(queue, portion);
	}
	taken = queue->near + queue->taken;
	*n = queue->ready - queue->taken;
	for (int i = 0; i < *n; i++)
	{
		if (!queue->any_taken || taken[i].key > queue->max_taken)
			queue->max_taken = taken[i].key;
		queue->any_taken = true;
	}
	queue->taken = queue->ready;
	return taken;
}

/* ---- heaps of candidates whose id is known, the nearest first ---- */

static void
sift_down(VsAnnRefined *heap, int n, int i)
{
	VsAnnRefined moving = heap[i];

	for (;;)
	{
		int			child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && vs_ann_refined_before(&heap[child + 1], &heap[child]))
			child++;
		if (!vs_ann_refined_before(&heap[child], &moving))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moving;
}

static void
sift_up(VsAnnRefined *heap, int i)
{
	VsAnnRefined moving = heap[i];

	while (i > 0)
	{
		int			parent = (i - 1) / 2;

		if (!vs_ann_refined_before(&moving, &heap[parent]))
			break;
		heap[i] = heap[parent];
		i = parent;
	}
	heap[i] = moving;
}

void
vs_ann_heap_push(VsAnnQueue *queue, VsAnnHeap *heap, VsAnnRefined refined)
{
	if (heap->n == heap->capacity)
		heap->items = grow(queue, heap->items, &heap->capacity, (int64) heap->n + 1,
						   sizeof(VsAnnRefined));
	heap->items[heap->n++] = refined;
	sift_up(heap->items, heap->n - 1);
}

/* The first of the heap; false if there is none. */
bool
vs_ann_heap_peek(const VsAnnHeap *heap, VsAnnRefined *first)
{
	if (heap->n == 0)
		return false;
	*first = heap->items[0];
	return true;
}

/* Removes what peek returned. */
void
vs_ann_heap_pop(VsAnnHeap *heap)
{
	heap->items[0] = heap->items[--heap->n];
	if (heap->n > 0)
		sift_down(heap->items, heap->n, 0);
}
