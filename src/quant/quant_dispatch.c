/*-------------------------------------------------------------------------
 * quant_dispatch.c
 *	  Choice of the instruction set, and the shapes of codes.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "quant/quant_kernels.h"
#include "simd/simd.h"

#define MAX_DIM		64000

const VsQuantKernels *vs_quant_kernels = &vs_quant_kernels_portable;

/* Return the variant of this name, or NULL if the processor does not run it. */
static const VsQuantKernels *
variant_find(const char *name)
{
	if (strcmp(name, "portable") == 0)
		return &vs_quant_kernels_portable;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (strcmp(name, "avx2") == 0 &&
		__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &vs_quant_kernels_avx2;
	if (strcmp(name, "avx512") == 0 &&
		__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return &vs_quant_kernels_avx512;
#elif defined(__aarch64__)
	if (strcmp(name, "neon") == 0)
		return &vs_quant_kernels_neon;
#endif
	return NULL;
}

void
vs_quant_init(void)
{
	vs_simd_init();
	if (!vs_quant_use(vs_kernels->name) && !vs_quant_use("avx2"))
		vs_quant_use("portable");
}

bool
vs_quant_use(const char *name)
{
	const VsQuantKernels *found = variant_find(name);

	if (found == NULL)
		return false;
	vs_quant_kernels = found;
	return true;
}

const char *
vs_quant_variant(void)
{
	return vs_quant_kernels->name;
}

bool
vs_quant_spec(VsQuantSpec *spec, VsQuantMetric metric, int dim, int bits, uint64_t seed)
{
	if (dim < 1 || dim > MAX_DIM ||
		bits < VS_QUANT_MIN_BITS || bits > VS_QUANT_MAX_BITS ||
		(metric == VS_QUANT_HAMMING && bits != 1))
		return false;
	spec->metric = metric;
	spec->dim = dim;
	spec->padded_dim = vs_quant_padded_dim(dim);
	spec->bits = bits;
	spec->seed = seed;
	return true;
}

int
vs_quant_padded_dim(int dim)
{
	return (dim + VS_QUANT_SLICE_DIMS - 1) / VS_QUANT_SLICE_DIMS * VS_QUANT_SLICE_DIMS;
}

size_t
vs_quant_code_bytes(const VsQuantSpec *spec)
{
	return (size_t) spec->padded_dim / 8;
}

size_t
vs_quant_block_bytes(const VsQuantSpec *spec)
{
	return VS_QUANT_BLOCK * vs_quant_code_bytes(spec);
}

size_t
vs_quant_extra_bytes(const VsQuantSpec *spec)
{
	return spec->bits > 1 ? vs_quant_code_bytes(spec) * spec->bits : 0;
}
