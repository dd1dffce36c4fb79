/*-------------------------------------------------------------------------
 * ann_geometry.c
 *	  The number of entries and blocks per page, from the shape of the codes.
 *
 * All results follow from VsQuantSpec alone, so none of them is stored.  A
 * different result is a different on-disk format.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "quant/quant.h"

#define FACTOR_COLUMNS	((int) (3 * VS_QUANT_BLOCK * sizeof(float)))
#define MAX_EXTENT_ENTRIES	512

int
vs_ann_max_bits(int dim)
{
	int			padded = vs_quant_padded_dim(dim);
	int			room = VS_ANN_ROOM - sizeof(VsAnnId) - sizeof(VsQuantFactors);

	return Max(1, Min(VS_QUANT_MAX_BITS, room * BITS_PER_BYTE / padded));
}

static int
get_header_end(int pages)
{
	return VS_ANN_HEADER + sizeof(VsAnnExtentHeader) + sizeof(BlockNumber) * pages;
}

int
vs_ann_extent_page_count(const VsAnnGeometry *geo)
{
	return geo->code_pages - 1 + geo->detail_pages;
}

int
vs_ann_extent_header_end(const VsAnnGeometry *geo)
{
	return get_header_end(vs_ann_extent_page_count(geo));
}

/*
 * A pending page holds the ids of all its entries, then the blocks.  If not
 * even one block fits beside its ids, the page has one narrow block instead.
 * For every 4 dimensions a whole block has 16 bytes, one for each pair of
 * slots; a narrow block has pending_width bytes, and so twice as many slots.
 */
static void
fit_pending_page(VsAnnGeometry *geo)
{
	int			with_ids = geo->block_bytes + VS_QUANT_BLOCK * (int) sizeof(VsAnnId);
	int			two_slots = geo->block_bytes / (VS_QUANT_BLOCK / 2) + 2 * (int) sizeof(VsAnnId);

	geo->pending_blocks = VS_ANN_ROOM / with_ids;
	if (geo->pending_blocks == 0)
		geo->pending_width = VS_ANN_ROOM / two_slots;
	geo->pending_capacity = geo->pending_blocks > 0 ? geo->pending_blocks * VS_QUANT_BLOCK :
		2 * geo->pending_width;
	geo->pending_codes = VS_ANN_CONTENTS +
		geo->pending_capacity * (int) sizeof(VsAnnId);
}

/*
 * Chooses an extent for blocks that fit on a page.  Of the possible numbers of
 * blocks per page and code pages per extent, it takes those that put most
 * entries on a page.
 */
static void
fit_extent_of_blocks(VsAnnGeometry *geo)
{
	double		best = 0;
	int			room = (VS_ANN_CONTENTS_END - 2 * VS_ANN_CONTENTS) / geo->block_bytes;
	int			max_per_page = Min(room, MAX_EXTENT_ENTRIES / VS_QUANT_BLOCK);

	for (int per_page = Max(1, max_per_page - 2); per_page <= max_per_page; per_page++)
	{
		for (int code_pages = 1; code_pages <= 4; code_pages++)
		{
			int			entries = per_page * code_pages * VS_QUANT_BLOCK;
			int			detail_pages = (entries + geo->details_per_page - 1) / geo->details_per_page;
			int			pages = code_pages + detail_pages;
			double		density = (double) entries / pages;

			if (entries > MAX_EXTENT_ENTRIES ||
				get_header_end(pages) > 2 * VS_ANN_CONTENTS)
				continue;
			/* a smaller extent wastes less space at the end of a list */
			density -= 0.0002 * entries * density;
			if (density > best)
			{
				best = density;
				geo->blocks_per_page = per_page;
				geo->code_pages = code_pages;
				geo->extent_entries = entries;
				geo->detail_pages = detail_pages;
			}
		}
	}
	geo->code_start = 2 * VS_ANN_CONTENTS;
	geo->pages_per_block = 1;
}

/*
 * An extent for blocks larger than a page holds one block, cut into slices of
 * dimensions, one per code page.
 */
static void
fit_extent_of_slices(VsAnnGeometry *geo)
{
	int			room;
	int			left;

	geo->blocks_per_page = 0;
	geo->extent_entries = VS_QUANT_BLOCK;
	geo->detail_pages = (VS_QUANT_BLOCK + geo->details_per_page - 1) / geo->details_per_page;

	/*
	 * the header lists the extent's pages; this is an upper bound of their
	 * number
	 */
	geo->code_start = TYPEALIGN(VS_ANN_CONTENTS,
								get_header_end(geo->detail_pages + 3 + geo->block_bytes / (BLCKSZ / 2)));
	room = VS_ANN_CONTENTS_END - geo->code_start;
	geo->slice_dims = room / VS_QUANT_SLICE_BYTES * VS_QUANT_SLICE_DIMS;
	geo->pages_per_block = (geo->padded + geo->slice_dims - 1) / geo->slice_dims;
	left = room - (geo->padded - (geo->pages_per_block - 1) * geo->slice_dims) *
		VS_QUANT_SLICE_BYTES / VS_QUANT_SLICE_DIMS;
	geo->factor_page = geo->pages_per_block - 1;
	geo->factor_offset = VS_ANN_CONTENTS_END - FACTOR_COLUMNS;
	if (geo->has_factors && left < FACTOR_COLUMNS)
		geo->factor_page = geo->pages_per_block++;
	geo->code_pages = geo->pages_per_block;
}

void
vs_ann_geometry(VsAnnGeometry *geo, const VsQuantSpec *spec)
{
	memset(geo, 0, sizeof(*geo));
	geo->padded = spec->padded_dim;
	geo->code_bytes = vs_quant_code_bytes(spec);
	geo->block_codes = vs_quant_block_bytes(spec);
	geo->has_factors = spec->metric != VS_QUANT_HAMMING;
	geo->block_bytes = geo->block_codes + (geo->has_factors ? FACTOR_COLUMNS : 0);
	geo->extra_bytes = vs_quant_extra_bytes(spec);
	geo->detail_bytes = sizeof(VsAnnId);
	if (geo->extra_bytes > 0)
		geo->detail_bytes += sizeof(VsQuantFactors) + geo->extra_bytes;
	geo->details_per_page = VS_ANN_ROOM / geo->detail_bytes;

	fit_pending_page(geo);
	if (geo->block_bytes <= VS_ANN_CONTENTS_END - 2 * VS_ANN_CONTENTS)
		fit_extent_of_blocks(geo);
	else
		fit_extent_of_slices(geo);

	Assert(geo->pending_capacity > 0 && geo->pending_width < VS_QUANT_BLOCK / 2);
	Assert(geo->details_per_page > 0);
	Assert(geo->extent_entries > 0 && geo->extent_entries <= MAX_EXTENT_ENTRIES);
	Assert(geo->code_pages - 1 + geo->detail_pages <= VS_ANN_EXTENT_MAX_PAGES);
	Assert(get_header_end(geo->code_pages - 1 + geo->detail_pages) <= geo->code_start);
}
