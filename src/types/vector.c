/*-------------------------------------------------------------------------
 * vector.c
 *	  Type vector: the dense templates with float4 elements.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "types/dense.h"

#define DENSE				Vector
#define DENSE_ELEMENT		float
#define DENSE_NAME			"vector"
#define DENSE_FN(name)		vs_vector_##name
#define DENSE_KERNEL(name)	vs_kernels->name##_f32
#define DENSE_SIZE(dim)		VECTOR_SIZE(dim)
#define DENSE_ARG(n)		PG_GETARG_VECTOR_P(n)

#include "types/dense_traits.h"

/* Return the elements as floats, which may lie within v. */
static inline const float *
dense_floats(const Vector *v)
{
	return v->x;
}

/* Return room for the elements of a new value, for dense_set_floats(). */
static inline float *
dense_scratch(Vector *v)
{
	return v->x;
}

/* Round the floats in the scratch space into v. */
static inline void
dense_set_floats(Vector *v, float *x)
{
}

/* Return a number that orders as the element does; 0 and -0 are equal. */
static inline float
element_key(float x)
{
	return x;
}

/* Return bits to hash, which are equal for 0 and -0. */
static inline float
element_hash_key(float x)
{
	return x + 0.0f;
}

static inline bool
element_is_infinite(float x)
{
	return isinf(x);
}

#include "types/dense_io.c.h"
#include "types/dense_distance.c.h"
#include "types/dense_arithmetic.c.h"
#include "types/dense_compare.c.h"
#include "types/dense_convert.c.h"
#include "types/dense_aggregate.c.h"
