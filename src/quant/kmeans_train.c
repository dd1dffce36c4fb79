/*-------------------------------------------------------------------------
 * kmeans_train.c
 *	  Centroids from a sample by Lloyd's algorithm, in one level or two.
 *
 * Over FLAT_LISTS lists are found in three steps.  The rows are divided into
 * sqrt(lists) coarse clusters.  Each cluster is divided independently into
 * its share of the lists.  Then FINAL_ROUNDS rounds over all rows and lists
 * move the borders that the coarse clusters drew.
 *
 * The centroid of a list that lost nearly all its rows moves to a random row
 * of the list with the most rows.  A list with many times the mean is divided
 * in the same way, and a list with few rows is given up for it.
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "quant/kmeans.h"
#include "quant/quant_kernels.h"

#define DEFAULT_ITERATIONS	10
#define FLAT_LISTS			256
#define SAMPLE_PER_LIST		96
#define SAMPLE_PER_LIST_MIN 40
#define SAMPLE_ENOUGH		(4096 * SAMPLE_PER_LIST)
/* rounds in which the initial centroids are drawn */
#define SEED_ROUNDS			8
/*
 * rounds over all lists after the clusters were divided: O(rows * lists) each
 */
#define FINAL_ROUNDS		1
/* over this number of lists, those rounds cost more than they gain */
#define FINAL_LISTS			16384
/*
 * a list of over OVERFULL times the mean is divided if there is a starved
 * one:
 */
#define OVERFULL			4
/* a list of at most the mean divided by STARVED */
#define STARVED				8

/* One run of Lloyd's algorithm over nrows rows. */
typedef struct Lloyd
{
	const VsKmeansOptions *options;
	int64_t		nrows;
	const float *rows;
	int			lists;
	float	   *centroids;		/* lists * dim */
	void	   *assign_memory;
	int32_t    *nearest;		/* nrows */
	float	   *distance;		/* nrows */
	int64_t    *counts;			/* lists */
	uint64_t	random;
} Lloyd;

static void *
allocate(const VsKmeansOptions *options, size_t size)
{
	return options->memory.alloc(options->memory.arg, size > 0 ? size : 1);
}

static void
release(const VsKmeansOptions *options, void *pointer)
{
	options->memory.release(options->memory.arg, pointer);
}

static void
lloyd_begin(Lloyd *run, const VsKmeansOptions *options, int64_t nrows,
			const float *rows, int lists, float *centroids, uint64_t seed)
{
	run->options = options;
	run->nrows = nrows;
	run->rows = rows;
	run->lists = lists;
	run->centroids = centroids;
	run->assign_memory = allocate(options, vs_assign_bytes(lists, options->dim));
	run->nearest = allocate(options, sizeof(int32_t) * nrows);
	run->distance = allocate(options, sizeof(float) * nrows);
	run->counts = allocate(options, sizeof(int64_t) * lists);
	run->random = seed;
}

static void
lloyd_end(Lloyd *run)
{
	release(run->options, run->assign_memory);
	release(run->options, run->nearest);
	release(run->options, run->distance);
	release(run->options, run->counts);
}

/* Return a random number, at least 0 and below 1. */
static double
random_fraction(Lloyd *run)
{
	return (double) (vs_quant_random(&run->random) >> 11) / 9007199254740992.0;
}

/*
 * Copy count random rows to centroids first .. first + count - 1.  The
 * probability of a row is proportional to its weight (one of nrows floats),
 * or equal for all rows if weight is NULL.
 */
static void
rows_draw(Lloyd *run, const float *weight, int first, int count)
{
	int			dim = run->options->dim;
	double		total = 0;
	double		passed = 0;
	double		step;
	double		next;
	int			drawn = 0;

	for (int64_t i = 0; i < run->nrows; i++)
		total += weight != NULL ? weight[i] : 1;
	/* draw one row from each of count equal steps of weight, in one pass */
	step = total / count;
	next = step * random_fraction(run);
	for (int64_t i = 0; i < run->nrows && drawn < count; i++)
	{
		passed += weight != NULL ? weight[i] : 1;
		while (drawn < count && passed > next)
		{
			memcpy(run->centroids + (size_t) (first + drawn++) * dim,
				   run->rows + i * dim, sizeof(float) * dim);
			next = step * (drawn + random_fraction(run));
		}
	}
	/* fewer were drawn due to rounding, or because all weights are 0 */
	for (; drawn < count; drawn++)
		memcpy(run->centroids + (size_t) (first + drawn) * dim,
			   run->rows + (run->nrows - 1) * dim, sizeof(float) * dim);
}

