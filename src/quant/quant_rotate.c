/*-------------------------------------------------------------------------
 * quant_rotate.c
 *	  The random orthogonal transform.
 *
 * Four rounds of: flip random signs, Walsh-Hadamard transform.  The transform
 * wants a power of two; other lengths use the largest power of two that fits,
 * laid in turn at the front and at the back of the vector, and after each round
 * element i is mixed with element i + n/2, so that every element reaches every other.
 * Each step is orthogonal, so norms and inner products stay.
 *
 * The signs are drawn from the seed anew each time: two random words a round
 * for 128 dimensions cost less than looking them up.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "quant/quant_kernels.h"

#define ROUNDS		4

static void
rotate_one(const VsQuantSpec *spec, int window, float *x)
{
	const VsQuantKernels *kernels = vs_quant_kernels;
	int			n = spec->padded_dim;
	uint64_t	state = spec->seed;
	int			round;
	int			i;

	for (round = 0; round < ROUNDS; round++)
	{
		for (i = 0; i < n; i += 64)
		{
			uint64_t	signs = vs_quant_random(&state);

			kernels->flip_signs(64, &signs, x + i);
		}
		kernels->hadamard(window, round % 2 == 0 ? x : x + (n - window));
		if (window < n)
			kernels->mix_halves(n, x);
	}
}

void
vs_quant_rotate(const VsQuantSpec *spec, int count, const float *in,
				const float *shift, float *out)
{
	int			window = 64;
	int			i;
	int			d;

	while (window * 2 <= spec->padded_dim)
		window *= 2;

	for (i = 0; i < count; i++, in += spec->dim, out += spec->padded_dim)
	{
		if (shift == NULL)
			memcpy(out, in, sizeof(float) * spec->dim);
		else
			for (d = 0; d < spec->dim; d++)
				out[d] = in[d] - shift[d];
		memset(out + spec->dim, 0, sizeof(float) * (spec->padded_dim - spec->dim));
		rotate_one(spec, window, out);
	}
}
