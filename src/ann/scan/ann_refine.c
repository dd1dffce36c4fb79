/*-------------------------------------------------------------------------
 * ann_refine.c
 *	  Refinement: ids and tighter bounds of candidates.
 *
 * The detail of a list entry holds its id and its extra code, which tightens
 * the bound.  A pending entry has no extra code, and keeps its bound.  Under
 * Hamming the key of a code is the exact distance.
 *
 * Every refined entry gets a number in found, and goes to the heap of refined
 * candidates.  The upper bounds of the nearest ones are kept: they tell the
 * scan how far away the nearest rows can be.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/scan/ann_queue.h"
#include "ann/scan/ann_refine.h"
#include "ann/scan/ann_scratch.h"
#include "quant/quant.h"
#include "util/recent_pages.h"

/*
 * Half the width of a refined bound, as a multiple of what the quantizer
 * gives for epsilon.  The bound of all bits is narrow, so that a wider one
 * costs hardly any exact distances.  epsilon is for the bound of the first
 * bit.
 */
#define REFINED_BOUND_FACTOR	1.5f

/* The id of a candidate is prefetched that many candidates before. */
#define PREFETCH_IDS	12

/* Note that the distance of one row is at most upper_bound. */
static void
add_upper_bound(VsAnnScan *so, float upper_bound)
{
	int			i;

	if (so->nupper_bounds == VS_ANN_TYPICAL_LIMIT && !(upper_bound < so->upper_bounds[so->nupper_bounds - 1]))
		return;
	i = so->nupper_bounds < VS_ANN_TYPICAL_LIMIT ? so->nupper_bounds++ : VS_ANN_TYPICAL_LIMIT - 1;
	for (; i > 0 && upper_bound < so->upper_bounds[i - 1]; i--)
		so->upper_bounds[i] = so->upper_bounds[i - 1];
	so->upper_bounds[i] = upper_bound;
}

/*
 * Note an entry whose id was read, and push it to the heap of refined
 * candidates.
 */
static void
add_found(VsAnnScan *so, const VsAnnId *id, int list, float key, bool exact)
{
	VsAnnScratch *scratch = so->scratch;
	VsAnnFound *found;
	VsAnnRefined refined;

	if (scratch->nfound == scratch->found_capacity)
		scratch->found = vs_ann_scratch_enlarge(scratch, scratch->found, &scratch->found_capacity,
												(int64) scratch->nfound + 1, sizeof(VsAnnFound));
	found = &scratch->found[scratch->nfound];
	found->tid = id->tid;
	found->address = id->address;
	found->list = list;
	found->distance = key;
	if (exact)
		add_upper_bound(so, key);
	refined.key = key;
	refined.kind = exact ? VS_ANN_KEY_EXACT : VS_ANN_KEY_BOUND;
	refined.ref = (uint32) scratch->nfound++;
	vs_ann_heap_push(&scratch->queue, &scratch->queue.refined, refined);
}

/*
 * Refine a list entry with the given key.  detail points to the entry's
 * detail on the page block, which the caller has pinned and locked.
 */
static void
refine_detail(VsAnnScan *so, const VsAnnVisited *visited, BlockNumber block, const char *detail,
			  float key)
{
	const VsAnnGeometry *geo = &so->ann.geo;
	bool		exact = so->unordered || so->ann.type.metric == VS_QUANT_HAMMING;
	VsAnnId		id;

	memcpy(&id, detail, sizeof(id));
	if ((id.flags & VS_ANN_DEAD) != 0 || id.seal > so->meta.sealed)
		return;
	vs_ann_id_check(&so->ann, block, &id);
	if (geo->extra_bytes > 0 && !exact)
	{
		VsQuantFactors factors;
		float		tighter;
		float		estimate;

		detail += sizeof(id);
		memcpy(&factors, detail, sizeof(factors));
		tighter = vs_quant_refine(so->list_query, &so->scratch->probes[visited->list].terms,
								  (const uint8_t *) detail + sizeof(factors), &factors,
								  &estimate);
		/* the former bound is not kept: it is wrong more often than this one */
		key = estimate - REFINED_BOUND_FACTOR * (estimate - tighter);
		if (isnan(key))
			key = -INFINITY;
		else
			add_upper_bound(so, estimate + REFINED_BOUND_FACTOR * (estimate - tighter));
	}
	add_found(so, &id, visited->list, key, exact);
}

