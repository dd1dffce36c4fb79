/*-------------------------------------------------------------------------
 * ann_probe.c
 *	  Scores entries for a scan: pending pages, lists, details.
 *
 * Pages are read one at a time under a share lock.  What a scan may see was
 * fixed when it copied the metapage: pending chains then growing or closing, and list
 * entries whose seal was published then (invariant A3).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/scan/ann_scan.h"
#include "quant/quant.h"
#include "util/recent_pages.h"

/* Candidates refined while lists are scored. */
#define EARLY_REFINED	48

/* ---- scoring ---- */

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

/* Scores the first n slots of a block. */
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

/* Scores the narrow block of a pending page, of which n slots are used. */
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
		vs_ann_damaged(ann, block, "codes against a centre, which the index has not");
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

/* Terms of codes against the origin, and against the centre if there is one. */
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

		while (block != InvalidBlockNumber)
		{
			vs_ann_walk_step(&so->ann, &so->walk, block);
			block = probe_pending_page(so, block);
		}
	}
}

/* ---- memory of the next list's codes, fetched while this one's are scored ---- */

#define CACHE_LINE		64
#define PREFETCH_LISTS		3		/* heads of lists are fetched so many before */

static void
prefetch_add_range(VsAnnScan *so, BlockNumber block, const char *page, int nblocks)
{
	const VsAnnGeometry *geo = &so->ann.geo;
	VsAnnPrefetch *prefetch = &so->prefetch;
	int			bytes = geo->blocks_per_page > 0 ? nblocks * geo->block_bytes :
		VS_ANN_CONTENTS_END - geo->code_start;

	vs_recent_prefetch(so->ann.recent, so->ann.index, block, 0, 1);
	prefetch->at[prefetch->nranges] = page + geo->code_start;
	prefetch->end[prefetch->nranges++] = page + geo->code_start + bytes;
}

/*
 * Finds out where the codes of a list's first extent are.  Nothing is pinned, so what is
 * read may be anything, and is used as a guess only.
 */
static void
prefetch_begin(VsAnnScan *so, BlockNumber head)
{
	const VsAnnGeometry *geo = &so->ann.geo;
	VsAnnPrefetch *prefetch = &so->prefetch;
	const char *page = vs_recent_peek(so->ann.recent, so->ann.index, head);
	int			left;

	prefetch->nranges = 0;
	if (page == NULL)
		return;
	left = Min(VS_ANN_EXTENT_HEADER(page)->nentries, geo->extent_entries);
	left = (left + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK;
	for (int p = 0; p < Min(geo->code_pages, VS_ANN_PREFETCH_RANGES) && left > 0; p++)
	{
		BlockNumber block = p == 0 ? head : VS_ANN_EXTENT_PAGES(page)[p - 1];
		const char *codes = vs_recent_peek(so->ann.recent, so->ann.index, block);

		if (codes != NULL)
			prefetch_add_range(so, block, codes, Min(left, geo->blocks_per_page));
		left -= geo->blocks_per_page;
	}
}

/* Fetches about as much as a block. */
static inline void
prefetch_step(VsAnnScan *so)
{
	VsAnnPrefetch *prefetch = &so->prefetch;
	int			bytes = so->ann.geo.block_bytes + 4 * CACHE_LINE;

	while (bytes > 0 && prefetch->nranges > 0)
	{
		int			last = prefetch->nranges - 1;

		for (; bytes > 0 && prefetch->at[last] < prefetch->end[last]; bytes -= CACHE_LINE)
		{
			__builtin_prefetch(prefetch->at[last]);
			prefetch->at[last] += CACHE_LINE;
		}
		if (prefetch->at[last] >= prefetch->end[last])
			prefetch->nranges--;
	}
}

/* Scores the blocks of a code page, all of it in one pin. */
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
		prefetch_step(so);
		score_block(so, so->list_query, terms, &block, Min(VS_QUANT_BLOCK, nentries - i),
					ref + i);
	}
}

/* Copies p'th page's part of a block that is cut over pages. */
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

/* Scores the extent whose first page is given; unlocks it. */
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

