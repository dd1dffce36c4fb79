/*-------------------------------------------------------------------------
 * ann_prefetch.c
 *	  Codes of the next list, brought into the processor's cache.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ann/page/ann_page.h"
#include "ann/scan/ann_prefetch.h"
#include "quant/quant.h"
#include "util/recent_pages.h"

/*
 * Add the first nblocks blocks of a code page, and prefetch the descriptor of
 * its buffer.
 */
static void
add_range(const VsAnn *ann, BlockNumber block, const char *page, int nblocks,
		  VsAnnPrefetch *prefetch)
{
	const VsAnnGeometry *geo = &ann->geo;
	int			bytes = geo->blocks_per_page > 0 ? nblocks * geo->block_bytes :
		VS_ANN_CONTENTS_END - geo->code_start;

	vs_recent_prefetch(ann->recent, ann->index, block, 0, 1);
	prefetch->at[prefetch->nranges] = page + geo->code_start;
	prefetch->end[prefetch->nranges++] = page + geo->code_start + bytes;
}

void
vs_ann_prefetch_begin(const VsAnn *ann, BlockNumber head, VsAnnPrefetch *prefetch)
{
	const VsAnnGeometry *geo = &ann->geo;
	const char *page = vs_recent_peek(ann->recent, ann->index, head);
	int			left;

	prefetch->nranges = 0;
	if (page == NULL)
		return;
	left = Min(VS_ANN_EXTENT_HEADER(page)->nentries, geo->extent_entries);
	left = (left + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK;
	for (int p = 0; p < Min(geo->code_pages, VS_ANN_PREFETCH_RANGES) && left > 0; p++)
	{
		BlockNumber block = p == 0 ? head : VS_ANN_EXTENT_PAGES(page)[p - 1];
		const char *codes = vs_recent_peek(ann->recent, ann->index, block);

		if (codes != NULL)
			add_range(ann, block, codes, Min(left, geo->blocks_per_page), prefetch);
		left -= geo->blocks_per_page;
	}
}
