/*-------------------------------------------------------------------------
 * ann_plan.h
 *	  The plan of a seal: how the set of lists changes.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PLAN_H
#define VS_ANN_PLAN_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_choose.h"
#include "ann/seal/ann_seal.h"

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
