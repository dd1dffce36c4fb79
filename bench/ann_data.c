/*-------------------------------------------------------------------------
 * ann_data.c
 *	  Test sets of bench-ann and their exact answers.
 *
 * usage: ann_data split WORDS DIM OUT QUERIES POOL
 *			divides WORDS (raw floats in random order) into OUT/base.f32,
 *			OUT/pool.f32 (rows for upserts) and OUT/queries.f32
 *		  ann_data mixed WORDS DIM OUT ROWS QUERIES POOL
 *			writes the same three files of 768-d vectors.  A vector is the mean
 *			of 3 random words under an orthonormal map, plus a little noise.
 *			So the set is as difficult as the words and has no other clusters.
 *		  ann_data truth VECTORS QUERIES DIM K FILTER OUT
 *			writes, for each query, the exact K-th smallest squared distance to
 *			the vectors that pass FILTER (none, category, price), as double
 *-------------------------------------------------------------------------
 */
#include "ann_data.h"

#include <pthread.h>

#include "simd/simd.h"

#define MIXED_DIM	768
#define MIXED_WORDS 3
#define NOISE		0.05		/* length of the noise; a vector has length 1 */
#define QUERY_TILE	64
#define MAX_K		100

static FILE *
create(const char *folder, const char *name)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (file == NULL)
		DIE("cannot write %s", path);
	return file;
}

static void
put(FILE *file, const void *data, size_t size)
{
	if (fwrite(data, 1, size, file) != size)
		DIE("cannot write: disk full?");
}

static void
split(const char *words, int dim, const char *out, int64_t queries, int64_t pool)
{
	Vectors		v = vectors_open(words, dim, false);
	int64_t		base = v.count - queries - pool;
	const struct
	{
		const char *name;
		int64_t		from;
		int64_t		count;
	}			parts[] = {
		{"base.f32", 0, base}, {"pool.f32", base, pool}, {"queries.f32", base + pool, queries}
	};

	if (base <= 0)
		DIE("%s has only %lld vectors", words, (long long) v.count);
	for (int i = 0; i < 3; i++)
	{
		FILE	   *file = create(out, parts[i].name);

		put(file, v.x + parts[i].from * dim, sizeof(float) * dim * parts[i].count);
		fclose(file);
	}
}

static double
random_normal(uint64_t *state)
{
	double		u = 1 - random_unit(state);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * random_unit(state));
}

/* Make dim orthonormal columns of MIXED_DIM numbers (Gram-Schmidt). */
static double *
orthonormal_map(int dim, uint64_t *state)
{
	double	   *map = malloc(sizeof(double) * dim * MIXED_DIM);

	for (int c = 0; c < dim; c++)
	{
		double	   *column = map + c * MIXED_DIM;
		double		norm = 0;

		for (int i = 0; i < MIXED_DIM; i++)
			column[i] = random_normal(state);
		for (int d = 0; d < c; d++)
		{
			const double *other = map + d * MIXED_DIM;
			double		product = 0;

			for (int i = 0; i < MIXED_DIM; i++)
				product += column[i] * other[i];
			for (int i = 0; i < MIXED_DIM; i++)
				column[i] -= product * other[i];
		}
		for (int i = 0; i < MIXED_DIM; i++)
			norm += column[i] * column[i];
		for (int i = 0; i < MIXED_DIM; i++)
			column[i] /= sqrt(norm);
	}
	return map;
}

static void
mixed_vector(const Vectors *words, const double *map, uint64_t *state, float *x)
{
	double		sum[MIXED_DIM] = {0};
	double		mean[1024];

	memset(mean, 0, sizeof(mean));
	for (int w = 0; w < MIXED_WORDS; w++)
	{
		const float *word = vector_at(words, random_below(state, words->count));

		for (int c = 0; c < words->dim; c++)
			mean[c] += word[c] / MIXED_WORDS;
	}
	for (int c = 0; c < words->dim; c++)
	{
		for (int i = 0; i < MIXED_DIM; i++)
			sum[i] += mean[c] * map[c * MIXED_DIM + i];
	}
	for (int i = 0; i < MIXED_DIM; i++)
		x[i] = (float) sum[i];
	normalize(MIXED_DIM, x);
	for (int i = 0; i < MIXED_DIM; i++)
		x[i] += (float) (random_normal(state) * NOISE / sqrt(MIXED_DIM));
	normalize(MIXED_DIM, x);
}

