/*-------------------------------------------------------------------------
 * ann_probe.c
 *	  Scoring of pending pages and lists.
 *
 * Pages are read one at a time under a share lock.  The copy of the metapage
 * decides which entries count: those of the chains that were growing or
 * closing, and list entries whose seal was published (invariant A3).
 *
 * A page or extent that was scored is noted in visited, so that an entry can
 * be found again when it is refined.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/scan/ann_prefetch.h"
#include "ann/scan/ann_probe.h"
#include "ann/scan/ann_queue.h"
#include "ann/scan/ann_rank_lists.h"
#include "ann/scan/ann_refine.h"
#include "ann/scan/ann_scratch.h"
#include "quant/quant.h"
#include "util/recent_pages.h"

/* Candidates refined at a time while lists are still being scored. */
#define EARLY_REFINED	48

/* The first page of a list is prefetched that many lists before. */
#define PREFETCH_LISTS	3

/*
 * Note a page or extent that is about to be scored.  Returns the ref of its
 * first entry.
 */
static uint32
add_visited(VsAnnScan *so, BlockNumber block, int list)
{
	VsAnnScratch *scratch = so->scratch;
	VsAnnVisited *visited;

	if (scratch->nvisited == VS_ANN_MAX_VISITED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a scan of index \"%s\" met more than %d pages",
						RelationGetRelationName(so->ann.index), VS_ANN_MAX_VISITED)));
	if (scratch->nvisited == scratch->visited_capacity)
		scratch->visited = vs_ann_scratch_enlarge(scratch, scratch->visited, &scratch->visited_capacity,
												  scratch->nvisited + 1, sizeof(VsAnnVisited));
	visited = &scratch->visited[scratch->nvisited];
	visited->block = block;
	visited->list = list;
	visited->pages = scratch->npages;
	return (uint32) scratch->nvisited++ << VS_ANN_ORDINAL_BITS;
}

/* Return room for the keys of the next block. */
static float *
next_keys(VsAnnScan *so)
{
	float	   *keys = vs_ann_queue_keys(&so->scratch->queue);

	if (unlikely(keys == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a scan of index \"%s\" scored more than %d blocks of entries",
						RelationGetRelationName(so->ann.index), so->scratch->queue.max_blocks)));
	return keys;
}

/* Score the first n slots of a block, and add them to the queue. */
static void
score_block(VsAnnScan *so, const VsQuantQuery *query, const VsQuantListTerms *terms,
			const VsQuantBlock *block, int n, uint32 ref)
{
	VsAnnQueue *queue = &so->scratch->queue;
	float	   *keys = next_keys(so);
	uint32		below;
	uint32		used = n == VS_QUANT_BLOCK ? 0xFFFFFFFFU : (1U << n) - 1;

	if (so->unordered)
	{
		memset(keys, 0, sizeof(float) * VS_QUANT_BLOCK);
		below = queue->limit > 0 ? used : 0;
	}
	else
	{
		below = vs_quant_block_scan(query, terms, block, queue->limit, NULL, keys) & used;
	}
	vs_ann_queue_add(queue, ref, n, below);
}

/* Score the n entries of a pending page that has one narrow block. */
static void
score_narrow_block(VsAnnScan *so, Page page, const VsQuantListTerms *terms, int n, uint32 ref)
{
	const int	half = VS_QUANT_BLOCK / 2;
	int			low = Min(n, so->ann.geo.pending_width);
	int			high = n - low;
	VsAnnQueue *queue = &so->scratch->queue;
	float	   *keys = next_keys(so);
	VsQuantBlock block;
	uint32		below;

	if (so->unordered)
	{
		score_block(so, NULL, NULL, NULL, n, ref);
		return;
	}
	vs_ann_pending_widen(&so->ann, page, so->block, &block);
	below = vs_quant_block_scan(so->pending_query, terms, &block, queue->limit, NULL, keys);
	memmove(keys + low, keys + half, sizeof(float) * high);
	below = (below & ((1U << low) - 1)) | ((below >> half) & ((1U << high) - 1)) << low;
	vs_ann_queue_add(queue, ref, n, below);
}

/* Score the entries of a pending page.  Returns the next page of the chain. */
static BlockNumber
probe_pending_page(VsAnnScan *so, BlockNumber block)
{
	const VsAnn *ann = &so->ann;
	Buffer		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_PENDING);
	Page		page = BufferGetPage(buffer);
	int			used = VS_ANN_OPAQUE(page)->used;
	BlockNumber next = VS_ANN_OPAQUE(page)->next;
	bool		centred = (VS_ANN_OPAQUE(page)->flags & VS_ANN_CENTRED) != 0;
	uint32		ref = add_visited(so, block, -1);

	if (centred && so->meta.centre == InvalidBlockNumber)
		vs_ann_damaged(ann, block, "codes against a center, which the index does not have");
	if (ann->geo.pending_blocks == 0 && used > 0)
		score_narrow_block(so, page, &so->pending_terms[centred], used, ref);
	else
	{
		for (int i = 0; i < used; i += VS_QUANT_BLOCK)
		{
			VsQuantBlock codes;

			vs_ann_pending_block(ann, page, i / VS_QUANT_BLOCK, &codes);
			score_block(so, so->pending_query, &so->pending_terms[centred], &codes,
						Min(VS_QUANT_BLOCK, used - i), ref + i);
		}
	}
	UnlockReleaseBuffer(buffer);
	so->stats.pending_scanned += used;
	return next;
}