static void
add_pages(VsAnnScratch *scratch, const BlockNumber *pages, int n)
{
	if (scratch->npages + n > scratch->pages_capacity)
		scratch->pages = vs_ann_scratch_enlarge(scratch, scratch->pages, &scratch->pages_capacity,
												(int64) scratch->npages + n, sizeof(BlockNumber));
	memcpy(scratch->pages + scratch->npages, pages, sizeof(BlockNumber) * n);
	scratch->npages += n;
}

static void
probe_list(VsAnnScan *so, int rank)
{
	const VsAnn *ann = &so->ann;
	VsAnnProbe *probe = &so->scratch->probes[rank];
	BlockNumber block = probe->head;
	VsAnnExtent extent;

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

static bool
refines_after(int lists)
{
	return lists == 2 || lists == 6 || lists == 16 || lists == 48;
}

/*
 * Refines the first candidates of the few lists scored so far.  As many rows as are usually
 * wanted are then known to be nearer than some distance; of the lists
 * that follow only entries that may be nearer are made candidates at once.
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

/* Scores lists in order of rank, those before until. */
void
vs_ann_probe_lists(VsAnnScan *so, int until)
{
	vs_ann_rank_lists(so, until);
	for (; so->next_list < until; so->next_list++)
	{
		CHECK_FOR_INTERRUPTS();
		if (so->next_list + PREFETCH_LISTS < until)
			vs_recent_prefetch(so->ann.recent, so->ann.index,
							   so->scratch->probes[so->next_list + PREFETCH_LISTS].head, 0,
							   so->ann.geo.code_start);
		so->prefetch.nranges = 0;
		if (so->next_list + 1 < until)
			prefetch_begin(so, so->scratch->probes[so->next_list + 1].head);
		probe_list(so, so->next_list);
		/* after 4 lists, 16, 64 ... */
		if (so->next_list + 1 < until && refines_after(so->next_list + 1))
			refine_early(so);
	}
}

/* ---- refinement ---- */

/*
 * The bound of all bits is narrow, so that a wider one costs hardly any exact distances;
 * the one of the first bit is what epsilon is for.
 */
#define REFINED_BOUND_FACTOR	1.5f

/* Ids fetched from memory while others are worked on. */
#define PREFETCH_IDS	12

/* Takes note that one row is at most so far away. */
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

/* Key and exactness of an entry whose detail lies at the address. */
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
		/* the bound that it had may be wrong, and then rather than this one */
		key = estimate - REFINED_BOUND_FACTOR * (estimate - tighter);
		if (isnan(key))
			key = -INFINITY;
		else
			add_upper_bound(so, estimate + REFINED_BOUND_FACTOR * (estimate - tighter));
	}
	add_found(so, &id, visited->list, key, exact);
}

/* Where the id of a candidate is. */
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

static inline void
prefetch_id(VsAnnScan *so, uint32 ref)
{
	VsAnnVisited *visited;
	int			offset;
	BlockNumber block = locate_id(so, ref, &visited, &offset);

	vs_recent_prefetch(so->ann.recent, so->ann.index, block, offset,
					   visited->list < 0 ? (int) sizeof(VsAnnId) : so->ann.geo.detail_bytes);
}

/*
 * Reads the ids of candidates just taken from the queue, tightens their
 * bounds, and pushes those that count.
 */
static void
refine_candidates(VsAnnScan *so, const VsAnnCandidate *candidates, int n)
{
	Buffer		buffer = InvalidBuffer;
	BlockNumber current = InvalidBlockNumber;
	VsAnnVisited *visited;
	int			offset;

	for (int i = 0; i < Min(n, PREFETCH_IDS); i++)
		prefetch_id(so, candidates[i].ref);
	for (int i = 0; i < n; i++)
	{
		BlockNumber block = locate_id(so, candidates[i].ref, &visited, &offset);
		bool		pending = visited->list < 0;

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
		if (pending)
		{
			VsAnnId    *id = (VsAnnId *) ((char *) BufferGetPage(buffer) + offset);

			if ((id->flags & VS_ANN_DEAD) != 0)
				continue;
			vs_ann_id_check(&so->ann, block, id);
			add_found(so, id, visited->list, candidates[i].key,
					  so->unordered || so->ann.type.metric == VS_QUANT_HAMMING);
		}
		else
			refine_detail(so, visited, block, (char *) BufferGetPage(buffer) + offset,
						  candidates[i].key);
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	so->stats.refined += n;
}

/* Takes about portion candidates from the queue and refines them. */
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
