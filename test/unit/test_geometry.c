/*-------------------------------------------------------------------------
 * test_geometry.c
 *	  How many entries and blocks go on a page of a vecann index.
 *
 * For every dimension, what geometry places on a page lies on it and nothing
 * overlaps; and the geometry of some shapes is the one that indexes on disk have.
 *
 * Build: src/ann/page/ann_geometry.c src/quant/quant*.c src/quant/kmeans*.c src/simd/simd*.c
 *
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

/* the server's own, which this program is not linked with */
#undef printf
#undef snprintf

#include "ann/page/ann_geometry.h"
#include "ann/page/ann_page.h"
#include "quant_test.h"

#define FACTOR_COLUMNS	((int) (3 * VS_QUANT_BLOCK * sizeof(float)))

static void
holds(bool right, const char *what, int dim, int bits)
{
	if (!right && failures++ < 5)
		printf("# %s: %d dimensions of %d bits\n", what, dim, bits);
}

static void
check_pending(const VsAnnGeometry *geo, int dim, int bits)
{
	int			ids_end = VS_ANN_CONTENTS + geo->pending_capacity * (int) sizeof(VsAnnId);
	int			end;

	holds(geo->pending_capacity > 0, "no pending entry fits", dim, bits);
	holds(geo->pending_codes == ids_end, "ids and codes of pending pages", dim, bits);
	if (geo->pending_blocks > 0)
	{
		holds(geo->pending_capacity == geo->pending_blocks * VS_QUANT_BLOCK, "whole blocks", dim, bits);
		end = geo->pending_codes + geo->pending_blocks * geo->block_bytes;
	}
	else
	{
		holds(geo->pending_width > 0 && geo->pending_width < VS_QUANT_BLOCK / 2, "narrow width", dim, bits);
		end = geo->pending_codes + geo->padded / 4 * geo->pending_width +
			3 * geo->pending_capacity * (int) sizeof(float);
	}
	holds(end <= VS_ANN_CONTENTS_END, "the pending page overflows", dim, bits);
}

static int
header_end(const VsAnnGeometry *geo)
{
	return VS_ANN_HEADER + (int) sizeof(VsAnnExtentHeader) +
		(geo->code_pages - 1 + geo->detail_pages) * (int) sizeof(BlockNumber);
}

static void
check_slices(const VsAnnGeometry *geo, int dim, int bits)
{
	int			covered = 0;

	holds(geo->extent_entries == VS_QUANT_BLOCK, "one block an extent", dim, bits);
	for (int p = 0; p < geo->pages_per_block; p++)
	{
		int			ndims = Min(geo->slice_dims, geo->padded - covered);
		int			end = geo->code_start + ndims * VS_QUANT_SLICE_BYTES / VS_QUANT_SLICE_DIMS;

		covered += Max(ndims, 0);
		holds(end <= VS_ANN_CONTENTS_END, "a slice overflows", dim, bits);
		if (geo->has_factors && p == geo->factor_page)
		{
			holds(ndims <= 0 || end <= geo->factor_offset, "factors on a slice", dim, bits);
			holds(geo->factor_offset + FACTOR_COLUMNS <= VS_ANN_CONTENTS_END, "factors overflow", dim, bits);
		}
	}
	holds(covered == geo->padded, "slices do not cover the block", dim, bits);
}

static void
check_extent(const VsAnnGeometry *geo, int dim, int bits)
{
	holds(header_end(geo) <= geo->code_start, "page numbers run into the codes", dim, bits);
	holds(geo->details_per_page > 0 &&
		  VS_ANN_CONTENTS + geo->details_per_page * geo->detail_bytes <= VS_ANN_CONTENTS_END,
		  "the detail page overflows", dim, bits);
	holds(geo->detail_pages * geo->details_per_page >= geo->extent_entries, "details are left over", dim, bits);
	if (geo->blocks_per_page == 0)
	{
		check_slices(geo, dim, bits);
		return;
	}
	holds(geo->code_start + geo->blocks_per_page * geo->block_bytes <= VS_ANN_CONTENTS_END,
		  "a code page overflows", dim, bits);
	holds(geo->extent_entries == geo->blocks_per_page * geo->code_pages * VS_QUANT_BLOCK,
		  "entries and blocks of an extent", dim, bits);
}