static void
mixed(const char *path, int dim, const char *out, int64_t rows, int64_t queries, int64_t pool)
{
	Vectors		words = vectors_open(path, dim, false);
	uint64_t	state = 42;
	double	   *map = orthonormal_map(dim, &state);
	const struct
	{
		const char *name;
		int64_t		count;
	}			parts[] = {{"base.f32", rows}, {"pool.f32", pool}, {"queries.f32", queries}};

	for (int p = 0; p < 3; p++)
	{
		FILE	   *file = create(out, parts[p].name);
		float		x[MIXED_DIM];

		for (int64_t i = 0; i < parts[p].count; i++)
		{
			mixed_vector(&words, map, &state, x);
			put(file, x, sizeof(x));
		}
		fclose(file);
	}
	free(map);
}

/* A thread's part of truth(): every step-th tile of queries from first on. */
typedef struct TruthPart
{
	const Vectors *vectors;
	const Vectors *queries;
	const char *filter;
	double	   *kth;			/* by query */
	int			k;
	int			first;
	int			step;
} TruthPart;

/* Insert d into best, the k smallest distances so far, in ascending order. */
static inline void
keep(double *best, int k, double d)
{
	int			i = k - 1;

	for (; i > 0 && best[i - 1] > d; i--)
		best[i] = best[i - 1];
	best[i] = d;
}

static void *
truth_part(void *arg)
{
	TruthPart  *part = arg;
	int			dim = part->vectors->dim;

	for (int64_t from = (int64_t) part->first * QUERY_TILE; from < part->queries->count;
		 from += (int64_t) part->step * QUERY_TILE)
	{
		int			tile = (int) (part->queries->count - from < QUERY_TILE ? part->queries->count - from : QUERY_TILE);
		double		best[QUERY_TILE][MAX_K];

		for (int q = 0; q < tile; q++)
			for (int i = 0; i < part->k; i++)
				best[q][i] = INFINITY;
		for (int64_t id = 0; id < part->vectors->count; id++)
		{
			const float *x = part->vectors->x + id * dim;

			if (!row_passes(part->filter, id))
				continue;
			for (int q = 0; q < tile; q++)
			{
				const float *query = part->queries->x + (from + q) * dim;
				float		d = vs_kernels->l2_squared_f32(dim, x, query);

				/* the margin exceeds the rounding error of the kernel */
				if (d <= best[q][part->k - 1] * (1 + 1e-4) + 1e-6)
				{
					double		exact = exact_distance(dim, x, query);

					if (exact < best[q][part->k - 1])
						keep(best[q], part->k, exact);
				}
			}
		}
		for (int q = 0; q < tile; q++)
			part->kth[from + q] = best[q][part->k - 1];
	}
	return NULL;
}

static void
truth(const char *vectors_path, const char *queries_path, int dim, int k, const char *filter, const char *out)
{
	Vectors		vectors = vectors_open(vectors_path, dim, false);
	Vectors		queries = vectors_open(queries_path, dim, false);
	double	   *kth = malloc(sizeof(double) * queries.count);
	TruthPart	parts[2];
	pthread_t	threads[2];
	FILE	   *file;

	if (k < 1 || k > MAX_K)
		DIE("K is 1 to %d", MAX_K);
	vs_simd_init();
	for (int i = 0; i < 2; i++)
	{
		parts[i] = (TruthPart) {&vectors, &queries, filter, kth, k, i, 2};
		pthread_create(&threads[i], NULL, truth_part, &parts[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	file = fopen(out, "wb");
	if (file == NULL)
		DIE("cannot write %s", out);
	put(file, kth, sizeof(double) * queries.count);
	fclose(file);
	free(kth);
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "split") == 0)
		split(argv[2], atoi(argv[3]), argv[4], atoll(argv[5]), atoll(argv[6]));
	else if (argc == 8 && strcmp(argv[1], "mixed") == 0)
		mixed(argv[2], atoi(argv[3]), argv[4], atoll(argv[5]), atoll(argv[6]), atoll(argv[7]));
	else if (argc == 8 && strcmp(argv[1], "truth") == 0)
		truth(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]), argv[6], argv[7]);
	else
		DIE("usage: see the head of bench/ann_data.c");
	return 0;
}
