/*-------------------------------------------------------------------------
 * ann_list.h
 *	  Lists: chains of extents of coded entries.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_LIST_H
#define VS_ANN_LIST_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_page.h"
#include "quant/quant.h"

/* An entry coded against its list's centroid, ready to be appended. */
typedef struct VsAnnCoded
{
	VsAnnId		id;
	VsQuantFactors factors;
	VsQuantFactors extra_factors;
	uint8		codes[FLEXIBLE_ARRAY_MEMBER];	/* 1-bit code, extra code */
} VsAnnCoded;

/* Returns the size of a VsAnnCoded, MAXALIGNed. */
extern Size vs_ann_coded_bytes(const VsAnn *ann);

/*
 * Makes an empty list and returns its first page.  VsAnnExtentHeader explains
 * unsplit.  The epoch is the number of the seal that makes it.  Needs the
 * seal lock.
 */
extern BlockNumber vs_ann_list_create(const VsAnn *ann, uint32 list_no, uint32 unsplit,
									  uint32 epoch);

/*
 * Appends n entries to the list that begins at head.  The epoch marks the
 * pages made on the way.  Needs the seal lock.
 */
extern void vs_ann_list_append(const VsAnn *ann, BlockNumber head, VsAnnCoded **entries,
							   int n, uint32 epoch);

/*
 * The part of an extent that a reader copies under the lock of its first
 * page.
 */
#define VS_ANN_EXTENT_MAX_PAGES	128

typedef struct VsAnnExtent
{
	VsAnnExtentHeader header;
	BlockNumber pages[VS_ANN_EXTENT_MAX_PAGES];
} VsAnnExtent;

/*
 * Copies that part from an extent's first page.  The caller has pinned and
 * locked the page, whose number is block.  Errors: ERRCODE_INDEX_CORRUPTED.
 */
extern void vs_ann_extent_copy(const VsAnn *ann, BlockNumber block, Page page, VsAnnExtent *extent);

/* Copies the same under its own share lock.  No pin or lock remains. */
extern void vs_ann_extent_read(const VsAnn *ann, BlockNumber block, VsAnnExtent *extent);

/*
 * Pins and locks a detail page that must hold at least n entries.  Errors:
 * ERRCODE_INDEX_CORRUPTED if they do not end before pd_lower; a change of the
 * page would zero the rest.
 */
extern Buffer vs_ann_detail_read(const VsAnn *ann, BlockNumber block, int lockmode, int n);

/*
 * Returns the index, among an extent's further pages, of the ordinal'th
 * entry's detail.
 */
static inline int
vs_ann_detail_page_of(const VsAnnGeometry *geo, int ordinal)
{
	return geo->code_pages - 1 + ordinal / geo->details_per_page;
}

/* Returns the offset of that detail on its page. */
static inline int
vs_ann_detail_offset(const VsAnnGeometry *geo, int ordinal)
{
	return VS_ANN_CONTENTS + (ordinal % geo->details_per_page) * geo->detail_bytes;
}

/*
 * A visit of one entry.  In a walk with change it may set VS_ANN_DEAD in *id.
 * Returns whether it did.
 */
typedef bool (*VsAnnIdVisit) (VsAnnId *id, void *arg);

typedef struct VsAnnListCounts
{
	int64		entries;
	int64		dead;			/* of those, flagged dead */
	int64		changed;		/* entries flagged by the visit */
} VsAnnListCounts;

/*
 * Calls visit for the id of each entry of the list, under the lock of its
 * page.  With change, which needs the seal lock, visit may flag entries dead.
 * Each extent's count of dead entries is correct afterwards, even if an
 * earlier walk was interrupted.  Adds the entries met to *counts.
 */
extern void vs_ann_list_walk(const VsAnn *ann, BlockNumber head, bool change,
							 VsAnnIdVisit visit, void *arg, VsAnnListCounts *counts);

/* Calls visit for each page of the list.  No lock is held during the calls. */
extern void vs_ann_list_pages(const VsAnn *ann, BlockNumber head,
							  void (*visit) (BlockNumber block, void *arg), void *arg);

#endif							/* VS_ANN_LIST_H */
