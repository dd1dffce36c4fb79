/*-------------------------------------------------------------------------
 * simd.h
 *	  Distance kernels: arrays in, numbers out.
 *
 * Plain C with no PostgreSQL storage in it, so that it can be tested and
 * benchmarked alone.  One VsKernels per instruction set; the best one that
 * the processor runs is picked once at load (simd_dispatch.c).  Arrays may be
 * unaligned and of any length, 0 included; nothing is read past the end.
 * Sums are accumulated in float lanes, so variants differ in the last bits.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SIMD_H
#define VS_SIMD_H

#include <stddef.h>
#include <stdint.h>

/* IEEE 754 binary16, as bits */
typedef uint16_t VsHalf;

typedef struct VsKernels
{
	const char *name;			/* portable, avx2, avx512, neon */

	/* n elements in a and in b */
	float		(*l2_squared_f32) (int n, const float *a, const float *b);
	float		(*inner_product_f32) (int n, const float *a, const float *b);
	float		(*l1_f32) (int n, const float *a, const float *b);
	/* sums: a.b, a.a, b.b, in one pass */
	void		(*cosine_f32) (int n, const float *a, const float *b, float sums[3]);

	float		(*l2_squared_f16) (int n, const VsHalf *a, const VsHalf *b);
	float		(*inner_product_f16) (int n, const VsHalf *a, const VsHalf *b);
	float		(*l1_f16) (int n, const VsHalf *a, const VsHalf *b);
	void		(*cosine_f16) (int n, const VsHalf *a, const VsHalf *b, float sums[3]);

	/* nbytes bytes in a and in b; counts are of bits */
	uint64_t	(*hamming) (size_t nbytes, const uint8_t *a, const uint8_t *b);
	void		(*jaccard) (size_t nbytes, const uint8_t *a, const uint8_t *b,
							uint64_t *both, uint64_t *either);

	/* round to nearest even; a float too large for half becomes infinity */
	void		(*float_to_half) (int n, const float *src, VsHalf *dst);
	void		(*half_to_float) (int n, const VsHalf *src, float *dst);
} VsKernels;

/* The kernels in force; never NULL after vs_simd_init(). */
extern const VsKernels *vs_kernels;

/* Picks the best kernels that this processor runs.  Idempotent. */
extern void vs_simd_init(void);

/* The number of kernels that this processor runs, slowest first. */
#define VS_SIMD_MAX 4
extern int	vs_simd_available(const VsKernels *kernels[VS_SIMD_MAX]);

/* Kernels by name, or NULL when unknown or not runnable here. */
extern const VsKernels *vs_simd_by_name(const char *name);

#endif							/* VS_SIMD_H */
