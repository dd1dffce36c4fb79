/*-------------------------------------------------------------------------
 * kernels.c
 *	  Time of a distance: each instruction set, plain loops, and memcpy.
 *
 * In cache: a query against a few vectors that stay in the first-level cache.
 * Out of cache: a query, which stays cached, against consecutive vectors of
 * an array far larger than the caches, so that a distance reads the bytes of
 * one vector from memory.  memcpy copies the same bytes to a cached buffer:
 * it reads as much and computes nothing.  GB/s counts the bytes of the
 * vectors without those of the query.
 *
 * The contestants take turns ROUNDS times; the median is printed.
 * Usage: kernels [kernel...]
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plain_loops.h"

#define ROUNDS 15
#define BIG_BYTES ((size_t) 256 << 20)
#define IN_CACHE_BYTES ((size_t) 8 << 10)
#define OUT_OF_CACHE_BATCH ((size_t) 32 << 20)
#define IN_CACHE_BATCH ((size_t) 4 << 20)
#define MAX_CONTESTANTS (VS_SIMD_MAX + 5)

typedef enum Kernel
{
	L2_F32,
	IP_F32,
	L1_F32,
	COSINE_F32,
	L2_F16,
	HAMMING,
	KERNELS
} Kernel;

static const char *const kernel_names[KERNELS] = {"l2_squared_f32", "inner_product_f32",
	"l1_f32", "cosine_f32", "l2_squared_f16", "hamming"};
static const int dims[] = {3, 16, 64, 100, 128, 256, 384, 768, 1024, 1536, 3072, 4096};

#define DIMS ((int) (sizeof(dims) / sizeof(dims[0])))

/* All contestants; memcpy is the one that has no kernels. */
static const VsKernels *contestants[MAX_CONTESTANTS];
static int	contestant_count;
static const VsKernels copier = {.name = "memcpy"};

static char *big;
static char query[4096 * sizeof(float)];
static volatile float sink;

static size_t
vector_bytes(Kernel kernel, int dim)
{
	if (kernel == HAMMING)
		return ((size_t) dim + 7) / 8;
	return (size_t) dim * (kernel == L2_F16 ? sizeof(VsHalf) : sizeof(float));
}

