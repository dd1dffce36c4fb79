/*-------------------------------------------------------------------------
 * quant_bench.c
 *	  The quantizer alone: an inverted file over real vectors in memory.
 *
 * usage: quant_bench FILE DIM [name=value ...]
 *		FILE		raw floats, normalized, in random order (quant_data.py)
 *		queries		number of queries, which are the last rows (1000)
 *		rows		number of rows to use at most (all)
 *		lists		inverted lists (rows / 400)
 *		bits		bits per dimension (4)
 *		epsilon		factor of the bounds (1.9)
 *		probes		numbers of lists, separated by commas (a sweep)
 *		factors		factors of adaptive probing, separated by commas (a sweep);
 *					see enough()
 *		grace		constant of adaptive probing (24)
 *		passes		timed passes over the queries (3)
 *		seed		of rotation and clustering (1)
 *
 * Prints how long training, assignment and encoding take.  Then prints for
 * each number of probes: recall@10 by exact distance, queries per second of
 * processor time (median pass), and per query the numbers of scanned codes,
 * refined codes and exact distances.  The metric is cosine.  One thread.
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
	int			grace;
	int			nfactors;
	float		factors[MAX_SWEEP];
	int			nprobes;
	int			probes[MAX_SWEEP];
} Config;

typedef struct List
{
	int			rows;
	int32_t    *row;			/* row numbers of its entries */
	uint8_t    *blocks;			/* each: codes; add, rescale, error of 32 */
	uint8_t    *extra;			/* per entry: factors, code */
} List;

typedef struct Index
{
	Config		config;
	VsQuantSpec spec;
	size_t		block_bytes;	/* per block of a list, with factors */
	size_t		extra_bytes;	/* per extra code, with factors */
	int			nrows;
	float	   *data;			/* rows, then queries */
	int			nlists;
	VsAssign   *assign;
	List	   *lists;
} Index;

typedef struct Work
{
	int64_t		lists;
	int64_t		codes;
	int64_t		refined;
	int64_t		exact;
} Work;

typedef struct Result
{
	float		distance;
	int			row;
} Result;

/* The nearest results so far, nearest first; count grows to K. */
typedef struct Best
{
	int			count;
	Result		item[K];
} Best;

/* Return processor time, which other programs disturb less. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

	list->blocks = allocate(NULL, nblocks * index->block_bytes + 1);
	list->extra = allocate(NULL, list->rows * index->extra_bytes + 1);
	memset(list->blocks, 0, nblocks * index->block_bytes);
	vs_quant_rotate(spec, 1, centroid, NULL, rotated_centroid);
	for (int i = 0; i < list->rows; i++)
	{
		uint8_t    *block = list->blocks + i / 32 * index->block_bytes;
		float	   *columns = (float *) (block + vs_quant_block_bytes(spec));
		uint8_t    *extra = list->extra + i * index->extra_bytes;
		VsQuantFactors f;

		vs_quant_rotate(spec, 1, row_of(index, list->row[i]), NULL, rotated);
		vs_quant_encode(spec, rotated, rotated_centroid, code, &f,
						extra + sizeof(VsQuantFactors), (VsQuantFactors *) extra);
		vs_quant_block_put(block, i % 32, code, 0, spec->padded_dim);
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
	{allocate, release, NULL}, {NULL, NULL}, NULL};
	int64_t		sample = vs_kmeans_sample_size(index->nrows, config->lists);
	float	   *centroids = allocate(NULL, sizeof(float) * config->lists * config->dim);
	float	   *copy = allocate(NULL, sizeof(float) * sample * config->dim);
	int32_t    *nearest = allocate(NULL, sizeof(int32_t) * index->nrows);
	float	   *distances = allocate(NULL, sizeof(float) * index->nrows);
	double		start = now();
	double		error = 0;
	int			largest = 0;

	memcpy(copy, index->data, sizeof(float) * sample * config->dim);
	index->nlists = vs_kmeans_train(&options, sample, copy, centroids);
	printf("train: %d lists of %ld rows: %.2f s\n", index->nlists, (long) sample, now() - start);
	release(NULL, copy);
	index->assign = vs_assign_init(allocate(NULL, vs_assign_bytes(index->nlists, config->dim)),
								   index->nlists, config->dim, centroids);
	start = now();
	vs_assign_rows(index->assign, index->nrows, index->data, nearest, distances, NULL, NULL, NULL);
	start = now() - start;
	index->lists = calloc(index->nlists, sizeof(List));
	for (int i = 0; i < index->nrows; i++)
	{
		index->lists[nearest[i]].rows++;
		error += distances[i];
	}
	printf("assign: %.2f s, %.0f rows/s, %.1f GFlop/s; mean squared distance %.4f\n",
		   start, index->nrows / start,
		   2.0 * index->nrows * index->nlists * config->dim / start * 1e-9, error / index->nrows);
	for (int i = 0; i < index->nlists; i++)
	{
		if (index->lists[i].rows > largest)
			largest = index->lists[i].rows;
		index->lists[i].row = allocate(NULL, sizeof(int32_t) * (index->lists[i].rows + 1));
		index->lists[i].rows = 0;
	}
	for (int i = 0; i < index->nrows; i++)
	{
		List	   *list = &index->lists[nearest[i]];

		list->row[list->rows++] = i;
	}
	start = now();
	for (int i = 0; i < index->nlists; i++)
		list_encode(index, &index->lists[i], centroids + (size_t) i * config->dim);
	printf("encode: %.2f s, %.0f rows/s; largest list %d, mean %d\n", now() - start,
		   index->nrows / (now() - start), largest, index->nrows / index->nlists);
	free(centroids);
	free(nearest);
	free(distances);
}

/* ---- searching ---- */

