/*-------------------------------------------------------------------------
 * quant.h
 *	  Vectors as short codes: rotation, RaBitQ codes, FastScan, refinement.
 *
 * Plain C without PostgreSQL: arrays in, arrays out.  No function allocates
 * memory or reports an error; a *_bytes function returns the size of the
 * memory that the caller provides.  Arrays of floats need the alignment of a
 * float; codes need none, but a scan is faster if the codes of a block begin
 * at a multiple of 64 bytes.
 *
 * The life of a row:
 *		x				dim floats, normalized by the caller under cosine
 *		vs_quant_rotate		-> padded_dim floats
 *		vs_quant_encode		with the rotated centroid of its list
 *							-> code and factors, extra code and factors
 *		vs_quant_block_put	-> slot i of a block of 32
 * The life of a query:
 *		q				normalized by the caller under cosine
 *		vs_quant_rotate, vs_quant_query_init	once
 *		vs_quant_list_terms		for each list
 *		vs_quant_block_scan		for each block: 32 estimates and lower bounds
 *		vs_quant_refine			for each entry whose bound is low enough:
 *								a better estimate and a higher bound
 *
 * Scores are in the comparison unit of the metric; a smaller score is nearer:
 *		VS_QUANT_L2			squared Euclidean distance
 *		VS_QUANT_IP			negative inner product
 *		VS_QUANT_COSINE		1 - inner product; rows and query have norm 1
 *		VS_QUANT_HAMMING	number of differing bits; exact
 * An exact distance must be in that unit too when it is compared with a
 * bound.
 *
 * Theory: Gao and Long, RaBitQ, SIGMOD 2024; extended to more bits, 2025.
 * Let o be a rotated row, c its rotated centroid and r = o - c.  Let s be the
 * code of r, read as a vector, and k = |r|^2 / <s,r>.  The estimator
 *		<r,q> ~ k <s,q>
 * is unbiased over rotations.  Its error is nearly normal, with the standard
 * deviation |r| |q| sqrt((1-a^2)/a^2/(D-1)), where a = cos(s,r) and
 * D = padded_dim.  Three stored floats contain all that depends on the row
 * alone; the list terms contain all that depends on the query and the list
 * alone.  So
 *		est   = list.add + list.mul * f.add + f.rescale * <s,q>
 *		lower = est - epsilon * f.error * list.error
 *				- (rounding of the tables) - list.slack
 * list.slack bounds the effect of float rounding: a position counts as known
 * only to FLT_EPSILON times the norms that it was computed from.
 *-------------------------------------------------------------------------
 */
#ifndef VS_QUANT_H
#define VS_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* slots of a block, which are scored together; a block is never shorter */
#define VS_QUANT_BLOCK		32
/*
 * Unit in which the codes of a block can be divided, for example over pages:
 * 64 dimensions of all 32 entries, and the bytes that they take.
 */
#define VS_QUANT_SLICE_DIMS	64
#define VS_QUANT_SLICE_BYTES (VS_QUANT_BLOCK * VS_QUANT_SLICE_DIMS / 8)

#define VS_QUANT_MIN_BITS	1
#define VS_QUANT_MAX_BITS	8

/*
 * Factor of the bounds, in standard deviations.  The share of true neighbors
 * that a bound cuts falls with it about as the tail of a normal distribution.
 * From VS_QUANT_EPSILON_MAX on every lower bound is -INFINITY, so no entry is
 * cut.
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
 * Shape of the codes of an index, fixed for its life.  vs_quant_spec fills it
 * from metric, dim, bits and seed, which are what an index stores.
 */
typedef struct VsQuantSpec
{
	VsQuantMetric metric;
	int			dim;			/* 1 to 64,000; in bits under Hamming */
	int			padded_dim;		/* dim rounded up to a multiple of 64 */
	int			bits;			/* per dimension, 1 to 8; 1 under Hamming */
	uint64_t	seed;			/* of the rotation */
} VsQuantSpec;

/*
 * The part of a score that depends on the row alone; see the formula above.
 * 12 bytes, stored as they are.
 */
typedef struct VsQuantFactors
{
	float		add;
	float		rescale;		/* <= 0 */
	float		error;			/* >= 0; for epsilon = 1 */
} VsQuantFactors;

/* The part of the scores that depends on the query and the list alone. */
typedef struct VsQuantListTerms
{
	float		add;
	float		mul;
	float		error;
	float		slack;			/* bound of the float rounding of a score */
} VsQuantListTerms;

