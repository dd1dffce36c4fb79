/*-------------------------------------------------------------------------
 * ann_train.c
 *	  Training of centroids on a sample of the rows.
 *
 * Rows come as ids from a spool.  The values of the sample are read from the
 * value store in the order of their addresses.  A value that is gone belonged
 * to a row that is dead to all snapshots, and is left out.
 *
 * Memory: the sample and the training take at most maintenance_work_mem.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "ann/base/ann_value.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_round.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "quant/kmeans.h"
#include "quant/quant.h"
#include "store/store.h"

/*
 * Rows farther from the mean than this multiple of the median distance are
 * outliers.
 */
#define OUTLIER_FACTOR	10
#define MEDIAN_ROWS		1024
#define MEAN_PASSES		6

#define ITEMS_AT_ONCE	1024

static void *
kmeans_alloc(void *arg, size_t size)
{
	return MemoryContextAllocHuge((MemoryContext) arg, size);
}

static void
kmeans_release(void *arg, void *pointer)
{
	pfree(pointer);
}

int64
vs_ann_pick_sample(const VsAnn *ann, VsAnnSpool *spool, int64 wanted, char *sample)
{
	int64		total = vs_ann_spool_count(spool);
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	char	   *items = palloc(item_size * ITEMS_AT_ONCE);
	int64		picked = 0;
	int64		seen = 0;
	int			n;

	vs_ann_spool_rewind(spool);
	while ((n = vs_ann_spool_get(spool, items, ITEMS_AT_ONCE)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++, seen++)
		{
			/* this is the item at which the next pick is due */
			if (picked < wanted && seen >= (double) picked * total / wanted)
				memcpy(sample + item_size * picked++, items + item_size * i, item_size);
		}
	}
	pfree(items);
	return picked;
}

/*
 * Writes the rotated values of n items to rows, without gaps.  Returns the
 * number of values found.
 */
static int64
read_rows(const VsAnn *ann, Relation heap, char *items, int64 n, float *rows)
{
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	VsStoreReader *reader = vs_store_reader_open(heap);
	VsAnnCoder	coder;
	int32		found[ITEMS_AT_ONCE];
	int64		kept = 0;

	vs_ann_coder_init(&coder, ann);
	for (int64 first = 0; first < n; first += ITEMS_AT_ONCE)
	{
		int			count = Min(ITEMS_AT_ONCE, n - first);
		float	   *read = rows + kept * ann->geo.padded;
		int			of_these = 0;

		vs_ann_read_items(ann, reader, &coder, items + item_size * first, count, read, found);
		for (int i = 0; i < count; i++)
		{
			if (found[i] && of_these++ < i)
				memcpy(read + (Size) (of_these - 1) * ann->geo.padded,
					   read + (Size) i * ann->geo.padded, sizeof(float) * ann->geo.padded);
		}
		kept += of_these;
	}
	vs_store_reader_close(reader);
	return kept;
}

static double
get_distance(const float *row, const float *mean, int padded)
{
	double		sum = 0;

	for (int j = 0; j < padded; j++)
		sum += ((double) row[j] - mean[j]) * ((double) row[j] - mean[j]);
	return sqrt(sum);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Returns the median distance from the mean of some rows, evenly spread. */
static double
median_distance(const float *rows, int64 n, int padded, const float *mean)
{
	double		distances[MEDIAN_ROWS];
	int			count = Min(n, MEDIAN_ROWS);

	for (int i = 0; i < count; i++)
		distances[i] = get_distance(rows + i * n / count * padded, mean, padded);
	qsort(distances, count, sizeof(double), compare_doubles);
	return distances[count / 2];
}

/*
 * Computes the mean of n > 0 rows without outliers.  A single row very far
 * away could draw the mean so far that the differences between the other
 * rows, moved by the mean, are lost in a float's precision.  Leaving rows out
 * moves the mean, and other rows may become outliers; so there are several
 * passes.
 */
static void
compute_mean_without_outliers(const float *rows, int64 n, int padded, float *mean)
{
	double	   *sum = palloc(sizeof(double) * padded);
	double		max_distance = INFINITY;
	int64		before = -1;

	for (int pass = 0; pass < MEAN_PASSES; pass++)
	{
		int64		kept = 0;

		CHECK_FOR_INTERRUPTS();
		memset(sum, 0, sizeof(double) * padded);
		for (int64 i = 0; i < n; i++)
		{
			const float *row = rows + i * padded;

			if (pass > 0 && !(get_distance(row, mean, padded) <= max_distance))
				continue;
			for (int j = 0; j < padded; j++)
				sum[j] += row[j];
			kept++;
		}
		for (int j = 0; j < padded && kept > 0; j++)
			mean[j] = isfinite((float) (sum[j] / kept)) ? (float) (sum[j] / kept) : 0;
		if (kept == before || (pass > 0 && kept == n))
			break;
		before = kept;
		max_distance = OUTLIER_FACTOR * median_distance(rows, n, padded, mean);
	}
	pfree(sum);
}

VsKmeansOptions
vs_ann_kmeans_options(const VsAnn *ann, int lists, MemoryContext context)
{
	VsKmeansOptions options = {
		.dim = ann->geo.padded,
		.lists = lists,
		.spherical = ann->type.metric == VS_QUANT_COSINE,
		.seed = 1,
		.memory = {kmeans_alloc, kmeans_release, context},
		.interrupt = vs_ann_interrupt(),
	};

	return options;
}

/* Returns the size of a sample of n rows in this process's memory. */
static Size
get_sample_bytes(const VsAnn *ann, int64 n)
{
	return (sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann) + sizeof(float) * ann->geo.padded) * n;
}

