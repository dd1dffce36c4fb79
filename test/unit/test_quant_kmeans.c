/*-------------------------------------------------------------------------
 * test_quant_kmeans.c
 *	  Assignment against brute force, and clustering against plain Lloyd.
 *
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/kmeans.h"
#include "quant_test.h"

/* ---- counted memory ---- */

/* The memory of the clustering; a test that leaves by longjmp frees it all. */
typedef struct Held
{
	struct Held *previous;
	struct Held *next;
	size_t		size;
} Held;

#define HEADER	64

static Held held = {&held, &held, 0};
static size_t in_use = 0;
static size_t peak = 0;

static void *
counting_alloc(void *arg, size_t size)
{
	Held	   *h = malloc(size + HEADER);

	(void) arg;
	/* results must not depend on bytes that were never written */
	memset(h, 0xa5, size + HEADER);
	*h = (Held){held.previous, &held, size};
	h->previous->next = h->next->previous = h;
	in_use += size;
	if (in_use > peak)
		peak = in_use;
	return (char *) h + HEADER;
}

static void
counting_release(void *arg, void *pointer)
{
	Held	   *h = (Held *) ((char *) pointer - HEADER);

	(void) arg;
	h->previous->next = h->next;
	h->next->previous = h->previous;
	in_use -= h->size;
	free(h);
}

static void
release_all(void)
{
	while (held.next != &held)
		counting_release(NULL, (char *) held.next + HEADER);
}

static VsKmeansOptions
options_for(int dim, int lists, uint64_t seed)
{
	VsKmeansOptions options = {.dim = dim, .lists = lists, .seed = seed, .memory = {counting_alloc, counting_release, NULL}};

	return options;
}

static float *
floats(size_t n)
{
	return malloc(sizeof(float) * (n > 0 ? n : 1));
}

/* Return the mean squared distance of rows from their nearest centroids. */
static double
mean_error(int dim, int nrows, const float *rows, int lists, const float *centroids)
{
	double		sum = 0;

	for (int i = 0; i < nrows; i++)
	{
		double		least = INFINITY;

		for (int c = 0; c < lists; c++)
			least = fmin(least, distance(dim, rows + (size_t) i * dim, centroids + (size_t) c * dim));
		sum += least;
	}
	return sum / nrows;
}

/* ---- assignment ---- */

static void
assign_case(int nrows, int lists, int dim)
{
	float	   *rows = floats((size_t) nrows * dim);
	float	   *centroids = floats((size_t) lists * dim);
	int32_t    *nearest = malloc(sizeof(int32_t) * nrows);
	int32_t    *second = malloc(sizeof(int32_t) * nrows);
	int32_t    *alone = malloc(sizeof(int32_t) * nrows);
	float	   *near_distance = floats(nrows);
	float	   *second_distance = floats(nrows);
	float	   *scores = floats(lists);
	char	   *memory = malloc(vs_assign_bytes(lists, dim) + 3);
	VsAssign   *assign;

	random_floats(nrows * dim, 1, rows);
	random_floats(lists * dim, 1, centroids);
	/* some centroids are equal, some rows are centroids */
	for (int i = 1; i < lists; i += 7)
		memcpy(centroids + (size_t) i * dim, centroids + (size_t) (i / 2) * dim, sizeof(float) * dim);
	for (int i = 0; i < nrows; i += 5)
		memcpy(rows + (size_t) i * dim, centroids + (size_t) random_below(lists) * dim,
			   sizeof(float) * dim);
	assign = vs_assign_init(memory + 3, lists, dim, centroids);
	vs_assign_rows(assign, nrows, rows, nearest, near_distance, second, second_distance, NULL);
	vs_assign_rows(assign, nrows, rows, alone, NULL, NULL, NULL, NULL);
	expect("same without the second", memcmp(alone, nearest, sizeof(int32_t) * nrows) == 0);
	for (int i = 0; i < nrows; i++)
	{
		const float *row = rows + (size_t) i * dim;
		double		best = INFINITY;
		double		next = INFINITY;
		double		slack = 1e-5 * dim;

		for (int c = 0; c < lists; c++)
		{
			double		d = distance(dim, row, centroids + (size_t) c * dim);

			next = d < best ? best : fmin(next, d);
			best = fmin(best, d);
			if (d == best && i % 5 == 0 && d == 0 && c < nearest[i])
				expect("lower number of equals", false);
		}
		expect("list number", nearest[i] >= 0 && nearest[i] < lists);
		expect_near("nearest", distance(dim, row, centroids + (size_t) nearest[i] * dim), best, slack);
		expect_near("its distance", near_distance[i], best, slack);
		if (lists == 1)
		{
			expect("no second", second[i] == -1);
			continue;
		}
		expect("other list", second[i] >= 0 && second[i] < lists && second[i] != nearest[i]);
		expect_near("second", distance(dim, row, centroids + (size_t) second[i] * dim), next, slack);
		expect_near("second's distance", second_distance[i], next, slack);
	}
	vs_assign_query(assign, VS_QUANT_L2, rows, scores);
	for (int c = 0; c < lists; c++)
	{
		expect_near("query distance", scores[c], distance(dim, rows, centroids + (size_t) c * dim),
					1e-5 * dim);
		expect_near("norm", vs_assign_norms(assign)[c],
					dot(dim, centroids + (size_t) c * dim, centroids + (size_t) c * dim), 1e-5 * dim);
	}
	vs_assign_query(assign, VS_QUANT_COSINE, rows, scores);
	for (int c = 0; c < lists; c++)
		expect_near("query product", scores[c], -dot(dim, rows, centroids + (size_t) c * dim), 1e-5 * dim);
	free(rows);
	free(centroids);
	free(nearest);
	free(second);
	free(alone);
	free(near_distance);
	free(second_distance);
	free(scores);
	free(memory);
}

