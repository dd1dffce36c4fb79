/*-------------------------------------------------------------------------
 * ann_train.h
 *	  Training of centroids.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_TRAIN_H
#define VS_ANN_TRAIN_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_spool.h"
#include "quant/kmeans.h"

/* The number of lists that suits that many rows. */
extern int	vs_ann_target_lists(int64 rows);

/*
 * The processes of a parallel build, as a training needs them (build/ann_jobs.c).
 */
typedef struct VsAnnTrainTeam
{
	void	   *arg;
	int			participants;

	/* shared memory that a training takes, in bytes */
	Size		(*bytes) (const VsAnn *ann, int lists, int64 rows);

	/*
	 * Trains on n rows of the spool in shared memory, by vs_ann_pick_sample and
	 * vs_ann_train_sample; false if there is no such memory.
	 */
	bool		(*train) (void *arg, VsAnnDirectory *dir, const VsKmeansOptions *options,
						  VsAnnSpool *spool, int64 n, const float *mean);
} VsAnnTrainTeam;

/*
 * Centroids for the spool's rows: at most lists of them.  mean is that of an
 * existing directory, or NULL to choose one.  team is NULL except in parallel
 * builds.  The result, in the current memory context, has at least one list, and
 * room for heads but none yet.
 */
extern VsAnnDirectory *vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool, int lists,
									const float *mean, const VsAnnTrainTeam *team);

/* The options of a training; its memory comes from context. */
extern VsKmeansOptions vs_ann_kmeans_options(const VsAnn *ann, int lists,
											 MemoryContext context);

/*
 * Copies about wanted items of the spool, evenly spread, to sample; returns how
 * many.
 */
extern int64 vs_ann_pick_sample(const VsAnn *ann, VsAnnSpool *spool, int64 wanted, char *sample);

/*
 * Chooses centre and mean, unless mean is given, and trains on n rows (rotated,
 * n * padded floats), from which the mean is subtracted.  Fills *dir.
 */
extern void vs_ann_train_sample(const VsAnn *ann, VsAnnDirectory *dir, const VsKmeansOptions *options,
								float *rows, int64 n, const float *mean);

#endif							/* VS_ANN_TRAIN_H */
