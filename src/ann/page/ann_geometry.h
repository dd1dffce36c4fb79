/*-------------------------------------------------------------------------
 * ann_geometry.h
 *	  How many entries and blocks go on a page.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_GEOMETRY_H
#define VS_ANN_GEOMETRY_H

#include "postgres.h"

#include "quant/quant.h"

/*
 * What follows from the shape of an index's codes (VsQuantSpec) alone.  Nothing
 * of it is stored: to compute it differently is to change the on-disk format.
 * Sizes and offsets are in bytes.
 */
typedef struct VsAnnGeometry
{
	int			padded;			/* dimensions of a code */
	int			code_bytes;		/* of one entry */
	int			block_codes;	/* bytes of the codes of a block */
	int			block_bytes;	/* codes and factors */
	bool		has_factors;	/* not under Hamming */
	int			extra_bytes;	/* extra code of one entry, 0 if none */
	int			detail_bytes;	/* of one entry on a detail page */

	/* pending page */
	int			pending_blocks; /* 0: one narrow block */
	int			pending_width;	/* of the narrow block, in bytes for 4 dimensions */
	int			pending_capacity;
	int			pending_codes;	/* offset of the first block */

	/* extent */
	int			extent_entries;
	int			code_start;		/* offset of the first block on a code page */
	int			blocks_per_page;	/* 0 when a block spans pages */
	int			pages_per_block;	/* 1 when it does not */
	int			slice_dims;		/* dimensions on a page of a block that spans */
	int			factor_page;	/* of a block that spans: which of its pages ... */
	int			factor_offset;	/* ... and where on it the factors are */
	int			code_pages;		/* of an extent, its first page among them */
	int			details_per_page;
	int			detail_pages;
} VsAnnGeometry;

/* Fills *geo for codes of the given shape. */
extern void vs_ann_geometry(VsAnnGeometry *geo, const VsQuantSpec *spec);

/* Pages of an extent after its first. */
extern int	vs_ann_extent_page_count(const VsAnnGeometry *geo);

/* Where the header of an extent's first page ends, with the numbers of further pages. */
extern int	vs_ann_extent_header_end(const VsAnnGeometry *geo);

/* The most bits per dimension with which an entry's detail fits a page. */
extern int	vs_ann_max_bits(int dim);

#endif							/* VS_ANN_GEOMETRY_H */
