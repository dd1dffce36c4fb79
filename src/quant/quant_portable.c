/*-------------------------------------------------------------------------
 * quant_portable.c
 *	  The quantizer's inner loops for any processor, and the reference for
 *	  the others.
 *-------------------------------------------------------------------------
 */
#define WIDTH		4
#define LANES		0, 1, 2, 3
#define TARGET
#define TILE_ROWS	6

#include "quant/quant_vector.h"

INLINE uint32_t
sign_mask(VF v)
{
	VI			bits = (VI) v < 0;

	return (bits[0] & 1) | (bits[1] & 2) | (bits[2] & 4) | (bits[3] & 8);
}

INLINE void
keep_less(VF *best, VI *list, VF distance, VI candidate)
{
	VI			less = distance < *best;

	*best = (VF) ((less & (VI) distance) | (~less & (VI) *best));
	*list = (less & candidate) | (~less & *list);
}

INLINE uint32_t
lowered(VF v, float threshold, VF *shown)
{
	VI			number = v == v;
	VI			cut = v >= splat(threshold);

	*shown = (VF) ((number & (VI) v) | (~number & (VI) splat(-INFINITY)));
	return ~((cut[0] & 1) | (cut[1] & 2) | (cut[2] & 4) | (cut[3] & 8)) & 15;
}

#include "quant/quant_template.h"

static void
table_sums(int ngroups, const uint8_t *codes, const uint8_t *lut, uint32_t *sums)
{
	for (int g = 0; g < ngroups; g++, codes += GROUP_BYTES, lut += 16)
		for (int k = 0; k < GROUP_BYTES; k++)
		{
			sums[k] += lut[codes[k] & 15];
			sums[k + GROUP_BYTES] += lut[codes[k] >> 4];
		}
}

static float
extra_dot(int bits, int n, const uint8_t *extra, const float *q)
{
	VF			sum[4] = {{0}, {0}, {0}, {0}};

	for (int i = 0; i < n; i += 64, extra += bits * 8, q += 64)
	{
		uint8_t		codes[64];

		vs_quant_extra_unpack(bits, extra, codes);
		for (int j = 0; j < 64; j += WIDTH)
		{
			VF			code = {codes[j], codes[j + 1], codes[j + 2], codes[j + 3]};

			sum[j / WIDTH % 4] += code * LOAD(q + j);
		}
	}
	return lanes_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

const VsQuantKernels vs_quant_kernels_portable = VS_QUANT_KERNELS("portable");
