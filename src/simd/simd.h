/*-------------------------------------------------------------------------
 * simd.h
 *	  Distance kernels: arrays in, numbers out.
 *
 * Plain C without PostgreSQL, so that it can be tested and benchmarked alone.
 * There is one VsKernels per instruction set; simd_dispatch.c selects the
 * best one that the processor runs, once at load.
 *
 * Arrays may be unaligned and of any length, 0 included; a kernel neither
 * reads nor writes past their end.  Sums are accumulated in float lanes, so
 * variants differ in the last bits.  A sum beyond the largest float is
 * infinity, and NaN if an element is NaN.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SIMD_H
#define VS_SIMD_H

#include <stddef.h>
#include <stdint.h>

/* the bits of an IEEE 754 binary16 */
typedef uint16_t VsHalf;

typedef struct VsKernels
{
	const char *name;			/* portable, avx2, avx512, neon */

	/* sums over n elements of a and b: (a-b)^2, a*b, |a-b| */
	float		(*l2_squared_f32) (int n, const float *a, const float *b);
	float		(*inner_product_f32) (int n, const float *a, const float *b);
	float		(*l1_f32) (int n, const float *a, const float *b);
	/* sums in one pass: a*b, a*a, b*b */
	void		(*cosine_f32) (int n, const float *a, const float *b, float sums[3]);

	/* the same for half elements, computed in float */
	float		(*l2_squared_f16) (int n, const VsHalf *a, const VsHalf *b);
	float		(*inner_product_f16) (int n, const VsHalf *a, const VsHalf *b);
	float		(*l1_f16) (int n, const VsHalf *a, const VsHalf *b);
	void		(*cosine_f16) (int n, const VsHalf *a, const VsHalf *b, float sums[3]);

	/* count the bits that differ; those set in both and in either */
	uint64_t	(*hamming) (size_t nbytes, const uint8_t *a, const uint8_t *b);
	void		(*jaccard) (size_t nbytes, const uint8_t *a, const uint8_t *b,
							uint64_t *both, uint64_t *either);

	/*
	 * Convert n elements.  To half they are rounded to nearest even; what is
	 * too large for half becomes infinity.
	 */
	void		(*float_to_half) (int n, const float *src, VsHalf *dst);
	void		(*half_to_float) (int n, const VsHalf *src, float *dst);
} VsKernels;

/* The selected kernels; portable until vs_simd_init(), never NULL. */
extern const VsKernels *vs_kernels;

/* the most variants that a processor runs */
#define VS_SIMD_MAX 4

/*
 * Set kernels to those that this processor runs, slowest first; return how
 * many.
 */
extern int	vs_simd_available(const VsKernels *kernels[VS_SIMD_MAX]);

/* Select the best kernels that this processor runs.  May run again. */
extern void vs_simd_init(void);

/* Return the kernels of that name, or NULL if this processor runs none. */
extern const VsKernels *vs_simd_by_name(const char *name);

#endif							/* VS_SIMD_H */
