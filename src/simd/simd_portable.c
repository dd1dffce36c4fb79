/*-------------------------------------------------------------------------
 * simd_portable.c
 *	  Kernels for any processor, and the reference for the others.
 *
 * Written with the compilers' generic vectors of 16 bytes, which become SSE2,
 * NEON or scalar code.  gcc 12 at -O2 does not vectorize a float sum by
 * itself, since that changes the order of the additions.  Half conversion is
 * mostly integer arithmetic on four elements at a time.  Converting a half
 * never computes with a denormal float, which would be slow.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "simd/simd_internal.h"

#define VS_TARGET
#define VS_LANES 4

typedef float V __attribute__((vector_size(16)));
typedef uint32_t U32x4 __attribute__((vector_size(16)));
typedef int32_t I32x4 __attribute__((vector_size(16)));
typedef uint16_t U16x4 __attribute__((vector_size(8)));

#define SPLAT(x)		((U32x4) {(x), (x), (x), (x)})

#define V_ZERO()		((V) {0, 0, 0, 0})
#define V_ADD(x, y)		((x) + (y))
#define V_SUB(x, y)		((x) - (y))
#define V_FMA(x, y, acc) ((x) * (y) + (acc))
#define V_ABS(x)		((V) ((U32x4) (x) & SPLAT(0x7fffffff)))
#define V_SUM(x)		sum_lanes(x)

VS_INLINE float
sum_lanes(V x)
{
	return (x[0] + x[2]) + (x[1] + x[3]);
}

/* Return mask ? x : y in each lane. */
VS_INLINE U32x4
select_u32(I32x4 mask, U32x4 x, U32x4 y)
{
	return ((U32x4) mask & x) | (~(U32x4) mask & y);
}

/* Convert half to float; a half is in the lower 16 bits of its lane. */
VS_INLINE V
float_from_half(U32x4 h)
{
	const U32x4 infinity = SPLAT(0x7c00u << 13);
	const U32x4 rebias = SPLAT((127 - 15) << 23);
	U32x4		sign = (h & SPLAT(0x8000)) << 16;
	U32x4		magnitude = (h & SPLAT(0x7fff)) << 13;
	U32x4		exponent = magnitude & infinity;
	U32x4		normal = magnitude + rebias;
	U32x4		special = normal + rebias;

	/* a denormal gets the exponent of 2^-14; then 2^-14 is subtracted */
	V			denormal = (V) (normal + SPLAT(1u << 23)) - (V) SPLAT(113u << 23);
	U32x4		bits = select_u32(exponent == infinity, special, normal);

	bits = select_u32(exponent == SPLAT(0), (U32x4) denormal, bits);
	return (V) (bits | sign);
}

/* Convert float to half, rounded to nearest even, in the lower 16 bits. */
VS_INLINE U32x4
half_from_float(V x)
{
	const V		denormal_magic = (V) SPLAT(126u << 23);
	U32x4		bits = (U32x4) x;
	U32x4		sign = (bits >> 16) & SPLAT(0x8000);
	U32x4		magnitude = bits & SPLAT(0x7fffffff);

	/* adding 0.5 makes the float adder shift and round the mantissa */
	U32x4		denormal = (U32x4) ((V) magnitude + denormal_magic) - (U32x4) denormal_magic;
	U32x4		odd = (magnitude >> 13) & SPLAT(1);
	U32x4		normal = (magnitude - SPLAT((127 - 15) << 23) + SPLAT(0xfff) + odd) >> 13;
	U32x4		half;

	/* the smallest normal half is 2^-14; 65520 and above round to infinity */
	half = select_u32(magnitude < SPLAT(113u << 23), denormal, normal);
	half = select_u32(magnitude >= SPLAT(0x477ff000), SPLAT(0x7c00), half);
	half = select_u32(magnitude > SPLAT(0x7f800000), SPLAT(0x7e00), half);
	return half | sign;
}

VS_INLINE V
load_f32(const float *p)
{
	V			x;

	memcpy(&x, p, sizeof(x));
	return x;
}

