/*-------------------------------------------------------------------------
 * ann_geometry.h
 *	  The number of entries and blocks per page.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_GEOMETRY_H
#define VS_ANN_GEOMETRY_H

#include "postgres.h"

#include "quant/quant.h"

/*
 * Sizes that follow from the shape of an index's codes (VsQuantSpec) alone.
 * They are not stored on disk: computing them differently changes the on-disk
 * format.  Sizes and offsets are in bytes.
 */
typedef struct VsAnnGeometry
{
	int			padded;			/* dimensions of a code, padded */
	int			code_bytes;		/* of one entry */
	int			block_codes;	/* codes of a block of 32 entries */
	int			block_bytes;	/* codes and factors of a block */
	bool		has_factors;	/* not under Hamming */
	int			extra_bytes;	/* extra code of one entry, 0 if none */
	int			detail_bytes;	/* of one entry on a detail page */

	/* pending page */
	int			pending_blocks; /* whole blocks; 0: one narrow block */
	/* Bytes per 4 dimensions in the narrow block; a whole block has 16. */
	int			pending_width;
	int			pending_capacity;
	int			pending_codes;	/* offset of the first block */

	/* extent */
	int			extent_entries;
	int			code_start;		/* offset of the first block on a code page */
	int			blocks_per_page;	/* 0 if a block spans pages */
	int			pages_per_block;	/* 1 if a block fits on a page */
	/*
	 * If a block spans pages: dimensions per page, and the page and offset of
	 * its factors.
	 */
	int			slice_dims;
	int			factor_page;
	int			factor_offset;
	int			code_pages;		/* per extent, the first page included */
	int			details_per_page;
	int			detail_pages;
} VsAnnGeometry;

/* Fills *geo for codes of the given shape. */
extern void vs_ann_geometry(VsAnnGeometry *geo, const VsQuantSpec *spec);

/* Returns the number of pages of an extent after its first. */
extern int	vs_ann_extent_page_count(const VsAnnGeometry *geo);

/*
 * Returns the offset at which the header of an extent's first page ends.  The
 * header includes the block numbers of the extent's other pages.
 */
extern int	vs_ann_extent_header_end(const VsAnnGeometry *geo);

/*
 * Returns the largest number of bits per dimension with which the detail of
 * an entry fits on a page.
 */
extern int	vs_ann_max_bits(int dim);

#endif							/* VS_ANN_GEOMETRY_H */
