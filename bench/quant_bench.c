/*-------------------------------------------------------------------------
 * quant_bench.c
 *	  The quantizer in process: an inverted file over real vectors in memory.
 *
 * usage: quant_bench FILE DIM [name=value ...]
 *		FILE		raw floats, normalised, in random order (quant_data.py)
 *		queries		rows held out from the end as queries (1000)
 *		rows		use at most so many rows (all)
 *		lists		inverted lists (rows / 400)
 *		bits		bits a dimension (4)
 *		epsilon		bound factor (1.9)
 *		probes		comma separated numbers of lists (a sweep)
 *		passes		timed passes over the queries (3)
 *		seed		of rotation and clustering (1)
 *
 * Prints how long training, assignment and coding take, then for each number
 * of probes: recall@10 by exact distance, queries a second of the median
 * pass, and what a query did: codes scanned, codes refined, exact distances.
 * Metric is cosine.  One thread.
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quant/kmeans.h"
#include "quant/quant.h"
#include "simd/simd.h"

#define K			10
#define MAX_SWEEP	64

typedef struct Config
{
	const char *file;
	int			dim;
	int			nqueries;
	int			max_rows;
	int			lists;
	int			bits;
	float		epsilon;
	int			passes;
	uint64_t	seed;
	int			nprobes;
	int			probes[MAX_SWEEP];
} Config;

typedef struct List
{
	int			rows;
	int32_t    *row;			/* numbers of its rows */
	uint8_t    *codes;			/* blocks */
	float	   *factors;		/* a block: 32 add, 32 rescale, 32 error */
	uint8_t    *extra;
	VsQuantFactors *extra_factors;
} List;

typedef struct Index
{
	Config		config;
	VsQuantSpec spec;
	int			nrows;
	float	   *data;			/* rows, then queries */
	int			nlists;
	VsAssign   *assign;
	List	   *lists;
} Index;

typedef struct Work
{
	int64_t		codes;
	int64_t		refined;
	int64_t		exact;
} Work;

typedef struct Result
{
	float		distance;
	int			row;
} Result;

/* The nearest so far, nearest first; count grows to K. */
typedef struct Best
{
	int			count;
	Result		item[K];
} Best;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void *
allocate(void *arg, size_t size)
{
	void	   *p = aligned_alloc(64, (size + 63) / 64 * 64);

	(void) arg;
	if (p == NULL)
		exit(1);
	return p;
}

static void
release(void *arg, void *p)
{
	(void) arg;
	free(p);
}

static void
best_add(Best *best, float distance, int row)
{
	int			i;

	if (best->count == K && distance >= best->item[K - 1].distance)
		return;
	i = best->count < K ? best->count++ : K - 1;
	for (; i > 0 && best->item[i - 1].distance > distance; i--)
		best->item[i] = best->item[i - 1];
	best->item[i].distance = distance;
	best->item[i].row = row;
}

static float
best_threshold(const Best *best)
{
	return best->count < K ? INFINITY : best->item[K - 1].distance;
}

static const float *
row_of(const Index *index, int row)
{
	return index->data + (size_t) row * index->config.dim;
}

static float
exact(const Index *index, const float *query, int row)
{
	return 1 - vs_kernels->inner_product_f32(index->config.dim, query, row_of(index, row));
}

/* ---- building ---- */