VS_INLINE V
load_f32_tail(const float *p, int n)
{
	return (V){p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}

VS_INLINE V
load_f16(const VsHalf *p)
{
	U16x4		h;

	memcpy(&h, p, sizeof(h));
	return float_from_half(__builtin_convertvector(h, U32x4));
}

VS_INLINE V
load_f16_tail(const VsHalf *p, int n)
{
	return float_from_half((U32x4){p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0});
}

#define VS_ELEM float
#define VS_NAME(base)			base##_f32
#define V_LOAD(p)				load_f32(p)
#define V_LOAD_TAIL(p, n)		load_f32_tail(p, n)
#include "simd/simd_float_template.h"

#define VS_ELEM VsHalf
#define VS_NAME(base)			base##_f16
#define V_LOAD(p)				load_f16(p)
#define V_LOAD_TAIL(p, n)		load_f16_tail(p, n)
#include "simd/simd_float_template.h"

static void
float_to_half(int n, const float *src, VsHalf *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
	{
		U16x4		h = __builtin_convertvector(half_from_float(load_f32(src + i)), U16x4);

		memcpy(dst + i, &h, sizeof(h));
	}
	for (; i < n; i++)
		dst[i] = (VsHalf) half_from_float(load_f32_tail(src + i, 1))[0];
}

static void
half_to_float(int n, const VsHalf *src, float *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
	{
		V			x = load_f16(src + i);

		memcpy(dst + i, &x, sizeof(x));
	}
	for (; i < n; i++)
		dst[i] = load_f16_tail(src + i, 1)[0];
}

/* Load eight bytes, or nbytes < 8 bytes followed by zeros. */
VS_INLINE uint64_t
load_u64(const uint8_t *p, size_t nbytes)
{
	uint64_t	word = 0;

	if (nbytes >= sizeof(word))
		memcpy(&word, p, sizeof(word));
	else
	{
		for (size_t i = 0; i < nbytes; i++)
			word |= (uint64_t) p[i] << (8 * i);
	}
	return word;
}

/*
 * Count the bits set in a word.  On plain x86-64 __builtin_popcountll calls a
 * function of libgcc, which looks bytes up in a table.
 */
VS_INLINE uint64_t
count_bits(uint64_t w)
{
	w -= (w >> 1) & UINT64_C(0x5555555555555555);
	w = (w & UINT64_C(0x3333333333333333)) + ((w >> 2) & UINT64_C(0x3333333333333333));
	w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (w * UINT64_C(0x0101010101010101)) >> 56;
}

static uint64_t
hamming(size_t nbytes, const uint8_t *a, const uint8_t *b)
{
	uint64_t	count = 0;

	for (size_t i = 0; i < nbytes; i += 8)
		count += count_bits(load_u64(a + i, nbytes - i) ^ load_u64(b + i, nbytes - i));
	return count;
}

static void
jaccard(size_t nbytes, const uint8_t *a, const uint8_t *b,
		uint64_t *both, uint64_t *either)
{
	uint64_t	n_both = 0;
	uint64_t	n_either = 0;

	for (size_t i = 0; i < nbytes; i += 8)
	{
		uint64_t	x = load_u64(a + i, nbytes - i);
		uint64_t	y = load_u64(b + i, nbytes - i);

		n_both += count_bits(x & y);
		n_either += count_bits(x | y);
	}
	*both = n_both;
	*either = n_either;
}

const VsKernels vs_simd_portable = {
	.name = "portable",
	.l2_squared_f32 = l2_squared_f32,
	.inner_product_f32 = inner_product_f32,
	.l1_f32 = l1_f32,
	.cosine_f32 = cosine_f32,
	.l2_squared_f16 = l2_squared_f16,
	.inner_product_f16 = inner_product_f16,
	.l1_f16 = l1_f16,
	.cosine_f16 = cosine_f16,
	.hamming = hamming,
	.jaccard = jaccard,
	.float_to_half = float_to_half,
	.half_to_float = half_to_float,
};
