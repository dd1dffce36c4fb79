/*-------------------------------------------------------------------------
 * test_kernels.c
 *	  Every instruction set's kernels against double-precision arithmetic.
 *
 * Build: src/simd/simd_*.c
 *
 * Arrays lie between two inaccessible pages, once beginning at the first byte
 * and once ending at the last, so that a read or write outside them crashes.
 * Arrays that end at the last byte also have every alignment.  Prints TAP.
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "simd/simd.h"

#define MAX_DIM 1100
#define MAX_BYTES 600

/* Accessible bytes between two inaccessible pages. */
typedef struct Fenced
{
	char	   *start;
	size_t		size;
} Fenced;

typedef enum Placement
{
	AT_START,
	AT_END
} Placement;

/* How the random elements are drawn. */
typedef enum Inputs
{
	ORDINARY,					/* magnitudes around 1, both signs */
	WIDE,						/* denormal to large exponents, and zeros */
	TINY						/* denormals only */
} Inputs;

static const char *const all_names[] = {"portable", "avx2", "avx512", "neon"};
static const char *const input_names[] = {"ordinary", "wide", "tiny"};

static int	tests = 0;
static int	failed_tests = 0;
static int	failures = 0;		/* of the current test */
static uint64_t random_state = 42;

static Fenced fence_a;
static Fenced fence_b;
static Fenced fence_out;

static uint64_t
random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Return a random number 0 .. bound - 1. */
static int
random_below(int bound)
{
	return (int) (random_u64() >> 33) % bound;
}

static Fenced
fenced_area(size_t wanted)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);
	Fenced		area;
	char	   *base;

	area.size = (wanted + page - 1) / page * page;
	base = mmap(NULL, area.size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED || mprotect(base + page, area.size, PROT_READ | PROT_WRITE) != 0)
	{
		perror("mmap");
		exit(2);
	}
	area.start = base + page;
	return area;
}

static void *
place(const Fenced *area, Placement placement, size_t size)
{
	return placement == AT_START ? area->start : area->start + area->size - size;
}

static void
failure(const char *kernel, int n, double got, double expected, double tolerance)
{
	if (failures++ < 5)
		printf("# %s, n = %d: got %.9g, expected %.9g +- %.3g\n",
			   kernel, n, got, expected, tolerance);
}

static void
report(const char *variant, const char *what)
{
	tests++;
	printf("%s %d - %s: %s\n", failures == 0 ? "ok" : "not ok", tests, variant, what);
	if (failures != 0)
		failed_tests++;
	failures = 0;
}

/* ---- reference arithmetic ---- */

static double
half_value(VsHalf h)
{
	int			exponent = (h >> 10) & 0x1f;
	int			mantissa = h & 0x3ff;
	double		sign = (h & 0x8000) ? -1.0 : 1.0;

	if (exponent == 31)
		return mantissa ? NAN : sign * INFINITY;
	if (exponent == 0)
		return sign * ldexp(mantissa, -24);
	return sign * ldexp(1024 + mantissa, exponent - 25);
}

/*
 * Return the nearest half, of two the even one, computed by integers in units
 * of its last place.
 */
static VsHalf
nearest_half(float f)
{
	double		magnitude = fabs((double) f);
	VsHalf		sign = signbit(f) ? 0x8000 : 0;
	int			exponent;
	double		units;

	if (isnan(f))
		return 0x7e00;
	if (magnitude >= 65520.0)
		return sign | 0x7c00;
	if (magnitude < ldexp(1, -14))
		return sign | (VsHalf) nearbyint(ldexp(magnitude, 24));
	frexp(magnitude, &exponent);	/* magnitude in [2^(exponent-1), 2^exponent) */
	units = nearbyint(ldexp(magnitude, 11 - exponent));
	return sign | (VsHalf) (((exponent + 14) << 10) + ((int) units - 1024));
}

typedef struct Reference
{
	double		l2;
	double		ip;
	double		ip_terms;		/* sum of |a b| */
	double		l1;
	double		aa;
	double		bb;
} Reference;

static Reference
reference(int n, const double *a, const double *b)
{
	Reference	r = {0};

	for (int i = 0; i < n; i++)
	{
		r.l2 += (a[i] - b[i]) * (a[i] - b[i]);
		r.ip += a[i] * b[i];
		r.ip_terms += fabs(a[i] * b[i]);
		r.l1 += fabs(a[i] - b[i]);
		r.aa += a[i] * a[i];
		r.bb += b[i] * b[i];
	}
	return r;
}

/*
 * Check a sum.  A kernel keeps at least 8 partial sums, so a term goes
 * through at most n / 8 additions and a few more, each off by half an ulp.  A
 * term may also underflow.
 */