static void
all_dimensions(VsQuantMetric metric, int bits, int max_dim)
{
	char		what[64];

	for (int dim = 1; dim <= max_dim; dim++)
	{
		VsQuantSpec spec;
		VsAnnGeometry geo;

		if (!vs_quant_spec(&spec, metric, dim, Min(bits, vs_ann_max_bits(dim)), 1))
		{
			holds(false, "no quantizer", dim, bits);
			continue;
		}
		vs_ann_geometry(&geo, &spec);
		check_pending(&geo, dim, bits);
		check_extent(&geo, dim, bits);
	}
	snprintf(what, sizeof(what), "metric %d, %d bits, up to %d dimensions", (int) metric, bits, max_dim);
	report("geometry", what);
}

/* Geometries of indexes on disk: to change one is to change the format. */
typedef struct Known
{
	VsQuantMetric metric;
	int			dim;
	int			bits;
	int			pending_capacity;
	int			pending_codes;
	int			extent_entries;
	int			code_start;
	int			code_pages;
	int			detail_bytes;
	int			detail_pages;
} Known;

static const Known known[] = {
	{VS_QUANT_COSINE, 100, 4, 160, 2624, 256, 128, 1, 92, 3},
	{VS_QUANT_L2, 768, 4, 64, 1088, 128, 128, 2, 412, 7},
	{VS_QUANT_IP, 1536, 4, 32, 576, 128, 128, 4, 796, 13},
	{VS_QUANT_L2, 3072, 2, 18, 352, 32, 128, 2, 796, 4},
	{VS_QUANT_COSINE, 16000, 1, 2, 96, 32, 128, 9, 16, 1},
	{VS_QUANT_HAMMING, 64, 1, 320, 5184, 480, 128, 1, 16, 1},
	{VS_QUANT_HAMMING, 1856, 1, 32, 576, 128, 128, 4, 16, 1},
};

static void
check_known(const Known *k)
{
	VsQuantSpec spec;
	VsAnnGeometry geo;
	bool		same;
	char		what[64];

	vs_quant_spec(&spec, k->metric, k->dim, k->bits, 1);
	vs_ann_geometry(&geo, &spec);
	same = geo.pending_capacity == k->pending_capacity && geo.pending_codes == k->pending_codes &&
		geo.extent_entries == k->extent_entries && geo.code_start == k->code_start &&
		geo.code_pages == k->code_pages && geo.detail_bytes == k->detail_bytes &&
		geo.detail_pages == k->detail_pages;
	failures = !same;
	snprintf(what, sizeof(what), "%d dimensions of %d bits are laid out as before", k->dim, k->bits);
	if (!same)
		printf("# {%d, %d, %d, %d, %d, %d, %d, %d, %d, %d},\n", (int) k->metric, k->dim, k->bits,
			   geo.pending_capacity, geo.pending_codes, geo.extent_entries, geo.code_start,
			   geo.code_pages, geo.detail_bytes, geo.detail_pages);
	report("geometry", what);
}

int
main(void)
{
	static const int bits[] = {1, 2, 4, 8};

	vs_quant_init();
	for (int i = 0; i < (int) lengthof(bits); i++)
	{
		all_dimensions(VS_QUANT_L2, bits[i], 16000);
		all_dimensions(VS_QUANT_COSINE, bits[i], 16000);
	}
	all_dimensions(VS_QUANT_HAMMING, 1, 1856);
	for (int i = 0; i < (int) lengthof(known); i++)
		check_known(&known[i]);
	return finish();
}
