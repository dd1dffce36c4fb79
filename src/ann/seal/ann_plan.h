/*-------------------------------------------------------------------------
 * ann_plan.h
 *	  How a directory is to change.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PLAN_H
#define VS_ANN_PLAN_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_seal.h"

/* What becomes of an old list. */
typedef enum VsAnnListAction
{
	VS_ANN_KEEP,
	VS_ANN_COPY,				/* same centroid, new list without the dead */
	VS_ANN_REASSIGN,			/* same centroid, new list; its rows are assigned again */
	VS_ANN_SPLIT,				/* new centroids */
	VS_ANN_DROP					/* no centroid; its rows go to other lists */
} VsAnnListAction;

typedef struct VsAnnPlan
{
	int			nlists;
	uint8	   *actions;		/* VsAnnListAction of each list */
	int64	   *entries;		/* of each list, dead ones too */
	int64	   *dead;
	uint32	   *unsplit;		/* entries that stayed together when last divided */
	int64		rows_per_list;	/* aimed at */
	int64		copied;			/* entries copied, filled by vs_ann_plan_directory */
	bool		all;			/* train new centroids from everything */
	bool		any;			/* something other than VS_ANN_KEEP */
} VsAnnPlan;

/*
 * Counts all lists, and decides what becomes of each.  pending: rows about to
 * be sealed; fresh: sealed since all lists were last trained.  Needs the seal
 * lock.
 */
extern VsAnnPlan *vs_ann_plan(const VsAnn *ann, const VsAnnDirectory *dir,
							  int64 pending, int64 fresh,
							  const VsAnnSealRequest *request);

/* Rows that the plan puts into lists again. */
extern int64 vs_ann_plan_moved(const VsAnnPlan *plan);

/*
 * The directory that the plan asks for: kept lists, copies, and empty lists for
 * the rows to be assigned.  Needs the seal lock.
 */
extern VsAnnDirectory *vs_ann_plan_directory(const VsAnn *ann, Relation heap,
											 const VsAnnDirectory *dir,
											 VsAnnPlan *plan, uint32 epoch);

/* Notes in new lists how many rows stayed together when they were divided. */
extern void vs_ann_note_unsplit(const VsAnn *ann, const VsAnnDirectory *dir);

#endif							/* VS_ANN_PLAN_H */
