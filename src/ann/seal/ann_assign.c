/*-------------------------------------------------------------------------
 * ann_assign.c
 *	  Bulk work of builds, seals and compactions: train centroids, find each
 *	  row's list, code it, append it.
 *
 * Rows come as ids from a spool; their values are read from the store by address,
 * in the order of addresses.  A value that is not there any more belongs to a row that
 * is dead to everybody: its id is dropped.
 *
 * Memory: the coded rows of a round take at most vs_ann_work_memory(), a training
 * sample with what training needs at most twice that.  Both take no more than there are
 * rows: maintenance_work_mem is a limit, not a size.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "ann/base/ann_value.h"
#include "ann/build/ann_team.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_assign.h"
#include "ann/seal/ann_round.h"
#include "ann/seal/ann_spool.h"
#include "compat/compat.h"
#include "quant/kmeans.h"
#include "quant/quant.h"
#include "store/store.h"

/* Rows so many times further from the mean than half of the rows are left out of it. */
#define FAR_FROM_MEAN	10
#define MEDIAN_ROWS		1024
#define MEAN_PASSES		6

#define ITEMS_AT_ONCE	1024
#define MIN_LIST_ROWS	128
#define MAX_LISTS		65536

/* Half of what the session may use for maintenance. */
Size
vs_ann_work_memory(void)
{
	int			kilobytes = maintenance_work_mem;

	if (VS_IS_AUTOVACUUM_WORKER() && autovacuum_work_mem != -1)
		kilobytes = autovacuum_work_mem;
	return (Size) kilobytes * 1024 / 2;
}

static void
check_interrupts(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

VsQuantInterrupt
vs_ann_interrupt(void)
{
	VsQuantInterrupt interrupt = {check_interrupts, NULL};

	return interrupt;
}

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
static int64
pick_sample(const VsAnn *ann, VsAnnSpool *spool, int64 wanted, char *sample)
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

/* Sample size that fits the memory with what the training itself needs. */
static int64
sample_size(const VsAnn *ann, const VsKmeansOptions *options, int64 nrows, VsAnnTeam *team)
{
	int64		n = vs_kmeans_sample_size(nrows, options->lists);
	Size		memory = vs_ann_work_memory() * 2;
	Size		others = 0;

	/* workers pack the centroids too */
	if (team != NULL)
		others = vs_assign_bytes(options->lists, options->dim) * (team->shared->participants - 1);
	while (n > 2 * options->lists && n > 256 &&
		   vs_ann_training_bytes(ann, options->lists, n) + vs_kmeans_train_bytes(options, n) +
		   others >
		   memory)
		n = n * 7 / 8;
	return n;
}

/* Chooses centre and mean unless they are given, and trains. */
static void
train_rows(const VsAnn *ann, VsAnnDirectory *dir, const VsKmeansOptions *options,
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

	n = pick_sample(ann, spool, n, sample);
	n = read_rows(ann, heap, sample, n, rows);
	train_rows(ann, dir, options, rows, n, mean);
}

/* The same with the team, in shared memory; false if there is none. */
static bool
train_together(const VsAnn *ann, VsAnnTeam *team, VsAnnDirectory *dir,
			   const VsKmeansOptions *options, VsAnnSpool *spool, int64 n,
			   const float *mean)
{
	VsKmeansOptions together = *options;
	VsAnnTraining training;
	VsKmeansTeam helpers;

	if (!vs_ann_training_begin(&training, team, options->lists, n))
		return false;
	n = pick_sample(ann, spool, n, training.items);
	n = vs_ann_training_read(&training, n);
	helpers = vs_ann_training_team(&training);
	together.team = &helpers;
	train_rows(ann, dir, &together, training.rows, n, mean);
	vs_ann_training_end(&training);
	return true;
}

/*
 * Centroids for the spool's rows: at most lists.  mean is that of an existing
 * directory, or NULL to choose one.  The result, in the current context, has room
 * for heads but none yet; it has at least one list.  team: of a parallel build, or
 * NULL.
 */
VsAnnDirectory *
vs_ann_train_with(const VsAnn *ann, Relation heap, VsAnnSpool *spool, int lists,
				  const float *mean, VsAnnTeam *team)
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
	if (team == NULL || !train_together(ann, team, dir, &options, spool, n, mean))
		train_alone(ann, heap, dir, &options, spool, n, mean);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return dir;
}

VsAnnDirectory *
vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool, int lists, const float *mean)
{
	return vs_ann_train_with(ann, heap, spool, lists, mean, NULL);
}

/* ---- assignment ---- */

/*
 * Puts the spool's rows into the directory's lists, numbered seal.  Returns
 * how many.  progress, unless NULL, is told how far it is.
 */
int64
vs_ann_assign(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
			  VsAnnSpool *spool, uint32 seal, void (*progress) (int64 done))
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann assignment",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VsAnnRound	round;
	int64		written = 0;
	int64		read = 0;
	int			n;

	vs_ann_round_begin(&round, ann, heap, dir, vs_ann_spool_count(spool), vs_ann_work_memory());
	vs_ann_spool_rewind(spool);
	while ((n = vs_ann_spool_get(spool, round.items, round.rows_at_once)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		vs_ann_round_add(&round, n, seal);
		read += n;
		if (vs_ann_round_full(&round))
		{
			written += round.n;
			vs_ann_round_append(&round, seal);
		}
		if (progress != NULL)
			progress(read);
	}
	written += round.n;
	vs_ann_round_append(&round, seal);
	vs_ann_round_end(&round);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return written;
}

void
vs_ann_blocks_add(BlockNumber block, void *arg)
{
	VsAnnBlocks *blocks = (VsAnnBlocks *) arg;

	if (blocks->n == blocks->capacity)
	{
		blocks->capacity = Max(64, blocks->capacity * 2);
		if (blocks->blocks == NULL)
			blocks->blocks = palloc(sizeof(BlockNumber) * blocks->capacity);
		else
			blocks->blocks = repalloc_huge(blocks->blocks,
										   sizeof(BlockNumber) * blocks->capacity);
	}
	blocks->blocks[blocks->n++] = block;
}