static void
load(Index *index)
{
	FILE	   *file = fopen(index->config.file, "rb");
	size_t		row_bytes = sizeof(float) * index->config.dim;
	size_t		count;

	if (file == NULL)
	{
		perror(index->config.file);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	count = (size_t) ftell(file) / row_bytes;
	if (index->config.max_rows > 0 && count > (size_t) index->config.max_rows)
		count = index->config.max_rows;
	rewind(file);
	index->data = allocate(NULL, count * row_bytes);
	if (fread(index->data, row_bytes, count, file) != count)
		exit(1);
	fclose(file);
	index->nrows = (int) count - index->config.nqueries;
	if (index->config.lists == 0)
		index->config.lists = index->nrows / 400;
}

static void
list_encode(Index *index, List *list, const float *centroid)
{
	const VsQuantSpec *spec = &index->spec;
	size_t		nblocks = ((size_t) list->rows + 31) / 32;
	float	   *rotated = allocate(NULL, sizeof(float) * spec->padded_dim);
	float	   *rotated_centroid = allocate(NULL, sizeof(float) * spec->padded_dim);
	uint8_t    *code = allocate(NULL, vs_quant_code_bytes(spec));
	int			i;

	list->codes = allocate(NULL, nblocks * vs_quant_block_bytes(spec) + 1);
	list->factors = allocate(NULL, nblocks * 96 * sizeof(float) + 1);
	list->extra = allocate(NULL, list->rows * vs_quant_extra_bytes(spec) + 1);
	list->extra_factors = allocate(NULL, list->rows * sizeof(VsQuantFactors) + 1);
	memset(list->codes, 0, nblocks * vs_quant_block_bytes(spec));
	vs_quant_rotate(spec, 1, centroid, NULL, rotated_centroid);
	for (i = 0; i < list->rows; i++)
	{
		VsQuantFactors f;
		float	   *columns = list->factors + i / 32 * 96;

		vs_quant_rotate(spec, 1, row_of(index, list->row[i]), NULL, rotated);
		vs_quant_encode(spec, rotated, rotated_centroid, code, &f,
						list->extra + i * vs_quant_extra_bytes(spec), &list->extra_factors[i]);
		vs_quant_block_put(list->codes + i / 32 * vs_quant_block_bytes(spec), i % 32, code,
						   0, spec->padded_dim);
		columns[i % 32] = f.add;
		columns[32 + i % 32] = f.rescale;
		columns[64 + i % 32] = f.error;
	}
	free(rotated);
	free(rotated_centroid);
	free(code);
}

static void
build(Index *index)
{
	const Config *config = &index->config;
	VsKmeansOptions options = {config->dim, config->lists, 0, false, config->seed,
	{allocate, release, NULL}, {NULL, NULL}};
	int64_t		sample = vs_kmeans_sample_size(index->nrows, config->lists);
	float	   *centroids = allocate(NULL, sizeof(float) * config->lists * config->dim);
	int32_t    *nearest = allocate(NULL, sizeof(int32_t) * index->nrows);
	float	   *distances = allocate(NULL, sizeof(float) * index->nrows);
	double		start = now();
	double		error = 0;
	int			largest = 0;
	int			i;

	index->nlists = vs_kmeans_train(&options, sample, index->data, centroids);
	printf("train: %d lists of %ld rows: %.2f s\n", index->nlists, (long) sample, now() - start);
	index->assign = vs_assign_init(allocate(NULL, vs_assign_bytes(index->nlists, config->dim)),
								   index->nlists, config->dim, centroids);
	start = now();
	vs_assign_rows(index->assign, index->nrows, index->data, nearest, distances, NULL, NULL, NULL);
	start = now() - start;
	index->lists = calloc(index->nlists, sizeof(List));
	for (i = 0; i < index->nrows; i++)
	{
		index->lists[nearest[i]].rows++;
		error += distances[i];
	}
	printf("assign: %.2f s, %.0f rows/s, %.1f GFlop/s; mean squared distance %.4f\n",
		   start, index->nrows / start,
		   2.0 * index->nrows * index->nlists * config->dim / start * 1e-9, error / index->nrows);
	for (i = 0; i < index->nlists; i++)
	{
		if (index->lists[i].rows > largest)
			largest = index->lists[i].rows;
		index->lists[i].row = allocate(NULL, sizeof(int32_t) * (index->lists[i].rows + 1));
		index->lists[i].rows = 0;
	}
	for (i = 0; i < index->nrows; i++)
	{
		List	   *list = &index->lists[nearest[i]];

		list->row[list->rows++] = i;
	}
	start = now();
	for (i = 0; i < index->nlists; i++)
		list_encode(index, &index->lists[i], centroids + (size_t) i * config->dim);
	printf("encode: %.2f s, %.0f rows/s; largest list %d, mean %d\n", now() - start,
		   index->nrows / (now() - start), largest, index->nrows / index->nlists);
	free(centroids);
	free(nearest);
	free(distances);
}

/* ---- searching ---- */

static void
list_scan(const Index *index, const List *list, const VsQuantQuery *query,
		  const VsQuantListTerms *terms, const float *vector, Best *best, Work *work)
{
	size_t		block_bytes = vs_quant_block_bytes(&index->spec);
	size_t		extra_bytes = vs_quant_extra_bytes(&index->spec);
	int			first;

	for (first = 0; first < list->rows; first += 32)
	{
		const float *factors = list->factors + first / 32 * 96;
		VsQuantBlock block = {list->codes + first / 32 * block_bytes,
		factors, factors + 32, factors + 64};
		float		lower[32];
		uint32_t	left = list->rows - first >= 32 ? UINT32_MAX :
			(UINT32_C(1) << (list->rows - first)) - 1;

		left &= vs_quant_block_scan(query, terms, &block, best_threshold(best), NULL, lower);
		for (; left != 0; left &= left - 1)
		{
			int			slot = __builtin_ctz(left);
			float		est;

			if (lower[slot] >= best_threshold(best))
				continue;
			if (extra_bytes > 0)
			{
				work->refined++;
				if (vs_quant_refine(query, terms, list->extra + (first + slot) * extra_bytes,
									&list->extra_factors[first + slot], &est) >=
					best_threshold(best))
					continue;
			}
			work->exact++;
			best_add(best, exact(index, vector, list->row[first + slot]), list->row[first + slot]);
		}
	}
	work->codes += list->rows;
}

static int
by_distance(const void *a, const void *b)
{
	float		x = ((const Result *) a)->distance;
	float		y = ((const Result *) b)->distance;

	return (x > y) - (x < y);
}

/* Moves the wanted smallest to the front, in order. */
static void
select_smallest(Result *items, int count, int wanted)
{
	int			left = 0;
	int			right = count - 1;

	while (left < right && wanted < count)
	{
		float		pivot = items[(left + right) / 2].distance;
		int			i = left;
		int			j = right;

		while (i <= j)
		{
			while (items[i].distance < pivot)
				i++;
			while (items[j].distance > pivot)
				j--;
			if (i <= j)
			{
				Result		swap = items[i];

				items[i++] = items[j];
				items[j--] = swap;
			}
		}
		if (wanted - 1 <= j)
			right = j;
		else if (wanted - 1 >= i)
			left = i;
		else
			break;
	}
	qsort(items, wanted, sizeof(Result), by_distance);
}

static void
search(const Index *index, const float *vector, int probes, Best *best, Work *work)
{
	static void *memory = NULL;
	static float *scores;
	static float *rotated;
	static Result *order;
	const float *norms = vs_assign_norms(index->assign);
	VsQuantQuery *query;
	int			i;

	if (memory == NULL)
	{
		memory = allocate(NULL, vs_quant_query_bytes(&index->spec));
		rotated = allocate(NULL, sizeof(float) * index->spec.padded_dim);
		scores = allocate(NULL, sizeof(float) * index->nlists);
		order = allocate(NULL, sizeof(Result) * index->nlists);
	}
	if (probes > index->nlists)
		probes = index->nlists;
	vs_quant_rotate(&index->spec, 1, vector, NULL, rotated);
	query = vs_quant_query_init(memory, &index->spec, rotated, index->config.epsilon);
	vs_assign_query(index->assign, VS_QUANT_COSINE, vector, scores);
	for (i = 0; i < index->nlists; i++)
	{
		/* squared distance, but for the query's norm */
		order[i].distance = norms[i] + 2 * scores[i];
		order[i].row = i;
	}
	select_smallest(order, index->nlists, probes);
	best->count = 0;
	for (i = 0; i < probes; i++)
	{
		int			list = order[i].row;
		VsQuantListTerms terms;

		vs_quant_list_terms(query, scores[list], norms[list], &terms);
		list_scan(index, &index->lists[list], query, &terms, vector, best, work);
	}
}

/* Distance of each query's K-th neighbour, by exact search. */
static float *
ground_truth(const Index *index)
{
	float	   *kth = allocate(NULL, sizeof(float) * index->config.nqueries);
	Best	   *best = calloc(index->config.nqueries, sizeof(Best));
	int			row;
	int			q;

	for (row = 0; row < index->nrows; row++)
		for (q = 0; q < index->config.nqueries; q++)
			best_add(&best[q], exact(index, row_of(index, index->nrows + q), row), row);
	for (q = 0; q < index->config.nqueries; q++)
		kth[q] = best_threshold(&best[q]);
	free(best);
	return kth;
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
measure(const Index *index, const float *kth, int probes)
{
	const Config *config = &index->config;
	double		times[16];
	double		found = 0;
	Work		work = {0, 0, 0};
	int			pass;
	int			q;
	int			i;

	for (pass = 0; pass <= config->passes; pass++)
	{
		double		start = now();

		for (q = 0; q < config->nqueries; q++)
		{
			Best		best;
			Work		ignored = {0, 0, 0};

			search(index, row_of(index, index->nrows + q), probes, &best,
				   pass == 0 ? &work : &ignored);
			for (i = 0; pass == 0 && i < best.count; i++)
				found += best.item[i].distance <= kth[q] + 1e-6f;
		}
		if (pass > 0)
			times[pass - 1] = now() - start;
	}
	qsort(times, config->passes, sizeof(double), by_value);
	printf("%6d %8.4f %8.0f %10.0f %9.1f %8.1f\n", probes, found / config->nqueries / K,
		   config->nqueries / times[config->passes / 2],
		   (double) work.codes / config->nqueries,
		   (double) work.refined / config->nqueries,
		   (double) work.exact / config->nqueries);
	fflush(stdout);
}

static void
option(Config *config, const char *argument)
{
	const char *value = strchr(argument, '=');
	size_t		length = value ? (size_t) (value - argument) : 0;

#define NAMED(name) (length == strlen(name) && strncmp(argument, name, length) == 0)
	if (value == NULL)
		exit(2);
	value++;
	if (NAMED("queries"))
		config->nqueries = atoi(value);
	else if (NAMED("rows"))
		config->max_rows = atoi(value);
	else if (NAMED("lists"))
		config->lists = atoi(value);
	else if (NAMED("bits"))
		config->bits = atoi(value);
	else if (NAMED("epsilon"))
		config->epsilon = (float) atof(value);
	else if (NAMED("passes"))
		config->passes = atoi(value);
	else if (NAMED("seed"))
		config->seed = strtoull(value, NULL, 10);
	else if (NAMED("probes"))
		for (config->nprobes = 0; value != NULL && config->nprobes < MAX_SWEEP;)
		{
			config->probes[config->nprobes++] = atoi(value);
			value = strchr(value, ',');
			value = value ? value + 1 : NULL;
		}
	else
	{
		fprintf(stderr, "unknown option %s\n", argument);
		exit(2);
	}
#undef NAMED
}

int
main(int argc, char **argv)
{
	Index		index = {.config = {.nqueries = 1000, .bits = 4,
			.epsilon = VS_QUANT_EPSILON_DEFAULT, .passes = 3, .seed = 1,
			.nprobes = 8, .probes = {8, 16, 32, 48, 64, 96, 128, 256}}};
	Config	   *config = &index.config;
	float	   *kth;
	int			i;

	if (argc < 3)
	{
		fprintf(stderr, "usage: quant_bench FILE DIM [name=value ...]\n");
		return 2;
	}
	config->file = argv[1];
	config->dim = atoi(argv[2]);
	for (i = 3; i < argc; i++)
		option(config, argv[i]);
	vs_quant_init();
	load(&index);
	vs_quant_spec(&index.spec, VS_QUANT_COSINE, config->dim, config->bits, config->seed);
	printf("%d rows, %d queries, %d dimensions, %d bits, epsilon %.2f, %s\n", index.nrows,
		   config->nqueries, config->dim, config->bits, config->epsilon, vs_quant_variant());
	build(&index);
	kth = ground_truth(&index);
	printf("probes   recall      QPS      codes   refined    exact\n");
	for (i = 0; i < config->nprobes; i++)
		measure(&index, kth, config->probes[i]);
	return 0;
}
