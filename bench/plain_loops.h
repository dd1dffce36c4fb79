/*-------------------------------------------------------------------------
 * plain_loops.h
 *	  The distances as plain loops, without regard to SIMD.
 *
 * bench-kernels compiles plain_loops.c several times, each time with
 * different flags and a different PLAIN_NAME.
 *-------------------------------------------------------------------------
 */
#ifndef PLAIN_LOOPS_H
#define PLAIN_LOOPS_H

#include "simd/simd.h"

/* they have only the distances of the benchmark */
extern const VsKernels plain_o2;	/* -O2 */
extern const VsKernels plain_o2_vector; /* -O2, sums may be vectorized */
extern const VsKernels plain_o3_native; /* -O3 -march=native */
extern const VsKernels plain_o3_fast;	/* -O3 -march=native -ffast-math */

#endif							/* PLAIN_LOOPS_H */
