/*-------------------------------------------------------------------------
 * ann_queue.h
 *	  The queue of a scan's candidates.
 *
 * Plain C without PostgreSQL.  A scan scores tens of thousands of entries and
 * wants the few with the smallest keys, without knowing how few.  The queue
 * takes the keys of all entries and hands the entries out in portions, those
 * with the smallest keys first.  The scan refines the candidates of a portion
 * and pushes them to the heaps of the queue.
 *
 *		vs_ann_queue_keys, vs_ann_queue_add		for each scored block
 *		vs_ann_queue_bound, vs_ann_queue_take	the next portion
 *		vs_ann_heap_push, _peek, _pop			refined, settled, late
 *
 * A key is a lower bound of a distance.  Keys of entries may be -INFINITY;
 * they must not be NaN and must be below INFINITY.
 *
 * No function reports an error.  A limit is reported by the returned value.
 * The callbacks for memory and interrupts may leave by longjmp (ereport); the
 * queue can then be reset and used again.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_QUEUE_H
#define VS_ANN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quant/quant.h"

/*
 * Allocator of the queue's arrays.  resize returns the array with room for
 * count elements of size bytes each, and keeps the elements it had; array is
 * NULL for a new array.  The callback never returns NULL.  If it leaves by
 * longjmp, the array stays as it was.  The owner of the memory frees the
 * arrays, all at once.
 */
typedef struct VsAnnQueueMemory
{
	void	   *(*resize) (void *arg, void *array, size_t count, size_t size);
	void	   *arg;
} VsAnnQueueMemory;

/* A candidate: an entry, and the lower bound of its distance. */
typedef struct VsAnnCandidate
{
	float		key;
	uint32_t	ref;			/* identifies the entry to the caller */
} VsAnnCandidate;

/*
 * The order of equal keys.  An entry with a bound is no nearer than an entry
 * whose exact distance equals that bound.  A NaN distance has the key
 * INFINITY and comes last.
 */
typedef enum VsAnnKeyKind
{
	VS_ANN_KEY_EXACT,
	VS_ANN_KEY_BOUND,
	VS_ANN_KEY_NAN
} VsAnnKeyKind;

/*
 * A refined candidate.  Its key is a lower bound of the distance, or the
 * exact distance in double precision, so that rows come in the order of the
 * operator's results.
 */
typedef struct VsAnnRefined
{
	double		key;
	uint32_t	ref;			/* identifies the entry to the caller */
	VsAnnKeyKind kind;
} VsAnnRefined;

/* Return whether a comes before b.  This is a strict weak order. */
static inline bool
vs_ann_refined_before(const VsAnnRefined *a, const VsAnnRefined *b)
{
	return a->key != b->key ? a->key < b->key : a->kind < b->kind;
}

/* A scored block: the keys of n entries with consecutive refs. */
typedef struct VsAnnScoredBlock
{
	uint32_t	first_ref;
	int			n;
	float		keys[VS_QUANT_BLOCK];
} VsAnnScoredBlock;

/* A heap of refined candidates, the nearest one at its top. */
typedef struct VsAnnHeap
{
	VsAnnRefined *items;
	int			n;
	int			capacity;
} VsAnnHeap;

