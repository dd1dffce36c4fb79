/*-------------------------------------------------------------------------
 * ann_rank_lists.c
 *	  Preparation of the query, and the order of lists.
 *
 * All centroids are scored at once.  Lists are sorted only as far as the scan
 * is going to score them.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "ann/base/ann_value.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/scan/ann_queue.h"
#include "ann/scan/ann_rank_lists.h"
#include "ann/scan/ann_scratch.h"
#include "quant/kmeans.h"
#include "quant/quant.h"

/* Candidates that are usually taken from the queue per settled row. */
#define CANDIDATES_PER_ROW	10

/* Compare lists: the nearer first, then the one with the smaller number. */
static inline int
compare_ranked(const VsAnnRanked *a, const VsAnnRanked *b)
{
	if (a->score != b->score)
		return a->score < b->score ? -1 : 1;
	return a->list - b->list;
}

#define VS_SELECT select_nearest
#define VS_SELECT_TYPE VsAnnRanked
#define VS_SELECT_BEFORE(a, b) (compare_ranked(a, b) < 0)
#include "util/select_template.h"

#define ST_SORT sort_ranked
#define ST_ELEMENT_TYPE VsAnnRanked
#define ST_COMPARE(a, b) compare_ranked(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

void
vs_ann_rank_lists(VsAnnScan *so, int until)
{
	VsAnnRanked *ranked = so->scratch->ranked;

	if (until <= so->nsorted)
		return;
	if (until < so->nranked)
		select_nearest(ranked + so->nsorted, so->nranked - so->nsorted, until - so->nsorted);
	sort_ranked(ranked + so->nsorted, until - so->nsorted);
	for (int i = so->nsorted; i < until; i++)
	{
		int			list = ranked[i].list;
		VsAnnProbe *probe = &so->scratch->probes[i];

		probe->head = so->scratch->heads[list];
		if (!so->unordered && so->ann.type.metric != VS_QUANT_HAMMING)
			vs_quant_list_terms(so->list_query, so->scratch->scores[list],
								so->scratch->norms[list], &probe->terms);
	}
	so->nsorted = until;
}

/* Enlarge the arrays that have one element per list. */
static void
enlarge_ranked(VsAnnScratch *scratch, int nlists)
{
	int			capacity[4];

	for (int i = 0; i < lengthof(capacity); i++)
		capacity[i] = scratch->ranked_capacity;
	scratch->scores = vs_ann_scratch_enlarge(scratch, scratch->scores, &capacity[0], nlists, sizeof(float));
	scratch->norms = vs_ann_scratch_enlarge(scratch, scratch->norms, &capacity[1], nlists, sizeof(float));
	scratch->heads = vs_ann_scratch_enlarge(scratch, scratch->heads, &capacity[2], nlists, sizeof(BlockNumber));
	scratch->probes = vs_ann_scratch_enlarge(scratch, scratch->probes, &capacity[3], nlists, sizeof(VsAnnProbe));
	scratch->ranked = vs_ann_scratch_enlarge(scratch, scratch->ranked, &scratch->ranked_capacity, nlists,
											 sizeof(VsAnnRanked));
}

/*
 * Score the centroids of the directory.  rotated is the query relative to the
 * mean.  Copies what the scan needs of the cache, which the next scan of
 * another index may replace.
 */
static void
score_centroids(VsAnnScan *so, const VsAnnCache *cache, const float *rotated)
{
	VsAnnScratch *scratch = so->scratch;
	VsQuantMetric metric = so->ann.type.metric;

	if (cache->nlists > scratch->ranked_capacity)
		enlarge_ranked(scratch, cache->nlists);
	if (!so->unordered)
		vs_assign_query(cache->assign, metric, rotated, scratch->scores);
	memcpy(scratch->norms, vs_assign_norms(cache->assign), sizeof(float) * cache->nlists);
	memcpy(scratch->heads, cache->heads, sizeof(BlockNumber) * cache->nlists);
	for (int i = 0; i < cache->nlists; i++)
	{
		scratch->ranked[i].list = i;
		scratch->ranked[i].score = so->unordered || isnan(scratch->scores[i]) ? 0 :
			scratch->scores[i];
	}
	so->nranked = cache->nlists;
}

/*
 * Prepare a query in the current memory context.  Copies rotated (padded
 * floats), or under Hamming the code.
 */
static VsQuantQuery *
prepare_query(VsAnnScan *so, const float *rotated, const uint8 *code)
{
	void	   *memory = palloc(vs_quant_query_bytes(&so->ann.spec));

	if (so->ann.type.metric == VS_QUANT_HAMMING)
		return vs_quant_query_init_bits(memory, &so->ann.spec, code);
	return vs_quant_query_init(memory, &so->ann.spec, rotated, so->epsilon);
}

void
vs_ann_rank_begin(VsAnnScan *so)
{
	const VsAnn *ann = &so->ann;
	VsAnnScratch *scratch = so->scratch;
	VsAnnCoder	coder;

	vs_ann_queue_reset(&scratch->queue, so->first_rows * CANDIDATES_PER_ROW);
	scratch->nvisited = scratch->npages = scratch->nfound = 0;
	so->walk.steps = so->walk.most = 0;
	so->nranked = so->next_list = so->nsorted = 0;
	if (ann->geo.blocks_per_page == 0 || ann->geo.pending_blocks == 0)
		so->block = palloc0(ann->geo.block_bytes);
	vs_ann_coder_init(&coder, ann);
	if (!so->unordered)
	{
		vs_ann_coder_rotate(&coder, so->payload, coder.rotated);
		if (ann->type.metric == VS_QUANT_HAMMING)
			vs_ann_coder_encode(&coder, so->payload, NULL, NULL, false);
		so->pending_query = so->list_query = prepare_query(so, coder.rotated, coder.code);
	}
	if (so->meta.directory != InvalidBlockNumber)
	{
		const VsAnnCache *cache = vs_ann_cache_get(ann, &so->meta);

		if (cache->has_mean && !so->unordered)
		{
			double		mean_sq = 0;

			for (int i = 0; i < ann->geo.padded; i++)
			{
				coder.rotated[i] -= cache->mean[i];
				mean_sq += (double) cache->mean[i] * cache->mean[i];
			}
			so->list_query = prepare_query(so, coder.rotated, NULL);
			so->list_query->magnitude = Max(Max(so->pending_query->magnitude, sqrt(mean_sq)),
											so->list_query->magnitude);
		}
		score_centroids(so, cache, coder.rotated);
	}
}
