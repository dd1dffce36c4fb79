/*-------------------------------------------------------------------------
 * simd_dispatch.c
 *	  Picks the kernels by what this processor (and its system) runs.
 *-------------------------------------------------------------------------
 */
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "simd/simd_internal.h"

const VsKernels *vs_kernels = &vs_simd_portable;

int
vs_simd_available(const VsKernels *kernels[VS_SIMD_MAX])
{
	int			n = 0;

	kernels[n++] = &vs_simd_portable;
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
	int			i;

	for (i = 0; i < n; i++)
	{
		if (strcmp(kernels[i]->name, name) == 0)
			return kernels[i];
	}
	return NULL;
}