/* Where the codes and the factor columns of a block are in memory. */
typedef struct VsQuantBlock
{
	const uint8_t *codes;		/* vs_quant_block_bytes */
	const float *add;			/* 32 floats, those of unused slots arbitrary */
	const float *rescale;		/* as add */
	const float *error;			/* as add; Hamming: all three may be NULL */
} VsQuantBlock;

/* A prepared query, in the memory given to vs_quant_query_init. */
typedef struct VsQuantQuery
{
	VsQuantSpec spec;
	float		epsilon;
	float		norm_sq;		/* of the query */
	float		magnitude; /* norm for list.slack; the caller raises it to
								 * the query's norm before a shift */
	float sum;					/* of the elements of the rotated query */
	/* <s,q> = lut_scale * (sum over tables) + lut_offset */
	float		lut_scale;
	float		lut_offset;
	float		lut_slack; /* bound of the tables' rounding in <s,q>, for
								 * epsilon */
	const float *rotated;		/* padded_dim; own copy */
	const uint8_t *lut;			/* tables: 16 bytes per 4 dimensions */
} VsQuantQuery;

/*
 * Callback that long loops call between batches.  It may leave the loop by
 * longjmp (ereport): a loop holds no resource but memory of its allocator.
 */
typedef struct VsQuantInterrupt
{
	void		(*check) (void *arg);	/* may be NULL */
	void	   *arg;
} VsQuantInterrupt;

/*
 * Select the instruction set: that of vs_kernels if the quantizer has it,
 * else AVX2 if the processor runs it, else portable.  Calls vs_simd_init.
 * Must run before all other functions of this header; may run again.
 */
extern void vs_quant_init(void);

/*
 * Select a variant by its name in VsKernels, for tests.  Returns false, and
 * changes nothing, if there is none or this processor does not run it.
 */
extern bool vs_quant_use(const char *name);

/* Return the name of the selected variant. */
extern const char *vs_quant_variant(void);

/* ---- shapes ---- */

/*
 * Fill *spec.  Returns false, and leaves *spec alone, if dim or bits is out
 * of range or bits is not 1 under Hamming.
 */
extern bool vs_quant_spec(VsQuantSpec *spec, VsQuantMetric metric, int dim,
						  int bits, uint64_t seed);

/* Return dim rounded up to a multiple of 64. */
extern int	vs_quant_padded_dim(int dim);

/* Return the bytes of one 1-bit code outside a block: padded_dim / 8. */
extern size_t vs_quant_code_bytes(const VsQuantSpec *spec);

/* Return the bytes of the codes of a block: 32 * padded_dim / 8. */
extern size_t vs_quant_block_bytes(const VsQuantSpec *spec);

/*
 * Return the bytes of the extra code of an entry: padded_dim * bits / 8, a
 * multiple of 16, or 0 if bits is 1.  The extra code contains the 1-bit code
 * as its top bits, so that refinement reads the extra code alone.
 */
extern size_t vs_quant_extra_bytes(const VsQuantSpec *spec);

/* ---- rotation ---- */

/*
 * Rotate count vectors of dim floats each into count vectors of padded_dim
 * floats each: subtract shift (dim floats, or NULL), append zeros, apply the
 * random orthogonal transform of spec->seed.  The transform keeps norms and
 * inner products, up to float rounding.  in and out must not overlap.  A
 * vector costs O(d log d).
 *
 * Under VS_QUANT_L2 all rows, queries and centroids may be shifted by the
 * same vector, for example their mean, which makes the codes more precise.
 * Under the other metrics shift must be NULL.  Not for VS_QUANT_HAMMING.
 */
extern void vs_quant_rotate(const VsQuantSpec *spec, int count, const float *in,
							const float *shift, float *out);

/* ---- encoding ---- */

/*
 * Encode a rotated row against its rotated centroid (padded_dim floats each).
 * code gets vs_quant_code_bytes; dimension i is bit i % 8 of byte i / 8.
 * extra gets vs_quant_extra_bytes.  If spec->bits is 1, extra and
 * extra_factors are not written and may be NULL.  Not for VS_QUANT_HAMMING,
 * where a code is the bits of the row (vs_quant_bits_code).
 *
 * If the factors of a row overflow, all become NaN.  The row's bound is then
 * -INFINITY, so that a search computes its exact distance.
 */
extern void vs_quant_encode(const VsQuantSpec *spec, const float *rotated,
							const float *centroid, uint8_t *code,
							VsQuantFactors *factors, uint8_t *extra,
							VsQuantFactors *extra_factors);

