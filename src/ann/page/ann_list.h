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

/* Size of a VsAnnCoded, MAXALIGNed. */
extern Size vs_ann_coded_bytes(const VsAnn *ann);

/*
 * Makes an empty list; returns its first page.  unsplit: see
 * VsAnnExtentHeader.  Needs the seal lock.
 */
extern BlockNumber vs_ann_list_create(const VsAnn *ann, uint32 list_no, uint32 unsplit,
									  uint32 epoch);

/*
 * Appends n entries to the list that begins at head.  Needs the seal lock.
 * epoch marks pages made on the way.
 */
extern void vs_ann_list_append(const VsAnn *ann, BlockNumber head, VsAnnCoded **entries,
							   int n, uint32 epoch);

/* What a reader copies of an extent under the lock of its first page. */
#define VS_ANN_EXTENT_MAX_PAGES	128

typedef struct VsAnnExtent
{
	VsAnnExtentHeader header;
	BlockNumber pages[VS_ANN_EXTENT_MAX_PAGES];
} VsAnnExtent;

/*
 * Copies what a reader needs of an extent's first page, which is block and which
 * the caller has locked.  Errors: ERRCODE_INDEX_CORRUPTED.
 */
extern void vs_ann_extent_copy(const VsAnn *ann, BlockNumber block, Page page, VsAnnExtent *extent);

/* Reads the first page of an extent under a share lock, and copies it. */
extern void vs_ann_extent_read(const VsAnn *ann, BlockNumber block, VsAnnExtent *extent);

/*
 * Pins and locks the detail page of n entries.  Its pd_lower must lie behind them,
 * because a change of the page clears what does not (ERRCODE_INDEX_CORRUPTED).
 */
extern Buffer vs_ann_detail_read(const VsAnn *ann, BlockNumber block, int lockmode, int n);

/* Which of an extent's further pages has the ordinal'th entry's detail, ... */
static inline int
vs_ann_detail_page_of(const VsAnnGeometry *geo, int ordinal)
{
	return geo->code_pages - 1 + ordinal / geo->details_per_page;
}

/* ... and where on it. */
static inline int
vs_ann_detail_offset(const VsAnnGeometry *geo, int ordinal)
{
	return VS_ANN_CONTENTS + (ordinal % geo->details_per_page) * geo->detail_bytes;
}

/* May set VS_ANN_DEAD in *id in a walk with change; returns whether it did. */
typedef bool (*VsAnnIdVisit) (VsAnnId *id, void *arg);

typedef struct VsAnnListCounts
{
	int64		entries;
	int64		dead;			/* of those, flagged */
	int64		changed;		/* entries that the callback changed */
} VsAnnListCounts;

/*
 * Calls visit for the id of each entry of the list, under its page's lock.
 * With change, which needs the seal lock, visit may flag entries dead, and the
 * extents' counts of the dead are right afterwards.  Adds what it met to
 * *counts.
 */
extern void vs_ann_list_walk(const VsAnn *ann, BlockNumber head, bool change,
							 VsAnnIdVisit visit, void *arg, VsAnnListCounts *counts);

/* Calls visit for each page of the list. */
extern void vs_ann_list_pages(const VsAnn *ann, BlockNumber head,
							  void (*visit) (BlockNumber block, void *arg), void *arg);

#endif							/* VS_ANN_LIST_H */