/*
 * Compute the terms of pending codes against the origin, and of those against
 * the center if the index has one.
 */
static void
pending_terms(VsAnnScan *so)
{
	const VsAnn *ann = &so->ann;
	const float *query = so->pending_query->rotated;
	bool		l2 = ann->type.metric == VS_QUANT_L2;
	float	   *centre;
	double		distance = 0;
	double		norm_sq = 0;

	vs_quant_list_terms(so->pending_query, l2 ? so->pending_query->norm_sq : 0, 0,
						&so->pending_terms[0]);
	if (so->meta.centre == InvalidBlockNumber)
		return;
	centre = palloc(sizeof(float) * ann->geo.padded);
	vs_ann_centre_read(ann, so->meta.centre, centre);
	for (int i = 0; i < ann->geo.padded; i++)
	{
		distance += l2 ? (query[i] - centre[i]) * (query[i] - centre[i]) : -query[i] * centre[i];
		norm_sq += centre[i] * centre[i];
	}
	vs_quant_list_terms(so->pending_query, distance, norm_sq, &so->pending_terms[1]);
	pfree(centre);
}

void
vs_ann_probe_pending(VsAnnScan *so)
{
	bool		any = false;

	for (int i = 0; i < VS_ANN_CHAINS; i++)
		any = any || so->meta.closing[i].head != InvalidBlockNumber ||
			so->meta.growing[i].head != InvalidBlockNumber;
	if (!any)
		return;
	if (so->pending_query != NULL && so->ann.type.metric != VS_QUANT_HAMMING)
		pending_terms(so);
	for (int i = 0; i < 2 * VS_ANN_CHAINS; i++)
	{
		const VsAnnChain *chain = i < VS_ANN_CHAINS ? &so->meta.closing[i] :
			&so->meta.growing[i - VS_ANN_CHAINS];
		BlockNumber block = chain->head;

		/* no lock or pin is held here */
		while (block != InvalidBlockNumber)
		{
			vs_ann_walk_step(&so->ann, &so->walk, block);
			block = probe_pending_page(so, block);
		}
	}
}

/* ---- lists ---- */

/*
 * Score the first nentries entries of a code page, which the caller has
 * pinned and locked.
 */
static void
score_page(VsAnnScan *so, Page page, int nentries, const VsQuantListTerms *terms, uint32 ref)
{
	const VsAnnGeometry *geo = &so->ann.geo;

	for (int i = 0; i < nentries; i += VS_QUANT_BLOCK)
	{
		char	   *start = (char *) page + geo->code_start +
			i / VS_QUANT_BLOCK * geo->block_bytes;
		float	   *factors = (float *) (start + geo->block_codes);
		VsQuantBlock block = {(uint8_t *) start};

		if (geo->has_factors)
		{
			block.add = factors;
			block.rescale = factors + VS_QUANT_BLOCK;
			block.error = factors + 2 * VS_QUANT_BLOCK;
		}
		vs_ann_prefetch_step(&so->prefetch, geo->block_bytes + 4 * VS_ANN_CACHE_LINE);
		score_block(so, so->list_query, terms, &block, Min(VS_QUANT_BLOCK, nentries - i),
					ref + i);
	}
}

/* Copy to so->block the slice that lies on the extent's p'th code page. */
static void
copy_slice(VsAnnScan *so, Page page, int p)
{
	const VsAnnGeometry *geo = &so->ann.geo;
	int			bytes_per_dim = VS_QUANT_BLOCK / 8;
	int			first = p * geo->slice_dims;
	int			n = Min(geo->slice_dims, geo->padded - first);

	if (n > 0)
		memcpy(so->block + first * bytes_per_dim, (char *) page + geo->code_start,
			   n * bytes_per_dim);
	if (geo->has_factors && p == geo->factor_page)
		memcpy(so->block + geo->block_codes, (char *) page + geo->factor_offset,
			   geo->block_bytes - geo->block_codes);
}

/*
 * Score an extent.  The caller has pinned and locked the first page; the
 * function releases it, and then reads one code page after another.
 */
