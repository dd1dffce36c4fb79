/*-------------------------------------------------------------------------
 * kmeans.h
 *	  Clustering of vectors, and assignment of many vectors to centroids.
 *
 * Distances are squared Euclidean.  For cosine the caller normalizes the
 * rows, and the training normalizes the centroids (spherical).  For inner
 * product plain means serve well: a list is then a region of space, whatever
 * the query.  Bit vectors are clustered as floats 0 and 1
 * (vs_quant_bits_floats); the squared distance of two such rows is their
 * Hamming distance.
 *
 * Rows and centroids are arrays of vectors of dim floats each, without gaps.
 * Rows should be finite; centroids always are.
 *
 * On one machine results depend on rows, options and seed alone.  Instruction
 * sets round differently, so another machine may break ties differently.
 *
 * No function reports an error.  Memory comes from the caller, directly or by
 * VsKmeansMemory.
 *-------------------------------------------------------------------------
 */
#ifndef VS_KMEANS_H
#define VS_KMEANS_H

#include "quant/quant.h"

/*
 * Allocator for memory that lives for the duration of a call.  alloc never
 * returns NULL; on failure it leaves by longjmp (ereport), and memory that was
 * allocated before is not released.
 */
typedef struct VsKmeansMemory
{
	void	   *(*alloc) (void *arg, size_t size);
	void		(*release) (void *arg, void *pointer);
	void	   *arg;
} VsKmeansMemory;

/* Consecutive rows that are divided into lists independently of the others. */
typedef struct VsKmeansCluster
{
	int64_t		first;			/* number of its first row */
	int64_t		rows;
	int			lists;			/* how many to make at most */
	int			made;			/* output: how many were made */
	int			first_list;		/* position of its first centroid */
	uint64_t	seed;
} VsKmeansCluster;

/*
 * Callbacks that do most of the work in parallel.  Both work on the rows
 * given to vs_kmeans_train, which they know already.
 */
typedef struct VsKmeansTeam
{
	/* find the nearest centroid of all rows, as vs_assign_rows */
	void		(*nearest) (void *arg, int lists, const float *centroids,
							int32_t *nearest, float *distance);
	/* call vs_kmeans_train_cluster for each of the n clusters */
	void		(*clusters) (void *arg, int n, VsKmeansCluster *clusters,
							 float *centroids);
	void	   *arg;
} VsKmeansTeam;

typedef struct VsKmeansOptions
{
	int			dim;
	int			lists;			/* how many to make at most: 1 to 65,536 */
	int			iterations;		/* at most; 0: default (10) */
	bool		spherical;		/* centroids get norm 1 */
	uint64_t	seed;
	VsKmeansMemory memory;
	VsQuantInterrupt interrupt;
	const VsKmeansTeam *team;	/* NULL: work in this process */
} VsKmeansOptions;

/*
 * Divide the rows of a cluster into its lists.  Writes the centroids to
 * centroids, from position first_list on, and sets made.  rows and centroids
 * are the arrays of the whole training.  Ignores options->team.
 */
extern void vs_kmeans_train_cluster(const VsKmeansOptions *options, const float *rows,
									VsKmeansCluster *cluster, float *centroids);

/*
 * Return how many of nrows rows to sample for training the given number of
 * lists: 96 per list, over 4,096 lists fewer (but at least 40), and at most
 * nrows.
 */
extern int64_t vs_kmeans_sample_size(int64_t nrows, int lists);

/*
 * Return an upper bound of the bytes that vs_kmeans_train has allocated at
 * any time.  The rows and the centroids are not counted.
 */
extern size_t vs_kmeans_train_bytes(const VsKmeansOptions *options, int64_t nrows);

/*
 * Find at most options->lists centroids of nrows rows.  Writes them to
 * centroids, which has room for lists * dim floats, and returns their number.
 * The number is smaller than options->lists if there are fewer distinct rows,
 * or if a list got no row in the last round.  It is 0 if there are no rows.
 *
 * Over 256 lists the work is done in two levels, so that the cost per row
 * grows with sqrt(lists).  A list of several times the mean size is split,
 * and one of the smallest lists is given up for it.  The function may reorder
 * the rows.
 */
extern int	vs_kmeans_train(const VsKmeansOptions *options, int64_t nrows,
							float *rows, float *centroids);

/*
 * Centroids packed for assignment, with scratch memory: only one thread at a
 * time may use a VsAssign.
 */
typedef struct VsAssign VsAssign;

/* Return the bytes of memory that vs_assign_init needs. */
extern size_t vs_assign_bytes(int lists, int dim);

/*
 * Pack the centroids (lists * dim floats) in vs_assign_bytes of memory, of
 * any alignment.  The result lies within memory, needs no release of its own
 * and holds a copy, so that the caller may free centroids.
 */
extern VsAssign *vs_assign_init(void *memory, int lists, int dim,
								const float *centroids);

/*
 * Find the nearest centroid of each row, and the second nearest if second is
 * not NULL; that is -1 if there is only one centroid.  distance and
 * second_distance get the squared distances, unless they are NULL.  Between
 * equally near centroids the lower number wins.  Distances are computed from
 * norms and inner products: they may be off by a few ulps of the norms, and
 * are never negative.
 */
extern void vs_assign_rows(VsAssign *assign, int64_t nrows, const float *rows,
						   int32_t *nearest, float *distance,
						   int32_t *second, float *second_distance,
						   const VsQuantInterrupt *interrupt);

/*
 * Compute the distance of a query to each centroid, for ranking lists.
 * out[i] is their squared distance, or minus their inner product if metric is
 * VS_QUANT_IP or VS_QUANT_COSINE, as vs_quant_list_terms expects it.
 */
extern void vs_assign_query(const VsAssign *assign, VsQuantMetric metric,
							const float *query, float *out);

/* Return the squared norms of the centroids, which live as long as assign. */
extern const float *vs_assign_norms(const VsAssign *assign);

#endif							/* VS_KMEANS_H */