static void
test_assign(const char *variant)
{
	const int	nrows[] = {1, 5, 12, 13, 97, 1000};
	const int	lists[] = {1, 2, 15, 16, 33, 300};
	const int	dims[] = {1, 2, 3, 64, 101, 1000};

	for (int i = 0; i < 40; i++)
		assign_case(nrows[random_below(6)], lists[random_below(6)], dims[random_below(6)]);
	assign_case(30, 40, 16000);
	report(variant, "nearest and second nearest equal brute force");
}

/* ---- clustering ---- */

/* Rows lie around centers far from each other; each must get a centroid. */
static void
test_separated(const char *variant)
{
	enum
	{
		dim = 20,
		groups = 40,
		nrows = 8000
	};
	float	   *centers = floats(groups * dim);
	float	   *rows = floats(nrows * dim);
	float	   *centroids = floats(groups * dim);
	VsKmeansOptions options = options_for(dim, groups, 3);
	int			made;

	options.iterations = 30;
	random_floats(groups * dim, 1, centers);
	random_floats(nrows * dim, 0.1f, rows);
	for (int i = 0; i < nrows * dim; i++)
		rows[i] += centers[i / dim % groups * dim + i % dim];
	made = vs_kmeans_train(&options, nrows, rows, centroids);
	expect("lists", made == groups);
	/* the noise is 20 * 0.01; a few centers may share a centroid */
	expect_near("error", mean_error(dim, nrows, rows, made, centroids), 0.2, 2.5);
	expect("all memory released", in_use == 0);
	free(centers);
	free(rows);
	free(centroids);
	report(variant, "k-means finds separated groups");
}

/* Run plain Lloyd from the first rows, in double precision. */
static double
plain_lloyd(int dim, int nrows, const float *rows, int lists, int rounds)
{
	float	   *centroids = floats((size_t) lists * dim);
	double	   *sums = malloc(sizeof(double) * lists * dim);
	int		   *counts = malloc(sizeof(int) * lists);
	double		error;

	memcpy(centroids, rows, sizeof(float) * lists * dim);
	for (int round = 0; round < rounds; round++)
	{
		memset(sums, 0, sizeof(double) * lists * dim);
		memset(counts, 0, sizeof(int) * lists);
		for (int i = 0; i < nrows; i++)
		{
			double		least = INFINITY;
			int			list = 0;

			for (int c = 0; c < lists; c++)
			{
				double		d = distance(dim, rows + (size_t) i * dim, centroids + (size_t) c * dim);

				if (d < least)
				{
					least = d;
					list = c;
				}
			}
			counts[list]++;
			for (int c = 0; c < dim; c++)
				sums[list * dim + c] += rows[(size_t) i * dim + c];
		}
		for (int c = 0; c < lists * dim; c++)
			if (counts[c / dim] > 0)
				centroids[c] = (float) (sums[c] / counts[c / dim]);
	}
	error = mean_error(dim, nrows, rows, lists, centroids);
	free(centroids);
	free(sums);
	free(counts);
	return error;
}