static void
score_extent(VsAnnScan *so, Buffer first, const VsAnnExtent *extent,
			 const VsQuantListTerms *terms, uint32 ref)
{
	const VsAnnGeometry *geo = &so->ann.geo;
	int			per_page = geo->blocks_per_page * VS_QUANT_BLOCK;
	int			left = extent->header.nentries;
	Buffer		buffer = first;

	for (int p = 0; p < geo->code_pages; p++)
	{
		if (p > 0)
			buffer = vs_ann_page_read_again(&so->ann, extent->pages[p - 1], VS_ANN_CODES);
		if (per_page > 0)
			score_page(so, BufferGetPage(buffer), Min(left, per_page), terms, ref);
		else
			copy_slice(so, BufferGetPage(buffer), p);
		UnlockReleaseBuffer(buffer);
		ref += per_page;
		left -= per_page;
		if (left <= 0)
			break;
	}
	if (per_page == 0)
	{
		float	   *factors = (float *) (so->block + geo->block_codes);
		VsQuantBlock block = {(uint8_t *) so->block};

		if (geo->has_factors)
		{
			block.add = factors;
			block.rescale = factors + VS_QUANT_BLOCK;
			block.error = factors + 2 * VS_QUANT_BLOCK;
		}
		score_block(so, so->list_query, terms, &block, left, ref);
	}
}

/* Note the numbers of an extent's further pages. */
static void
add_pages(VsAnnScratch *scratch, const BlockNumber *pages, int n)
{
	if (scratch->npages + n > scratch->pages_capacity)
		scratch->pages = vs_ann_scratch_enlarge(scratch, scratch->pages, &scratch->pages_capacity,
												(int64) scratch->npages + n, sizeof(BlockNumber));
	memcpy(scratch->pages + scratch->npages, pages, sizeof(BlockNumber) * n);
	scratch->npages += n;
}

/* Score the list of the rank. */
static void
probe_list(VsAnnScan *so, int rank)
{
	const VsAnn *ann = &so->ann;
	VsAnnProbe *probe = &so->scratch->probes[rank];
	BlockNumber block = probe->head;
	VsAnnExtent extent;

	/* no lock or pin is held here */
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;

		vs_ann_walk_step(ann, &so->walk, block);
		buffer = vs_ann_page_read_again(ann, block, VS_ANN_EXTENT);
		vs_ann_extent_copy(ann, block, BufferGetPage(buffer), &extent);
		if (extent.header.nentries > 0)
		{
			uint32		ref = add_visited(so, block, rank);

			add_pages(so->scratch, extent.pages, vs_ann_extent_page_count(&ann->geo));
			score_extent(so, buffer, &extent, &probe->terms, ref);
		}
		else
			UnlockReleaseBuffer(buffer);
		so->stats.codes_scanned += extent.header.nentries;
		block = extent.header.next;
	}
	so->stats.lists_probed++;
}

/* Return whether candidates are refined after that many lists were scored. */
static bool
refines_after(int nlists)
{
	return nlists == 2 || nlists == 6 || nlists == 16 || nlists == 48;
}

/*
 * Refine the nearest candidates of the lists scored so far.  Their upper
 * bounds limit the distance of the VS_ANN_TYPICAL_LIMIT nearest rows.  Entries
 * of further lists that cannot be nearer then do not become candidates.
 */
static void
refine_early(VsAnnScan *so)
{
	VsAnnQueue *queue = &so->scratch->queue;
	float		bound;

	if (so->unordered || !vs_ann_queue_bound(queue, EARLY_REFINED, &bound))
		return;
	if (so->nupper_bounds == VS_ANN_TYPICAL_LIMIT && bound >= so->upper_bounds[VS_ANN_TYPICAL_LIMIT - 1])
		return;
	vs_ann_refine_next(so, EARLY_REFINED);
	if (so->nupper_bounds == VS_ANN_TYPICAL_LIMIT)
		vs_ann_queue_lower_limit(queue, so->upper_bounds[VS_ANN_TYPICAL_LIMIT - 1]);
}

void
vs_ann_probe_lists(VsAnnScan *so, int until)
{
	vs_ann_rank_lists(so, until);
	/* no lock or pin is held here */
	for (; so->next_list < until; so->next_list++)
	{
		CHECK_FOR_INTERRUPTS();
		if (so->next_list + PREFETCH_LISTS < until)
			vs_recent_prefetch(so->ann.recent, so->ann.index,
							   so->scratch->probes[so->next_list + PREFETCH_LISTS].head, 0,
							   so->ann.geo.code_start);
		so->prefetch.nranges = 0;
		if (so->next_list + 1 < until)
			vs_ann_prefetch_begin(&so->ann, so->scratch->probes[so->next_list + 1].head,
								  &so->prefetch);
		probe_list(so, so->next_list);
		if (so->next_list + 1 < until && refines_after(so->next_list + 1))
			refine_early(so);
	}
}
