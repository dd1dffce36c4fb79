/*-------------------------------------------------------------------------
 * quant.h
 *	  Vectors as short codes: rotation, RaBitQ codes, FastScan, refinement.
 *
 * Plain C: arrays in, arrays out, no PostgreSQL in it.  Nothing here allocates;
 * the caller brings memory, whose size a *_bytes function tells.  Pointers to
 * floats need the alignment of a float, codes need none.  (Speed: begin a
 * block's codes at a multiple of 64 bytes where the page layout lets you.)
 *
 * The life of a vector:  x (dim floats, normalised by the caller if the metric
 * is cosine)  -> vs_quant_rotate -> padded_dim floats -> vs_quant_encode with
 * the rotated centroid of its list -> code + factors (+ extra code + factors)
 * -> vs_quant_block_put into slot i of a block of 32.
 * The life of a query:  q (normalised if cosine) -> vs_quant_rotate ->
 * vs_quant_query_init, once; for each list vs_quant_list_terms; for each block
 * vs_quant_block_scan, which gives 32 estimates and 32 lower bounds at once;
 * for the few entries whose bound passes vs_quant_refine gives a tighter pair.
 *
 * Scores are in the metric's comparison unit, smaller is nearer:
 *		VS_QUANT_L2			squared Euclidean distance
 *		VS_QUANT_IP			negative inner product
 *		VS_QUANT_COSINE		1 - inner product; rows and query have norm 1
 *		VS_QUANT_HAMMING	number of differing bits; exact
 * so take exact distances in that unit before comparing them with a bound.
 *
 * Theory: Gao and Long, RaBitQ, SIGMOD 2024; extended to more bits, 2025.
 * With r = o - c the rotated residual of a row, s its code as a vector,
 * k = |r|^2 / <s,r>, the estimator  <r,q> ~ k <s,q>  is unbiased over rotations
 * and its error is near normal, of deviation |r| |q| sqrt((1-a^2)/a^2/(D-1))
 * with a = cos(s,r).  All that depends on the row alone is folded into three
 * floats, all that depends on query and list alone into three more, so that
 *		est   = list.add + list.mul * f.add + f.rescale * <s,q>
 *		lower = est - epsilon * f.error * list.error - (rounding of the tables)
 *				- list.slack
 * where list.slack is the rounding of floats: all positions count as known no better
 * than FLT_EPSILON of the norms that they were computed from.
 *-------------------------------------------------------------------------
 */
#ifndef VS_QUANT_H
#define VS_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* entries scored at once; a block always has room for this many */
#define VS_QUANT_BLOCK		32
/* a block's codes can be cut (over pages) after any multiple of so many dimensions ... */
#define VS_QUANT_SLICE_DIMS	64
/* ... which take so many bytes of the block */
#define VS_QUANT_SLICE_BYTES (VS_QUANT_BLOCK * VS_QUANT_SLICE_DIMS / 8)

#define VS_QUANT_MIN_BITS	1
#define VS_QUANT_MAX_BITS	8

/*
 * Bound factor: share of true neighbours that a bound may cut falls about as
 * the tail of a normal distribution.  At VS_QUANT_EPSILON_MAX and above every
 * lower bound is -INFINITY: no entry is ever cut.
 */
#define VS_QUANT_EPSILON_DEFAULT	1.9f
#define VS_QUANT_EPSILON_MAX		1000.0f

typedef enum VsQuantMetric
{
	VS_QUANT_L2,
	VS_QUANT_IP,
	VS_QUANT_COSINE,
	VS_QUANT_HAMMING
} VsQuantMetric;

/*
 * Shape of an index's codes, fixed for its life.  Fill with vs_quant_spec;
 * metric, dim, bits and seed are what has to be stored.
 */
typedef struct VsQuantSpec
{
	VsQuantMetric metric;
	int			dim;			/* of the rows: 1 to 64,000; bits under Hamming */
	int			padded_dim;		/* dim rounded up to a multiple of 64 */
	int			bits;			/* a dimension, 1 to 8; 1 under Hamming */
	uint64_t	seed;			/* of the rotation */
} VsQuantSpec;

