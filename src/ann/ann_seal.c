/*-------------------------------------------------------------------------
 * ann_seal.c
 *	  Bulk work of builds, seals and compactions: train centroids, find each
 *	  row's list, code it, append it.
 *
 * Rows come as ids from a spool; their values are read from the store by address,
 * in the order of addresses.  A value that is not there any more belongs to a row that
 * is dead to everybody: its id is dropped.
 *
 * Memory: the coded rows of a round take at most vs_ann_work_memory(), a training
 * sample as much.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "utils/memutils.h"

#include "ann/ann_internal.h"
#include "compat/compat.h"
#include "util/stop_point.h"

#define ROWS_AT_ONCE	1024
#define ROWS_BYTES		((Size) 8 * 1024 * 1024)
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

static int
compare_addresses(const void *a, const void *b)
{
	uint32		x = ((const VsAnnId *) a)->address;
	uint32		y = ((const VsAnnId *) b)->address;

	return x < y ? -1 : x > y;
}

/* The payload of an id, or NULL when its row is gone. */
static const void *
read_payload(const VsAnn *ann, VsStoreReader *reader, const VsAnnId *id)
{
	Size		bytes = vs_ann_payload_bytes(ann->type.kind, ann->spec.dim);
	const void *payload = vs_store_reader_get(reader, id->address, bytes);

	if (payload != NULL &&
		vs_ann_payload_dim(ann->type.kind, payload) != ann->spec.dim)
		return NULL;
	return payload;
}

/* Picks about wanted items of the spool, evenly spread. */
static char *
pick_sample(const VsAnn *ann, VsAnnSpool *spool, int64 wanted, int64 *picked)
{
	int64		total = vs_ann_spool_count(spool);
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	char	   *sample = MemoryContextAllocHuge(CurrentMemoryContext,
												item_size * Max(wanted, 1));
	char	   *items = palloc(item_size * ROWS_AT_ONCE);
	int64		seen = 0;
	int			n;

	*picked = 0;
	vs_ann_spool_rewind(spool);
	while ((n = vs_ann_spool_get(spool, items, ROWS_AT_ONCE)) > 0)
	{
		for (int i = 0; i < n; i++, seen++)
		{
			/* the picked'th of wanted falls on this one */
			if (*picked < wanted && seen >= (double) *picked * total / wanted)
				memcpy(sample + item_size * (*picked)++, items + item_size * i, item_size);
		}
	}
	pfree(items);
	return sample;
}

/* Rotated values of the items; returns how many are still there. */
static int64
read_rows(const VsAnn *ann, Relation heap, char *items, int64 n, float *rows)
{
	Size		code_bytes = vs_ann_spooled_code_bytes(ann);
	Size		item_size = sizeof(VsAnnId) + code_bytes;
	VsStoreReader *reader;
	VsAnnCoder	coder;
	int64		found = 0;

	if (code_bytes > 0)
	{
		for (int64 i = 0; i < n; i++)
			vs_ann_code_floats(ann, (uint8 *) items + item_size * i + sizeof(VsAnnId),
							   rows + i * ann->geo.padded);
		return n;
	}
	reader = vs_store_reader_open(heap);
	vs_ann_coder_init(&coder, ann);
	qsort(items, n, item_size, compare_addresses);
	for (int64 i = 0; i < n; i++)
	{
		const void *payload = read_payload(ann, reader, (VsAnnId *) (items + item_size * i));

		CHECK_FOR_INTERRUPTS();
		if (payload != NULL)
			vs_ann_coder_rotate(&coder, payload, rows + found++ * ann->geo.padded);
	}
	vs_store_reader_close(reader);
	return found;
}

static void
subtract(float *rows, int64 n, int padded, const float *mean)
{
	for (int64 i = 0; i < n; i++)
	{
		for (int j = 0; j < padded; j++)
			rows[i * padded + j] -= mean[j];
	}
}

/* The mean of n > 0 rows. */
static void
mean_of(const float *rows, int64 n, int padded, float *mean)
{
	double	   *sum = palloc0(sizeof(double) * padded);

	for (int64 i = 0; i < n; i++)
	{
		for (int j = 0; j < padded; j++)
			sum[j] += rows[i * padded + j];
	}
	for (int j = 0; j < padded; j++)
		mean[j] = isfinite((float) (sum[j] / n)) ? (float) (sum[j] / n) : 0;
	pfree(sum);
}

