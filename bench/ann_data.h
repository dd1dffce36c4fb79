/*-------------------------------------------------------------------------
 * ann_data.h
 *	  Common to the two programs of bench-ann: files of vectors, rows, numbers.
 *
 * A file of vectors is raw float4, one vector after the other.  Vector i is
 * the embedding of the row with id i.  The other columns are computed from
 * the id:
 *	category	id % 100				the filter "= 7" keeps 1 %
 *	price		id / 100 % 10 / 10		the filter "< 0.1" keeps 10 %
 * Vectors have length 1, so that cosine and Euclidean distance give the same
 * order.
 *-------------------------------------------------------------------------
 */
#ifndef ANN_DATA_H
#define ANN_DATA_H

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIE(...) \
	do { \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
		exit(1); \
	} while (0)

typedef struct Vectors
{
	float	   *x;
	int64_t		count;
	int			dim;
} Vectors;

static inline double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static inline int
row_category(int64_t id)
{
	return (int) (id % 100);
}

static inline double
row_price(int64_t id)
{
	return (double) (id / 100 % 10) / 10;
}

/* Return whether a row passes a filter: none, category or price. */
static inline bool
row_passes(const char *filter, int64_t id)
{
	if (strcmp(filter, "category") == 0)
		return row_category(id) == 7;
	if (strcmp(filter, "price") == 0)
		return row_price(id) < 0.1;
	return true;
}

/* Map a whole file; if it is writable, changes go to the file. */
static inline Vectors
vectors_open(const char *path, int dim, bool writable)
{
	Vectors		v = {NULL, 0, dim};
	int			fd = open(path, writable ? O_RDWR : O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		DIE("cannot read %s", path);
	v.count = st.st_size / (int64_t) (sizeof(float) * dim);
	v.x = mmap(NULL, st.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (v.x == MAP_FAILED)
		DIE("cannot map %s", path);
	close(fd);
	return v;
}

static inline float *
vector_at(const Vectors *v, int64_t i)
{
	if (i < 0 || i >= v->count)
		DIE("there is no vector %lld", (long long) i);
	return v->x + i * v->dim;
}

/* Return the squared Euclidean distance in double, to check results. */
static inline double
exact_distance(int dim, const float *a, const float *b)
{
	double		sum = 0;

	for (int i = 0; i < dim; i++)
		sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	return sum;
}

static inline void
normalize(int dim, float *x)
{
	double		sum = 0;

	for (int i = 0; i < dim; i++)
		sum += (double) x[i] * x[i];
	for (int i = 0; i < dim; i++)
		x[i] = (float) (x[i] / sqrt(sum));
}

/* splitmix64 */
static inline uint64_t
random_next(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline int64_t
random_below(uint64_t *state, int64_t n)
{
	return (int64_t) (random_next(state) % (uint64_t) n);
}

static inline double
random_unit(uint64_t *state)
{
	return (double) (random_next(state) >> 11) * 0x1p-53;
}

#endif							/* ANN_DATA_H */
