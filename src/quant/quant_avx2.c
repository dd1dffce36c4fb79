/*-------------------------------------------------------------------------
 * quant_avx2.c
 *	  The quantizer's inner loops with AVX2 and FMA.
 *-------------------------------------------------------------------------
 */
#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH		8
#define LANES		0, 1, 2, 3, 4, 5, 6, 7
#define TARGET		__attribute__((target("avx2,fma")))
#define TILE_ROWS	6

#include "quant/quant_vector.h"

INLINE uint32_t
sign_mask(VF v)
{
	return (uint32_t) _mm256_movemask_ps((__m256) v);
}

INLINE void
keep_less(VF *best, VI *list, VF distance, VI candidate)
{
	__m256		less = _mm256_cmp_ps((__m256) distance, (__m256) *best, _CMP_LT_OQ);

	*best = (VF) _mm256_blendv_ps((__m256) *best, (__m256) distance, less);
	*list = (VI) _mm256_blendv_ps((__m256) *list, (__m256) candidate, less);
}

INLINE uint32_t
lowered(VF v, float threshold, VF *shown)
{
	/* max returns its second operand when the first is NaN */
	*shown = (VF) _mm256_max_ps((__m256) v, _mm256_set1_ps(-INFINITY));
	return (uint32_t) _mm256_movemask_ps(_mm256_cmp_ps((__m256) v, _mm256_set1_ps(threshold),
													   _CMP_NGE_UQ));
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
chunk_fold(__m256i both, __m256i odd, uint32_t *sums)
{
	__m256i		even = _mm256_sub_epi16(both, _mm256_slli_epi16(odd, 8));
	__m128i		e = _mm_add_epi16(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1));
	__m128i		o = _mm_add_epi16(_mm256_castsi256_si128(odd), _mm256_extracti128_si256(odd, 1));
	__m256i		first = _mm256_cvtepu16_epi32(_mm_unpacklo_epi16(e, o));
	__m256i		last = _mm256_cvtepu16_epi32(_mm_unpackhi_epi16(e, o));
	__m256i    *out = (__m256i *) sums;

	_mm256_storeu_si256(out, _mm256_add_epi32(_mm256_loadu_si256(out), first));
	_mm256_storeu_si256(out + 1, _mm256_add_epi32(_mm256_loadu_si256(out + 1), last));
}

TARGET static void
table_sums(int ngroups, const uint8_t *codes, const uint8_t *lut, uint32_t *sums)
{
	const __m256i nibble = _mm256_set1_epi8(15);

	while (ngroups > 0)
	{
		int			n = ngroups < GROUPS_PER_CHUNK ? ngroups : GROUPS_PER_CHUNK;
		__m256i		low_both = _mm256_setzero_si256();
		__m256i		low_odd = _mm256_setzero_si256();
		__m256i		high_both = _mm256_setzero_si256();
		__m256i		high_odd = _mm256_setzero_si256();

		for (int g = 0; g < n; g += 2, codes += 32, lut += 32)
		{
			__m256i		c = _mm256_loadu_si256((const __m256i *) codes);
			__m256i		t = _mm256_loadu_si256((const __m256i *) lut);
			__m256i		low = _mm256_shuffle_epi8(t, _mm256_and_si256(c, nibble));
			__m256i		high = _mm256_shuffle_epi8(t, _mm256_and_si256(_mm256_srli_epi16(c, 4), nibble));

			low_both = _mm256_add_epi16(low_both, low);
			low_odd = _mm256_add_epi16(low_odd, _mm256_srli_epi16(low, 8));
			high_both = _mm256_add_epi16(high_both, high);
			high_odd = _mm256_add_epi16(high_odd, _mm256_srli_epi16(high, 8));
		}
		chunk_fold(low_both, low_odd, sums);
		chunk_fold(high_both, high_odd, sums + GROUP_BYTES);
		ngroups -= n;
	}
}

INLINE float
extra_dot_bits(const int bits, int n, const uint8_t *extra, const float *q)
{
	VF			left = {0};
	VF			right = {0};

	for (int i = 0; i < n; i += 64, extra += bits * 8)
		for (int quarter = 0; quarter < 4; quarter++, q += 16)
		{
			__m128i		codes = unpack16(bits, extra, quarter);
			__m256		first = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes));
			__m256		last = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(codes, 8)));

			left += (VF) first * LOAD(q);
			right += (VF) last * LOAD(q + 8);
		}
	return lanes_sum(left + right);
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

const VsQuantKernels vs_quant_kernels_avx2 = VS_QUANT_KERNELS("avx2");

#endif							/* __x86_64__ */