static void
test_against_lloyd(const char *variant)
{
	enum
	{
		dim = 16,
		nrows = 12000
	};
	const int	lists[] = {20, 256, 300};
	float	   *rows = floats(nrows * dim);
	float	   *centroids = floats(300 * dim);

	/* not clustered, and not quite uniform */
	random_floats(nrows * dim, 1, rows);
	for (int i = 0; i < nrows * dim; i++)
		rows[i] *= 1 + 2 * (float) (i / dim % 5) / (1 + (float) (i % dim));
	for (int i = 0; i < 3; i++)
	{
		VsKmeansOptions options = options_for(dim, lists[i], 11);
		double		plain = plain_lloyd(dim, nrows, rows, lists[i], 10);
		double		got;
		int			made;

		peak = 0;
		made = vs_kmeans_train(&options, nrows, rows, centroids);
		got = mean_error(dim, nrows, rows, made, centroids);
		expect("lists", made == lists[i]);
		expect("peak memory within vs_kmeans_train_bytes", peak <= vs_kmeans_train_bytes(&options, nrows));
		expect("all memory released", in_use == 0);
		if (got > 1.03 * plain)
			printf("# %d lists: error %g, plain Lloyd %g\n", lists[i], got, plain);
		expect("error within 3 % of plain Lloyd", got <= 1.03 * plain);
	}
	free(rows);
	free(centroids);
	report(variant, "k-means is as good as plain Lloyd, one level or two");
}

static void
test_repeatable(const char *variant)
{
	enum
	{
		dim = 10,
		nrows = 6000,
		lists = 300
	};
	float	   *rows = floats(nrows * dim);
	float	   *again = floats(nrows * dim);
	float	   *first = floats(lists * dim);
	float	   *second = floats(lists * dim);
	VsKmeansOptions options = options_for(dim, lists, 5);

	/* a training may reorder the rows */
	random_floats(nrows * dim, 1, rows);
	memcpy(again, rows, sizeof(float) * nrows * dim);
	expect("lists", vs_kmeans_train(&options, nrows, rows, first) == lists);
	memcpy(rows, again, sizeof(float) * nrows * dim);
	expect("lists again", vs_kmeans_train(&options, nrows, rows, second) == lists);
	expect("same seed, same centroids", memcmp(first, second, sizeof(float) * lists * dim) == 0);
	options.seed++;
	memcpy(rows, again, sizeof(float) * nrows * dim);
	vs_kmeans_train(&options, nrows, rows, second);
	expect("other seed, others", memcmp(first, second, sizeof(float) * lists * dim) != 0);
	free(rows);
	free(again);
	free(first);
	free(second);
	report(variant, "k-means depends on the seed alone");
}

/* Test few rows, equal rows, and more lists than rows. */
static void
test_degenerate(const char *variant)
{
	enum
	{
		dim = 7,
		nrows = 3000
	};
	float	   *rows = floats(nrows * dim);
	float	   *centroids = floats(nrows * dim);
	const int	distinct[] = {1, 2, 50, 400};
	const int	lists[] = {1, 3, 100, 1000};

	for (int n = 0; n <= 40; n += n < 3 ? 1 : 37)
		for (int j = 0; j < 4; j++)
		{
			VsKmeansOptions options = options_for(dim, lists[j], 1);
			int			made;

			random_floats(n * dim, 1, rows);
			made = vs_kmeans_train(&options, n, rows, centroids);
			expect("few rows", made <= n && made <= lists[j] && (made > 0) == (n > 0));
			if (lists[j] >= n && n > 0)
				expect_near("each row its own list", mean_error(dim, n, rows, made, centroids), 0, 1e-9);
		}
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++)
		{
			VsKmeansOptions options = options_for(dim, lists[j], 1);
			int			made;

			random_floats(distinct[i] * dim, 1, rows);
			for (int k = distinct[i]; k < nrows; k++)
				memcpy(rows + k * dim, rows + random_below(distinct[i]) * dim, sizeof(float) * dim);
			made = vs_kmeans_train(&options, nrows, rows, centroids);
			expect("equal rows", made >= 1 && made <= lists[j]);
			expect("finite", isfinite(mean_error(dim, nrows, rows, made, centroids)));
			if (distinct[i] == 1)
				expect_near("one point", mean_error(dim, nrows, rows, made, centroids), 0, 1e-6);
		}
	expect("all memory released", in_use == 0);
	free(rows);
	free(centroids);
	report(variant, "k-means of few rows, equal rows, more lists than rows");
}

/* With a large dense group and a thin one, no list may get most rows. */
static void
test_balance(const char *variant)
{
	enum
	{
		dim = 8,
		nrows = 20000,
		lists = 100
	};
	float	   *rows = floats(nrows * dim);
	float	   *centroids = floats(lists * dim);
	int32_t    *nearest = malloc(sizeof(int32_t) * nrows);
	int			counts[lists] = {0};
	VsKmeansOptions options = options_for(dim, lists, 9);
	char	   *memory;
	int			made;
	int			most = 0;

	random_floats(nrows * dim, 1, rows);
	/* nine of ten rows are within a hundredth of the width */
	for (int i = 0; i < nrows * dim; i++)
		if (i / dim % 10 != 0)
			rows[i] *= 0.01f;
	made = vs_kmeans_train(&options, nrows, rows, centroids);
	expect("lists", made == lists);
	memory = malloc(vs_assign_bytes(made, dim));
	vs_assign_rows(vs_assign_init(memory, made, dim, centroids), nrows, rows, nearest, NULL,
				   NULL, NULL, NULL);
	for (int i = 0; i < nrows; i++)
		counts[nearest[i]]++;
	for (int i = 0; i < made; i++)
		most = counts[i] > most ? counts[i] : most;
	if (most > 8 * nrows / lists)
		printf("# the largest list has %d of %d rows\n", most, nrows);
	expect("no list over 8 times the mean", most <= 8 * nrows / lists);
	free(rows);
	free(centroids);
	free(nearest);
	free(memory);
	report(variant, "k-means divides a list with most rows");
}

