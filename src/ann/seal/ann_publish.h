/*-------------------------------------------------------------------------
 * ann_publish.h
 *	  Publication: the one change of the metapage that makes a segment count.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PUBLISH_H
#define VS_ANN_PUBLISH_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_page.h"

/* What a seal or a build publishes. */
typedef struct VsAnnPublication
{
	uint32		number;			/* of the seal */
	VsAnnSegmentMethod method;
	int64		rows;			/* sealed */
	VsAnnDirectory *dir;		/* the directory from now on; NULL: there is none */
	bool		dir_is_new;		/* dir is written, and replaces the metapage's */
	bool		trained;		/* all lists were trained on these rows */
	int64		list_rows;		/* what is added to the metapage's counts */
	int64		list_dead;
	int64		fresh_rows;
} VsAnnPublication;

/*
 * Writes the directory, if it is new, and then publishes: from that change of the
 * metapage on, entries numbered up to number count, and the closing chains are
 * forgotten.  Needs the seal lock, or a build's index.  A crash before it leaves
 * pages that nothing leads to.
 */
extern void vs_ann_publish(const VsAnn *ann, const VsAnnPublication *publication);

#endif							/* VS_ANN_PUBLISH_H */
