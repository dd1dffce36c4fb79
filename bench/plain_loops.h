/*-------------------------------------------------------------------------
 * plain_loops.h
 *	  The distances as one would write them without thinking of SIMD.
 *
 * bench-kernels compiles plain_loops.c several times, each time with other
 * flags and another PLAIN_NAME.
 *-------------------------------------------------------------------------
 */
#ifndef PLAIN_LOOPS_H
#define PLAIN_LOOPS_H

#include "simd/simd.h"

/* only the five distances of the benchmark are set */
extern const VsKernels plain_o2;	/* -O2 */
extern const VsKernels plain_o2_vector; /* -O2, sums may be reordered and so vectorised */
extern const VsKernels plain_o3_native; /* -O3 -march=native */
extern const VsKernels plain_o3_fast;	/* -O3 -march=native -ffast-math */

#endif							/* PLAIN_LOOPS_H */