/*
 * An entry with a low enough bound; it waits until its extra code is fetched.
 */
typedef struct Candidate
{
	const List *list;
	int			entry;
	float		est;
	float		lower;
	int			rank;			/* of its list */
	VsQuantListTerms terms;
} Candidate;

/*
 * While lists are scanned, entries are compared with upper bounds: the K-th
 * smallest upper bound is not below the K-th distance, so entries with a
 * smaller lower bound are kept.  At the end a few rows are read, in the order
 * of their lower bounds.
 */
typedef struct Search
{
	const Index *index;
	const float *vector;
	VsQuantQuery *query;
	Best		upper;			/* K smallest upper bounds; row: rank of list */
	int			rank;			/* of the current list */
	Best		best;			/* K smallest distances */
	int			nwaiting;
	Candidate	waiting[64];
	int			nkept;
	int			maxkept;
	Result	   *kept;			/* lower bound and row */
	Work	   *work;
} Search;

static void
prefetch(const void *memory, size_t size)
{
	for (size_t i = 0; i < size; i += 64)
		__builtin_prefetch((const char *) memory + i);
}

static int
by_distance(const void *a, const void *b)
{
	float		x = ((const Result *) a)->distance;
	float		y = ((const Result *) b)->distance;

	return (x > y) - (x < y);
}

static void
exact_run(Search *search)
{
	size_t		row_bytes = sizeof(float) * search->index->config.dim;
	int			n = 0;

	for (int i = 0; i < search->nkept; i++)
		if (search->kept[i].distance < best_threshold(&search->upper))
			search->kept[n++] = search->kept[i];
	qsort(search->kept, n, sizeof(Result), by_distance);
	for (int i = 0; i < n && i < 8; i++)
		prefetch(row_of(search->index, search->kept[i].row), row_bytes);
	for (int i = 0; i < n && search->kept[i].distance < best_threshold(&search->best); i++)
	{
		int			row = search->kept[i].row;

		if (i + 8 < n)
			prefetch(row_of(search->index, search->kept[i + 8].row), row_bytes);
		search->work->exact++;
		best_add(&search->best, exact(search->index, search->vector, row), row);
	}
}