static void
expect_near(const char *kernel, int n, float got, double expected, double terms)
{
	double		tolerance = (n / 8 + 16) * ldexp(terms, -24) + n * ldexp(1, -149);

	if (isnan(expected)			 ? !isnan(got) :
		fabs(expected) > FLT_MAX ? (double) got != (expected > 0 ? INFINITY : -INFINITY) :
		!(fabs(got - expected) <= tolerance))
		failure(kernel, n, got, expected, tolerance);
}

/* ---- distances ---- */

static VsHalf
random_half(Inputs inputs)
{
	VsHalf		h = (VsHalf) (random_u64() >> 48);

	if (inputs == ORDINARY)
		return (VsHalf) ((h & 0x83ff) | ((14 + random_below(3)) << 10));
	if (inputs == TINY)
		return h & 0x83ff;
	if ((h & 0x7c00) == 0x7c00)
		h &= 0x83ff;			/* no infinity or NaN; zero and denormals more often */
	return h;
}

static float
random_float(Inputs inputs)
{
	double		mantissa = 1 + (double) (random_u64() >> 11) * 0x1p-53;
	double		sign = random_below(2) ? -1 : 1;

	if (inputs == ORDINARY)
		return (float) (sign * ldexp(mantissa, random_below(3) - 1));
	if (inputs == TINY)
		return (float) (sign * ldexp(mantissa, -149 + random_below(23)));
	if (random_below(16) == 0)
		return (float) (sign * 0.0);
	return (float) (sign * ldexp(mantissa, random_below(200) - 149));
}

static void
check_distances_f32(const VsKernels *k, int n, Inputs inputs, Placement placement)
{
	float	   *a = place(&fence_a, placement, sizeof(float) * (size_t) n);
	float	   *b = place(&fence_b, placement, sizeof(float) * (size_t) n);
	double		da[MAX_DIM];
	double		db[MAX_DIM];
	float		sums[3];
	Reference	r;

	for (int i = 0; i < n; i++)
	{
		da[i] = a[i] = random_float(inputs);
		db[i] = b[i] = random_float(inputs);
	}
	r = reference(n, da, db);
	expect_near("l2_squared_f32", n, k->l2_squared_f32(n, a, b), r.l2, r.l2);
	expect_near("inner_product_f32", n, k->inner_product_f32(n, a, b), r.ip, r.ip_terms);
	expect_near("l1_f32", n, k->l1_f32(n, a, b), r.l1, r.l1);
	k->cosine_f32(n, a, b, sums);
	expect_near("cosine_f32, a.b", n, sums[0], r.ip, r.ip_terms);
	expect_near("cosine_f32, a.a", n, sums[1], r.aa, r.aa);
	expect_near("cosine_f32, b.b", n, sums[2], r.bb, r.bb);
}

static void
check_distances_f16(const VsKernels *k, int n, Inputs inputs, Placement placement)
{
	VsHalf	   *a = place(&fence_a, placement, sizeof(VsHalf) * (size_t) n);
	VsHalf	   *b = place(&fence_b, placement, sizeof(VsHalf) * (size_t) n);
	double		da[MAX_DIM];
	double		db[MAX_DIM];
	float		sums[3];
	Reference	r;

	for (int i = 0; i < n; i++)
	{
		a[i] = random_half(inputs);
		b[i] = random_half(inputs);
		da[i] = half_value(a[i]);
		db[i] = half_value(b[i]);
	}
	r = reference(n, da, db);
	expect_near("l2_squared_f16", n, k->l2_squared_f16(n, a, b), r.l2, r.l2);
	expect_near("inner_product_f16", n, k->inner_product_f16(n, a, b), r.ip, r.ip_terms);
	expect_near("l1_f16", n, k->l1_f16(n, a, b), r.l1, r.l1);
	k->cosine_f16(n, a, b, sums);
	expect_near("cosine_f16, a.b", n, sums[0], r.ip, r.ip_terms);
	expect_near("cosine_f16, a.a", n, sums[1], r.aa, r.aa);
	expect_near("cosine_f16, b.b", n, sums[2], r.bb, r.bb);
}

static void
test_distances(const VsKernels *k)
{
	char		what[64];

	for (int inputs = ORDINARY; inputs <= TINY; inputs++)
	{
		for (int n = 0; n <= MAX_DIM; n++)
		{
			check_distances_f32(k, n, (Inputs) inputs, AT_START);
			check_distances_f32(k, n, (Inputs) inputs, AT_END);
		}
		snprintf(what, sizeof(what), "float distances, %s inputs", input_names[inputs]);
		report(k->name, what);
		for (int n = 0; n <= MAX_DIM; n++)
		{
			check_distances_f16(k, n, (Inputs) inputs, AT_START);
			check_distances_f16(k, n, (Inputs) inputs, AT_END);
		}
		snprintf(what, sizeof(what), "half distances, %s inputs", input_names[inputs]);
		report(k->name, what);
	}
}