/* Sample size that fits the memory with what the training itself needs. */
static int64
sample_size(const VsAnn *ann, const VsKmeansOptions *options, int64 nrows)
{
	int64		n = vs_kmeans_sample_size(nrows, options->lists);
	Size		memory = vs_ann_work_memory() * 2;
	Size		row = sizeof(float) * ann->geo.padded;

	while (n > 2 * options->lists && n > 256 &&
		   n * row + vs_kmeans_train_bytes(options, n) > memory)
		n = n * 7 / 8;
	return n;
}

/*
 * Centroids for the spool's rows: at most lists.  mean is that of an existing
 * directory, or NULL to choose one.  The result, in the current context, has room
 * for heads but none yet; it has at least one list.
 */
VsAnnDirectory *
vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool, int lists,
			 const float *mean)
{
	int			padded = ann->geo.padded;
	VsAnnDirectory *dir = palloc0(sizeof(VsAnnDirectory));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann training",
												  ALLOCSET_DEFAULT_SIZES);
	VsKmeansOptions options = {
		.dim = padded,
		.lists = lists,
		.spherical = ann->type.metric == VS_QUANT_COSINE,
		.seed = 1,
		.memory = {kmeans_alloc, kmeans_release, context},
		.interrupt = vs_ann_interrupt(),
	};
	MemoryContext old;
	char	   *sample;
	float	   *rows;
	int64		n;

	dir->mean = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * padded *
									   (lists + 1));
	memset(dir->mean, 0, sizeof(float) * padded * 2);
	dir->centroids = dir->mean + padded;
	dir->heads = palloc(sizeof(BlockNumber) * lists);
	if (mean == NULL)
		dir->centre = palloc0(sizeof(float) * padded);

	old = MemoryContextSwitchTo(context);
	n = sample_size(ann, &options, vs_ann_spool_count(spool));
	sample = pick_sample(ann, spool, n, &n);
	rows = MemoryContextAllocHuge(context, sizeof(float) * padded * Max(n, 1));
	n = read_rows(ann, heap, sample, n, rows);
	if (mean != NULL)
		memcpy(dir->mean, mean, sizeof(float) * padded);
	else if (n > 0 && ann->type.metric != VS_QUANT_HAMMING)
	{
		mean_of(rows, n, padded, dir->centre);
		/* under L2 everything may be moved by the mean */
		if (ann->type.metric == VS_QUANT_L2)
			memcpy(dir->mean, dir->centre, sizeof(float) * padded);
	}
	subtract(rows, n, padded, dir->mean);
	dir->nlists = Max(1, vs_kmeans_train(&options, n, rows, dir->centroids));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	for (int j = 0; j < padded; j++)
		dir->has_mean = dir->has_mean || dir->mean[j] != 0;
	return dir;
}

/* ---- assignment ---- */

typedef struct Placed
{
	int32		list;
	VsAnnCoded *entry;
} Placed;

/* A round of rows: read, assigned and coded, not yet appended. */
typedef struct Round
{
	const VsAnn *ann;
	const VsAnnDirectory *dir;
	VsAssign   *assign;
	VsStoreReader *reader;
	VsAnnCoder	coder;
	char	   *items;			/* rows_at_once, as the spool gives them */
	Size		item_size;
	float	   *rows;			/* rows_at_once * padded */
	int32	   *lists;			/* rows_at_once */
	int			rows_at_once;
	Size		entry_bytes;
	int			capacity;
	int			n;
	char	   *entries;
	Placed	   *placed;
	VsAnnCoded **run;
} Round;

static VsAnnCoded *
entry_at(Round *round, int i)
{
	return (VsAnnCoded *) (round->entries + round->entry_bytes * i);
}

static void
round_begin(Round *round, const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
			int64 nrows)
{
	Size		bytes = vs_assign_bytes(dir->nlists, ann->geo.padded);
	Size		row_bytes = sizeof(float) * ann->geo.padded;
	int64		fit;

	round->ann = ann;
	round->dir = dir;
	round->assign = vs_assign_init(MemoryContextAllocHuge(CurrentMemoryContext, bytes),
								   dir->nlists, ann->geo.padded, dir->centroids);
	round->reader = vs_store_reader_open(heap);
	vs_ann_coder_init(&round->coder, ann);
	round->rows_at_once = Max(32, Min(ROWS_AT_ONCE, ROWS_BYTES / row_bytes));
	round->item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	round->items = palloc(round->item_size * round->rows_at_once);
	round->rows = palloc(row_bytes * round->rows_at_once);
	round->lists = palloc(sizeof(int32) * round->rows_at_once);
	round->entry_bytes = vs_ann_coded_bytes(ann);
	fit = vs_ann_work_memory() /
		(round->entry_bytes + sizeof(Placed) + sizeof(VsAnnCoded *));
	round->capacity = Max(round->rows_at_once, Min(fit, nrows + round->rows_at_once));
	round->n = 0;
	round->entries = MemoryContextAllocHuge(CurrentMemoryContext,
											round->entry_bytes * round->capacity);
	round->placed = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(Placed) * round->capacity);
	round->run = MemoryContextAllocHuge(CurrentMemoryContext,
										sizeof(VsAnnCoded *) * round->capacity);
}