static void
refine_run(Search *search)
{
	size_t		extra_bytes = search->index->extra_bytes;

	for (int i = 0; i < search->nwaiting; i++)
	{
		Candidate  *c = &search->waiting[i];
		const uint8_t *extra = c->list->extra + c->entry * extra_bytes;
		float		est = c->est;
		float		lower = c->lower;

		if (lower >= best_threshold(&search->upper))
			continue;
		if (search->index->spec.bits > 1)
		{
			search->work->refined++;
			lower = vs_quant_refine(search->query, &c->terms, extra + sizeof(VsQuantFactors),
									(const VsQuantFactors *) extra, &est);
		}
		if (lower >= best_threshold(&search->upper))
			continue;
		best_add(&search->upper, est + (est - lower), c->rank);
		if (search->nkept == search->maxkept)
		{
			search->maxkept = search->maxkept * 2 + 1000;
			search->kept = realloc(search->kept, sizeof(Result) * search->maxkept);
		}
		search->kept[search->nkept].distance = lower;
		search->kept[search->nkept++].row = c->list->row[c->entry];
	}
	search->nwaiting = 0;
}

static void
list_scan(Search *search, const List *list, const VsQuantListTerms *terms)
{
	const Index *index = search->index;
	size_t		codes_bytes = vs_quant_block_bytes(&index->spec);
	size_t		extra_bytes = index->extra_bytes;

	for (int first = 0; first < list->rows; first += 32)
	{
		const uint8_t *codes = list->blocks + first / 32 * index->block_bytes;
		const float *factors = (const float *) (codes + codes_bytes);
		VsQuantBlock block = {codes, factors, factors + 32, factors + 64};
		float		est[32];
		float		lower[32];
		uint32_t	left = list->rows - first >= 32 ? UINT32_MAX :
			(UINT32_C(1) << (list->rows - first)) - 1;

		prefetch(codes + index->block_bytes, index->block_bytes);
		left &= vs_quant_block_scan(search->query, terms, &block,
									best_threshold(&search->upper), est, lower);
		for (; left != 0; left &= left - 1)
		{
			int			slot = __builtin_ctz(left);
			Candidate  *c = &search->waiting[search->nwaiting++];

			c->list = list;
			c->rank = search->rank;
			c->entry = first + slot;
			c->est = est[slot];
			c->lower = lower[slot];
			c->terms = *terms;
			prefetch(list->extra + c->entry * extra_bytes, extra_bytes);
			if (search->nwaiting == 64)
				refine_run(search);
		}
		if (search->nwaiting >= 8)
			refine_run(search);
	}
	search->work->codes += list->rows;
}

/* Move the smallest "wanted" items to the front, in order. */
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

/*
 * Return whether to stop before the list of this rank.  That is so if none of
 * the K nearest so far came from the last lists; the higher the last rank
 * that gave one, the more lists must have given none.
 */
static bool
enough(const Search *search, int rank, float factor)
{
	int			last = 0;

	if (search->upper.count < K)
		return false;
	for (int i = 0; i < K; i++)
		if (search->upper.item[i].row > last)
			last = search->upper.item[i].row;
	return (float) rank > factor * (float) last + (float) search->index->config.grace;
}

static void
search_index(const Index *index, const float *vector, int probes, float factor,
			 Best *best, Work *work)
{
	static Search search;
	static void *memory = NULL;
	static float *scores;
	static float *rotated;
	static Result *order;
	const float *norms = vs_assign_norms(index->assign);
	VsQuantQuery *query;

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
	for (int i = 0; i < index->nlists; i++)
	{
		/* squared distance without the norm of the query */
		order[i].distance = norms[i] + 2 * scores[i];
		order[i].row = i;
	}
	select_smallest(order, index->nlists, probes);
	search.index = index;
	search.vector = vector;
	search.query = query;
	search.work = work;
	search.best.count = 0;
	search.upper.count = 0;
	search.nkept = 0;
	search.nwaiting = 0;
	for (int i = 0; i < probes; i++)
	{
		int			list = order[i].row;
		VsQuantListTerms terms;

		if (i + 1 < probes)
			prefetch(index->lists[order[i + 1].row].blocks, index->block_bytes);
		if (factor > 0 && enough(&search, i, factor))
			break;
		search.rank = i;
		work->lists++;
		vs_quant_list_terms(query, scores[list], norms[list], &terms);
		list_scan(&search, &index->lists[list], &terms);
	}
	refine_run(&search);
	exact_run(&search);
	*best = search.best;
}

