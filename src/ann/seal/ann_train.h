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

/*
 * The participants of a parallel build, as a training uses them
 * (build/ann_jobs.c).
 */
typedef struct VsAnnTrainTeam
{
	void	   *arg;
	int			participants;

	/* Returns the number of bytes of shared memory that a training takes. */
	Size		(*bytes) (const VsAnn *ann, int lists, int64 rows);

	/*
	 * Trains on n rows of the spool in shared memory, by vs_ann_pick_sample
	 * and vs_ann_train_sample.  Returns false if such memory is not
	 * available.
	 */
	bool		(*train) (void *arg, VsAnnDirectory *dir, const VsKmeansOptions *options,
						  VsAnnSpool *spool, int64 n, const float *mean);
} VsAnnTrainTeam;

/*
 * Trains at most the given number of centroids for the spool's rows.  mean is
 * that of an existing directory, or NULL to choose one.  team is NULL except
 * in parallel builds.  The result, in the current memory context, has at
 * least one centroid, and room for heads but none yet.  Writes nothing to the
 * index.
 */
extern VsAnnDirectory *vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool, int lists,
									const float *mean, const VsAnnTrainTeam *team);

/* Returns the options of a training that takes its memory from context. */
extern VsKmeansOptions vs_ann_kmeans_options(const VsAnn *ann, int lists,
											 MemoryContext context);

/*
 * Copies about the wanted number of items, evenly spread over the spool, to
 * sample.  Returns their number.
 */
extern int64 vs_ann_pick_sample(const VsAnn *ann, VsAnnSpool *spool, int64 wanted, char *sample);

/*
 * Trains *dir on n rows (rotated, n * padded floats).  Chooses the center and
 * the mean, unless mean is given.  Subtracts the mean from the rows in place.
 */
extern void vs_ann_train_sample(const VsAnn *ann, VsAnnDirectory *dir, const VsKmeansOptions *options,
								float *rows, int64 n, const float *mean);

#endif							/* VS_ANN_TRAIN_H */
