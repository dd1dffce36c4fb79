/*-------------------------------------------------------------------------
 * ann_rank.c
 *	  The queue of a scan's candidates.
 *
 * A scan scores tens of thousands of entries and wants the few with the smallest
 * keys, without knowing how few.  So only a small part is kept as a heap (near):
 * while entries are scored, the part is cut back now and then to the smallest,
 * which lowers the limit that the next ones must be below to get in.  The rest
 * lies unordered (far), and is drawn on when the heap has come up to the limit, in portions
 * that double.
 *
 * Invariant: no key in far is below limit, so the heap's first candidate is the
 * smallest of all while its key is below limit or far is empty.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "ann/ann_scan.h"

#define NEAR_MOST	2048		/* near is cut back at this size ... */
#define NEAR_LEAST	512			/* ... to this one */

void
vs_ann_queue_reset(VsAnnQueue *queue)
{
	queue->nnear = 0;
	queue->nfar = 0;
	queue->heaped = false;
	queue->limit = INFINITY;
	queue->refill = NEAR_LEAST;
}

static void
grow(VsAnnQueue *queue, VsAnnCandidate **array, int *capacity, int64 needed)
{
	int64		size = Max(needed, Max(4096, (int64) *capacity * 2));

	if (needed > MaxAllocHugeSize / sizeof(VsAnnCandidate) || size > INT_MAX)
		elog(ERROR, "too many candidates in a vecann scan");
	if (*array == NULL)
		*array = MemoryContextAllocHuge(queue->context, sizeof(VsAnnCandidate) * size);
	else
		*array = repalloc_huge(*array, sizeof(VsAnnCandidate) * size);
	*capacity = size;
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

static float
smallest_key(const VsAnnCandidate *array, int n)
{
	float		smallest = INFINITY;

	for (int i = 0; i < n; i++)
		smallest = Min(smallest, array[i].key);
	return smallest;
}

/* Moves all but the smallest of near to far. */
static void
cut_back(VsAnnQueue *queue)
{
	int			surplus = queue->nnear - NEAR_LEAST;

	select_smallest(queue->near, queue->nnear, NEAR_LEAST);
	if (queue->nfar + surplus > queue->far_capacity)
		grow(queue, &queue->far, &queue->far_capacity, (int64) queue->nfar + surplus);
	memcpy(queue->far + queue->nfar, queue->near + NEAR_LEAST,
		   sizeof(VsAnnCandidate) * surplus);
	queue->limit = smallest_key(queue->near + NEAR_LEAST, surplus);
	queue->nfar += surplus;
	queue->nnear = NEAR_LEAST;
	queue->heaped = false;
}

/*
 * Adds n (at most 32) scored entries with consecutive refs; bit i of below
 * tells that keys[i] is below the limit.
 */
void
vs_ann_queue_add(VsAnnQueue *queue, const float *keys, uint32 first_ref, int n, uint32 below)
{
	if (queue->nfar + n > queue->far_capacity)
		grow(queue, &queue->far, &queue->far_capacity, (int64) queue->nfar + n);
	if (queue->nnear + n > queue->near_capacity)
		grow(queue, &queue->near, &queue->near_capacity, (int64) queue->nnear + n);
	if (below == 0)
	{
		VsAnnCandidate *far = queue->far + queue->nfar;

		for (int i = 0; i < n; i++)
		{
			far[i].key = keys[i];
			far[i].ref = first_ref + i;
		}
		queue->nfar += n;
		return;
	}
	for (int i = 0; i < n; i++)
	{
		VsAnnCandidate *to = (below & (1U << i)) != 0 ?
			&queue->near[queue->nnear++] :
			&queue->far[queue->nfar++];

		to->key = keys[i];
		to->ref = first_ref + i;
	}
	queue->heaped = false;
	if (queue->nnear >= NEAR_MOST)
		cut_back(queue);
}

static void
sift_down(VsAnnCandidate *heap, int n, int i)
{
	VsAnnCandidate moving = heap[i];

	for (;;)
	{
		int			child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && heap[child + 1].key < heap[child].key)
			child++;
		if (moving.key <= heap[child].key)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moving;
}

static void
sift_up(VsAnnCandidate *heap, int i)
{
	VsAnnCandidate moving = heap[i];

	while (i > 0)
	{
		int			parent = (i - 1) / 2;

		if (heap[parent].key <= moving.key)
			break;
		heap[i] = heap[parent];
		i = parent;
	}
	heap[i] = moving;
}

static void
make_heap(VsAnnQueue *queue)
{
	for (int i = queue->nnear / 2 - 1; i >= 0; i--)
		sift_down(queue->near, queue->nnear, i);
	queue->heaped = true;
}

/* Moves the smallest of far to near. */
static void
draw_on_far(VsAnnQueue *queue)
{
	int			n = Min(queue->refill, queue->nfar);

	select_smallest(queue->far, queue->nfar, n);
	if (queue->nnear + n > queue->near_capacity)
		grow(queue, &queue->near, &queue->near_capacity, (int64) queue->nnear + n);
	memcpy(queue->near + queue->nnear, queue->far, sizeof(VsAnnCandidate) * n);
	queue->nnear += n;
	queue->nfar -= n;
	memmove(queue->far, queue->far + n, sizeof(VsAnnCandidate) * queue->nfar);
	queue->limit = smallest_key(queue->far, queue->nfar);
	queue->refill = Min(queue->refill * 2, INT_MAX / 4);
	make_heap(queue);
}

/* One candidate, whatever its key. */
void
vs_ann_queue_push(VsAnnQueue *queue, float key, uint32 ref)
{
	if (queue->nnear == queue->near_capacity)
		grow(queue, &queue->near, &queue->near_capacity, (int64) queue->nnear + 1);
	queue->near[queue->nnear].key = key;
	queue->near[queue->nnear].ref = ref;
	queue->nnear++;
	if (queue->heaped)
		sift_up(queue->near, queue->nnear - 1);
}

/* The candidate with the smallest key; false if there is none. */
bool
vs_ann_queue_peek(VsAnnQueue *queue, VsAnnCandidate *first)
{
	if (!queue->heaped)
		make_heap(queue);
	while (queue->nfar > 0 &&
		   (queue->nnear == 0 || queue->near[0].key >= queue->limit))
		draw_on_far(queue);
	if (queue->nnear == 0)
		return false;
	*first = queue->near[0];
	return true;
}

/* Removes what peek returned. */
void
vs_ann_queue_pop(VsAnnQueue *queue)
{
	queue->near[0] = queue->near[--queue->nnear];
	if (queue->nnear > 0)
		sift_down(queue->near, queue->nnear, 0);
}
