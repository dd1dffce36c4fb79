/*-------------------------------------------------------------------------
 * ann_scratch.h
 *	  The arrays of a scan, which the backend keeps for later scans.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SCRATCH_H
#define VS_ANN_SCRATCH_H

#include "postgres.h"

#include "storage/block.h"
#include "storage/itemptr.h"

#include "ann/scan/ann_queue.h"
#include "quant/quant.h"

/*
 * The ref of an entry in the queue contains the number of its page or extent
 * in visited, and the entry's ordinal there.  The ref of a refined candidate
 * is its number in found.
 */
#define VS_ANN_ORDINAL_BITS	9
#define VS_ANN_MAX_VISITED	(1 << (31 - VS_ANN_ORDINAL_BITS))

/* A pending page or an extent that was scored. */
typedef struct VsAnnVisited
{
	BlockNumber block;			/* of the pending page */
	int32		list;			/* rank of the list, -1 for a pending page */
	uint32		pages;			/* extent: its first further page in pages */
} VsAnnVisited;

/* An entry whose id was read. */
typedef struct VsAnnFound
{
	ItemPointerData tid;
	uint32		address;
	int32		list;			/* rank of its list, -1 if pending */
	double		distance;		/* valid if its key is exact */
} VsAnnFound;

/* A list and its score for the query; a smaller score is nearer. */
typedef struct VsAnnRanked
{
	float		score;
	int32		list;
} VsAnnRanked;

/* Where a list begins, and how its codes are scored. */
typedef struct VsAnnProbe
{
	BlockNumber head;
	VsQuantListTerms terms;
} VsAnnProbe;

typedef struct VsAnnScratch
{
	bool		in_use;
	MemoryContext context;
	VsAnnQueue	queue;
	VsAnnVisited *visited;
	int			nvisited;
	int			visited_capacity;
	BlockNumber *pages;			/* further pages of visited extents */
	int			npages;
	int			pages_capacity;
	VsAnnFound *found;
	int			nfound;
	int			found_capacity;
	/* one element per list; all have the capacity ranked_capacity */
	VsAnnRanked *ranked;		/* by rank, as far as lists are sorted */
	VsAnnProbe *probes;			/* by rank, as far as lists are sorted */
	float	   *scores;			/* by number of the list */
	float	   *norms;			/* squared, of the centroids, by number */
	BlockNumber *heads;			/* by number */
	int			ranked_capacity;
} VsAnnScratch;

/*
 * Return scratch memory for a scan.  It comes from the backend's pool, or
 * from scan_context if the pool is exhausted.  It goes back to the pool when
 * scan_context is reset or deleted.  The arrays may have elements of an
 * earlier scan; the caller sets the counts to 0 and resets the queue.
 */
extern VsAnnScratch *vs_ann_scratch_acquire(MemoryContext scan_context);

/*
 * Return an array of the scratch memory with room for at least needed
 * elements of the size, and set *capacity.  array is NULL for a new array.
 * Errors: ERRCODE_PROGRAM_LIMIT_EXCEEDED over INT_MAX elements.
 */
extern void *vs_ann_scratch_enlarge(VsAnnScratch *scratch, void *array, int *capacity,
									int64 needed, Size size);

#endif							/* VS_ANN_SCRATCH_H */
