/*-------------------------------------------------------------------------
 * quant_query.c
 *	  Query preparation and scoring.
 *
 * A query has a table of 16 bytes per four dimensions.  Entry i of a table is
 * <s,q> over these dimensions for sign pattern i, rounded to 0..255 with the
 * same step for the whole query.  Four bits of a 1-bit code are the index of
 * an entry, and the sum over all tables is <s,q>, except for the rounding: at
 * most half a step per table.  The bound allows for it (lut_slack).  Under
 * Hamming the tables hold counts of differing bits, which are exact.
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "quant/quant_kernels.h"

#define ALIGNMENT	64

/* error of a position due to float rounding, relative to its norm */
#define ROUNDING	(2 * FLT_EPSILON)

static size_t
aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1);
}

size_t
vs_quant_query_bytes(const VsQuantSpec *spec)
{
	return aligned(sizeof(VsQuantQuery)) +
		aligned(sizeof(float) * spec->padded_dim) +
		(size_t) spec->padded_dim / GROUP_DIMS * 16 + ALIGNMENT;
}

/* Place the query and its arrays in memory. */
static VsQuantQuery *
query_layout(void *memory, const VsQuantSpec *spec, float **rotated, uint8_t **lut)
{
	char	   *start = (char *) aligned((uintptr_t) memory);
	VsQuantQuery *query = (VsQuantQuery *) start;

	memset(query, 0, sizeof(*query));
	start += aligned(sizeof(VsQuantQuery));
	*rotated = (float *) start;
	start += aligned(sizeof(float) * spec->padded_dim);
	*lut = (uint8_t *) start;
	query->spec = *spec;
	query->rotated = *rotated;
	query->lut = *lut;
	return query;
}

/*
 * Fill a table for four dimensions of the query: entry i is <s,q> for sign
 * pattern i, plus the sum of |q| so that it is not negative, in steps.
 */
static void
table_fill(const float *q, float inverse_step, uint8_t *table)
{
	float		value[16];

	value[0] = (fabsf(q[0]) + fabsf(q[1]) + fabsf(q[2]) + fabsf(q[3])) -
		(q[0] + q[1] + q[2] + q[3]);
	for (int i = 0; i < 1; i++)
		value[i + 1] = value[i] + 2 * q[0];
	for (int i = 0; i < 2; i++)
		value[i + 2] = value[i] + 2 * q[1];
	for (int i = 0; i < 4; i++)
		value[i + 4] = value[i] + 2 * q[2];
	for (int i = 0; i < 8; i++)
		value[i + 8] = value[i] + 2 * q[3];
	for (int i = 0; i < 16; i++)
	{
		int			rounded = (int) (value[i] * inverse_step + 0.5f);

		table[i] = (uint8_t) (rounded < 0 ? 0 : rounded > 255 ? 255 :
							  rounded);
	}
}

VsQuantQuery *
vs_quant_query_init(void *memory, const VsQuantSpec *spec, const float *rotated,
					float epsilon)
{
	float	   *copy;
	uint8_t    *lut;
	VsQuantQuery *query = query_layout(memory, spec, &copy, &lut);
	int			ntables = spec->padded_dim / GROUP_DIMS;
	float		widest = 0;
	float		absolute = 0;
	float		inverse;

	memcpy(copy, rotated, sizeof(float) * spec->padded_dim);
	query->epsilon = epsilon;
	query->norm_sq = vs_quant_kernels->norm_sq(spec->padded_dim, copy);
	query->magnitude = sqrtf(query->norm_sq);

	for (int i = 0; i < ntables; i++)
	{
		const float *q = copy + i * GROUP_DIMS;
		float		width = fabsf(q[0]) + fabsf(q[1]) + fabsf(q[2]) + fabsf(q[3]);

		absolute += width;
		query->sum += q[0] + q[1] + q[2] + q[3];
		widest = fmaxf(widest, width);
	}
	query->lut_scale = 2 * widest / 255;
	query->lut_offset = -absolute;
	inverse = 1.0f / query->lut_scale;
	if (!isfinite(inverse))
		inverse = 0;
	for (int i = 0; i < ntables; i++)
		table_fill(copy + i * GROUP_DIMS, inverse, lut + i * 16);

	/*
	 * A rounding error is uniform within half a step, hence of variance 1/12;
	 * the sum of ntables errors is at most ntables / 2.
	 */
	query->lut_slack = query->lut_scale *
		fminf(epsilon * sqrtf((float) ntables / 12), (float) ntables / 2);
	return query;
}

