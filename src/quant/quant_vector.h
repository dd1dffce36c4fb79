/*-------------------------------------------------------------------------
 * quant_vector.h
 *	  Vectors of WIDTH floats for quant_template.h, which lists what the
 *	  includer defines first.
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>

#include "quant/quant_kernels.h"

#define TILE_LISTS	(2 * WIDTH)

typedef float VF __attribute__((vector_size(WIDTH * 4)));
typedef int32_t VI __attribute__((vector_size(WIDTH * 4)));

/* The same types in memory, without alignment. */
typedef float VFU __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));
typedef int32_t VIU __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));

#define INLINE		static inline __attribute__((always_inline)) TARGET
#define LOAD(p)		((VF) *(const VFU *) (p))
#define STORE(p, v) (*(VFU *) (p) = (VFU) (v))
#define LOADI(p)	((VI) *(const VIU *) (p))
#define STOREI(p, v) (*(VIU *) (p) = (VIU) (v))

/* lane i of the result is v[mask[i]]; mask is a constant */
#ifdef __clang__
INLINE VF
shuffle_lanes(VF v, VI mask)
{
	VF			out = v;

	for (int i = 0; i < WIDTH; i++)
		out[i] = v[mask[i]];
	return out;
}
#define SHUFFLE(v, mask) shuffle_lanes(v, mask)
#else
#define SHUFFLE(v, mask) __builtin_shuffle(v, mask)
#endif

INLINE VF
splat(float x)
{
	return (VF){0} + x;
}

INLINE VI
splat_int(int32_t x)
{
	return (VI){0} + x;
}

INLINE VI
lane_numbers(void)
{
	return (VI){LANES};
}

INLINE VF
magnitude(VF v)
{
	return (VF) ((VI) v & splat_int(INT32_MAX));
}

INLINE float
lanes_sum(VF v)
{
	float		lanes[WIDTH];

	STORE(lanes, v);
	for (int half = WIDTH / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			lanes[i] += lanes[i + half];
	return lanes[0];
}
