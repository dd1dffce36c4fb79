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

/* The new state that a seal or a build publishes. */
typedef struct VsAnnPublication
{
	uint32		number;			/* number of the seal */
	VsAnnSegmentMethod method;
	int64		rows;			/* rows sealed */
	/* The directory to be used from now on, or NULL if there is none. */
	VsAnnDirectory *dir;
	/* dir is to be written, and replaces the metapage's directory. */
	bool		dir_is_new;
	bool		trained;		/* all lists were trained now */
	/* These are added to the metapage's counts; they can be negative. */
	int64		list_rows;
	int64		list_dead;
	int64		fresh_rows;
} VsAnnPublication;

/*
 * Writes the directory if it is new, and then publishes.  Publication is one
 * change of the metapage: after it, scans count entries numbered up to
 * number, and the closing chains are forgotten.  Needs the seal lock, or an
 * index that is being built.  A crash before publication leaves a directory
 * to which nothing leads; vs_ann_sweep finds it.
 */
extern void vs_ann_publish(const VsAnn *ann, const VsAnnPublication *publication);

#endif							/* VS_ANN_PUBLISH_H */
