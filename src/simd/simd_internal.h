/*-------------------------------------------------------------------------
 * simd_internal.h
 *	  The kernels of each instruction set, and what they share.
 *
 * Kernels exist only where their instructions can be compiled: the x86 ones
 * on x86-64, NEON on little-endian aarch64, the portable ones everywhere.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SIMD_INTERNAL_H
#define VS_SIMD_INTERNAL_H

#include <string.h>

#include "simd/simd.h"

#define VS_INLINE static inline __attribute__((always_inline))

extern const VsKernels vs_simd_portable;

#if defined(__x86_64__)
extern const VsKernels vs_simd_avx2;
extern const VsKernels vs_simd_avx512;	/* the bit counts need VPOPCNTDQ */
#endif

#if defined(__AARCH64EL__)
extern const VsKernels vs_simd_neon;
#endif

/*
 * Return n bytes from p, 0 < n < 8, in the low bytes of a word, with zeros
 * above.  Reads only these bytes.  Needs no loop: it combines two reads,
 * which agree where they overlap.  Little-endian only.
 */
VS_INLINE uint64_t
vs_load_u64_tail(const void *p, size_t n)
{
	const uint8_t *bytes = p;

	if (n >= 4)
	{
		uint32_t	low;
		uint32_t	high;

		memcpy(&low, bytes, 4);
		memcpy(&high, bytes + n - 4, 4);
		return low | (uint64_t) high << (8 * (n - 4));
	}
	if (n >= 2)
	{
		uint16_t	low;
		uint16_t	high;

		memcpy(&low, bytes, 2);
		memcpy(&high, bytes + n - 2, 2);
		return low | (uint64_t) high << (8 * (n - 2));
	}
	return bytes[0];
}

/*
 * Put n halves from p, 0 < n < 8, into two words in the same way.
 */
VS_INLINE void
vs_load_half_tail(const VsHalf *p, int n, uint64_t words[2])
{
	words[1] = 0;
	if (n < 4)
	{
		words[0] = vs_load_u64_tail(p, 2 * (size_t) n);
		return;
	}
	memcpy(&words[0], p, 8);
	if (n > 4)
	{
		memcpy(&words[1], p + n - 4, 8);
		words[1] >>= 16 * (8 - n);
	}
}

#endif							/* VS_SIMD_INTERNAL_H */
