/*-------------------------------------------------------------------------
 * quant_neon.c
 *	  The quantizer's inner loops for 64-bit ARM.
 *-------------------------------------------------------------------------
 */
#if defined(__aarch64__)
#include <arm_neon.h>

#define WIDTH		4
#define LANES		0, 1, 2, 3
#define TARGET
#define TILE_ROWS	12

#include "quant/quant_vector.h"

/* Return a mask: bit i is set if lane i is all ones. */
INLINE uint32_t
lanes_mask(uint32x4_t lanes)
{
	const uint32x4_t bits = {1, 2, 4, 8};

	return vaddvq_u32(vandq_u32(lanes, bits));
}

INLINE uint32_t
sign_mask(VF v)
{
	return lanes_mask(vcltzq_s32((int32x4_t) v));
}

INLINE void
keep_less(VF *best, VI *list, VF distance, VI candidate)
{
	uint32x4_t	less = vcltq_f32((float32x4_t) distance, (float32x4_t) *best);

	*best = (VF) vbslq_f32(less, (float32x4_t) distance, (float32x4_t) *best);
	*list = (VI) vbslq_s32(less, (int32x4_t) candidate, (int32x4_t) *list);
}

INLINE uint32_t
lowered(VF v, float threshold, VF *shown)
{
	/* maxnm(number, NaN) is the number */
	*shown = (VF) vmaxnmq_f32((float32x4_t) v, vdupq_n_f32(-INFINITY));
	return lanes_mask(vmvnq_u32(vcgeq_f32((float32x4_t) v, vdupq_n_f32(threshold))));
}

#include "quant/quant_template.h"

/* Add the 16-bit sums of a chunk to 16 of the sums. */
INLINE void
chunk_fold(uint16x8_t first, uint16x8_t last, uint32_t *sums)
{
	vst1q_u32(sums, vaddw_u16(vld1q_u32(sums), vget_low_u16(first)));
	vst1q_u32(sums + 4, vaddw_u16(vld1q_u32(sums + 4), vget_high_u16(first)));
	vst1q_u32(sums + 8, vaddw_u16(vld1q_u32(sums + 8), vget_low_u16(last)));
	vst1q_u32(sums + 12, vaddw_u16(vld1q_u32(sums + 12), vget_high_u16(last)));
}

static void
table_sums(int ngroups, const uint8_t *codes, const uint8_t *lut, uint32_t *sums)
{
	while (ngroups > 0)
	{
		int			n = ngroups < GROUPS_PER_CHUNK ? ngroups : GROUPS_PER_CHUNK;
		uint16x8_t	low_first = vdupq_n_u16(0);
		uint16x8_t	low_last = vdupq_n_u16(0);
		uint16x8_t	high_first = vdupq_n_u16(0);
		uint16x8_t	high_last = vdupq_n_u16(0);

		for (int g = 0; g < n; g++, codes += GROUP_BYTES, lut += 16)
		{
			uint8x16_t	c = vld1q_u8(codes);
			uint8x16_t	t = vld1q_u8(lut);
			uint8x16_t	low = vqtbl1q_u8(t, vandq_u8(c, vdupq_n_u8(15)));
			uint8x16_t	high = vqtbl1q_u8(t, vshrq_n_u8(c, 4));

			low_first = vaddw_u8(low_first, vget_low_u8(low));
			low_last = vaddw_high_u8(low_last, low);
			high_first = vaddw_u8(high_first, vget_low_u8(high));
			high_last = vaddw_high_u8(high_last, high);
		}
		chunk_fold(low_first, low_last, sums);
		chunk_fold(high_first, high_last, sums + GROUP_BYTES);
		ngroups -= n;
	}
}

/*
 * Unpack the codes of dimensions 16 * quarter .. 16 * quarter + 15 of a
 * chunk; see quant_extra.c.
 */
INLINE uint8x16_t
unpack16(const int bits, const uint8_t *chunk, const int quarter)
{
	uint8x16_t	codes = vdupq_n_u8(0);
	uint8x16_t	part;

	if (bits == 8)
		return vld1q_u8(chunk + 16 * quarter);
	if (bits & 4)
	{
		part = vld1q_u8(chunk + 16 * (quarter & 1));
		codes = (quarter & 2) ? vshrq_n_u8(part, 4) : vandq_u8(part, vdupq_n_u8(15));
		chunk += 32;
	}
	if (bits & 2)
	{
		part = vshlq_u8(vld1q_u8(chunk), vdupq_n_s8(-2 * quarter));
		codes = vorrq_u8(vshlq_n_u8(codes, 2), vandq_u8(part, vdupq_n_u8(3)));
		chunk += 16;
	}
	if (bits & 1)
	{
		int8x16_t	shift = vcombine_s8(vdup_n_s8(-2 * quarter), vdup_n_s8(-2 * quarter - 1));

		part = vshlq_u8(vcombine_u8(vld1_u8(chunk), vld1_u8(chunk)), shift);
		codes = vorrq_u8(vshlq_n_u8(codes, 1), vandq_u8(part, vdupq_n_u8(1)));
	}
	return codes;
}

/* Multiply 16 codes with 16 floats of q and add the products to sum[0..3]. */
INLINE void
accumulate16(uint8x16_t codes, const float *q, VF *sum)
{
	uint16x8_t	first = vmovl_u8(vget_low_u8(codes));
	uint16x8_t	last = vmovl_high_u8(codes);

	sum[0] += (VF) vcvtq_f32_u32(vmovl_u16(vget_low_u16(first))) * LOAD(q);
	sum[1] += (VF) vcvtq_f32_u32(vmovl_high_u16(first)) * LOAD(q + 4);
	sum[2] += (VF) vcvtq_f32_u32(vmovl_u16(vget_low_u16(last))) * LOAD(q + 8);
	sum[3] += (VF) vcvtq_f32_u32(vmovl_high_u16(last)) * LOAD(q + 12);
}

INLINE float
extra_dot_bits(const int bits, int n, const uint8_t *extra, const float *q)
{
	VF			sum[4] = {{0}, {0}, {0}, {0}};

	for (int i = 0; i < n; i += 64, extra += bits * 8, q += 64)
	{
		accumulate16(unpack16(bits, extra, 0), q, sum);
		accumulate16(unpack16(bits, extra, 1), q + 16, sum);
		accumulate16(unpack16(bits, extra, 2), q + 32, sum);
		accumulate16(unpack16(bits, extra, 3), q + 48, sum);
	}
	return lanes_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

static float
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

const VsQuantKernels vs_quant_kernels_neon = VS_QUANT_KERNELS("neon");

#endif							/* __aarch64__ */