/* A special element in any position determines the result. */
static void
test_special_elements(const VsKernels *k)
{
	for (int n = 1; n <= 100; n++)
	{
		float		a[100];
		float		b[100];
		int			at = random_below(n);

		for (int i = 0; i < n; i++)
			a[i] = b[i] = 1;
		a[at] = NAN;
		expect_near("l2_squared_f32", n, k->l2_squared_f32(n, a, b), NAN, 0);
		expect_near("inner_product_f32", n, k->inner_product_f32(n, a, b), NAN, 0);
		expect_near("l1_f32", n, k->l1_f32(n, a, b), NAN, 0);
		a[at] = -INFINITY;
		expect_near("l2_squared_f32", n, k->l2_squared_f32(n, a, b), INFINITY, 0);
		expect_near("inner_product_f32", n, k->inner_product_f32(n, a, b), -INFINITY, 0);
		expect_near("l1_f32", n, k->l1_f32(n, a, b), INFINITY, 0);
		a[at] = 3e38f;			/* its square overflows, its difference does not */
		expect_near("l2_squared_f32", n, k->l2_squared_f32(n, a, b), INFINITY, 0);
		expect_near("l1_f32", n, k->l1_f32(n, a, b), 3e38f, 3e38f);
	}
	report(k->name, "NaN, infinity and overflow");
}

/* The squares of the largest halves are beyond half, and exact in float. */
static void
test_half_range(const VsKernels *k)
{
	VsHalf		a[MAX_DIM];
	VsHalf		b[MAX_DIM];
	double		da[MAX_DIM];
	double		db[MAX_DIM];

	for (int n = 1; n <= MAX_DIM; n++)
	{
		Reference	r;

		a[n - 1] = 0x7bff;
		b[n - 1] = 0xfbff;
		da[n - 1] = 65504;
		db[n - 1] = -65504;
		r = reference(n, da, db);
		expect_near("l2_squared_f16", n, k->l2_squared_f16(n, a, b), r.l2, r.l2);
		expect_near("inner_product_f16", n, k->inner_product_f16(n, a, b), r.ip, r.ip_terms);
		expect_near("l1_f16", n, k->l1_f16(n, a, b), r.l1, r.l1);
	}
	report(k->name, "half sums beyond the range of half");
}

/* ---- half conversion ---- */

static void
expect_halves(const VsKernels *k, int n, const float *src)
{
	VsHalf		dst[64];

	k->float_to_half(n, src, dst);
	for (int i = 0; i < n; i++)
	{
		if (isnan(src[i]) ? !isnan(half_value(dst[i])) : dst[i] != nearest_half(src[i]))
			failure("float_to_half (bits)", n, dst[i], nearest_half(src[i]), 0);
	}
}

static void
test_half_to_float(const VsKernels *k)
{
	for (int base = 0; base < 65536; base += 32)
	{
		VsHalf		src[32];
		float		dst[32];

		for (int i = 0; i < 32; i++)
			src[i] = (VsHalf) (base + i);
		k->half_to_float(32, src, dst);
		for (int i = 0; i < 32; i++)
		{
			double		expected = half_value(src[i]);

			if (isnan(expected) ? !isnan(dst[i]) :
				(double) dst[i] != expected || !signbit(dst[i]) != !signbit(expected))
				failure("half_to_float", base + i, dst[i], expected, 0);
		}
		expect_halves(k, 32, dst);
	}
	report(k->name, "all 65,536 halves to float and back");
}

/* Test around every half and every midpoint of two, then a sample of floats. */
static void
test_float_to_half(const VsKernels *k)
{
	float		src[64];
	uint32_t	bits;

	for (int h = 0; h < 0x7c00; h++)
	{
		float		value = (float) half_value((VsHalf) h);
		float		next = h == 0x7bff ? 65536.0f : (float) half_value((VsHalf) (h + 1));
		float		middle = (value + next) / 2;

		src[0] = value;
		src[1] = nextafterf(value, INFINITY);
		src[2] = nextafterf(middle, 0);
		src[3] = middle;
		src[4] = nextafterf(middle, INFINITY);
		for (int i = 0; i < 5; i++)
			src[5 + i] = -src[i];
		expect_halves(k, 10, src);
	}
	report(k->name, "float to half around every tie");

	for (bits = 0; bits < UINT32_MAX - 65 * 3001; bits += 64 * 3001)
	{
		for (int i = 0; i < 64; i++)
		{
			uint32_t	b = bits + (uint32_t) i * 3001;

			memcpy(&src[i], &b, sizeof(b));
		}
		expect_halves(k, 64, src);
	}
	report(k->name, "float to half, 1.4 million floats over the whole range");
}

