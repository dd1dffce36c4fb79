/*-------------------------------------------------------------------------
 * simd_neon.c
 *	  Kernels for NEON, which every 64-bit ARM processor has.
 *-------------------------------------------------------------------------
 */
#include "simd/simd_internal.h"

#if defined(__AARCH64EL__)

#include <arm_neon.h>

#define VS_TARGET
#define VS_LANES 4

#define V						float32x4_t
#define V_ZERO()				vdupq_n_f32(0)
#define V_ADD(x, y)				vaddq_f32(x, y)
#define V_SUB(x, y)				vsubq_f32(x, y)
#define V_FMA(x, y, acc)		vfmaq_f32(acc, x, y)
#define V_ABS(x)				vabsq_f32(x)
#define V_SUM(x)				vaddvq_f32(x)

VS_INLINE float32x4_t
load_f32_tail(const float *p, int n)
{
	float32x4_t x = vsetq_lane_f32(p[0], vdupq_n_f32(0), 0);

	if (n > 1)
		x = vsetq_lane_f32(p[1], x, 1);
	if (n > 2)
		x = vsetq_lane_f32(p[2], x, 2);
	return x;
}

VS_INLINE float32x4_t
load_f16(const VsHalf *p)
{
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

VS_INLINE float32x4_t
load_f16_tail(const VsHalf *p, int n)
{
	uint64_t	bits = vs_load_u64_tail(p, 2 * (size_t) n);

	return vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(bits)));
}

#define VS_ELEM float
#define VS_NAME(base)			base##_f32
#define V_LOAD(p)				vld1q_f32(p)
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
		vst1_u16(dst + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(src + i))));
	for (; i < n; i++)
		dst[i] = vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(src[i]))), 0);
}

static void
half_to_float(int n, const VsHalf *src, float *dst)
{
	int			i = 0;

	for (; n - i >= VS_LANES; i += VS_LANES)
		vst1q_f32(dst + i, load_f16(src + i));
	for (; i < n; i++)
		dst[i] = vgetq_lane_f32(load_f16_tail(src + i, 1), 0);
}

/* Add the bits set in x to two 64-bit counts. */
VS_INLINE uint64x2_t
count_bits(uint64x2_t counts, uint8x16_t x)
{
	return vpadalq_u32(counts, vpaddlq_u16(vpaddlq_u8(vcntq_u8(x))));
}

/* Load 16 bytes, or n < 16 bytes followed by zeros; n > 0. */
VS_INLINE uint8x16_t
load_bytes(const uint8_t *p, size_t n)
{
	uint64_t	low;
	uint64_t	high = 0;

	if (n >= 16)
		return vld1q_u8(p);
	if (n >= 8)
	{
		memcpy(&low, p, 8);
		if (n > 8)
			high = vs_load_u64_tail(p + 8, n - 8);
	}
	else
		low = vs_load_u64_tail(p, n);
	return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

static uint64_t
hamming(size_t nbytes, const uint8_t *a, const uint8_t *b)
{
	uint64x2_t	counts = vdupq_n_u64(0);

	for (size_t i = 0; i < nbytes; i += 16)
		counts = count_bits(counts, veorq_u8(load_bytes(a + i, nbytes - i), load_bytes(b + i, nbytes - i)));
	return vaddvq_u64(counts);
}

static void
jaccard(size_t nbytes, const uint8_t *a, const uint8_t *b,
		uint64_t *both, uint64_t *either)
{
	uint64x2_t	both_counts = vdupq_n_u64(0);
	uint64x2_t	either_counts = vdupq_n_u64(0);

	for (size_t i = 0; i < nbytes; i += 16)
	{
		uint8x16_t	x = load_bytes(a + i, nbytes - i);
		uint8x16_t	y = load_bytes(b + i, nbytes - i);

		both_counts = count_bits(both_counts, vandq_u8(x, y));
		either_counts = count_bits(either_counts, vorrq_u8(x, y));
	}
	*both = vaddvq_u64(both_counts);
	*either = vaddvq_u64(either_counts);
}

const VsKernels vs_simd_neon = {
	.name = "neon",
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

#endif							/* __AARCH64EL__ */
