/*-------------------------------------------------------------------------
 * ann_assign.h
 *	  Training of centroids, and assignment of rows to lists.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_ASSIGN_H
#define VS_ANN_ASSIGN_H

#include "ann/page/ann_directory.h"
#include "ann/seal/ann_spool.h"

/* The number of lists that suits so many rows. */
extern int	vs_ann_target_lists(int64 rows);

/*
 * Centroids for the spool's rows: at most lists of them.  mean is that of an
 * existing directory, or NULL to choose one.  The result, in the current
 * context, has at least one list, and room for heads but none yet.
 */
extern VsAnnDirectory *vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool,
									int lists, const float *mean);

/*
 * Puts the spool's rows into the directory's lists, numbered seal; returns how
 * many.  Rows whose value is gone are dead to all snapshots, and left out.
 * progress, unless NULL, is called with how many were read.  Needs the seal
 * lock.
 */
extern int64 vs_ann_assign(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
						   VsAnnSpool *spool, uint32 seal, void (*progress) (int64 done));

#endif							/* VS_ANN_ASSIGN_H */