/* Find the distance of each query's K-th neighbor, by exact search. */
static float *
ground_truth(const Index *index)
{
	float	   *kth = allocate(NULL, sizeof(float) * index->config.nqueries);
	Best	   *best = calloc(index->config.nqueries, sizeof(Best));

	for (int row = 0; row < index->nrows; row++)
		for (int q = 0; q < index->config.nqueries; q++)
			best_add(&best[q], exact(index, row_of(index, index->nrows + q), row), row);
	for (int q = 0; q < index->config.nqueries; q++)
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
measure(const Index *index, const float *kth, int probes, float factor)
{
	const Config *config = &index->config;
	double		times[16];
	double		found = 0;
	Work		work = {0, 0, 0, 0};

	for (int pass = 0; pass <= config->passes; pass++)
	{
		double		start = now();

		for (int q = 0; q < config->nqueries; q++)
		{
			Best		best;
			Work		ignored = {0, 0, 0, 0};

			search_index(index, row_of(index, index->nrows + q), probes, factor, &best,
				   pass == 0 ? &work : &ignored);
			for (int i = 0; pass == 0 && i < best.count; i++)
				found += best.item[i].distance <= kth[q] + 1e-6f;
		}
		if (pass > 0)
			times[pass - 1] = now() - start;
	}
	qsort(times, config->passes, sizeof(double), by_value);
	printf("%6.2f %6.1f %8.4f %8.0f %10.0f %9.1f %8.1f\n", factor,
		   (double) work.lists / config->nqueries, found / config->nqueries / K,
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
	else if (NAMED("grace"))
		config->grace = atoi(value);
	else if (NAMED("seed"))
		config->seed = strtoull(value, NULL, 10);
	else if (NAMED("probes"))
		for (config->nprobes = 0; value != NULL && config->nprobes < MAX_SWEEP;)
		{
			config->probes[config->nprobes++] = atoi(value);
			value = strchr(value, ',');
			value = value ? value + 1 : NULL;
		}
	else if (NAMED("factors"))
		for (config->nfactors = 0; value != NULL && config->nfactors < MAX_SWEEP;)
		{
			config->factors[config->nfactors++] = (float) atof(value);
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
			.epsilon = VS_QUANT_EPSILON_DEFAULT, .passes = 3, .seed = 1, .grace = 24,
			.nprobes = 8, .probes = {8, 16, 32, 48, 64, 96, 128, 256}}};
	Config	   *config = &index.config;
	float	   *kth;

	if (argc < 3)
	{
		fprintf(stderr, "usage: quant_bench FILE DIM [name=value ...]\n");
		return 2;
	}
	config->file = argv[1];
	config->dim = atoi(argv[2]);
	for (int i = 3; i < argc; i++)
		option(config, argv[i]);
	vs_quant_init();
	load(&index);
	vs_quant_spec(&index.spec, VS_QUANT_COSINE, config->dim, config->bits, config->seed);
	index.block_bytes = vs_quant_block_bytes(&index.spec) + 96 * sizeof(float);
	index.extra_bytes = vs_quant_extra_bytes(&index.spec) + sizeof(VsQuantFactors);
	printf("%d rows, %d queries, %d dimensions, %d bits, epsilon %.2f, %s\n", index.nrows,
		   config->nqueries, config->dim, config->bits, config->epsilon, vs_quant_variant());
	build(&index);
	kth = ground_truth(&index);
	printf("factor probes   recall      QPS      codes   refined    exact\n");
	for (int i = 0; i < config->nprobes; i++)
		measure(&index, kth, config->probes[i], 0);
	for (int i = 0; i < config->nfactors; i++)
		measure(&index, kth, index.nlists, config->factors[i]);
	return 0;
}
