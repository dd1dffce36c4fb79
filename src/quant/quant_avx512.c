/*-------------------------------------------------------------------------
 * quant_avx512.c
 *	  The quantizer's inner loops with AVX-512 (F, BW, DQ, VL).
 *-------------------------------------------------------------------------
 */
#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH		16
#define LANES		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define TARGET		__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define TILE_ROWS	12

#include "quant/quant_vector.h"

INLINE uint32_t
sign_mask(VF v)
{
	return _mm512_movepi32_mask((__m512i) v);
}

INLINE void
keep_less(VF *best, VI *list, VF distance, VI candidate)
{
	__mmask16	less = _mm512_cmp_ps_mask((__m512) distance, (__m512) *best, _CMP_LT_OQ);

	*best = (VF) _mm512_mask_mov_ps((__m512) *best, less, (__m512) distance);
	*list = (VI) _mm512_mask_mov_epi32((__m512i) *list, less, (__m512i) candidate);
}

INLINE uint32_t
lowered(VF v, float threshold, VF *shown)
{
	/* max returns its second operand when the first is NaN */
	*shown = (VF) _mm512_max_ps((__m512) v, _mm512_set1_ps(-INFINITY));
	return _mm512_cmp_ps_mask((__m512) v, _mm512_set1_ps(threshold), _CMP_NGE_UQ);
}

#include "quant/quant_template.h"
#include "quant/quant_x86.h"

/*
 * Add the 16-bit sums of a chunk to sums.  table_sums adds bytes in 16-bit
 * lanes without widening them: a lane of "both" is the sum of even byte + 256
 * * odd byte, one of "odd" that of the odd bytes.  Their difference is the
 * sum of the even bytes.
 */
INLINE void
chunk_fold(__m512i both, __m512i odd, uint32_t *sums)
{
	__m512i		even = _mm512_sub_epi16(both, _mm512_slli_epi16(odd, 8));
	__m256i		e2 = _mm256_add_epi16(_mm512_castsi512_si256(even),
									  _mm512_extracti64x4_epi64(even, 1));
	__m256i		o2 = _mm256_add_epi16(_mm512_castsi512_si256(odd),
									  _mm512_extracti64x4_epi64(odd, 1));
	__m128i		e = _mm_add_epi16(_mm256_castsi256_si128(e2), _mm256_extracti128_si256(e2, 1));
	__m128i		o = _mm_add_epi16(_mm256_castsi256_si128(o2), _mm256_extracti128_si256(o2, 1));
	__m256i		all = _mm256_set_m128i(_mm_unpackhi_epi16(e, o), _mm_unpacklo_epi16(e, o));

	_mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), _mm512_cvtepu16_epi32(all)));
}

TARGET static void
table_sums(int ngroups, const uint8_t *codes, const uint8_t *lut, uint32_t *sums)
{
	const __m512i nibble = _mm512_set1_epi8(15);

	while (ngroups > 0)
	{
		int			n = ngroups < GROUPS_PER_CHUNK ? ngroups : GROUPS_PER_CHUNK;
		__m512i		low_both = _mm512_setzero_si512();
		__m512i		low_odd = _mm512_setzero_si512();
		__m512i		high_both = _mm512_setzero_si512();
		__m512i		high_odd = _mm512_setzero_si512();

		for (int g = 0; g < n; g += 4, codes += 64, lut += 64)
		{
			__m512i		c = _mm512_loadu_si512(codes);
			__m512i		t = _mm512_loadu_si512(lut);
			__m512i		low = _mm512_shuffle_epi8(t, _mm512_and_si512(c, nibble));
			__m512i		high = _mm512_shuffle_epi8(t, _mm512_and_si512(_mm512_srli_epi16(c, 4), nibble));

			low_both = _mm512_add_epi16(low_both, low);
			low_odd = _mm512_add_epi16(low_odd, _mm512_srli_epi16(low, 8));
			high_both = _mm512_add_epi16(high_both, high);
			high_odd = _mm512_add_epi16(high_odd, _mm512_srli_epi16(high, 8));
		}
		chunk_fold(low_both, low_odd, sums);
		chunk_fold(high_both, high_odd, sums + GROUP_BYTES);
		ngroups -= n;
	}
}

INLINE float
extra_dot_bits(const int bits, int n, const uint8_t *extra, const float *q)
{
	VF			sum[4] = {{0}, {0}, {0}, {0}};
	int			i;

	for (i = 0; i < n; i += 64, extra += bits * 8, q += 64)
	{
#define QUARTER(k) \
	sum[k] += (VF) _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(unpack16(bits, extra, k))) * \
		LOAD(q + 16 * k);
		QUARTER(0)
		QUARTER(1)
		QUARTER(2)
		QUARTER(3)
#undef QUARTER
	}
	return lanes_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

TARGET static float
extra_dot(int bits, int n, const uint8_t *extra, const float *q)
{
	switch (bits)
	{
		case 2:
			return extra_dot_bits(2, n, extra, q);
		case 3:
			return extra_dot_bits(3, n, extra, q);
		case 4:
			return extra_dot_bits(4, n, extra, q);
		case 5:
			return extra_dot_bits(5, n, extra, q);
		case 6:
			return extra_dot_bits(6, n, extra, q);
		case 7:
			return extra_dot_bits(7, n, extra, q);
		default:
			return extra_dot_bits(8, n, extra, q);
	}
}

const VsQuantKernels vs_quant_kernels_avx512 = VS_QUANT_KERNELS("avx512");

#endif							/* __x86_64__ */