/* The queue; ann_queue.c explains how it works. */
typedef struct VsAnnQueue
{
	VsAnnScoredBlock *blocks;	/* all entries */
	int			nblocks;
	int			block_capacity;
	int			max_blocks;
	VsAnnCandidate *near;		/* taken, then ready, then others below limit */
	int			taken;			/* end of the taken candidates */
	int			ready;			/* end of the ready candidates */
	int			nnear;
	int			near_capacity;
	int			near_target;	/* near shrinks to this size ... */
	int			near_max;		/* ... when it has reached this one */
	bool		sorted;			/* near is sorted by bucket ... */
	bool		has_buckets;	/* ... and there is more than one */
	float		bucket_min;		/* smallest finite key of near */
	float		bucket_scale;	/* buckets per unit of a key */
	VsAnnCandidate *sort_space; /* near is sorted into this array */
	int			sort_capacity;
	int			beyond;			/* number of entries not below limit */
	float		limit;			/* entries with smaller keys are in near */
	float		bound;			/* smallest key of the ready candidates */
	float		max_taken;		/* largest key taken */
	bool		any_taken;
	int			refill_size;	/* about how many entries fill near next time */
	VsAnnHeap	refined;		/* bounds and exact distances */
	VsAnnHeap	settled;		/* the next rows */
	VsAnnHeap	late;			/* nearer than a row emitted before */
	VsAnnQueueMemory memory;
	VsQuantInterrupt interrupt; /* called once per pass over all entries */
} VsAnnQueue;

/* Make a queue without arrays.  It must be reset before its first use. */
extern void vs_ann_queue_init(VsAnnQueue *queue, const VsAnnQueueMemory *memory,
							  const VsQuantInterrupt *interrupt);

/*
 * Empty the queue and its heaps, and keep the arrays.  expected is the number
 * of candidates that the caller is likely to take.
 */
extern void vs_ann_queue_reset(VsAnnQueue *queue, int64_t expected);

/* Return the bytes of the queue's arrays. */
extern size_t vs_ann_queue_bytes(const VsAnnQueue *queue);

/*
 * Return room for the VS_QUANT_BLOCK keys of the next block, or NULL if the
 * queue cannot hold one more block.  The pointer is valid until the call of
 * vs_ann_queue_add that adds the block, and until the next call of this
 * function.
 */
extern float *vs_ann_queue_keys(VsAnnQueue *queue);

/*
 * Add the block whose keys are in vs_ann_queue_keys.  Its n entries (1 to
 * VS_QUANT_BLOCK) have the refs first_ref and following.  below has bit i set
 * for each entry i whose key is below queue->limit; the function ignores bits
 * of other entries, and keys from n on.
 */
extern void vs_ann_queue_add(VsAnnQueue *queue, uint32_t first_ref, int n, uint32_t below);

/*
 * Lower the limit, if it is higher.  A caller that is not likely to want an
 * entry with such a key saves the work of making it a candidate.  The entry
 * stays in the queue.
 */
extern void vs_ann_queue_lower_limit(VsAnnQueue *queue, float limit);

/*
 * Set *bound to a key that no entry left in the queue is below.  Returns
 * false, and leaves *bound alone, if no entry is left.  The bound is tight if
 * candidates are ready or below the limit; about portion of them are then
 * ready for vs_ann_queue_take.  portion is positive.
 */
extern bool vs_ann_queue_bound(VsAnnQueue *queue, int portion, float *bound);

/*
 * Take the ready candidates out of the queue, and return them; *n is their
 * number.  If no candidate is below the limit, the function raises the limit
 * and makes about portion candidates ready first.  Needs a vs_ann_queue_bound
 * that returned true since the last call of another function of the queue
 * (heaps aside).  The array is valid until the next of these calls.
 *
 * *n is 0 only if the keys that are left break the rules above, in which case
 * queue->beyond is their number.
 */
extern VsAnnCandidate *vs_ann_queue_take(VsAnnQueue *queue, int portion, int *n);

/*
 * Push a candidate to a heap of the queue.  An entry of the queue is in at
 * most one heap, so no heap outgrows its limit.
 */
extern void vs_ann_heap_push(VsAnnQueue *queue, VsAnnHeap *heap, VsAnnRefined refined);

/* Copy the top of the heap to *first.  Returns false if the heap is empty. */
extern bool vs_ann_heap_peek(const VsAnnHeap *heap, VsAnnRefined *first);

/* Remove the top of the heap, which must not be empty. */
extern void vs_ann_heap_pop(VsAnnHeap *heap);

#endif							/* VS_ANN_QUEUE_H */
