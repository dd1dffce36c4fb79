/*-------------------------------------------------------------------------
 * simd_dispatch.c
 *	  Selects the kernels that the processor and the operating system support.
 *-------------------------------------------------------------------------
 */
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "simd/simd_internal.h"

const VsKernels *vs_kernels = &vs_simd_portable;

#if defined(__x86_64__)

/*
 * __builtin_cpu_supports() also checks that the operating system saves the
 * wide registers.  Clang's does not know F16C, so CPUID is read for it; F16C
 * needs no registers beyond those of AVX2.
 */
static int
runs_avx2(void)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		__builtin_cpu_supports("popcnt") &&
		__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

static int
runs_avx512(void)
{
	return runs_avx2() &&
		__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/* The AVX-512 kernels, with the bit counts of AVX2 if VPOPCNTDQ is missing. */
static const VsKernels *
avx512_kernels(void)
{
	static VsKernels without_popcnt;

	if (__builtin_cpu_supports("avx512vpopcntdq"))
		return &vs_simd_avx512;
	without_popcnt = vs_simd_avx512;
	without_popcnt.hamming = vs_simd_avx2.hamming;
	without_popcnt.jaccard = vs_simd_avx2.jaccard;
	return &without_popcnt;
}

#endif							/* __x86_64__ */

int
vs_simd_available(const VsKernels *kernels[VS_SIMD_MAX])
{
	int			n = 0;

	kernels[n++] = &vs_simd_portable;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (runs_avx2())
		kernels[n++] = &vs_simd_avx2;
	if (runs_avx512())
		kernels[n++] = avx512_kernels();
#endif
#if defined(__AARCH64EL__)
	kernels[n++] = &vs_simd_neon;
#endif
	return n;
}

void
vs_simd_init(void)
{
	const VsKernels *kernels[VS_SIMD_MAX];

	vs_kernels = kernels[vs_simd_available(kernels) - 1];
}

const VsKernels *
vs_simd_by_name(const char *name)
{
	const VsKernels *kernels[VS_SIMD_MAX];
	int			n = vs_simd_available(kernels);

	for (int i = 0; i < n; i++)
	{
		if (strcmp(kernels[i]->name, name) == 0)
			return kernels[i];
	}
	return NULL;
}