/* Keeps what the coder has made in entry number i. */
static void
take_code(Round *round, int i)
{
	const VsAnnGeometry *geo = &round->ann->geo;
	VsAnnCoded *entry = entry_at(round, i);

	entry->factors = round->coder.factors;
	entry->extra_factors = round->coder.extra_factors;
	memcpy(entry->codes, round->coder.code, geo->code_bytes);
	memcpy(entry->codes + geo->code_bytes, round->coder.extra, geo->extra_bytes);
}

/* Reads an item's value as entry number i and row number row; false if it is gone. */
static bool
read_item(Round *round, const char *item, int i, int row, uint32 seal)
{
	const VsAnn *ann = round->ann;
	float	   *rotated = round->rows + (Size) row * ann->geo.padded;
	VsAnnCoded *entry = entry_at(round, i);
	const void *payload;

	memcpy(&entry->id, item, sizeof(VsAnnId));
	entry->id.flags = 0;
	entry->id.seal = seal;
	if (round->item_size > sizeof(VsAnnId))
	{
		memcpy(round->coder.code, item + sizeof(VsAnnId), ann->geo.code_bytes);
		take_code(round, i);
		vs_ann_code_floats(ann, round->coder.code, rotated);
		return true;
	}
	payload = read_payload(ann, round->reader, &entry->id);
	if (payload == NULL)
		return false;
	vs_ann_coder_rotate(&round->coder, payload, rotated);
	return true;
}

/* Reads, assigns and codes count items. */
static void
round_add(Round *round, int count, uint32 seal)
{
	const VsAnn *ann = round->ann;
	int			padded = ann->geo.padded;
	bool		bits = ann->type.metric == VS_QUANT_HAMMING;
	VsQuantInterrupt interrupt = vs_ann_interrupt();
	int			found = 0;

	qsort(round->items, count, round->item_size, compare_addresses);
	for (int i = 0; i < count; i++)
	{
		if (read_item(round, round->items + round->item_size * i, round->n + found, found, seal))
			found++;
	}
	subtract(round->rows, round->dir->has_mean ? found : 0, padded, round->dir->mean);
	vs_assign_rows(round->assign, found, round->rows, round->lists, NULL, NULL, NULL,
				   &interrupt);
	for (int i = 0; i < found; i++)
	{
		if (!bits)
		{
			vs_ann_coder_encode(&round->coder, NULL, round->rows + (Size) i * padded,
								round->dir->centroids + (Size) round->lists[i] * padded, true);
			take_code(round, round->n + i);
		}
		round->placed[round->n + i].list = round->lists[i];
		round->placed[round->n + i].entry = entry_at(round, round->n + i);
	}
	round->n += found;
}

static int
compare_placed(const void *a, const void *b)
{
	const Placed *x = (const Placed *) a;
	const Placed *y = (const Placed *) b;

	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Appends the round's entries to their lists. */
static void
round_write(Round *round, uint32 seal)
{
	int			i = 0;

	qsort(round->placed, round->n, sizeof(Placed), compare_placed);
	while (i < round->n)
	{
		int32		list = round->placed[i].list;
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		for (; i < round->n && round->placed[i].list == list; i++)
			round->run[n++] = round->placed[i].entry;
		vs_ann_list_append(round->ann, round->dir->heads[list], round->run, n, seal);
		VS_STOP_POINT("seal: list written");
	}
	round->n = 0;
}

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
	Round		round;
	int64		written = 0;
	int64		read = 0;
	int			n;

	round_begin(&round, ann, heap, dir, vs_ann_spool_count(spool));
	vs_ann_spool_rewind(spool);
	while ((n = vs_ann_spool_get(spool, round.items, round.rows_at_once)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		round_add(&round, n, seal);
		read += n;
		if (round.n + round.rows_at_once > round.capacity)
		{
			written += round.n;
			round_write(&round, seal);
		}
		if (progress != NULL)
			progress(read);
	}
	written += round.n;
	round_write(&round, seal);
	vs_store_reader_close(round.reader);
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