/* What a row contributes to its score; see above.  12 bytes, stored as it is. */
typedef struct VsQuantFactors
{
	float		add;
	float		rescale;		/* never above 0 */
	float		error;			/* never below 0; at epsilon = 1 */
} VsQuantFactors;

/* What query and list contribute to the score of each entry of the list. */
typedef struct VsQuantListTerms
{
	float		add;
	float		mul;
	float		error;
	float		slack;			/* bound of what rounding does to a score */
} VsQuantListTerms;

/* A block as it lies in memory: codes, then columns of 32 factors. */
typedef struct VsQuantBlock
{
	const uint8_t *codes;		/* vs_quant_block_bytes */
	const float *add;			/* 32 each; slots not in use may hold anything */
	const float *rescale;
	const float *error;			/* the three may be NULL under Hamming */
} VsQuantBlock;

/* A prepared query; begins the memory given to vs_quant_query_init. */
typedef struct VsQuantQuery
{
	VsQuantSpec spec;
	float		epsilon;
	float		norm_sq;		/* of the query */
	float		magnitude;		/* largest norm that it had: raise it if the query was moved */
	float		sum;			/* of the rotated query's elements */
	float		lut_scale;		/* <s,q> = lut_scale * (sum over tables) + lut_offset */
	float		lut_offset;
	float		lut_slack;		/* bound of the tables' rounding in <s,q>, at epsilon */
	const float *rotated;		/* padded_dim; own copy */
	const uint8_t *lut;			/* 16 bytes for each 4 dimensions */
} VsQuantQuery;

/* Called now and then by long loops; may jump out (they own nothing). */
typedef struct VsQuantInterrupt
{
	void		(*check) (void *arg);	/* may be NULL */
	void	   *arg;
} VsQuantInterrupt;

/*
 * Picks the instruction set: the one of vs_kernels (calls vs_simd_init) if the
 * quantizer has it, else portable.  Call before anything else.  Idempotent.
 */
extern void vs_quant_init(void);

/* Forces a variant by its VsKernels name, for tests; false if it cannot run here. */
extern bool vs_quant_use(const char *name);
extern const char *vs_quant_variant(void);

/* ---- shapes ---- */

/* Fills *spec; false (spec untouched) when a value is out of range. */
extern bool vs_quant_spec(VsQuantSpec *spec, VsQuantMetric metric, int dim,
						  int bits, uint64_t seed);

/* dim rounded up to a multiple of 64 */
extern int	vs_quant_padded_dim(int dim);

/* Bytes of the 1-bit code of one entry, not in a block: padded_dim / 8. */
extern size_t vs_quant_code_bytes(const VsQuantSpec *spec);

/* Bytes of the codes of a block of 32: 32 * padded_dim / 8. */
extern size_t vs_quant_block_bytes(const VsQuantSpec *spec);

/*
 * Bytes of an entry's extra code: padded_dim * bits / 8, a multiple of 16;
 * 0 when bits is 1.  It holds all bits (the 1-bit code is its top bits), so
 * refinement reads nothing else.
 */
extern size_t vs_quant_extra_bytes(const VsQuantSpec *spec);

/* ---- rotation ---- */

/*
 * Rotates count vectors of dim floats into count vectors of padded_dim floats:
 * subtracts shift (dim floats, or NULL), appends zeros, applies the random
 * orthogonal transform of spec->seed.  Norms and inner products stay, up to
 * float rounding.  in and out must not overlap.  Cost O(d log d).
 *
 * shift serves VS_QUANT_L2, where all rows, queries and centroids may be moved
 * by one vector (say, the mean) to win precision; pass NULL for the others.
 * Not for VS_QUANT_HAMMING.
 */
extern void vs_quant_rotate(const VsQuantSpec *spec, int count, const float *in,
							const float *shift, float *out);

/* ---- encoding ---- */

/*
 * Codes one rotated row against its rotated centroid (padded_dim floats each).
 * code: vs_quant_code_bytes, dimension i is bit i % 8 of byte i / 8.
 * extra, extra_factors: not touched when spec->bits is 1, and may then be NULL.
 * Not for VS_QUANT_HAMMING, whose code is the row's bits (vs_quant_bits_code).
 *
 * A row whose factors overflow gets factors that make its bound lower than
 * every threshold, so it is always looked at exactly.
 */
