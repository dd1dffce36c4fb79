/*-------------------------------------------------------------------------
 * ann_scratch.c
 *	  The arrays of a scan, which the backend keeps for later scans.
 *
 * A scan needs some megabytes for a short time.  If they went back to the
 * operating system after each query, the next query would pay for them in
 * page faults.  So the backend keeps a pool of arrays.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "ann/scan/ann_scratch.h"

/*
 * The pool keeps the arrays of a scan if they are not larger than the first
 * limit, and all arrays together are not larger than the second.
 */
#define MAX_KEPT_BYTES	((Size) 64 * 1024 * 1024)
#define MAX_KEPT_BYTES_ALL	(4 * MAX_KEPT_BYTES)

/* A query over partitions has one scan per partition open. */
static VsAnnScratch scratch_pool[16];

/* Return the bytes of the arrays. */
static Size
scratch_bytes(const VsAnnScratch *scratch)
{
	return vs_ann_queue_bytes(&scratch->queue) +
		sizeof(VsAnnVisited) * scratch->visited_capacity +
		sizeof(BlockNumber) * scratch->pages_capacity +
		sizeof(VsAnnFound) * scratch->found_capacity +
		(sizeof(VsAnnRanked) + sizeof(VsAnnProbe) + 3 * sizeof(float)) * scratch->ranked_capacity;
}

/* Callback of the scan's memory context: put the arrays back, or free them. */
static void
scratch_release(void *arg)
{
	VsAnnScratch *scratch = (VsAnnScratch *) arg;
	Size		all = 0;

	scratch->in_use = false;
	for (int i = 0; i < lengthof(scratch_pool); i++)
		all += scratch_bytes(&scratch_pool[i]);
	if (scratch_bytes(scratch) > MAX_KEPT_BYTES || all > MAX_KEPT_BYTES_ALL)
	{
		MemoryContextDelete(scratch->context);
		memset(scratch, 0, sizeof(*scratch));
	}
}

/* Callback of the queue: enlarge an array in the scratch memory's context. */
static void *
resize_array(void *arg, void *array, size_t count, size_t size)
{
	MemoryContext context = (MemoryContext) arg;

	if (count > MaxAllocHugeSize / size)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a vecann scan met too many entries")));
	if (array == NULL)
		return MemoryContextAllocHuge(context, size * count);
	return repalloc_huge(array, size * count);
}

/* Initialize zeroed scratch memory that allocates from the context. */
static void
scratch_init(VsAnnScratch *scratch, MemoryContext context)
{
	VsAnnQueueMemory memory = {resize_array, context};
	VsQuantInterrupt interrupt = vs_ann_interrupt();

	scratch->context = context;
	vs_ann_queue_init(&scratch->queue, &memory, &interrupt);
}

VsAnnScratch *
vs_ann_scratch_acquire(MemoryContext scan_context)
{
	VsAnnScratch *scratch = NULL;
	MemoryContextCallback *callback;

	for (int i = 0; i < lengthof(scratch_pool) && scratch == NULL; i++)
	{
		if (!scratch_pool[i].in_use)
			scratch = &scratch_pool[i];
	}
	if (scratch == NULL)
	{
		scratch = MemoryContextAllocZero(scan_context, sizeof(VsAnnScratch));
		scratch_init(scratch, scan_context);
		return scratch;
	}
	if (scratch->context == NULL)
		scratch_init(scratch, AllocSetContextCreate(TopMemoryContext, "vecann scan scratch",
													ALLOCSET_DEFAULT_SIZES));
	callback = MemoryContextAlloc(scan_context, sizeof(MemoryContextCallback));
	callback->func = scratch_release;
	callback->arg = scratch;
	MemoryContextRegisterResetCallback(scan_context, callback);
	scratch->in_use = true;
	return scratch;
}

void *
vs_ann_scratch_enlarge(VsAnnScratch *scratch, void *array, int *capacity, int64 needed,
					   Size size)
{
	int64		larger = Max(needed, Max(1024, (int64) *capacity * 2));

	if (larger > INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a vecann scan met too many entries")));
	array = resize_array(scratch->context, array, larger, size);
	*capacity = larger;
	return array;
}
