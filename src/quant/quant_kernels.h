/*-------------------------------------------------------------------------
 * quant_kernels.h
 *	  The quantizer's inner loops: one VsQuantKernels per instruction set.
 *
 * Private to src/quant.  The float loops are a template over the vector width
 * (quant_template.h).  Table lookups and the unpacking of extra codes are
 * written per instruction set.  All variants read and write the same layouts,
 * so that each can read what another wrote.  Arrays may have any alignment of
 * their element type, and may not overlap.
 *-------------------------------------------------------------------------
 */
#ifndef VS_QUANT_KERNELS_H
#define VS_QUANT_KERNELS_H

#include "quant/quant.h"

/*
 * A group of a block: dimensions, and bytes for all 32 entries
 * (quant_block.c).
 */
#define GROUP_DIMS			4
#define GROUP_BYTES			16
/* Groups whose table values, at most 255 each, can be added in 16 bits. */
#define GROUPS_PER_CHUNK	256

/* Sums over a residual r = row - centroid; s is the signs of r. */
typedef struct VsQuantResidual
{
	float		norm_sq;		/* <r,r> */
	float		abs_sum;		/* <s,r>, which is the sum of |r| */
	float		sign_centroid;	/* <s,c> */
	float		dot_centroid;	/* <r,c> */
} VsQuantResidual;

/* Sums over the levels m = min(floor(|r| / step), top) of a residual. */
typedef struct VsQuantLevels
{
	float		dot;			/* sum of (m + 0.5) |r| */
	float		norm_sq;		/* sum of (m + 0.5)^2 */
} VsQuantLevels;

typedef struct VsQuantKernels
{
	const char *name;

	/* orthonormal Walsh-Hadamard transform in place; n a power of two >= 64 */
	void		(*hadamard) (int n, float *x);
	/* x[i] = -x[i] where bit i of signs is set; n a multiple of 64 */
	void		(*flip_signs) (int n, const uint64_t *signs, float *x);
	/* x[i], x[i + n/2] = their sum, difference / sqrt(2); n a multiple of 64 */
	void		(*mix_halves) (int n, float *x);

	/* writes the signs of r = row - centroid to code; n a multiple of 64 */
	void		(*residual) (int n, const float *row, const float *centroid,
							 uint8_t *code, VsQuantResidual *result);
	/* sums the levels of r = row - centroid; n a multiple of 64 */
	void		(*levels) (int n, const float *row, const float *centroid,
						   float inverse_step, float top, VsQuantLevels *result);

	/*
	 * codes[i] = top + 1 + m where r >= 0, top - m where r < 0; returns
	 * <codes - (top + 0.5), centroid>; n a multiple of 64
	 */
	float		(*quantize) (int n, const float *row, const float *centroid,
							 float inverse_step, float top, uint8_t *codes);

	/*
	 * Adds the table values of ngroups groups to the 32 sums; ngroups a
	 * multiple of 16
	 */
	void		(*table_sums) (int ngroups, const uint8_t *codes, const uint8_t *lut,
							   uint32_t *sums);
	/* vs_quant_sums_score except under Hamming */
	uint32_t	(*score) (const VsQuantQuery *query, const VsQuantListTerms *terms,
						  const VsQuantBlock *block, const uint32_t *sums,
						  float threshold, float *est, float *lower);
	/* <extra code as numbers, q>; n a multiple of 64, bits 2 to 8 */
	float		(*extra_dot) (int bits, int n, const uint8_t *extra, const float *q);

	/* tiles of tile_rows x tile_lists inner products: see quant_template.h */
	int			tile_rows;
	int			tile_lists;

	/* the least of the tile_lists distances of a row, and its list */
	void		(*lanes_nearest) (const float *best, const int32_t *best_list,
								  float *distance, int32_t *list);

	/*
	 * Where |c|^2 - 2 <x,c> is less than best, replace best and best_list.
	 * norms: |c|^2 of the panel's lists, whose first number is first_list.
	 */
	void		(*tile_nearest) (int dim, const float *rows, const float *panel,
								 const float *norms, int first_list,
								 float *best, int32_t *best_list);
	/* the same, and the second nearest of each lane */
	void		(*tile_nearest2) (int dim, const float *rows, const float *panel,
								  const float *norms, int first_list,
								  float *best, int32_t *best_list,
								  float *second, int32_t *second_list);
	/* inner products, squared distances of a query and tile_lists centroids */
	void		(*panel_dot) (int dim, const float *query, const float *panel, float *out);
	void		(*panel_distance) (int dim, const float *query, const float *panel, float *out);
	/* squared norm; sum[i] += x[i]; any n */
	float		(*norm_sq) (int n, const float *x);
	void		(*add_to) (int n, const float *x, float *sum);
} VsQuantKernels;

extern const VsQuantKernels vs_quant_kernels_portable;
extern const VsQuantKernels vs_quant_kernels_avx2;
extern const VsQuantKernels vs_quant_kernels_avx512;
extern const VsQuantKernels vs_quant_kernels_neon;

/* The selected kernels; portable until vs_quant_init. */
extern const VsQuantKernels *vs_quant_kernels;

/* ---- layout of extra codes: see quant_extra.c ---- */

/* Pack 64 numbers of 2 to 8 bits into a chunk of bits * 8 bytes. */
extern void vs_quant_extra_pack(int bits, const uint8_t *codes, uint8_t *chunk);

/* Unpack such a chunk into 64 numbers. */
extern void vs_quant_extra_unpack(int bits, const uint8_t *chunk, uint8_t *codes);

/* Return the next random number of a deterministic sequence (splitmix64). */
static inline uint64_t
vs_quant_random(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

#endif							/* VS_QUANT_KERNELS_H */
