/*-------------------------------------------------------------------------
 * simd_avx2.c
 *	  Kernels for AVX2 with FMA and F16C: x86-64 processors since 2013.
 *-------------------------------------------------------------------------
 */
#include "simd/simd_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VS_TARGET __attribute__((target("avx2,fma,f16c,popcnt")))
#define VS_LANES 8

#define V						__m256
#define V_ZERO()				_mm256_setzero_ps()
#define V_ADD(x, y)				_mm256_add_ps(x, y)
#define V_SUB(x, y)				_mm256_sub_ps(x, y)
#define V_FMA(x, y, acc)		_mm256_fmadd_ps(x, y, acc)
#define V_ABS(x)				_mm256_andnot_ps(_mm256_set1_ps(-0.0f), x)
#define V_SUM(x)				sum_lanes(x)

VS_INLINE VS_TARGET float
sum_lanes(__m256 x)
{
	__m128		s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	s = _mm_add_ss(s, _mm_movehdup_ps(s));
	return _mm_cvtss_f32(s);
}

/* Load n < VS_LANES floats; a masked load reads no byte of the other lanes. */
VS_INLINE VS_TARGET __m256
load_f32_tail(const float *p, int n)
{
	__m256i		lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane));
}

VS_INLINE VS_TARGET __m128i
load_half_tail(const VsHalf *p, int n)
{
	uint64_t	words[2];

	vs_load_half_tail(p, n, words);
	return _mm_set_epi64x((long long) words[1], (long long) words[0]);
}

#define VS_ELEM float
#define VS_NAME(base)			base##_f32
#define V_LOAD(p)				_mm256_loadu_ps(p)
#define V_LOAD_TAIL(p, n)		load_f32_tail(p, n)
#include "simd/simd_float_template.h"

#define VS_ELEM VsHalf
#define VS_NAME(base)			base##_f16
#define V_LOAD(p)				_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (p)))
#define V_LOAD_TAIL(p, n)		_mm256_cvtph_ps(load_half_tail(p, n))
#include "simd/simd_float_template.h"

static VS_TARGET void
float_to_half(int n, const float *src, VsHalf *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
		_mm_storeu_si128((__m128i *) (dst + i),
						 _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
	if (i < n)
	{
		VsHalf		halves[VS_LANES];

		_mm_storeu_si128((__m128i *) halves,
						 _mm256_cvtps_ph(load_f32_tail(src + i, n - i), _MM_FROUND_TO_NEAREST_INT));
		memcpy(dst + i, halves, (size_t) (n - i) * sizeof(VsHalf));
	}
}

static VS_TARGET void
half_to_float(int n, const VsHalf *src, float *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
		_mm256_storeu_ps(dst + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (src + i))));
	if (i < n)
	{
		float		floats[VS_LANES];

		_mm256_storeu_ps(floats, _mm256_cvtph_ps(load_half_tail(src + i, n - i)));
		memcpy(dst + i, floats, (size_t) (n - i) * sizeof(float));
	}
}

/*
 * Add the bits set in x to four 64-bit counts, by two table lookups per byte.
 */
VS_INLINE VS_TARGET __m256i
count_bits(__m256i counts, __m256i x)
{
	const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
										   0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	__m256i		low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, nibble));
	__m256i		high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble));
	__m256i		bytes = _mm256_add_epi8(low, high);

	return _mm256_add_epi64(counts, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
}

VS_INLINE VS_TARGET uint64_t
sum_counts(__m256i counts)
{
	__m128i		s = _mm_add_epi64(_mm256_castsi256_si128(counts),
								  _mm256_extracti128_si256(counts, 1));

	return (uint64_t) _mm_cvtsi128_si64(s) + (uint64_t) _mm_extract_epi64(s, 1);
}

VS_INLINE uint64_t
load_u64(const uint8_t *p)
{
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static VS_TARGET uint64_t
hamming(size_t nbytes, const uint8_t *a, const uint8_t *b)
{
	__m256i		counts = _mm256_setzero_si256();
	uint64_t	count;
	size_t		i = 0;

	for (; nbytes - i >= 32; i += 32)
		counts = count_bits(counts,
							_mm256_xor_si256(_mm256_loadu_si256((const __m256i *) (a + i)),
											 _mm256_loadu_si256((const __m256i *) (b + i))));
	count = sum_counts(counts);
	for (; nbytes - i >= 8; i += 8)
		count += (uint64_t) __builtin_popcountll(load_u64(a + i) ^ load_u64(b + i));
	if (i < nbytes)
		count += (uint64_t) __builtin_popcountll(vs_load_u64_tail(a + i, nbytes - i) ^
												 vs_load_u64_tail(b + i, nbytes - i));
	return count;
}

static VS_TARGET void
jaccard(size_t nbytes, const uint8_t *a, const uint8_t *b,
		uint64_t *both, uint64_t *either)
{
	__m256i		both_counts = _mm256_setzero_si256();
	__m256i		either_counts = _mm256_setzero_si256();
	size_t		i = 0;

	for (; nbytes - i >= 32; i += 32)
	{
		__m256i		x = _mm256_loadu_si256((const __m256i *) (a + i));
		__m256i		y = _mm256_loadu_si256((const __m256i *) (b + i));

		both_counts = count_bits(both_counts, _mm256_and_si256(x, y));
		either_counts = count_bits(either_counts, _mm256_or_si256(x, y));
	}
	*both = sum_counts(both_counts);
	*either = sum_counts(either_counts);
	for (; i < nbytes; i += 8)
	{
		size_t		rest = nbytes - i;
		uint64_t	x = rest >= 8 ? load_u64(a + i) : vs_load_u64_tail(a + i, rest);
		uint64_t	y = rest >= 8 ? load_u64(b + i) : vs_load_u64_tail(b + i, rest);

		*both += (uint64_t) __builtin_popcountll(x & y);
		*either += (uint64_t) __builtin_popcountll(x | y);
	}
}

const VsKernels vs_simd_avx2 = {
	.name = "avx2",
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

#endif							/* __x86_64__ */