/*
 * Set run->nearest and distance: the nearest of count centroids for each row.
 */
static void
rows_nearest(Lloyd *run, int count, const float *centroids, float *distance)
{
	const VsKmeansOptions *options = run->options;

	if (options->team != NULL)
		options->team->nearest(options->team->arg, count, centroids, run->nearest, distance);
	else
		vs_assign_rows(vs_assign_init(run->assign_memory, count, options->dim, centroids),
					   run->nrows, run->rows, run->nearest, distance, NULL, NULL,
					   &options->interrupt);
}

/*
 * Draw the initial centroids from the rows in a few rounds.  In each round
 * the probability of a row is proportional to its squared distance from the
 * nearest centroid of the rounds before (k-means++, but many centroids at a
 * time).
 */
static void
seed_rows(Lloyd *run)
{
	const VsKmeansOptions *options = run->options;
	float	   *closer = allocate(options, sizeof(float) * run->nrows);
	int			made = 0;

	for (int round = 0; round < SEED_ROUNDS; round++)
	{
		int			end = (int) ((int64_t) run->lists * (round + 1) / SEED_ROUNDS);
		int			count = end - made;

		if (count == 0)
			continue;
		rows_draw(run, made > 0 ? run->distance : NULL, made, count);
		rows_nearest(run, count, run->centroids + (size_t) made * options->dim,
					 made > 0 ? closer : run->distance);
		for (int64_t i = 0; made > 0 && i < run->nrows; i++)
			run->distance[i] = fminf(run->distance[i], closer[i]);
		made = end;
	}
	release(options, closer);
}

static void
assign_all(Lloyd *run)
{
	rows_nearest(run, run->lists, run->centroids, run->distance);
	memset(run->counts, 0, sizeof(int64_t) * run->lists);
	for (int64_t i = 0; i < run->nrows; i++)
		run->counts[run->nearest[i]]++;
}

static void
normalize(int dim, float *x)
{
	float		norm = sqrtf(vs_quant_kernels->norm_sq(dim, x));

	if (norm > 0)
		for (int d = 0; d < dim; d++)
			x[d] /= norm;
}

/* Replace infinities by the largest floats and NaN by 0. */
static void
make_finite(size_t n, float *x)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			x[i] = isnan(x[i]) ? 0 : copysignf(FLT_MAX, x[i]);
}

/* Move each centroid to the mean of its rows; one without rows stays. */
static void
means_update(Lloyd *run)
{
	int			dim = run->options->dim;

	for (int list = 0; list < run->lists; list++)
		if (run->counts[list] > 0)
			memset(run->centroids + (size_t) list * dim, 0, sizeof(float) * dim);
	for (int64_t i = 0; i < run->nrows; i++)
		vs_quant_kernels->add_to(dim, run->rows + i * dim,
								 run->centroids + (size_t) run->nearest[i] * dim);
	for (int list = 0; list < run->lists; list++)
	{
		float	   *centroid = run->centroids + (size_t) list * dim;

		if (run->counts[list] == 0)
			continue;
		make_finite(dim, centroid);
		for (int d = 0; d < dim; d++)
			centroid[d] /= (float) run->counts[list];
		if (run->options->spherical)
			normalize(dim, centroid);
	}
}

/* Return a random row of the list that differs from its centroid, or -1. */
static int64_t
row_apart(Lloyd *run, int list)
{
	int64_t		start = (int64_t) (vs_quant_random(&run->random) % (uint64_t) run->nrows);

	for (int64_t i = 0; i < run->nrows; i++)
	{
		int64_t		row = (start + i) % run->nrows;

		if (run->nearest[row] == list && run->distance[row] > 0)
			return row;
	}
	return -1;
}

static int
largest_list(const Lloyd *run)
{
	int			largest = 0;

	for (int list = 1; list < run->lists; list++)
		if (run->counts[list] > run->counts[largest])
			largest = list;
	return largest;
}

/*
 * Move the centroids of starved lists to rows of overfull ones.  Called after
 * means_update; uses the counts and distances of the assignment before it.
 */
