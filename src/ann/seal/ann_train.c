/*-------------------------------------------------------------------------
 * ann_train.c
 *	  Training of centroids on a sample of the rows to be put into lists.
 *
 * Rows come as ids from a spool; the values of the sample are read from the value
 * store by address, in the order of addresses.  A value that is gone belongs to a
 * row that is dead to all snapshots: it is left out.
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

/* Rows farther from the mean than this multiple of the median distance are left out of it. */
#define FAR_FROM_MEAN	10
#define MEDIAN_ROWS		1024
#define MEAN_PASSES		6

#define ITEMS_AT_ONCE	1024
#define MIN_LIST_ROWS	128
#define MAX_LISTS		65536

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

/*
 * The number of lists that suits so many rows: lists grow with the square
 * root, so that ranking lists and scanning some of them cost alike.
 */
int
vs_ann_target_lists(int64 rows)
{
	double		per_list = Max(MIN_LIST_ROWS, sqrt((double) rows) / 2);

	return Max(1, Min(MAX_LISTS, (int) (rows / per_list)));
}

/* Picks about wanted items of the spool, evenly spread, into sample; returns how many. */
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
			/* the picked'th of wanted falls on this one */
			if (picked < wanted && seen >= (double) picked * total / wanted)
				memcpy(sample + item_size * picked++, items + item_size * i, item_size);
		}
	}
	pfree(items);
	return picked;
}

/* Rotated values of the items; returns how many are still there. */
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
distance_from(const float *row, const float *mean, int padded)
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

/* The median distance of some of the rows, evenly spread, from the mean. */
static double
median_distance(const float *rows, int64 n, int padded, const float *mean)
{
	double		distances[MEDIAN_ROWS];
	int			count = Min(n, MEDIAN_ROWS);

	for (int i = 0; i < count; i++)
		distances[i] = distance_from(rows + i * n / count * padded, mean, padded);
	qsort(distances, count, sizeof(double), compare_doubles);
	return distances[count / 2];
}

/*
 * The mean of n > 0 rows.  Rows many times further away than most are left
 * out: a single one could draw the mean to where the others, moved by it,
 * are not told apart by floats.  When they are left out the mean moves, and others may
 * be far from it.
 */
static void
mean_of(const float *rows, int64 n, int padded, float *mean)
{
	double	   *sum = palloc(sizeof(double) * padded);
	double		most = INFINITY;
	int64		before = -1;

	for (int pass = 0; pass < MEAN_PASSES; pass++)
	{
		int64		kept = 0;

		CHECK_FOR_INTERRUPTS();
		memset(sum, 0, sizeof(double) * padded);
		for (int64 i = 0; i < n; i++)
		{
			const float *row = rows + i * padded;

			if (pass > 0 && !(distance_from(row, mean, padded) <= most))
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
		most = FAR_FROM_MEAN * median_distance(rows, n, padded, mean);
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

/* Bytes of a sample of n rows in memory of this process. */
static Size
sample_bytes(const VsAnn *ann, int64 n)
{
	return (sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann) + sizeof(float) * ann->geo.padded) * n;
}

/* Bytes of a training with the given sample, in all processes. */
static Size
training_bytes(const VsAnn *ann, const VsKmeansOptions *options, int64 n, const VsAnnTrainTeam *team)
{
	Size		bytes = vs_kmeans_train_bytes(options, n);

	if (team == NULL)
		return bytes + sample_bytes(ann, n);
	/* workers pack the centroids too */
	return bytes + team->bytes(ann, options->lists, n) +
		vs_assign_bytes(options->lists, options->dim) * (team->participants - 1);
}

/* A sample size with which the training fits the memory. */
static int64
sample_size(const VsAnn *ann, const VsKmeansOptions *options, int64 nrows, const VsAnnTrainTeam *team)
{
	int64		n = vs_kmeans_sample_size(nrows, options->lists);
	Size		memory = vs_ann_work_memory() * 2;

	while (n > 2 * options->lists && n > 256 && training_bytes(ann, options, n, team) > memory)
		n = n * 7 / 8;
	return n;
}

/* Chooses centre and mean unless they are given, and trains. */
void
vs_ann_train_sample(const VsAnn *ann, VsAnnDirectory *dir, const VsKmeansOptions *options,
					float *rows, int64 n, const float *mean)
{
	int			padded = ann->geo.padded;

	if (mean != NULL)
		memcpy(dir->mean, mean, sizeof(float) * padded);
	else if (n > 0 && ann->type.metric != VS_QUANT_HAMMING)
	{
		mean_of(rows, n, padded, dir->centre);
		/* under L2 everything may be moved by the mean */
		if (ann->type.metric == VS_QUANT_L2)
			memcpy(dir->mean, dir->centre, sizeof(float) * padded);
	}
	for (int j = 0; j < padded; j++)
		dir->has_mean = dir->has_mean || dir->mean[j] != 0;
	vs_ann_subtract(rows, dir->has_mean ? n : 0, padded, dir->mean);
	dir->nlists = Max(1, vs_kmeans_train(options, n, rows, dir->centroids));
}

/* Trains on n rows of the spool in memory of this process. */
static void
train_alone(const VsAnn *ann, Relation heap, VsAnnDirectory *dir,
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
	n = sample_size(ann, &options, vs_ann_spool_count(spool), team);
	if (team == NULL || !team->train(team->arg, dir, &options, spool, n, mean))
		train_alone(ann, heap, dir, &options, spool, n, mean);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return dir;
}
