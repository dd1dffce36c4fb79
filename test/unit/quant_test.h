/*-------------------------------------------------------------------------
 * quant_test.h
 *	  TAP, random numbers and plain arithmetic for the tests of the quantizer.
 *-------------------------------------------------------------------------
 */
#ifndef QUANT_TEST_H
#define QUANT_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static int	tests = 0;
static int	failed_tests = 0;
static int	failures = 0;		/* of the current test */
static uint64_t random_state = 42;

static inline uint64_t
random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Return a random number 0 .. bound - 1. */
static inline int
random_below(int bound)
{
	return (int) ((random_u64() >> 33) % (uint64_t) bound);
}

/* Return a nearly normal random number: a sum of 12 uniform ones. */
static inline void
random_floats(int n, float deviation, float *out)
{
	for (int i = 0; i < n; i++)
	{
		double		sum = -6;

		for (int j = 0; j < 12; j++)
			sum += (double) (random_u64() >> 11) / 9007199254740992.0;
		out[i] = (float) sum * deviation;
	}
}

static inline void
random_bytes(size_t n, void *out)
{
	uint8_t    *bytes = out;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t) (random_u64() >> 40);
}

static inline double
dot(int n, const float *a, const float *b)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double) a[i] * b[i];
	return sum;
}

static inline double
distance(int n, const float *a, const float *b)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	return sum;
}

static inline void
expect(const char *what, bool holds)
{
	if (!holds && failures++ < 5)
		printf("# %s: does not hold\n", what);
}

static inline void
expect_near(const char *what, double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance) && failures++ < 5)
		printf("# %s: got %.9g, expected %.9g +- %.3g\n", what, got, expected, tolerance);
}

static inline void
report(const char *variant, const char *what)
{
	tests++;
	printf("%s %d - %s: %s\n", failures == 0 ? "ok" : "not ok", tests, variant, what);
	if (failures != 0)
		failed_tests++;
	failures = 0;
}

static inline int
finish(void)
{
	printf("1..%d\n", tests);
	return failed_tests == 0 ? 0 : 1;
}

#endif							/* QUANT_TEST_H */