extern void vs_quant_encode(const VsQuantSpec *spec, const float *rotated,
							const float *centroid, uint8_t *code,
							VsQuantFactors *factors, uint8_t *extra,
							VsQuantFactors *extra_factors);

/* ---- blocks ---- */

/*
 * Writes a code into slot 0..31 of a block, touching no other slot's bits, or
 * reads it back.  Start from a block of zeros.  A block can be handled in
 * slices: first_dim and ndims are multiples of 64, block points at the slice's
 * first byte, code at the whole code.
 */
extern void vs_quant_block_put(uint8_t *block, int slot, const uint8_t *code,
							   int first_dim, int ndims);
extern void vs_quant_block_get(const uint8_t *block, int slot, uint8_t *code,
							   int first_dim, int ndims);

/* ---- queries ---- */

extern size_t vs_quant_query_bytes(const VsQuantSpec *spec);

/*
 * Prepares a query in memory of vs_quant_query_bytes, 64-byte aligned or not.
 * rotated: padded_dim floats, copied.  The result points into memory.
 */
extern VsQuantQuery *vs_quant_query_init(void *memory, const VsQuantSpec *spec,
										 const float *rotated, float epsilon);

/* The same for VS_QUANT_HAMMING; bits as in a code (see vs_quant_bits_code). */
extern VsQuantQuery *vs_quant_query_init_bits(void *memory, const VsQuantSpec *spec,
											  const uint8_t *code);

/*
 * Terms of a list.  distance: from query to centroid, squared Euclidean under
 * VS_QUANT_L2, else minus their inner product (the centroid need not be
 * normalised), by differences where these are small.  centroid_norm_sq: the centroid's squared norm.  Both may be
 * taken before or after rotation (after the same shift).  Hamming lists need
 * no terms: pass NULL for them below.
 */
extern void vs_quant_list_terms(const VsQuantQuery *query, float distance,
								float centroid_norm_sq, VsQuantListTerms *terms);

/*
 * Scores the 32 slots of a block.  Returns the mask of slots whose lower bound
 * is below threshold (pass INFINITY for all); bits of slots not in use are
 * to be masked by the caller.  est and lower: 32 floats each, est may be NULL.
 * Bounds are no NaN and never INFINITY: what overflows becomes FLT_MAX, factors
 * that are NaN give -INFINITY and count as below.
 */
extern uint32_t vs_quant_block_scan(const VsQuantQuery *query,
									const VsQuantListTerms *terms,
									const VsQuantBlock *block, float threshold,
									float *est, float *lower);

/*
 * The same in two steps, for a block cut over pages: sums (32, zero at first)
 * gather the slices, then block->codes is not read.
 */
extern void vs_quant_slice_sum(const VsQuantQuery *query, const uint8_t *slice,
							   int first_dim, int ndims, uint32_t *sums);
extern uint32_t vs_quant_sums_score(const VsQuantQuery *query,
									const VsQuantListTerms *terms,
									const VsQuantBlock *block, const uint32_t *sums,
									float threshold, float *est, float *lower);

/*
 * Estimate and lower bound from an entry's extra code; spec.bits > 1.
 * terms are those of the entry's list.  Returns the lower bound.
 */
extern float vs_quant_refine(const VsQuantQuery *query, const VsQuantListTerms *terms,
							 const uint8_t *extra, const VsQuantFactors *extra_factors,
							 float *est);

/* ---- bit vectors ---- */

/*
 * PostgreSQL's bit order (first bit = top bit of byte 0), nbits bits, into a
 * code of vs_quant_code_bytes, padding zero.
 */
extern void vs_quant_bits_code(const VsQuantSpec *spec, const uint8_t *bits,
							   uint8_t *code);

/* The same into dim floats 0 or 1, to cluster bit vectors with kmeans.h. */
extern void vs_quant_bits_floats(const VsQuantSpec *spec, const uint8_t *bits,
								 float *out);

#endif							/* VS_QUANT_H */
