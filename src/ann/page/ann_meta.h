/*-------------------------------------------------------------------------
 * ann_meta.h
 *	  The metapage and the segment log.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_META_H
#define VS_ANN_META_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"

/*
 * Fills a page as the metapage of an empty index, with the shape if ann has
 * one.
 */
extern void vs_ann_meta_init(Page page, const VsAnn *ann, uint64 seed);

/*
 * Copies and checks the metapage's contents, under a share lock.  Errors:
 * ERRCODE_INDEX_CORRUPTED for another magic or version, or contents that the
 * operator class or the size of the index rules out.
 */
extern void vs_ann_meta_read(const VsAnn *ann, VsAnnMetaData *meta);

/*
 * Adds the metapage, exclusively locked, to the change.  Returns its
 * contents.
 */
extern VsAnnMetaData *vs_ann_meta_change(VsAnnChange *change);

/*
 * Sets the metapage's counts of entries in lists, and of the dead ones among
 * them, to the numbers that the caller counted.  Needs the seal lock.
 */
extern void vs_ann_meta_count(const VsAnn *ann, int64 rows, int64 dead);

/*
 * Appends a segment to the log, in the change that publishes it.  meta is
 * that change's metapage.
 */
extern void vs_ann_segment_append(VsAnnChange *change, VsAnnMetaData *meta,
								  const VsAnnSegment *segment);

#endif							/* VS_ANN_META_H */
