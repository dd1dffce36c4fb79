/*-------------------------------------------------------------------------
 * plain_loops.c
 *	  See plain_loops.h.
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "plain_loops.h"

static float
l2_squared_f32(int n, const float *a, const float *b)
{
	float		sum = 0;

	for (int i = 0; i < n; i++)
	{
		float		d = a[i] - b[i];

		sum += d * d;
	}
	return sum;
}

static float
inner_product_f32(int n, const float *a, const float *b)
{
	float		sum = 0;

	for (int i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static float
l1_f32(int n, const float *a, const float *b)
{
	float		sum = 0;

	for (int i = 0; i < n; i++)
		sum += fabsf(a[i] - b[i]);
	return sum;
}

static void
cosine_f32(int n, const float *a, const float *b, float sums[3])
{
	float		ab = 0;
	float		aa = 0;
	float		bb = 0;

	for (int i = 0; i < n; i++)
	{
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	sums[0] = ab;
	sums[1] = aa;
	sums[2] = bb;
}

#ifdef __FLT16_MAX__
static float
l2_squared_f16(int n, const VsHalf *a, const VsHalf *b)
{
	const _Float16 *ha = (const _Float16 *) a;
	const _Float16 *hb = (const _Float16 *) b;
	float		sum = 0;

	for (int i = 0; i < n; i++)
	{
		float		d = (float) ha[i] - (float) hb[i];

		sum += d * d;
	}
	return sum;
}
#endif

static uint64_t
hamming(size_t nbytes, const uint8_t *a, const uint8_t *b)
{
	uint64_t	count = 0;
	size_t		i;

	for (i = 0; nbytes - i >= 8; i += 8)
	{
		uint64_t	x;
		uint64_t	y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		count += (uint64_t) __builtin_popcountll(x ^ y);
	}
	for (; i < nbytes; i++)
		count += (uint64_t) __builtin_popcount(a[i] ^ b[i]);
	return count;
}

const VsKernels PLAIN_NAME = {
	.name = PLAIN_TITLE,
	.l2_squared_f32 = l2_squared_f32,
	.inner_product_f32 = inner_product_f32,
	.l1_f32 = l1_f32,
	.cosine_f32 = cosine_f32,
#ifdef __FLT16_MAX__
	.l2_squared_f16 = l2_squared_f16,
#endif
	.hamming = hamming,
};
