/*-------------------------------------------------------------------------
 * ann_dead.h
 *	  Entries of rows that are dead to all snapshots.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_DEAD_H
#define VS_ANN_DEAD_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"

/* An entry to be asked about: its TID as a number, and where it is. */
typedef struct VsAnnSuspect
{
	uint64		row;
	uint64		place;			/* the caller's */
} VsAnnSuspect;

extern void vs_ann_suspect(const VsAnnId *id, uint64 place, VsAnnSuspect *suspect);

/*
 * Moves the suspects whose rows are dead to all snapshots to the front; returns
 * how many.  Needs the seal lock (invariant A9).
 */
extern int64 vs_ann_find_dead(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects,
							  int64 n);

/*
 * Flags the dead entries of n lists from the first'th on, going round; returns
 * how many.  Needs the seal lock.
 */
extern int64 vs_ann_flag_dead(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
							  int first, int n);

/*
 * Calls visit for the id of each entry in lists, which may flag it dead; returns
 * how many it flagged.  The metapage's counts of the lists are exact afterwards; if
 * the walk is broken off, they are wrong until the next one, or the next plan of a
 * seal.  Needs the seal lock.
 */
extern int64 vs_ann_flag_lists(const VsAnn *ann, const VsAnnMetaData *meta,
							   VsAnnIdVisit visit, void *arg);

/*
 * Flags the entries that a seal put into lists and did not publish; their rows are
 * pending still.  Needs the seal lock.
 */
extern void vs_ann_flag_unpublished(const VsAnn *ann, const VsAnnMetaData *meta);

/* The share of dead entries in a sample of the lists. */
extern double vs_ann_dead_share(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir);

#endif							/* VS_ANN_DEAD_H */
