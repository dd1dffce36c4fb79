/*-------------------------------------------------------------------------
 * kmeans.h
 *	  Clustering of vectors, and assignment of many vectors to centroids.
 *
 * Distances are squared Euclidean.  For cosine normalise the rows first, and
 * let the training normalise the centroids too (spherical); for inner product
 * plain means do well, since a list is then a region of space whichever the
 * query.  Bit vectors: as floats 0 and 1 (vs_quant_bits_floats), where the
 * squared distance of two rows is their Hamming distance.
 *
 * Rows and centroids are arrays of dim floats one after another.  Rows should be
 * finite; centroids are in any case.
 * Results depend on rows, options and seed alone, on one machine.  (Variants of
 * instruction sets round differently, so ties may fall otherwise elsewhere.)
 *-------------------------------------------------------------------------
 */
#ifndef VS_KMEANS_H
#define VS_KMEANS_H

#include "quant/quant.h"

/* Memory for the duration of a call; alloc never returns NULL (it may jump out). */
typedef struct VsKmeansMemory
{
	void	   *(*alloc) (void *arg, size_t size);
	void		(*release) (void *arg, void *pointer);
	void	   *arg;
} VsKmeansMemory;

/* A part of the rows that becomes lists by itself. */
typedef struct VsKmeansCluster
{
	int64_t		first;			/* row */
	int64_t		rows;
	int			lists;			/* wanted */
	int			made;			/* out */
	int			first_list;		/* where its centroids go, before gaps are closed */
	uint64_t	seed;
} VsKmeansCluster;

/*
 * Helpers that take over what is most of the work.  Both functions may be called
 * only with the rows given to vs_kmeans_train.
 */
typedef struct VsKmeansTeam
{
	/* as vs_assign_rows, of all rows */
	void		(*nearest) (void *arg, int lists, const float *centroids,
							int32_t *nearest, float *distance);
	/* vs_kmeans_train_cluster of each cluster */
	void		(*clusters) (void *arg, int n, VsKmeansCluster *clusters,
							 float *centroids);
	void	   *arg;
} VsKmeansTeam;

typedef struct VsKmeansOptions
{
	int			dim;
	int			lists;			/* wanted: 1 to 65,536 */
	int			iterations;		/* at most; 0 = default (10) */
	bool		spherical;		/* centroids get norm 1 */
	uint64_t	seed;
	VsKmeansMemory memory;
	VsQuantInterrupt interrupt;
	const VsKmeansTeam *team;	/* NULL: none */
} VsKmeansOptions;

/* Rows to sample for a training of so many lists (96 a list), at most nrows. */
extern int64_t vs_kmeans_sample_size(int64_t nrows, int lists);

/* Bytes that vs_kmeans_train will ask its allocator for at most, rows not counted. */
extern size_t vs_kmeans_train_bytes(const VsKmeansOptions *options, int64_t nrows);

/*
 * Finds at most options->lists centroids of nrows rows and writes them to
 * centroids (lists * dim floats).  Returns their number: fewer than wanted only
 * when there are fewer distinct rows (0 for no rows).  Over 256 lists the
 * work is done in two levels, so its cost grows with sqrt(lists) a row.
 * No list is empty on the sample, and lists over several times the mean size
 * are split at the cost of the smallest ones.  Rows may change places.
 */
extern int	vs_kmeans_train(const VsKmeansOptions *options, int64_t nrows,
							float *rows, float *centroids);

/*
 * Divides a cluster, which is read from rows, into its lists, and writes their
 * centroids to centroids from first_list on.  Sets made.
 */
extern void vs_kmeans_train_cluster(const VsKmeansOptions *options, const float *rows,
									VsKmeansCluster *cluster, float *centroids);

/*
 * Centroids packed for assignment, in caller's memory of
 * vs_assign_bytes(lists, dim) bytes.  Holds a copy: centroids may go.  It has
 * scratch of its own, so one thread at a time uses it.
 */
typedef struct VsAssign VsAssign;

extern size_t vs_assign_bytes(int lists, int dim);
extern VsAssign *vs_assign_init(void *memory, int lists, int dim,
								const float *centroids);

/*
 * Nearest centroid of each row, and the second nearest if second is not NULL
 * (-1 when there is one centroid only); squared distances into distance and
 * second_distance unless NULL.  Of equally near ones the lower number wins.
 * Distances come from norms and inner products and can be off by a few ulps of the
 * norms; they are never below 0.
 */
extern void vs_assign_rows(VsAssign *assign, int64_t nrows, const float *rows,
						   int32_t *nearest, float *distance,
						   int32_t *second, float *second_distance,
						   const VsQuantInterrupt *interrupt);

/*
 * All centroids' scores for one query, for ranking lists: out[i] is the squared
 * distance, or minus the inner product when metric is VS_QUANT_IP or _COSINE,
 * as vs_quant_list_terms takes it.  centroid_norm_sq[i] by vs_assign_norms.
 */
extern void vs_assign_query(const VsAssign *assign, VsQuantMetric metric,
							const float *query, float *out);
extern const float *vs_assign_norms(const VsAssign *assign);

#endif							/* VS_KMEANS_H */
