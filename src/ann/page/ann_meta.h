/*-------------------------------------------------------------------------
 * ann_meta.h
 *	  The metapage and the segment log.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_META_H
#define VS_ANN_META_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"

/* Fills a page as the metapage of an empty index; the shape too if ann has one. */
extern void vs_ann_meta_init(Page page, const VsAnn *ann, uint64 seed);

/*
 * Copies the metapage's contents, under a share lock.  Errors:
 * ERRCODE_INDEX_CORRUPTED for another magic or version.
 */
extern void vs_ann_meta_read(const VsAnn *ann, VsAnnMetaData *meta);

/* The contents of the metapage, which is added to the change. */
extern VsAnnMetaData *vs_ann_meta_change(VsAnnChange *change);

/*
 * Sets the metapage's counts of entries in lists, and of the dead among them,
 * to what the caller counted.  Needs the seal lock.
 */
extern void vs_ann_meta_count(const VsAnn *ann, int64 rows, int64 dead);

/* Appends a segment to the log, in the change that publishes it. */
extern void vs_ann_segment_append(VsAnnChange *change, VsAnnMetaData *meta,
								  const VsAnnSegment *segment);

#endif							/* VS_ANN_META_H */
