/*-------------------------------------------------------------------------
 * simd_avx512.c
 *	  Kernels for AVX-512 with F, BW, DQ and VL: every AVX-512 server processor.
 *
 * Tails are masked loads and stores, which access no byte of a masked lane.
 * The bit counts need VPOPCNTDQ too, which came later; without it
 * simd_dispatch.c uses those for AVX2.
 *-------------------------------------------------------------------------
 */
#include "simd/simd_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define POPCNT_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")))
#define VS_LANES 16

#define V						__m512
#define V_ZERO()				_mm512_setzero_ps()
#define V_ADD(x, y)				_mm512_add_ps(x, y)
#define V_SUB(x, y)				_mm512_sub_ps(x, y)
#define V_FMA(x, y, acc)		_mm512_fmadd_ps(x, y, acc)
#define V_ABS(x)				_mm512_abs_ps(x)
#define V_SUM(x)				_mm512_reduce_add_ps(x)

/* mask of the first n < VS_LANES lanes */
#define LANE_MASK(n)			((__mmask16) ((1u << (n)) - 1))
#define LOAD_HALVES(p)			_mm256_loadu_si256((const __m256i *) (p))

#define VS_ELEM float
#define VS_NAME(base)			base##_f32
#define V_LOAD(p)				_mm512_loadu_ps(p)
#define V_LOAD_TAIL(p, n)		_mm512_maskz_loadu_ps(LANE_MASK(n), p)
#include "simd/simd_float_template.h"

#define VS_ELEM VsHalf
#define VS_NAME(base)			base##_f16
#define V_LOAD(p)				_mm512_cvtph_ps(LOAD_HALVES(p))
#define V_LOAD_TAIL(p, n)		_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(LANE_MASK(n), p))
#include "simd/simd_float_template.h"

static VS_TARGET void
float_to_half(int n, const float *src, VsHalf *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
		_mm256_storeu_si256((__m256i *) (dst + i),
							_mm512_cvtps_ph(_mm512_loadu_ps(src + i),
											_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	if (i < n)
	{
		__mmask16	mask = LANE_MASK(n - i);

		_mm256_mask_storeu_epi16(dst + i, mask,
								 _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, src + i),
												 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	}
}

static VS_TARGET void
half_to_float(int n, const VsHalf *src, float *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
		_mm512_storeu_ps(dst + i, _mm512_cvtph_ps(LOAD_HALVES(src + i)));
	if (i < n)
	{
		__mmask16	mask = LANE_MASK(n - i);

		_mm512_mask_storeu_ps(dst + i, mask,
							  _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, src + i)));
	}
}

/* Load 64 bytes, or n < 64 bytes followed by zeros. */
VS_INLINE POPCNT_TARGET __m512i
load_bytes(const uint8_t *p, size_t n)
{
	if (n >= 64)
		return _mm512_loadu_si512(p);
	return _mm512_maskz_loadu_epi8((__mmask64) ((UINT64_C(1) << n) - 1), p);
}

static POPCNT_TARGET uint64_t
hamming(size_t nbytes, const uint8_t *a, const uint8_t *b)
{
	__m512i		counts = _mm512_setzero_si512();

	for (size_t i = 0; i < nbytes; i += 64)
	{
		__m512i		x = load_bytes(a + i, nbytes - i);
		__m512i		y = load_bytes(b + i, nbytes - i);

		counts = _mm512_add_epi64(counts, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
	}
	return (uint64_t) _mm512_reduce_add_epi64(counts);
}

static POPCNT_TARGET void
jaccard(size_t nbytes, const uint8_t *a, const uint8_t *b,
		uint64_t *both, uint64_t *either)
{
	__m512i		both_counts = _mm512_setzero_si512();
	__m512i		either_counts = _mm512_setzero_si512();

	for (size_t i = 0; i < nbytes; i += 64)
	{
		__m512i		x = load_bytes(a + i, nbytes - i);
		__m512i		y = load_bytes(b + i, nbytes - i);

		both_counts = _mm512_add_epi64(both_counts, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
		either_counts = _mm512_add_epi64(either_counts, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
	}
	*both = (uint64_t) _mm512_reduce_add_epi64(both_counts);
	*either = (uint64_t) _mm512_reduce_add_epi64(either_counts);
}

const VsKernels vs_simd_avx512 = {
	.name = "avx512",
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
