/*-------------------------------------------------------------------------
 * dense.h
 *	  What vector and halfvec share: checks, messages, array conversions.
 *
 * The types' functions themselves are written once, in the dense_*.c.h
 * templates, which vector.c and halfvec.c include after describing their
 * element (see dense_traits.h).
 *-------------------------------------------------------------------------
 */
#ifndef VS_DENSE_H
#define VS_DENSE_H

#include "compat/compat.h"
#include "fmgr.h"
#include "types/vector.h"
#include "types/vector_text.h"
#include "types/vector_wire.h"
#include "utils/array.h"

/*
 * Checks that return false do so only when escontext took the error; with
 * NULL for escontext they throw.  type is the SQL name for the message.
 */
extern bool vs_types_dim_check(int dim, const char *type, Node *escontext);
extern bool vs_types_typmod_check(int32 typmod, int dim, Node *escontext);
extern bool vs_types_text_check(VsTextResult result, const char *str,
								const char *type, Node *escontext);

/* Throws when status, from vs_types_wire_header(), is not VS_WIRE_OK. */
extern void vs_types_wire_check(VsWireStatus status, int dim, int unused, const char *type);

/* Throws for the first NaN or infinity among the n elements of x. */
extern void vs_types_finite_check(int n, const float *x, const char *type);

pg_noreturn extern void vs_types_dims_differ(int a, int b, const char *type);

/* The type modifier, 1 .. max_dim dimensions, of the cstring[] given for it. */
extern int32 vs_types_typmod_in(ArrayType *modifiers, const char *type, int max_dim);

/*
 * The number of dimensions of a vector or halfvec datum, reading no more of an
 * out-of-line value than its head.
 */
extern int	vs_types_dim_of(Datum value);

/*
 * Arrays.  The first checks shape and nulls and returns the number of elements,
 * the second also that a dense type can have so many; the third converts them
 * all, of type int4, float4, float8 or numeric.
 */
extern int	vs_types_array_length(ArrayType *array);
extern int	vs_types_array_dim(ArrayType *array, const char *type);
extern void vs_types_array_to_floats(ArrayType *array, float *x);

/* A one-dimensional array without nulls, its elements all zero bytes. */
extern ArrayType *vs_types_array_new(Oid element_type, Size element_size, int n);

/* A real[] with room for dim elements, which *x points to. */
extern ArrayType *vs_types_float_array_new(int dim, float **x);

/*
 * The state of avg(): a float8 array of the count followed by the sums, the
 * sums missing until there is a first value.
 */
extern float8 *vs_types_state_get(ArrayType *state, int *dim, const char *caller);
extern ArrayType *vs_types_state_new(int dim, float8 **values);

#endif							/* VS_DENSE_H */
