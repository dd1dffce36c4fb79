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

/*
 * An entry whose row may be dead: its TID as a number, and where the entry
 * is.
 */
typedef struct VsAnnSuspect
{
	uint64		row;
	uint64		place;			/* for the caller's use */
} VsAnnSuspect;

/* Fills *suspect from the id of an entry. */
extern void vs_ann_suspect(const VsAnnId *id, uint64 place, VsAnnSuspect *suspect);

/*
 * Moves the suspects whose rows are dead to all snapshots to the front of the
 * array and returns their number.  Before it returns, it logs a record that
 * cancels the standby queries that may still see those rows.  Needs the seal
 * lock, which keeps the TIDs from being reused (invariant A9), and no buffer
 * lock.
 */
extern int64 vs_ann_find_dead(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects,
							  int64 n);

/*
 * Flags the dead entries of n lists, starting at list number first and
 * wrapping around.  Returns their number.  Needs the seal lock and no buffer
 * lock.
 */
extern int64 vs_ann_flag_dead(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
							  int first, int n);

/*
 * Calls visit for the id of each entry in all lists; visit may flag the entry
 * dead.  Returns the number of entries flagged.  The metapage's counts of
 * entries in lists are exact afterwards.  If the walk is interrupted, they
 * are wrong until the next walk or the next plan of a seal.  Needs the seal
 * lock.
 */
extern int64 vs_ann_flag_lists(const VsAnn *ann, const VsAnnMetaData *meta,
							   VsAnnIdVisit visit, void *arg);

/*
 * Flags the entries that a seal put into lists and did not publish.  Their
 * rows are still pending.  Needs the seal lock.
 */
extern void vs_ann_flag_unpublished(const VsAnn *ann, const VsAnnMetaData *meta);

/*
 * Estimates, from a sample of the lists, the share of dead entries among
 * those not flagged dead.  Flags nothing.  Needs the seal lock.
 */
extern double vs_ann_dead_share(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir);

#endif							/* VS_ANN_DEAD_H */
