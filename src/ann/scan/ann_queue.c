/*-------------------------------------------------------------------------
 * ann_queue.c
 *	  The queue of a scan's candidates.
 *
 * The queue keeps the keys of all entries as they were scored (blocks).  An
 * entry becomes a candidate only if its key is below the limit (near).  When
 * near grows large, it shrinks to the smallest candidates, which lowers the
 * limit.  When all candidates of near were taken and more are wanted, the
 * limit is raised and near is refilled from the blocks.  Each refill is twice
 * as large as the one before.
 *
 * Candidates are taken in the order of buckets: near is sorted by a bucket
 * number that grows with the key, and a portion ends where a bucket ends.
 *
 * Invariant: near got exactly those entries whose key is below the limit,
 * including the entries taken from it.  So the limit stays above all keys
 * taken.
 *
 * Refined candidates are in binary heaps.
 *-------------------------------------------------------------------------
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "ann/scan/ann_queue.h"
#include "quant/quant.h"

/*
 * near shrinks to the number of candidates that the caller is likely to take,
 * within these limits, when it has reached 8/3 of that.
 */
#define MIN_NEAR_TARGET	768
#define MAX_NEAR_TARGET	100000
#define NEAR_MAX(target) ((target) / 3 * 8)

/* Buckets that near is sorted into. */
#define BUCKETS		512

/* Blocks of which the keys are sampled to estimate a limit. */
#define SAMPLED_BLOCKS	64

/* Elements of a new array. */
#define MIN_CAPACITY	4096

/* The entries of a queue, and a block more, can be counted in an int. */
#define MAX_BLOCKS	(INT_MAX / VS_QUANT_BLOCK - 1)

#define VS_SELECT select_smallest
#define VS_SELECT_TYPE VsAnnCandidate
#define VS_SELECT_BEFORE(a, b) ((a)->key < (b)->key)
#include "util/select_template.h"

static inline int
max_int(int a, int b)
{
	return a > b ? a : b;
}

void
vs_ann_queue_init(VsAnnQueue *queue, const VsAnnQueueMemory *memory,
				  const VsQuantInterrupt *interrupt)
{
	memset(queue, 0, sizeof(*queue));
	queue->max_blocks = MAX_BLOCKS;
	queue->memory = *memory;
	queue->interrupt = *interrupt;
}

