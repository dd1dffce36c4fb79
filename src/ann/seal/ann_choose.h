/*-------------------------------------------------------------------------
 * ann_choose.h
 *	  What becomes of each list: the decisions of a plan, from counts alone.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_CHOOSE_H
#define VS_ANN_CHOOSE_H

#include "postgres.h"

#include "ann/seal/ann_seal.h"

/* Returns the number of lists that suits the given number of rows. */
extern int	vs_ann_target_lists(int64 rows);

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
	int64		rows;			/* live ones, with those about to be sealed */
	bool		worth_training; /* enough of them are new to train all lists */
	bool		keeps_some;		/* not all lists would be dropped */
	bool		splits;			/* some list is split */
	bool		all;			/* train all centroids again */
	bool		any;			/* some list is not kept */
} VsAnnPlan;

/*
 * Chooses an action for each list, from the plan's counts and for the request.
 * The actions are VS_ANN_KEEP before.  pending and fresh: see vs_ann_plan.
 * Neighbors of split lists are the caller's to reassign.
 */
extern void vs_ann_choose_actions(VsAnnPlan *plan, int64 pending, int64 fresh,
								  const VsAnnSealRequest *request);

/*
 * Changes the plan to training all lists, if most rows would be assigned
 * again.
 */
extern void vs_ann_choose_training(VsAnnPlan *plan);

/* Returns the number of rows in lists that are assigned again. */
extern int64 vs_ann_plan_moved(const VsAnnPlan *plan);

#endif							/* VS_ANN_CHOOSE_H */