/* ---- blocks ---- */

/*
 * Write dimensions first_dim .. first_dim + ndims - 1 of a code into a slot
 * (0 .. 31) of a block, without changing other slots.  first_dim and ndims
 * are multiples of 64.  block points to the first byte of that slice; code
 * points to the whole code.  A new block must be zeroed first.
 */
extern void vs_quant_block_put(uint8_t *block, int slot, const uint8_t *code,
							   int first_dim, int ndims);

/* Read such dimensions of a slot back into code; arguments as above. */
extern void vs_quant_block_get(const uint8_t *block, int slot, uint8_t *code,
							   int first_dim, int ndims);

/* ---- queries ---- */

/* Return the bytes of memory that vs_quant_query_init needs. */
extern size_t vs_quant_query_bytes(const VsQuantSpec *spec);

/*
 * Prepare a query in vs_quant_query_bytes of memory, of any alignment.
 * Copies rotated (padded_dim floats).  The result lies within memory, at a
 * multiple of 64 bytes, and needs no release of its own.
 */
extern VsQuantQuery *vs_quant_query_init(void *memory, const VsQuantSpec *spec,
										 const float *rotated, float epsilon);

/*
 * Prepare a query under VS_QUANT_HAMMING.  code is what vs_quant_bits_code
 * makes of the bits of the query.
 */
extern VsQuantQuery *vs_quant_query_init_bits(void *memory, const VsQuantSpec *spec,
											  const uint8_t *code);

/*
 * Compute the terms of a list.  distance is that of query and centroid: their
 * squared Euclidean distance under VS_QUANT_L2, else minus their inner
 * product.  A small squared distance must be computed from differences, not
 * from norms.  centroid_norm_sq is the squared norm of the centroid, which
 * need not be normalized.  Both may be taken before or after rotation, but
 * after the shift.  Under Hamming there are no terms; the functions below
 * then accept NULL.
 */
extern void vs_quant_list_terms(const VsQuantQuery *query, float distance,
								float centroid_norm_sq, VsQuantListTerms *terms);

/*
 * Score the 32 slots of a block.  Writes their estimates to est and their
 * lower bounds to lower, 32 floats each; est may be NULL.  Returns a mask:
 * bit i is set if the bound of slot i is below threshold, for all slots if
 * threshold is INFINITY.  The caller clears the bits of unused slots.
 *
 * A bound is never NaN or INFINITY.  One that overflows is FLT_MAX; one from
 * NaN factors is -INFINITY and counts as below.
 */
extern uint32_t vs_quant_block_scan(const VsQuantQuery *query,
									const VsQuantListTerms *terms,
									const VsQuantBlock *block, float threshold,
									float *est, float *lower);

/*
 * Scoring in two steps, for a block whose codes are divided over pages.
 * vs_quant_slice_sum adds a slice (dimensions first_dim .. first_dim + ndims
 * - 1, multiples of 64) to sums, 32 numbers that start as zeros.  When all
 * slices are added, vs_quant_sums_score scores them as vs_quant_block_scan
 * does; it does not read block->codes.
 */
extern void vs_quant_slice_sum(const VsQuantQuery *query, const uint8_t *slice,
							   int first_dim, int ndims, uint32_t *sums);
extern uint32_t vs_quant_sums_score(const VsQuantQuery *query,
									const VsQuantListTerms *terms,
									const VsQuantBlock *block, const uint32_t *sums,
									float threshold, float *est, float *lower);

/*
 * Compute the estimate (*est) and the lower bound (returned) of an entry from
 * its extra code.  terms are those of its list.  spec.bits must be over 1.
 * The bound is -INFINITY if the factors are NaN.
 */
extern float vs_quant_refine(const VsQuantQuery *query, const VsQuantListTerms *terms,
							 const uint8_t *extra, const VsQuantFactors *extra_factors,
							 float *est);

/* ---- bit vectors ---- */

/*
 * Convert dim bits in PostgreSQL's order (the first bit is the top bit of
 * byte 0) into a code of vs_quant_code_bytes, padded with zeros.
 */
extern void vs_quant_bits_code(const VsQuantSpec *spec, const uint8_t *bits,
							   uint8_t *code);

/* Convert such bits into dim floats, 0 or 1, for clustering (kmeans.h). */
extern void vs_quant_bits_floats(const VsQuantSpec *spec, const uint8_t *bits,
								 float *out);

#endif							/* VS_QUANT_H */
