/*-------------------------------------------------------------------------
 * quant_rotate.c
 *	  The random orthogonal transform.
 *
 * There are four rounds; each flips random signs and applies a Walsh-Hadamard
 * transform.  The transform needs a power of two.  For another length n it is
 * applied to the largest power of two that fits, at the front and at the back
 * of the vector in turn.  After each round element i is then mixed with
 * element i + n/2, so that every element influences every other.  Each step
 * is orthogonal and so keeps norms and inner products.
 *
 * The signs are generated from the seed for each vector.  Two random words
 * per round and 128 dimensions cost less than reading them from memory.
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

	for (int round = 0; round < ROUNDS; round++)
	{
		for (int i = 0; i < n; i += 64)
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

	while (window * 2 <= spec->padded_dim)
		window *= 2;

	for (int i = 0; i < count; i++, in += spec->dim, out += spec->padded_dim)
	{
		if (shift == NULL)
			memcpy(out, in, sizeof(float) * spec->dim);
		else
			for (int d = 0; d < spec->dim; d++)
				out[d] = in[d] - shift[d];
		memset(out + spec->dim, 0, sizeof(float) * (spec->padded_dim - spec->dim));
		rotate_one(spec, window, out);
	}
}
