/*-------------------------------------------------------------------------
 * dense.h
 *	  What vector and halfvec share: checks, messages, array conversions.
 *
 * The types' SQL functions are templates, dense_*.c.h, which vector.c and
 * halfvec.c include after they have defined their element (dense_traits.h).
 *-------------------------------------------------------------------------
 */
#ifndef VS_DENSE_H
#define VS_DENSE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"

#include "compat/compat.h"
#include "types/vector.h"
#include "types/vector_text.h"
#include "types/vector_wire.h"

/*
 * Checks with an escontext return true, or report an error.  If escontext is an
 * ErrorSaveContext they save the error in it and return false; otherwise
 * (NULL included) they throw.  type is the SQL name of the type for the
 * message.
 */

/* Check that dim is 1 .. VS_MAX_DIM. */
extern bool vs_types_dim_check(int dim, const char *type, Node *escontext);

/* Check that dim is typmod, unless that is -1. */
extern bool vs_types_typmod_check(int32 typmod, int dim, Node *escontext);

/* Throw the error that the operands have a and b dimensions. */
pg_noreturn extern void vs_types_dims_differ(int a, int b, const char *type);

/* Throw if one of the n elements of x is NaN or infinite. */
extern void vs_types_finite_check(int n, const float *x, const char *type);

/* Check that the result of vs_types_text_parse(str) is VS_TEXT_OK. */
extern bool vs_types_text_check(VsTextResult result, const char *str,
								const char *type, Node *escontext);

/* Throw if status, dim and unused of vs_types_wire_header() are not sound. */
extern void vs_types_wire_check(VsWireStatus status, int dim, int unused, const char *type);

/*
 * Return the type modifier for a cstring[] with one number of dimensions, 1
 * ..  max_dim.  Throws for any other array.
 */
extern int32 vs_types_typmod_in(ArrayType *modifiers, const char *type, int max_dim);

/*
 * Return the dimensions of a vector or halfvec datum.  Reads only the head of
 * a value that is stored out of line.
 */
extern int	vs_types_dim_of(Datum value);

/*
 * Return the number of elements.  Throws if the array has over one dimension
 * or contains nulls.
 */
extern int	vs_types_array_length(ArrayType *array);

/*
 * The same; throws also if the number is not that of a dense type's
 * dimensions.
 */
extern int	vs_types_array_dim(ArrayType *array, const char *type);

/*
 * Convert the elements of an array without nulls into x, which has room for
 * all of them.  Throws if they are not int4, float4, float8 or numeric, or if
 * a numeric is out of range.
 */
extern void vs_types_array_to_floats(ArrayType *array, float *x);

/* Allocate a one-dimensional array of n elements that are all zero bytes. */
extern ArrayType *vs_types_array_new(Oid element_type, Size element_size, int n);

/* Allocate a real[] of dim elements, all 0; set *x to the first one. */
extern ArrayType *vs_types_float_array_new(int dim, float **x);

/*
 * Return the numbers in the state of avg(): a float8 array of the count and
 * then dim sums, or of the count alone before the first value (*dim is then
 * 0).  They lie within state.  Throws if state is no such array; the message
 * begins with the name caller.
 */
extern float8 *vs_types_state_get(ArrayType *state, int *dim, const char *caller);

/* Allocate a state of avg(), all numbers 0; set *values to the first one. */
extern ArrayType *vs_types_state_new(int dim, float8 **values);

#endif							/* VS_DENSE_H */
