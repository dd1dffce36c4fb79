/*-------------------------------------------------------------------------
 * quant_kernels.h
 *	  The quantizer's inner loops: one VsQuantKernels per instruction set.
 *
 * Private to src/quant.  The float loops are one template (quant_template.h)
 * over a vector width; the table look-ups and the unpacking of extra codes
 * are written per instruction set.  All variants read and write the same
 * layouts, so codes made by one can be read by another.
 *-------------------------------------------------------------------------
 */
#ifndef VS_QUANT_KERNELS_H
#define VS_QUANT_KERNELS_H

#include "quant/quant.h"

/* Dimensions that one byte column of a block covers (a 4-bit table index). */
#define GROUP_DIMS			4
#define GROUP_BYTES			16
/* So many groups' table values, 255 each, can be added in 16 bits. */
#define GROUPS_PER_CHUNK	256

/* What one pass over a residual r = row - centroid yields. */
typedef struct VsQuantResidual
{
	float		norm_sq;		/* <r,r> */
	float		abs_sum;		/* <s,r>, s the signs of r: the sum of |r| */
	float		sign_centroid;	/* <s,c> */
	float		dot_centroid;	/* <r,c> */
} VsQuantResidual;

/* What one pass of quantizing magnitudes to m = min(floor(|r| / step), top) yields. */
typedef struct VsQuantLevels
{
	float		dot;			/* sum of (m + 0.5) |r| */
	float		norm_sq;		/* sum of (m + 0.5)^2 */
} VsQuantLevels;

typedef struct VsQuantKernels
{
	const char *name;

	/* In place, n a power of two >= 64: Walsh-Hadamard transform, orthonormal. */
	void		(*hadamard) (int n, float *x);
	/* n a multiple of 64: x[i] = -x[i] where bit i of signs is set */
	void		(*flip_signs) (int n, const uint64_t *signs, float *x);
	/* n a multiple of 64: rotates each pair (x[i], x[i + n/2]) by 45 degrees */
	void		(*mix_halves) (int n, float *x);

	/* n a multiple of 64; r = row - centroid; writes the sign code */
	void		(*residual) (int n, const float *row, const float *centroid,
							 uint8_t *code, VsQuantResidual *result);
	void		(*levels) (int n, const float *row, const float *centroid,
						   float inverse_step, float top, VsQuantLevels *result);
	/* codes[i] = (top + 1) + m for r >= 0, top - m for r < 0; returns <code - (top + 0.5), c> */
	float		(*quantize) (int n, const float *row, const float *centroid,
							 float inverse_step, float top, uint8_t *codes);

	/* Adds table values of ngroups groups to sums (32). */
	void		(*table_sums) (int ngroups, const uint8_t *codes, const uint8_t *lut,
							   uint32_t *sums);
	uint32_t	(*score) (const VsQuantQuery *query, const VsQuantListTerms *terms,
						  const VsQuantBlock *block, const uint32_t *sums,
						  float threshold, float *est, float *lower);
	/* <extra code as integers, q>; n a multiple of 64, bits 2 to 8 */
	float		(*extra_dot) (int bits, int n, const uint8_t *extra, const float *q);

	/* Clustering: tiles of tile_rows x tile_lists inner products, see quant_template.h */
	int			tile_rows;
	int			tile_lists;
	void		(*lanes_nearest) (const float *best, const int32_t *best_list,
								  float *distance, int32_t *list);
	void		(*tile_nearest) (int dim, const float *rows, const float *panel,
								 const float *norms, int first_list,
								 float *best, int32_t *best_list);
	void		(*tile_nearest2) (int dim, const float *rows, const float *panel,
								  const float *norms, int first_list,
								  float *best, int32_t *best_list,
								  float *second, int32_t *second_list);
	void		(*panel_dot) (int dim, const float *query, const float *panel, float *out);
	void		(*panel_distance) (int dim, const float *query, const float *panel, float *out);
	float		(*norm_sq) (int n, const float *x);
	void		(*add_to) (int n, const float *x, float *sum);
} VsQuantKernels;

extern const VsQuantKernels vs_quant_kernels_portable;
extern const VsQuantKernels vs_quant_kernels_avx2;
extern const VsQuantKernels vs_quant_kernels_avx512;
extern const VsQuantKernels vs_quant_kernels_neon;

/* The kernels in force. */
extern const VsQuantKernels *vs_quant_kernels;

/* ---- layout of extra codes: see quant_extra.c ---- */

/* Packs 64 codes of so many bits into bits * 8 bytes; and back. */
extern void vs_quant_extra_pack(int bits, const uint8_t *codes, uint8_t *chunk);
extern void vs_quant_extra_unpack(int bits, const uint8_t *chunk, uint8_t *codes);

/* Deterministic random numbers (splitmix64): returns the next, advances *state. */
static inline uint64_t
vs_quant_random(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

#endif							/* VS_QUANT_KERNELS_H */