/* Return the page that has the id of an entry; *offset is its place there. */
static inline BlockNumber
locate_id(VsAnnScan *so, uint32 ref, VsAnnVisited **visited, int *offset)
{
	const VsAnnGeometry *geo = &so->ann.geo;
	int			ordinal = ref & ((1 << VS_ANN_ORDINAL_BITS) - 1);

	*visited = &so->scratch->visited[ref >> VS_ANN_ORDINAL_BITS];
	if ((*visited)->list < 0)
	{
		*offset = VS_ANN_CONTENTS + ordinal * (int) sizeof(VsAnnId);
		return (*visited)->block;
	}
	*offset = vs_ann_detail_offset(geo, ordinal);
	return so->scratch->pages[(*visited)->pages + vs_ann_detail_page_of(geo, ordinal)];
}

/* Prefetch the id of an entry, and its extra code if it has one. */
static inline void
prefetch_id(VsAnnScan *so, uint32 ref)
{
	VsAnnVisited *visited;
	int			offset;
	BlockNumber block = locate_id(so, ref, &visited, &offset);

	vs_recent_prefetch(so->ann.recent, so->ann.index, block, offset,
					   visited->list < 0 ? (int) sizeof(VsAnnId) : so->ann.geo.detail_bytes);
}

/* Refine a pending entry with the given key, as refine_detail does. */
static void
refine_pending(VsAnnScan *so, BlockNumber block, const VsAnnId *id, float key)
{
	if ((id->flags & VS_ANN_DEAD) != 0)
		return;
	vs_ann_id_check(&so->ann, block, id);
	add_found(so, id, -1, key, so->unordered || so->ann.type.metric == VS_QUANT_HAMMING);
}

/* Refine n candidates. */
static void
refine_candidates(VsAnnScan *so, const VsAnnCandidate *candidates, int n)
{
	Buffer		buffer = InvalidBuffer;
	BlockNumber current = InvalidBlockNumber;
	VsAnnVisited *visited;
	int			offset;

	for (int i = 0; i < Min(n, PREFETCH_IDS); i++)
		prefetch_id(so, candidates[i].ref);
	/* current is pinned and share-locked from the first candidate on */
	for (int i = 0; i < n; i++)
	{
		BlockNumber block = locate_id(so, candidates[i].ref, &visited, &offset);
		bool		pending = visited->list < 0;
		char	   *place;

		if (i + PREFETCH_IDS < n)
			prefetch_id(so, candidates[i + PREFETCH_IDS].ref);
		if (block != current)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			CHECK_FOR_INTERRUPTS();
			buffer = vs_ann_page_read_again(&so->ann, block, pending ? VS_ANN_PENDING : VS_ANN_DETAIL);
			current = block;
		}
		place = (char *) BufferGetPage(buffer) + offset;
		if (pending)
			refine_pending(so, block, (const VsAnnId *) place, candidates[i].key);
		else
			refine_detail(so, visited, block, place, candidates[i].key);
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	so->stats.refined += n;
}

void
vs_ann_refine_next(VsAnnScan *so, int portion)
{
	VsAnnQueue *queue = &so->scratch->queue;
	int			n;
	VsAnnCandidate *taken = vs_ann_queue_take(queue, portion, &n);

	if (n == 0)
		elog(ERROR, "%d candidates of a vecann scan are lost", queue->beyond);
	refine_candidates(so, taken, n);
}