static int
takes_part(const VsKernels *k, Kernel kernel)
{
	return k == &copier || kernel != L2_F16 || k->l2_squared_f16 != NULL;
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

/* Run call for count vectors from p on; from end on, begin at area again. */
#define EACH_VECTOR(call) \
	for (i = 0; i < count; i++, p += bytes) \
	{ \
		if (p + bytes > end) \
			p = area; \
		call; \
	}

static float
run(const VsKernels *k, Kernel kernel, int dim, const char *area, const char *start,
	const char *end, size_t count)
{
	size_t		bytes = vector_bytes(kernel, dim);
	const char *p = start;
	float		sum = 0;
	size_t		i;

	if (k == &copier)
	{
		static char buffer[sizeof(query)];

		EACH_VECTOR(memcpy(buffer, p, bytes); __asm__ volatile("" : : "r" (buffer) : "memory"));
		return buffer[0];
	}
	switch (kernel)
	{
		case L2_F32:
			EACH_VECTOR(sum += k->l2_squared_f32(dim, (const float *) query, (const float *) p));
			break;
		case IP_F32:
			EACH_VECTOR(sum += k->inner_product_f32(dim, (const float *) query, (const float *) p));
			break;
		case L1_F32:
			EACH_VECTOR(sum += k->l1_f32(dim, (const float *) query, (const float *) p));
			break;
		case COSINE_F32:
			{
				float		sums[3];

				EACH_VECTOR(k->cosine_f32(dim, (const float *) query, (const float *) p, sums);
							sum += sums[0]);
				break;
			}
		case L2_F16:
			EACH_VECTOR(sum += k->l2_squared_f16(dim, (const VsHalf *) query, (const VsHalf *) p));
			break;
		default:
			EACH_VECTOR(sum += (float) k->hamming(bytes, (const uint8_t *) query, (const uint8_t *) p));
			break;
	}
	return sum;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
measure(Kernel kernel, int dim, int in_cache)
{
	size_t		bytes = vector_bytes(kernel, dim);
	size_t		area_bytes = in_cache ? IN_CACHE_BYTES : BIG_BYTES;
	size_t		batch = in_cache ? IN_CACHE_BATCH : OUT_OF_CACHE_BATCH;
	size_t		count;
	size_t		position = 0;
	double		ns[MAX_CONTESTANTS][ROUNDS];

	if (area_bytes < bytes)
		area_bytes = bytes;
	if (bytes < 64)
		batch = batch * (bytes + 16) / 80;	/* their time per byte is longer */
	count = batch / bytes;
	for (int round = -1; round < ROUNDS; round++)	/* round -1 warms up */
	{
		for (int i = 0; i < contestant_count; i++)
		{
			double		start;

			if (!takes_part(contestants[i], kernel))
				continue;
			start = now_ns();
			sink = run(contestants[i], kernel, dim, big, big + position, big + area_bytes, count);
			if (round >= 0)
				ns[i][round] = (now_ns() - start) / (double) count;
			/* continue behind this run, where no cache holds the vectors */
			if (!in_cache)
				position = (position + count * bytes) % (area_bytes - count * bytes) / 64 * 64;
		}
	}
	printf("%-17s %5d %-3s", kernel_names[kernel], dim, in_cache ? "in" : "out");
	for (int i = 0; i < contestant_count; i++)
	{
		if (!takes_part(contestants[i], kernel))
		{
			printf(" %16s", "-");
			continue;
		}
		qsort(ns[i], ROUNDS, sizeof(double), compare_doubles);
		printf(" %8.1f %7.2f", ns[i][ROUNDS / 2], (double) bytes / ns[i][ROUNDS / 2]);
	}
	printf("\n");
	fflush(stdout);
}

static void
fill(void)
{
	float	   *floats = (float *) big;

	for (size_t i = 0; i < BIG_BYTES / sizeof(float); i++)
		floats[i] = (float) ((i * 2654435761u) % 1000) / 1000 + 0.5f;
	memcpy(query, big, sizeof(query));
}

static void
fill_halves(void)
{
	VsHalf	   *halves = (VsHalf *) big;

	for (size_t i = 0; i < BIG_BYTES / sizeof(VsHalf); i++)
		halves[i] = (VsHalf) (0x3000 + (i * 2654435761u) % 0x1000);
	memcpy(query, big, sizeof(query));
}

static int
asked_for(Kernel kernel, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], kernel_names[kernel]) == 0)
			return 1;
	}
	return argc == 1;
}

int
main(int argc, char **argv)
{
	const VsKernels *available[VS_SIMD_MAX];
	int			n = vs_simd_available(available);
	int			kernel;

	for (int i = 0; i < n; i++)
		contestants[contestant_count++] = available[i];
	contestants[contestant_count++] = &plain_o2;
	contestants[contestant_count++] = &plain_o2_vector;
	contestants[contestant_count++] = &plain_o3_native;
	contestants[contestant_count++] = &plain_o3_fast;
	contestants[contestant_count++] = &copier;

	big = malloc(BIG_BYTES);
	if (big == NULL)
	{
		perror("malloc");
		return 1;
	}
	printf("ns per call, GB/s of vectors\n%-17s %5s %-3s", "kernel", "dim", "mem");
	for (int i = 0; i < contestant_count; i++)
		printf(" %16s", contestants[i]->name);
	printf("\n");
	for (kernel = 0; kernel < KERNELS; kernel++)
	{
		if (!asked_for((Kernel) kernel, argc, argv))
			continue;
		if (kernel == L2_F16)
			fill_halves();
		else
			fill();
		for (int i = 0; i < DIMS; i++)
			measure((Kernel) kernel, dims[i], 1);
		for (int i = 0; i < DIMS; i++)
			measure((Kernel) kernel, dims[i], 0);
	}
	return 0;
}
