/*-------------------------------------------------------------------------
 * test_quant_words.c
 *	  Clusters, codes and bounds on real word vectors.
 *
 * 5,000 words (test/data) are an inverted file; some words are queries.
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/kmeans.h"
#include "quant/quant.h"
#include "quant_test.h"

#define DIM			100
#define PADDED		128
#define MAX_ROWS	5000
#define LISTS		40
#define QUERIES		100
#define K			10
#define BITS		4

static float rows[MAX_ROWS * DIM];
static int	nrows = 0;

static float centroids[LISTS * DIM];
static int	nlists;
static int32_t list_of[MAX_ROWS];

/* The codes of a row, in slot 0 of its own block. */
typedef struct Coded
{
	uint8_t		block[PADDED * 4];
	float		add[VS_QUANT_BLOCK];
	float		rescale[VS_QUANT_BLOCK];
	float		error[VS_QUANT_BLOCK];
	uint8_t		extra[PADDED];
	VsQuantFactors extra_factors;
} Coded;

static Coded coded[MAX_ROWS];
static VsQuantSpec spec;

static void *
plain_alloc(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
plain_release(void *arg, void *pointer)
{
	(void) arg;
	free(pointer);
}

/* Read lines that end in [x,y,...], and normalize the vectors. */
static bool
load(const char *path)
{
	char		command[300];
	static char line[4000];
	FILE	   *file;

	snprintf(command, sizeof(command), "gzip -dc '%s'", path);
	file = popen(command, "r");
	if (file == NULL)
		return false;
	while (nrows < MAX_ROWS && fgets(line, sizeof(line), file) != NULL)
	{
		float	   *row = rows + nrows * DIM;
		char	   *next = strchr(line, '[');
		double		norm;

		for (int d = 0; next != NULL && d < DIM; d++)
			row[d] = strtof(next + 1, &next);
		norm = sqrt(dot(DIM, row, row));
		for (int d = 0; d < DIM; d++)
			row[d] = (float) (row[d] / norm);
		nrows += norm > 0;
	}
	return pclose(file) == 0 && nrows == MAX_ROWS;
}

static void
build(void)
{
	VsKmeansOptions options = {.dim = DIM, .lists = LISTS, .seed = 1, .memory = {plain_alloc, plain_release, NULL}};
	void	   *memory;

	vs_quant_spec(&spec, VS_QUANT_COSINE, DIM, BITS, 1);
	nlists = vs_kmeans_train(&options, nrows, rows, centroids);
	memory = malloc(vs_assign_bytes(nlists, DIM));
	vs_assign_rows(vs_assign_init(memory, nlists, DIM, centroids), nrows, rows, list_of,
				   NULL, NULL, NULL, NULL);
	free(memory);
	for (int i = 0; i < nrows; i++)
	{
		Coded	   *c = &coded[i];
		float		rotated[2][PADDED];
		uint8_t		code[PADDED / 8];
		VsQuantFactors factors;

		vs_quant_rotate(&spec, 1, rows + i * DIM, NULL, rotated[0]);
		vs_quant_rotate(&spec, 1, centroids + list_of[i] * DIM, NULL, rotated[1]);
		vs_quant_encode(&spec, rotated[0], rotated[1], code, &factors, c->extra,
						&c->extra_factors);
		vs_quant_block_put(c->block, 0, code, 0, PADDED);
		c->add[0] = factors.add;
		c->rescale[0] = factors.rescale;
		c->error[0] = factors.error;
	}
}

/* Counts of failures over all queries and rows. */
typedef struct Tally
{
	int64_t		pairs;
	int64_t		above;			/* 1-bit bound is above the distance */
	int64_t		refined_above;
	int64_t		neighbors;
	int64_t		neighbors_cut;	/* by one of the bounds, at the K-th distance */
	int64_t		passed;			/* rows: both bounds below the K-th distance */
} Tally;

static int
by_value(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return (x > y) - (x < y);
}

static void
query_tally(const float *q, float epsilon, Tally *tally)
{
	static float exact[MAX_ROWS];
	static float sorted[MAX_ROWS];
	static char memory[PADDED * 8 + 512];
	float		rotated[PADDED];
	VsQuantQuery *query;

	for (int i = 0; i < nrows; i++)
		sorted[i] = exact[i] = (float) (1 - dot(DIM, q, rows + i * DIM));
	qsort(sorted, nrows, sizeof(float), by_value);
	vs_quant_rotate(&spec, 1, q, NULL, rotated);
	query = vs_quant_query_init(memory, &spec, rotated, epsilon);
	for (int i = 0; i < nrows; i++)
	{
		const float *centroid = centroids + list_of[i] * DIM;
		VsQuantBlock block = {coded[i].block, coded[i].add, coded[i].rescale, coded[i].error};
		VsQuantListTerms terms;
		float		lower[VS_QUANT_BLOCK];
		float		refined;
		float		est;
		bool		cut;

		vs_quant_list_terms(query, (float) -dot(DIM, q, centroid),
							(float) dot(DIM, centroid, centroid), &terms);
		vs_quant_block_scan(query, &terms, &block, INFINITY, NULL, lower);
		refined = vs_quant_refine(query, &terms, coded[i].extra, &coded[i].extra_factors, &est);
		cut = lower[0] > sorted[K] || refined > sorted[K];
		tally->pairs++;
		tally->above += lower[0] > exact[i];
		tally->refined_above += refined > exact[i];
		tally->passed += !cut;
		if (exact[i] < sorted[K])
		{
			tally->neighbors++;
			tally->neighbors_cut += cut;
		}
	}
}

static void
test_bounds(const char *variant, float epsilon, double most_above, double most_cut,
			double most_passed)
{
	Tally		tally = {0};
	char		what[100];
	double		above;
	double		refined_above;
	double		cut;
	double		passed;

	for (int q = 0; q < QUERIES; q++)
		query_tally(rows + (q * 49) * DIM, epsilon, &tally);
	above = (double) tally.above / (double) tally.pairs;
	refined_above = (double) tally.refined_above / (double) tally.pairs;
	cut = (double) tally.neighbors_cut / (double) tally.neighbors;
	passed = (double) tally.passed / QUERIES;
	printf("# epsilon %g: 1-bit bound above %.4f, refined %.4f, neighbors cut %.4f; "
		   "%.1f rows left per query\n",
		   epsilon, above, refined_above, cut, passed);
	expect("bounds above", above <= most_above && refined_above <= most_above);
	expect("neighbors cut", cut <= most_cut);
	expect("rows left", passed <= most_passed);
	snprintf(what, sizeof(what), "words, epsilon %g: bounds hold, neighbors stay, few rows are left",
			 epsilon);
	report(variant, what);
}

int
main(void)
{
	static const char *const variants[] = {"portable", "avx2", "avx512", "neon"};

	vs_quant_init();
	if (!load("test/data/words-5k.tsv.gz"))
	{
		printf("1..0 # SKIP no test/data/words-5k.tsv.gz\n");
		return 0;
	}
	for (int i = 0; i < 4; i++)
	{
		if (!vs_quant_use(variants[i]))
			continue;
		build();
		test_bounds(variants[i], 1.2f, 0.13, 0.10, 40);
		test_bounds(variants[i], 1.9f, 0.035, 0.02, 40);
		test_bounds(variants[i], 3.0f, 0.003, 0.002, 40);
	}
	return finish();
}