VsQuantQuery *
vs_quant_query_init_bits(void *memory, const VsQuantSpec *spec, const uint8_t *code)
{
	float	   *copy;
	uint8_t    *lut;
	VsQuantQuery *query = query_layout(memory, spec, &copy, &lut);

	for (int i = 0; i < spec->padded_dim; i++)
		copy[i] = (float) (code[i / 8] >> (i % 8) & 1);
	for (int i = 0; i < spec->padded_dim / GROUP_DIMS; i++)
	{
		int			nibble = code[i / 2] >> (i % 2 * 4) & 15;

		for (int x = 0; x < 16; x++)
			lut[i * 16 + x] = (uint8_t) __builtin_popcount((unsigned) (x ^ nibble));
	}
	query->lut_scale = 1;
	return query;
}

/*
 * Bound the effect of float rounding on a score.  Rotation, and under L2 the
 * shift, leave query and rows off by some epsilons of their norms; sums and
 * factors add to that.  The norms of query and centroid stand for that of the
 * row: a row near the query has a similar norm, and the score of a row far
 * from it is large, so that rounding hardly changes it.
 */
static float
rounding(const VsQuantQuery *query, float distance, float centroid_norm_sq)
{
	float		centroid = sqrtf(centroid_norm_sq);
	float		off;

	if (query->spec.metric != VS_QUANT_L2)
		return ROUNDING * query->magnitude * centroid;
	/* (d + off)^2 - d^2 */
	off = ROUNDING * (query->magnitude + centroid);
	return off * (2 * sqrtf(distance) + off);
}

void
vs_quant_list_terms(const VsQuantQuery *query, float distance, float centroid_norm_sq,
					VsQuantListTerms *terms)
{
	float		away_sq;

	terms->add = distance;
	if (query->spec.metric == VS_QUANT_L2)
	{
		terms->mul = 1;
		away_sq = distance;
	}
	else
	{
		/* |q - t c|^2, where t c is the projection of q on the centroid */
		terms->mul = centroid_norm_sq > 0 ? -distance / centroid_norm_sq : 0;
		away_sq = query->norm_sq + terms->mul * distance;
		if (query->spec.metric == VS_QUANT_COSINE)
			terms->add += 1;
	}
	terms->slack = rounding(query, distance, centroid_norm_sq);
	terms->error = query->epsilon >= VS_QUANT_EPSILON_MAX ? INFINITY :
		query->epsilon * sqrtf(fmaxf(away_sq, 0));
}

/* Under Hamming the sums are the scores, and bounds as well. */
static uint32_t
sums_hamming(const uint32_t *sums, float threshold, float *est, float *lower)
{
	uint32_t	below = 0;

	for (int i = 0; i < VS_QUANT_BLOCK; i++)
	{
		lower[i] = (float) sums[i];
		if (est != NULL)
			est[i] = lower[i];
		below |= (uint32_t) (lower[i] < threshold) << i;
	}
	return below;
}

void
vs_quant_slice_sum(const VsQuantQuery *query, const uint8_t *slice, int first_dim,
				   int ndims, uint32_t *sums)
{
	vs_quant_kernels->table_sums(ndims / GROUP_DIMS, slice,
								 query->lut + first_dim / GROUP_DIMS * 16, sums);
}

uint32_t
vs_quant_sums_score(const VsQuantQuery *query, const VsQuantListTerms *terms,
					const VsQuantBlock *block, const uint32_t *sums,
					float threshold, float *est, float *lower)
{
	if (query->spec.metric == VS_QUANT_HAMMING)
		return sums_hamming(sums, threshold, est, lower);
	return vs_quant_kernels->score(query, terms, block, sums, threshold, est, lower);
}

uint32_t
vs_quant_block_scan(const VsQuantQuery *query, const VsQuantListTerms *terms,
					const VsQuantBlock *block, float threshold, float *est, float *lower)
{
	uint32_t	sums[VS_QUANT_BLOCK] = {0};

	vs_quant_slice_sum(query, block->codes, 0, query->spec.padded_dim, sums);
	return vs_quant_sums_score(query, terms, block, sums, threshold, est, lower);
}

float
vs_quant_refine(const VsQuantQuery *query, const VsQuantListTerms *terms,
				const uint8_t *extra, const VsQuantFactors *extra_factors, float *est)
{
	int			bits = query->spec.bits;
	float		middle = (float) ((1 << bits) - 1) / 2;
	float		dot = vs_quant_kernels->extra_dot(bits, query->spec.padded_dim, extra,
												  query->rotated) -
		middle * query->sum;
	float		lower;

	*est = terms->add + terms->mul * extra_factors->add + extra_factors->rescale * dot;
	lower = *est - extra_factors->error * terms->error - terms->slack;
	return isnan(lower) ? -INFINITY : lower;
}