void
vs_ann_queue_reset(VsAnnQueue *queue, int64_t expected)
{
	queue->near_target = expected < MIN_NEAR_TARGET ? MIN_NEAR_TARGET :
		expected > MAX_NEAR_TARGET ? MAX_NEAR_TARGET :
		(int) expected;
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

size_t
vs_ann_queue_bytes(const VsAnnQueue *queue)
{
	return sizeof(VsAnnScoredBlock) * queue->block_capacity +
		sizeof(VsAnnCandidate) * ((size_t) queue->near_capacity + queue->sort_capacity) +
		sizeof(VsAnnRefined) * ((size_t) queue->refined.capacity + queue->settled.capacity +
								queue->late.capacity);
}

/*
 * Enlarge an array to at least needed elements, and at least to twice its
 * capacity as long as an int can count that.  needed is at most INT_MAX.
 */
static void *
grow(const VsAnnQueue *queue, void *array, int *capacity, int needed, size_t size)
{
	int			larger = *capacity > INT_MAX / 2 ? INT_MAX : *capacity * 2;

	larger = max_int(needed, max_int(larger, MIN_CAPACITY));
	array = queue->memory.resize(queue->memory.arg, array, larger, size);
	*capacity = larger;
	return array;
}

/* Set the limit, but not below a key that was taken. */
static void
set_limit(VsAnnQueue *queue, float limit)
{
	if (queue->any_taken && limit <= queue->max_taken)
		limit = nextafterf(queue->max_taken, INFINITY);
	queue->limit = limit;
}

/*
 * Remove the taken candidates from near.  No candidate is ready afterwards,
 * and near counts as not sorted.
 */
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
 * Divide the range of the finite keys of near into buckets.  Returns false if
 * all are equal, or too near each other for a finite scale.
 */
static bool
set_buckets(VsAnnQueue *queue)
{
	float		min = INFINITY;
	float		max = -INFINITY;

	for (int i = 0; i < queue->nnear; i++)
	{
		float		key = queue->near[i].key;

		min = key < min && key > -INFINITY ? key : min;
		max = key > max ? key : max;
	}
	queue->bucket_min = min;
	queue->bucket_scale = (BUCKETS - 1) / (max - min);
	return min < max && isfinite(queue->bucket_scale);
}

/* Return the bucket of a key of near; that of -INFINITY is the first. */
static inline int
bucket_of(const VsAnnQueue *queue, float key)
{
	float		bucket = (key - queue->bucket_min) * queue->bucket_scale;

	return bucket > 0 ? (int) bucket : 0;
}

/* Return a key that about n candidates of near are below; n < nnear. */
static float
key_of_rank(VsAnnQueue *queue, int n)
{
	int			counts[BUCKETS] = {0};
	int			bucket = 0;
	int			below;

	if (!set_buckets(queue))
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
	queue->near_max = max_int(NEAR_MAX(queue->near_target), 2 * kept);
}

/* Leave only about near_target candidates in near: the nearest. */
static void
shrink_near(VsAnnQueue *queue)
{
	vs_ann_queue_lower_limit(queue, key_of_rank(queue, queue->near_target));
	/* equal keys may have left near as large as it was */
	queue->near_max = max_int(NEAR_MAX(queue->near_target), 2 * queue->nnear);
}

float *
vs_ann_queue_keys(VsAnnQueue *queue)
{
	if (queue->nblocks == queue->block_capacity)
	{
		if (queue->nblocks >= queue->max_blocks)
			return NULL;
		queue->blocks = grow(queue, queue->blocks, &queue->block_capacity,
							 queue->nblocks + 1, sizeof(VsAnnScoredBlock));
	}
	return queue->blocks[queue->nblocks].keys;
}

void
vs_ann_queue_add(VsAnnQueue *queue, uint32_t first_ref, int n, uint32_t below)
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
		queue->near = grow(queue, queue->near, &queue->near_capacity, queue->nnear + n,
						   sizeof(VsAnnCandidate));
	before = queue->nnear;
	for (; below != 0; below &= below - 1)
	{
		int			i = __builtin_ctz(below);

		/* the scorer marks a bound of -INFINITY whatever the limit is */
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
 * Return a limit above the present one, such that about n keys are between
 * them.  The limit is estimated from a sample of the blocks.  It is INFINITY
 * if no more than n keys are left, or the sample is too small.  Uses near,
 * which must be empty, for the sample.
 */
static float
higher_limit(VsAnnQueue *queue, int n)
{
	int			step = max_int(1, queue->nblocks / SAMPLED_BLOCKS);
	int			capacity = (queue->nblocks / step + 1) * VS_QUANT_BLOCK;
	int			nkeys = 0;
	int			wanted;

	if (n >= queue->beyond)
		return INFINITY;
	if (queue->near_capacity < capacity)
		queue->near = grow(queue, queue->near, &queue->near_capacity, capacity,
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

/* Append to near the entries with queue->limit <= key < limit. */
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
							   queue->nnear + VS_QUANT_BLOCK, sizeof(VsAnnCandidate));
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

/*
 * Raise the limit until near, of which all candidates were taken, gets new
 * ones.  It stays empty only if all keys beyond the limit break the rules.
 */
static void
refill_near(VsAnnQueue *queue)
{
	bool		all = false;

	queue->nnear = queue->taken = queue->ready = 0;
	queue->sorted = false;
	while (queue->nnear == 0 && queue->beyond > 0 && !all)
	{
		float		limit = higher_limit(queue, queue->refill_size);

		if (queue->interrupt.check != NULL)
			queue->interrupt.check(queue->interrupt.arg);
		append_below(queue, limit);
		queue->limit = limit;
		queue->refill_size = queue->refill_size < INT_MAX / 8 ? queue->refill_size * 2 :
			INT_MAX / 4;
		all = limit == INFINITY;
	}
	queue->beyond -= queue->nnear;
	queue->near_max = max_int(NEAR_MAX(queue->near_target), 2 * queue->nnear);
}

/* Sort near by bucket.  No candidate of it may be taken. */
static void
sort_near(VsAnnQueue *queue)
{
	int			starts[BUCKETS + 1] = {0};
	VsAnnCandidate *sorted;
	int			capacity;

	queue->sorted = true;
	queue->has_buckets = set_buckets(queue);
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
	capacity = queue->sort_capacity;
	queue->sort_capacity = queue->near_capacity;
	queue->near_capacity = capacity;
}

/*
 * Make about portion candidates ready, up to the end of a bucket, so that no
 * candidate after them has a smaller key.
 */
static void
make_ready(VsAnnQueue *queue, int portion)
{
	int			end = queue->nnear;

	if (queue->has_buckets && portion < queue->nnear - queue->taken)
	{
		int			bucket;

		end = queue->taken + portion;
		bucket = bucket_of(queue, queue->near[end - 1].key);
		while (end < queue->nnear && bucket_of(queue, queue->near[end].key) == bucket)
			end++;
	}
	queue->ready = end;
	queue->bound = INFINITY;
	for (int i = queue->taken; i < end; i++)
		queue->bound = queue->near[i].key < queue->bound ? queue->near[i].key : queue->bound;
}

bool
vs_ann_queue_bound(VsAnnQueue *queue, int portion, float *bound)
{
	if (queue->taken == queue->ready)
	{
		if (queue->ready == queue->nnear)
		{
			if (queue->beyond == 0)
				return false;
			*bound = queue->limit;
			return true;
		}
		if (!queue->sorted)
			sort_near(queue);
		make_ready(queue, portion);
	}
	*bound = queue->bound;
	return true;
}

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

/* ---- heaps of refined candidates ---- */

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
		heap->items = grow(queue, heap->items, &heap->capacity, heap->n + 1,
						   sizeof(VsAnnRefined));
	heap->items[heap->n++] = refined;
	sift_up(heap->items, heap->n - 1);
}

bool
vs_ann_heap_peek(const VsAnnHeap *heap, VsAnnRefined *first)
{
	if (heap->n == 0)
		return false;
	*first = heap->items[0];
	return true;
}

void
vs_ann_heap_pop(VsAnnHeap *heap)
{
	heap->items[0] = heap->items[--heap->n];
	if (heap->n > 0)
		sift_down(heap->items, heap->n, 0);
}
