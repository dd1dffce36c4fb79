/*-------------------------------------------------------------------------
 * quant_encode.c
 *	  From a rotated row and its centroid to codes and factors.
 *
 * Let r = row - centroid, and let x be a code read as a vector.  In the 1-bit
 * code the elements of x are the signs of r.  With more bits they are the
 * levels m + 0.5 with the sign of r, where m = min(floor(|r| / step), top).
 * With k = <r,r> / <x,r> the estimate of <r,q> is k <x,q>.
 *
 * Only the part q - t c of the query is estimated; <r,c> is known exactly.
 * Here t is 1 under L2, else the multiple of the centroid that is nearest to
 * the query (see vs_quant_list_terms).  So
 *		<r,q> ~ k <x,q> - t (k <x,c> - <r,c>)
 * and the factors are:
 * L2:	|o-q|^2 = <r,r> + |q-c|^2 - 2 <r,q-c>
 *			add = <r,r> + 2 k <x,c>, with list.mul = 1; rescale = -2 k
 * IP:	-<o,q> = -<c,q> - <r,q>
 *			add = k <x,c> - <r,c>, with list.mul = t; rescale = -k
 * With q' = q - t c and a = cos(x,r), the error of k <x,q'> has the standard
 * deviation |r| |q'| sqrt((1-a^2)/a^2/(D-1)).
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "quant/quant_kernels.h"

#define CHUNK_DIMS	64

/* step widths to try around the one for a normal distribution */
#define STEP_TRIES	5

/*
 * By bits: the step of the uniform quantizer with 2^bits levels whose squared
 * error is least for a normal distribution of deviation 1.
 */
static const float normal_step[VS_QUANT_MAX_BITS + 1] = {
	0, 1.596f, 0.9957f, 0.5860f, 0.3352f, 0.1881f, 0.1041f, 0.0569f, 0.0308f
};

/*
 * Compute the factors of a code x from code_norm_sq = <x,x>, code_dot = <x,r>
 * and code_centroid = <x,c>.
 */
static void
factors_fill(const VsQuantSpec *spec, const VsQuantResidual *r, float code_norm_sq,
			 float code_dot, float code_centroid, VsQuantFactors *factors)
{
	float		scale = r->norm_sq / code_dot;
	float		cosine_sq = code_dot / code_norm_sq * (code_dot / r->norm_sq);
	float		error;

	if (r->norm_sq == 0)
	{
		/* the row is its centroid, whose score is in the list's terms */
		memset(factors, 0, sizeof(*factors));
		return;
	}
	error = sqrtf(r->norm_sq * fmaxf(1.0f / cosine_sq - 1.0f, 0.0f) /
				  (float) (spec->padded_dim - 1));
	if (spec->metric == VS_QUANT_L2)
	{
		factors->add = r->norm_sq + 2 * scale * code_centroid;
		factors->rescale = -2 * scale;
		factors->error = 2 * error;
	}
	else
	{
		factors->add = scale * code_centroid - r->dot_centroid;
		factors->rescale = -scale;
		factors->error = error;
	}
	/* NaN factors make every bound -INFINITY */
	if (!isfinite(factors->add) || !isfinite(factors->rescale) || !isfinite(factors->error))
		factors->add = factors->rescale = factors->error = NAN;
}

/*
 * Choose the step whose levels have the largest cosine with the residual, and
 * set *best to the sums of these levels.  Returns the inverse of the step, or
 * 0 if no step is usable; then all m are 0 and *best is not set.
 */
static float
step_choose(const VsQuantSpec *spec, const VsQuantResidual *r, const float *row,
			const float *centroid, float top, VsQuantLevels *best)
{
	float		step = normal_step[spec->bits] * sqrtf(r->norm_sq / (float) spec->padded_dim);
	float		best_inverse = 0;
	float		best_cosine = -1;

	for (int i = 0; i < STEP_TRIES; i++)
	{
		float		inverse = 1.0f / (step * (0.8f + 0.1f * (float) i));
		VsQuantLevels levels;
		float		cosine;

		if (!isfinite(inverse))
			continue;
		vs_quant_kernels->levels(spec->padded_dim, row, centroid, inverse, top, &levels);
		cosine = levels.dot / sqrtf(levels.norm_sq);
		if (cosine > best_cosine)
		{
			best_cosine = cosine;
			best_inverse = inverse;
			*best = levels;
		}
	}
	return best_inverse;
}

static void
extra_encode(const VsQuantSpec *spec, const VsQuantResidual *r, const float *row,
			 const float *centroid, uint8_t *extra, VsQuantFactors *factors)
{
	float		top = (float) ((1 << (spec->bits - 1)) - 1);
	VsQuantLevels levels = {0, 0};
	float		inverse = step_choose(spec, r, row, centroid, top, &levels);
	float		dot = 0;

	for (int i = 0; i < spec->padded_dim; i += CHUNK_DIMS)
	{
		uint8_t		codes[CHUNK_DIMS];

		dot += vs_quant_kernels->quantize(CHUNK_DIMS, row + i, centroid + i,
										  inverse, top, codes);
		vs_quant_extra_pack(spec->bits, codes, extra + i / 8 * spec->bits);
	}
	factors_fill(spec, r, levels.norm_sq, levels.dot, dot, factors);
}

void
vs_quant_encode(const VsQuantSpec *spec, const float *rotated, const float *centroid,
				uint8_t *code, VsQuantFactors *factors, uint8_t *extra,
				VsQuantFactors *extra_factors)
{
	VsQuantResidual r;

	vs_quant_kernels->residual(spec->padded_dim, rotated, centroid, code, &r);
	factors_fill(spec, &r, (float) spec->padded_dim, r.abs_sum, r.sign_centroid, factors);
	if (spec->bits > 1)
		extra_encode(spec, &r, rotated, centroid, extra, extra_factors);
}