/* Returns the memory that a training on n rows takes, in all processes. */
static Size
get_training_bytes(const VsAnn *ann, const VsKmeansOptions *options, int64 n, const VsAnnTrainTeam *team)
{
	Size		bytes = vs_kmeans_train_bytes(options, n);

	if (team == NULL)
		return bytes + get_sample_bytes(ann, n);
	/* each worker packs the centroids too */
	return bytes + team->bytes(ann, options->lists, n) +
		vs_assign_bytes(options->lists, options->dim) * (team->participants - 1);
}

/* Returns a sample size whose training fits the memory, if possible. */
static int64
choose_sample_size(const VsAnn *ann, const VsKmeansOptions *options, int64 nrows, const VsAnnTrainTeam *team)
{
	int64		n = vs_kmeans_sample_size(nrows, options->lists);
	Size		memory = vs_ann_work_memory() * 2;

	while (n > 2 * options->lists && n > 256 && get_training_bytes(ann, options, n, team) > memory)
		n = n * 7 / 8;
	return n;
}

void
vs_ann_train_sample(const VsAnn *ann, VsAnnDirectory *dir, const VsKmeansOptions *options,
					float *rows, int64 n, const float *mean)
{
	int			padded = ann->geo.padded;

	if (mean != NULL)
		memcpy(dir->mean, mean, sizeof(float) * padded);
	else if (n > 0 && ann->type.metric != VS_QUANT_HAMMING)
	{
		compute_mean_without_outliers(rows, n, padded, dir->centre);

		/*
		 * under L2 rows and centroids can be moved by the mean without
		 * changing distances
		 */
		if (ann->type.metric == VS_QUANT_L2)
			memcpy(dir->mean, dir->centre, sizeof(float) * padded);
	}
	for (int j = 0; j < padded; j++)
		dir->has_mean = dir->has_mean || dir->mean[j] != 0;
	vs_ann_subtract(rows, dir->has_mean ? n : 0, padded, dir->mean);
	dir->nlists = Max(1, vs_kmeans_train(options, n, rows, dir->centroids));
}

/* Trains on n rows of the spool in this process's memory. */
static void
train_in_process(const VsAnn *ann, Relation heap, VsAnnDirectory *dir,
				 const VsKmeansOptions *options, VsAnnSpool *spool, int64 n, const float *mean)
{
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	char	   *sample = MemoryContextAllocHuge(CurrentMemoryContext, item_size * Max(n, 1));
	float	   *rows = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(float) * ann->geo.padded * Max(n, 1));

	n = vs_ann_pick_sample(ann, spool, n, sample);
	n = read_rows(ann, heap, sample, n, rows);
	vs_ann_train_sample(ann, dir, options, rows, n, mean);
}

VsAnnDirectory *
vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool, int lists, const float *mean,
			 const VsAnnTrainTeam *team)
{
	int			padded = ann->geo.padded;
	VsAnnDirectory *dir = palloc0(sizeof(VsAnnDirectory));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann training",
												  ALLOCSET_DEFAULT_SIZES);
	VsKmeansOptions options = vs_ann_kmeans_options(ann, lists, context);
	MemoryContext old;
	int64		n;

	dir->mean = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * padded *
									   (lists + 1));
	memset(dir->mean, 0, sizeof(float) * padded * 2);
	dir->centroids = dir->mean + padded;
	dir->heads = palloc(sizeof(BlockNumber) * lists);
	if (mean == NULL)
		dir->centre = palloc0(sizeof(float) * padded);

	old = MemoryContextSwitchTo(context);
	n = choose_sample_size(ann, &options, vs_ann_spool_count(spool), team);
	if (team == NULL || !team->train(team->arg, dir, &options, spool, n, mean))
		train_in_process(ann, heap, dir, &options, spool, n, mean);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return dir;
}
