/*-------------------------------------------------------------------------
 * halfvec.c
 *	  Type halfvec: the dense templates with IEEE half elements.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "types/dense.h"

#define DENSE				HalfVector
#define DENSE_ELEMENT		VsHalf
#define DENSE_NAME			"halfvec"
#define DENSE_FN(name)		vs_halfvec_##name
#define DENSE_KERNEL(name)	vs_kernels->name##_f16
#define DENSE_SIZE(dim)		HALFVEC_SIZE(dim)
#define DENSE_ARG(n)		PG_GETARG_HALFVEC_P(n)

#include "types/dense_traits.h"

#define HALF_SIGN			0x8000
#define HALF_MAGNITUDE		0x7FFF
#define HALF_INFINITY		0x7C00

static inline const float *
dense_floats(const HalfVector *v)
{
	float	   *x = palloc(sizeof(float) * v->dim);

	vs_kernels->half_to_float(v->dim, v->x, x);
	return x;
}

static inline float *
dense_scratch(HalfVector *v)
{
	return palloc(sizeof(float) * v->dim);
}

static inline void
dense_set_floats(HalfVector *v, float *x)
{
	vs_kernels->float_to_half(v->dim, x, v->x);
	pfree(x);
}

/* Convert sign and magnitude to a number of the same order. */
static inline int
element_key(VsHalf x)
{
	return (x & HALF_SIGN) ? -(x & HALF_MAGNITUDE) : x;
}

static inline VsHalf
element_hash_key(VsHalf x)
{
	return x == HALF_SIGN ? 0 : x;
}

static inline bool
element_is_infinite(VsHalf x)
{
	return (x & HALF_MAGNITUDE) == HALF_INFINITY;
}

#include "types/dense_io.c.h"
#include "types/dense_distance.c.h"
#include "types/dense_arithmetic.c.h"
#include "types/dense_compare.c.h"
#include "types/dense_convert.c.h"
#include "types/dense_aggregate.c.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_halfvec_to_vector);
Datum
vs_halfvec_to_vector(PG_FUNCTION_ARGS)
{
	HalfVector *v = PG_GETARG_HALFVEC_P(0);
	Vector	   *result;

	(void) vs_types_typmod_check(PG_GETARG_INT32(1), v->dim, NULL);

	result = palloc0(VECTOR_SIZE(v->dim));
	SET_VARSIZE(result, VECTOR_SIZE(v->dim));
	result->dim = v->dim;
	vs_kernels->half_to_float(v->dim, v->x, result->x);

	PG_RETURN_POINTER(result);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_halfvec_from_vector);
Datum
vs_halfvec_from_vector(PG_FUNCTION_ARGS)
{
	Vector	   *v = PG_GETARG_VECTOR_P(0);

	(void) vs_types_typmod_check(PG_GETARG_INT32(1), v->dim, NULL);
	PG_RETURN_POINTER(dense_from_floats(v->dim, v->x, NULL));
}
