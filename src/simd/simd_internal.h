/*-------------------------------------------------------------------------
 * simd_internal.h
 *	  The instruction sets' tables, seen by simd_dispatch.c and one another.
 *
 * Each table exists only where its instructions can be compiled: the x86 ones
 * on x86-64, NEON on aarch64, the portable one everywhere.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SIMD_INTERNAL_H
#define VS_SIMD_INTERNAL_H

#include "simd/simd.h"

#define VS_INLINE static inline __attribute__((always_inline))

extern const VsKernels vs_simd_portable;

#if defined(__x86_64__)
extern const VsKernels vs_simd_avx2;
extern const VsKernels vs_simd_avx512;
/* the same with bit counts by AVX512_VPOPCNTDQ */
extern const VsKernels vs_simd_avx512_popcnt;
#endif

#if defined(__aarch64__)
extern const VsKernels vs_simd_neon;
#endif

#endif							/* VS_SIMD_INTERNAL_H */