static void
test_conversion_lengths(const VsKernels *k)
{
	for (int n = 0; n <= MAX_DIM; n++)
	{
		for (int placement = AT_START; placement <= AT_END; placement++)
		{
			float	   *floats = place(&fence_a, (Placement) placement, sizeof(float) * (size_t) n);
			VsHalf	   *halves = place(&fence_b, (Placement) placement, sizeof(VsHalf) * (size_t) n);
			float	   *back = place(&fence_out, (Placement) placement, sizeof(float) * (size_t) n);

			for (int i = 0; i < n; i++)
				floats[i] = (float) half_value(random_half(WIDE));
			memset(halves, 0xff, sizeof(VsHalf) * (size_t) n);
			memset(back, 0xff, sizeof(float) * (size_t) n);
			k->float_to_half(n, floats, halves);
			k->half_to_float(n, halves, back);
			for (int i = 0; i < n; i++)
			{
				if (floats[i] != back[i])
					failure("float to half to float", n, back[i], floats[i], 0);
			}
		}
	}
	/* a partial last step does not write behind the array */
	for (int n = 0; n < 32; n++)
	{
		float		floats[33];
		VsHalf		halves[33];

		memset(floats, 0, sizeof(floats));
		halves[n] = 0x1234;
		k->float_to_half(n, floats, halves);
		floats[n] = 7;
		k->half_to_float(n, halves, floats);
		if (halves[n] != 0x1234 || floats[n] != 7)
			failure("conversion wrote past the end", n, halves[n], 0x1234, 0);
	}
	report(k->name, "half conversion of every length");
}

/* ---- bits ---- */

static int
bits_in(unsigned int byte)
{
	int			count = 0;

	for (; byte != 0; byte >>= 1)
		count += byte & 1;
	return count;
}

static void
check_bits(const VsKernels *k, size_t nbytes, Placement placement, int ones)
{
	uint8_t    *a = place(&fence_a, placement, nbytes);
	uint8_t    *b = place(&fence_b, placement, nbytes);
	uint64_t	differ = 0;
	uint64_t	both = 0;
	uint64_t	either = 0;
	uint64_t	got_both;
	uint64_t	got_either;

	for (size_t i = 0; i < nbytes; i++)
	{
		a[i] = ones ? 0xff : (uint8_t) random_u64();
		b[i] = ones ? 0x00 : (uint8_t) random_u64();
		differ += (uint64_t) bits_in(a[i] ^ b[i]);
		both += (uint64_t) bits_in(a[i] & b[i]);
		either += (uint64_t) bits_in(a[i] | b[i]);
	}
	if (k->hamming(nbytes, a, b) != differ)
		failure("hamming", (int) nbytes, (double) k->hamming(nbytes, a, b), (double) differ, 0);
	k->jaccard(nbytes, a, b, &got_both, &got_either);
	if (got_both != both)
		failure("jaccard, both", (int) nbytes, (double) got_both, (double) both, 0);
	if (got_either != either)
		failure("jaccard, either", (int) nbytes, (double) got_either, (double) either, 0);
}

static void
test_bits(const VsKernels *k)
{
	for (size_t nbytes = 0; nbytes <= MAX_BYTES; nbytes++)
	{
		check_bits(k, nbytes, AT_START, 0);
		check_bits(k, nbytes, AT_END, 0);
		check_bits(k, nbytes, AT_END, 1);
	}
	check_bits(k, 8000, AT_START, 1);
	report(k->name, "bit counts");
}

static void
test_dispatch(void)
{
	const VsKernels *kernels[VS_SIMD_MAX];
	int			n = vs_simd_available(kernels);

	vs_simd_init();
	if (n < 1 || vs_kernels != kernels[n - 1])
		failures++;
	for (int i = 0; i < n; i++)
	{
		if (vs_simd_by_name(kernels[i]->name) != kernels[i])
			failures++;
	}
	if (vs_simd_by_name("sse9") != NULL || vs_simd_by_name("") != NULL)
		failures++;
	report("dispatch", "the last available kernels are selected, names are found");
}

int
main(void)
{
	fence_a = fenced_area(sizeof(float) * 2000);
	fence_b = fenced_area(sizeof(float) * 2000);
	fence_out = fenced_area(sizeof(float) * 2000);

	test_dispatch();
	for (size_t i = 0; i < sizeof(all_names) / sizeof(all_names[0]); i++)
	{
		const VsKernels *k = vs_simd_by_name(all_names[i]);

		if (k == NULL)
		{
			printf("ok %d # SKIP %s: this processor does not run it\n", ++tests, all_names[i]);
			continue;
		}
		test_distances(k);
		test_special_elements(k);
		test_half_range(k);
		test_half_to_float(k);
		test_float_to_half(k);
		test_conversion_lengths(k);
		test_bits(k);
	}
	printf("1..%d\n", tests);
	return failed_tests == 0 ? 0 : 1;
}