static void
lists_repair(Lloyd *run)
{
	int			dim = run->options->dim;
	int64_t		mean = run->nrows / run->lists;

	for (int list = 0; list < run->lists; list++)
	{
		int			donor;
		int64_t		row;

		if (run->counts[list] > mean / STARVED)
			continue;
		donor = largest_list(run);
		if (run->counts[donor] < 2 ||
			(run->counts[list] > 0 && run->counts[donor] <= OVERFULL * mean))
			continue;
		row = row_apart(run, donor);
		if (row < 0)
		{
			/* all rows of the donor equal its centroid */
			run->counts[donor] = 1;
			continue;
		}
		memcpy(run->centroids + (size_t) list * dim, run->rows + row * dim, sizeof(float) * dim);
		run->counts[list] = run->counts[donor] / 2;
		run->counts[donor] -= run->counts[list];
	}
}

static void
lloyd_rounds(Lloyd *run, int rounds)
{
	for (int i = 0; i < rounds; i++)
	{
		assign_all(run);
		means_update(run);
		if (i + 1 < rounds)
			lists_repair(run);
	}
}

/* Remove lists without rows in the last assignment; return how many remain. */
static int
lists_drop_empty(Lloyd *run)
{
	int			dim = run->options->dim;
	int			kept = 0;

	for (int list = 0; list < run->lists; list++)
		if (run->counts[list] > 0)
			memmove(run->centroids + (size_t) kept++ * dim,
					run->centroids + (size_t) list * dim, sizeof(float) * dim);
	return kept;
}

static int
iterations_of(const VsKmeansOptions *options)
{
	return options->iterations > 0 ? options->iterations : DEFAULT_ITERATIONS;
}

static int
train_flat(const VsKmeansOptions *options, int64_t nrows, const float *rows,
		   int lists, uint64_t seed, float *centroids)
{
	Lloyd		run;
	int			kept;

	lloyd_begin(&run, options, nrows, rows, lists, centroids, seed);
	seed_rows(&run);
	lloyd_rounds(&run, iterations_of(options));
	kept = lists_drop_empty(&run);
	lloyd_end(&run);
	return kept;
}

/*
 * Distribute lists over clusters in proportion to their rows (counts).  A
 * cluster gets at least one list, but no more than it has rows.  The sum of
 * share is lists, or less if there are few rows.
 */
static void
lists_share(int lists, int64_t nrows, int clusters, const int64_t *counts, int *share)
{
	int64_t		rows_left = nrows;
	int			lists_left = lists;

	for (int c = 0; c < clusters; c++)
	{
		int64_t		wanted = rows_left > 0 ?
			(counts[c] * lists_left + rows_left / 2) / rows_left :
			0;
		int64_t		others = clusters - c - 1;

		if (wanted > lists_left - others)
			wanted = lists_left - others;
		if (wanted < 1)
			wanted = 1;
		if (wanted > counts[c])
			wanted = counts[c];
		share[c] = (int) wanted;
		lists_left -= share[c];
		rows_left -= counts[c];
	}
}

static void
rows_swap(int dim, float *a, float *b)
{
	for (int d = 0; d < dim; d++)
	{
		float		x = a[d];

		a[d] = b[d];
		b[d] = x;
	}
}

/*
 * Reorder the rows in place so that those of a cluster are consecutive.  next
 * holds the first row of each cluster and is advanced to its end.
 */
static void
rows_group(Lloyd *coarse, float *rows, const VsKmeansCluster *clusters, int64_t *next)
{
	int			dim = coarse->options->dim;

	for (int c = 0; c < coarse->lists; c++)
	{
		while (next[c] < clusters[c].first + clusters[c].rows)
		{
			int64_t		at = next[c];
			int			owner = coarse->nearest[at];
			int64_t		to = next[owner]++;

			if (owner == c)
				continue;
			rows_swap(dim, rows + at * dim, rows + to * dim);
			coarse->nearest[at] = coarse->nearest[to];
			coarse->nearest[to] = owner;
		}
	}
}

/*
 * Divide each coarse cluster into its share of the lists.  Returns how many
 * lists were made; their centroids are the first ones of centroids.
 */