static void
test_spherical(const char *variant)
{
	enum
	{
		dim = 12,
		nrows = 3000,
		lists = 30
	};
	float	   *rows = floats(nrows * dim);
	float	   *centroids = floats(lists * dim);
	VsKmeansOptions options = options_for(dim, lists, 2);
	int			made;

	options.spherical = true;
	random_floats(nrows * dim, 1, rows);
	for (int i = 0; i < nrows; i++)
	{
		float		norm = (float) sqrt(dot(dim, rows + i * dim, rows + i * dim));

		for (int d = 0; d < dim; d++)
			rows[i * dim + d] /= norm;
	}
	made = vs_kmeans_train(&options, nrows, rows, centroids);
	for (int i = 0; i < made; i++)
		expect_near("norm", dot(dim, centroids + i * dim, centroids + i * dim), 1, 1e-5);
	free(rows);
	free(centroids);
	report(variant, "spherical k-means gives centroids of norm 1");
}

/* ---- interrupts ---- */

static jmp_buf away;
static int	checks_left;

static void
jump_out(void *arg)
{
	(void) arg;
	if (--checks_left == 0)
		longjmp(away, 1);
}

static void
test_interrupt(const char *variant)
{
	enum
	{
		dim = 8,
		nrows = 4000
	};
	float	   *rows = floats(nrows * dim);
	float	   *centroids = floats(300 * dim);
	VsKmeansOptions options = options_for(dim, 300, 2);
	volatile bool jumped = false;

	options.interrupt.check = jump_out;
	random_floats(nrows * dim, 1, rows);
	checks_left = 100;
	if (setjmp(away) == 0)
		vs_kmeans_train(&options, nrows, rows, centroids);
	else
		jumped = true;
	expect("jumped out", jumped);
	release_all();
	free(rows);
	free(centroids);
	report(variant, "an interrupt ends a training");
}

static void
test_sample_size(void)
{
	expect("few rows", vs_kmeans_sample_size(1000, 100) == 1000);
	expect("many rows", vs_kmeans_sample_size(1000000, 100) < 1000000 &&
		   vs_kmeans_sample_size(1000000, 100) >= 100 * 39);
	expect("many lists", vs_kmeans_sample_size(INT64_C(1000000000), 65536) >= 65536 * INT64_C(39));
	report("all", "sample sizes");
}

/* Query and centroids are near each other and far from the origin. */
static void
test_query_far(const char *variant)
{
	enum
	{
		DIM = 100,
		LISTS = 70
	};
	static float centroids[LISTS * DIM];
	static float query[DIM];
	float		scores[LISTS];
	void	   *memory = malloc(vs_assign_bytes(LISTS, DIM));

	random_floats(LISTS * DIM, 0.1f, centroids);
	random_floats(DIM, 0.1f, query);
	for (int d = 0; d < DIM; d++)
	{
		query[d] += 1000;
		for (int c = 0; c < LISTS; c++)
			centroids[c * DIM + d] += c % 3 == 0 ? -1000 : 1000;
	}
	centroids[DIM] = 3e38f;		/* its squared norm overflows */
	vs_assign_query(vs_assign_init(memory, LISTS, DIM, centroids), VS_QUANT_L2, query, scores);
	for (int c = 0; c < LISTS; c++)
	{
		double		expected = distance(DIM, query, centroids + c * DIM);

		if (c == 1)
			expect("far", scores[c] > 1e30f);
		else
			expect_near("distance", scores[c], expected, 1e-4 * expected);
	}
	free(memory);
	report(variant, "distances of a query that are small differences of large norms");
}

int
main(void)
{
	static const char *const variants[] = {"portable", "avx2", "avx512", "neon"};

	vs_quant_init();
	test_sample_size();
	for (int i = 0; i < 4; i++)
	{
		const char *variant = variants[i];

		if (!vs_quant_use(variant))
			continue;
		test_assign(variant);
		test_query_far(variant);
		test_separated(variant);
		test_against_lloyd(variant);
		test_repeatable(variant);
		test_degenerate(variant);
		test_balance(variant);
		test_spherical(variant);
		test_interrupt(variant);
	}
	return finish();
}
