/*-------------------------------------------------------------------------
 * vector.c
 *	  Type vector: the dense templates with elements of float4.
 *-------------------------------------------------------------------------
 */
#include "types/dense.h"

#define DENSE				Vector
#define DENSE_ELEMENT		float
#define DENSE_NAME			"vector"
#define DENSE_FN(name)		vs_vector_##name
#define DENSE_KERNEL(name)	vs_kernels->name##_f32
#define DENSE_SIZE(dim)		VECTOR_SIZE(dim)
#define DENSE_ARG(n)		PG_GETARG_VECTOR_P(n)

#include "types/dense_traits.h"

/* The elements as floats; may point into v. */
static inline const float *
dense_floats(const Vector *v)
{
	return v->x;
}

/* Where to put a new vector's elements, for dense_set_floats(). */
static inline float *
dense_scratch(Vector *v)
{
	return v->x;
}

static inline void
dense_set_floats(Vector *v, float *x)
{
}

/* Orders as the element does, 0 and -0 being equal. */
static inline float
element_key(float x)
{
	return x;
}

/* The same for 0 and -0, different for any others. */
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