static int
clusters_divide(const VsKmeansOptions *options, Lloyd *coarse, float *rows, int lists,
				float *centroids)
{
	int			dim = options->dim;
	int		   *share = allocate(options, sizeof(int) * coarse->lists);
	int64_t    *next = allocate(options, sizeof(int64_t) * coarse->lists);
	VsKmeansCluster *clusters = allocate(options, sizeof(VsKmeansCluster) * coarse->lists);
	uint64_t	seed = options->seed;
	int64_t		first = 0;
	int			first_list = 0;
	int			made = 0;

	lists_share(lists, coarse->nrows, coarse->lists, coarse->counts, share);
	for (int c = 0; c < coarse->lists; c++)
	{
		clusters[c].first = next[c] = first;
		clusters[c].rows = coarse->counts[c];
		clusters[c].lists = share[c];
		clusters[c].made = 0;
		clusters[c].first_list = first_list;
		clusters[c].seed = vs_quant_random(&seed);
		first += coarse->counts[c];
		first_list += share[c];
	}
	rows_group(coarse, rows, clusters, next);
	if (options->team != NULL)
		options->team->clusters(options->team->arg, coarse->lists, clusters, centroids);
	else
		for (int c = 0; c < coarse->lists; c++)
			vs_kmeans_train_cluster(options, rows, &clusters[c], centroids);
	for (int c = 0; c < coarse->lists; c++)
	{
		memmove(centroids + (size_t) made * dim,
				centroids + (size_t) clusters[c].first_list * dim,
				sizeof(float) * dim * clusters[c].made);
		made += clusters[c].made;
	}
	release(options, clusters);
	release(options, next);
	release(options, share);
	return made;
}

void
vs_kmeans_train_cluster(const VsKmeansOptions *options, const float *rows,
						VsKmeansCluster *cluster, float *centroids)
{
	VsKmeansOptions alone = *options;

	cluster->made = 0;
	if (cluster->rows == 0)
		return;
	alone.team = NULL;
	cluster->made = train_flat(&alone, cluster->rows, rows + cluster->first * options->dim,
							   cluster->lists, cluster->seed,
							   centroids + (size_t) cluster->first_list * options->dim);
}

static int
train_two_levels(const VsKmeansOptions *options, int64_t nrows, float *rows,
				 int lists, float *centroids)
{
	int			clusters = (int) lroundf(sqrtf((float) lists));
	float	   *coarse_centroids = allocate(options, sizeof(float) * clusters * options->dim);
	Lloyd		run;
	int			made;

	lloyd_begin(&run, options, nrows, rows, clusters, coarse_centroids, options->seed);
	seed_rows(&run);
	lloyd_rounds(&run, iterations_of(options));
	made = clusters_divide(options, &run, rows, lists, centroids);
	lloyd_end(&run);
	release(options, coarse_centroids);

	if (made <= FINAL_LISTS)
	{
		lloyd_begin(&run, options, nrows, rows, made, centroids, options->seed + 1);
		lloyd_rounds(&run, FINAL_ROUNDS);
		made = lists_drop_empty(&run);
		lloyd_end(&run);
	}
	return made;
}

int64_t
vs_kmeans_sample_size(int64_t nrows, int lists)
{
	int64_t		least = (int64_t) lists * SAMPLE_PER_LIST_MIN;
	int64_t		size = (int64_t) lists * SAMPLE_PER_LIST;

	if (size > SAMPLE_ENOUGH)
		size = least > SAMPLE_ENOUGH ? least : SAMPLE_ENOUGH;
	return size < nrows ? size : nrows;
}

size_t
vs_kmeans_train_bytes(const VsKmeansOptions *options, int64_t nrows)
{
	size_t		row_bytes = sizeof(float) * options->dim;
	size_t		lists = options->lists;

	/*
	 * Both levels are counted as if they had all lists and rows at the same
	 * time.  The second distance per row is seed_rows'.
	 */
	return 2 * (vs_assign_bytes(options->lists, options->dim) + sizeof(int64_t) * lists +
				(sizeof(int32_t) + 2 * sizeof(float)) * nrows) +
		(options->lists > FLAT_LISTS ?
		 (row_bytes + sizeof(int) + sizeof(int64_t) + sizeof(VsKmeansCluster)) * lists :
		 0);
}

int
vs_kmeans_train(const VsKmeansOptions *options, int64_t nrows, float *rows, float *centroids)
{
	int			lists = options->lists < nrows ? options->lists : (int) nrows;

	if (lists <= 0)
		return 0;
	if (lists <= FLAT_LISTS)
		lists = train_flat(options, nrows, rows, lists, options->seed, centroids);
	else
		lists = train_two_levels(options, nrows, rows, lists, centroids);
	/* the mean was finite, but a centroid that is a row may not be */
	make_finite((size_t) lists * options->dim, centroids);
	return lists;
}
