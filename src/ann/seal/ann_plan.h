/*-------------------------------------------------------------------------
 * ann_plan.h
 *	  The plan of a seal: how the set of lists changes.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PLAN_H
#define VS_ANN_PLAN_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_seal.h"

/*
 * The action on one list of the old directory.  Actions from VS_ANN_REASSIGN
 * on put the list's rows into the spool, so that they are assigned again.
 */
typedef enum VsAnnListAction
{
	VS_ANN_KEEP,
	VS_ANN_COPY,				/* same centroid; live entries copied */
	VS_ANN_REASSIGN,			/* same centroid; rows assigned again */
	VS_ANN_SPLIT,				/* several new centroids */
	VS_ANN_DROP					/* no centroid; rows go to other lists */
} VsAnnListAction;

typedef struct VsAnnPlan
{
	int			nlists;
	uint8	   *actions;		/* VsAnnListAction, per list */
	int64	   *entries;		/* per list, dead ones included */
	int64	   *dead;
	uint32	   *unsplit;		/* see VsAnnExtentHeader */
	int64		rows_per_list;	/* target size of a list */
	/* Entries copied; vs_ann_plan_directory sets it. */
	int64		copied;
	bool		all;			/* train all centroids again */
	bool		any;			/* some list is not kept */
} VsAnnPlan;

/*
 * Counts the entries of all lists and chooses an action for each list.
 * pending is the number of rows about to be sealed; fresh is the number of
 * rows sealed since all lists were last trained.  A request that does not
 * rearrange splits and merges no list; it trains all lists only if may_train
 * is set.  Writes nothing.  Needs the seal lock.
 */
extern VsAnnPlan *vs_ann_plan(const VsAnn *ann, const VsAnnDirectory *dir,
							  int64 pending, int64 fresh,
							  const VsAnnSealRequest *request);

/* Returns the number of rows in lists that are assigned again. */
extern int64 vs_ann_plan_moved(const VsAnnPlan *plan);

/*
 * Makes the directory of a plan that does not train all lists: kept lists,
 * copies, and empty lists for the rows to be assigned.  Writes the new lists,
 * but not the directory.  A crash leaves lists to which nothing leads;
 * vs_ann_sweep finds them.  Needs the seal lock.
 */
extern VsAnnDirectory *vs_ann_plan_directory(const VsAnn *ann, Relation heap,
											 const VsAnnDirectory *dir,
											 VsAnnPlan *plan, uint32 epoch);

/*
 * Sets unsplit in each new list that received more than half of the rows that
 * were divided among it and its siblings.  Called after the assignment and
 * before the publication.  Needs the seal lock.
 */
extern void vs_ann_note_unsplit(const VsAnn *ann, const VsAnnDirectory *dir);

#endif							/* VS_ANN_PLAN_H */
