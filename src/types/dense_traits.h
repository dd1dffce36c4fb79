/*-------------------------------------------------------------------------
 * dense_traits.h
 *	  What a dense type tells the dense_*.c.h templates about itself.
 *
 * The including file defines, before:
 *	DENSE				the struct, Vector or HalfVector
 *	DENSE_ELEMENT		its element's C type
 *	DENSE_NAME			the type's SQL name, a string
 *	DENSE_FN(name)		the C symbol of an SQL function
 *	DENSE_KERNEL(name)	a member of vs_kernels
 *	DENSE_SIZE(dim)		bytes of a value
 *	DENSE_ARG(n)		argument n as DENSE *
 * and after it the functions dense_floats, dense_scratch, dense_set_floats
 * and element_* (see vector.c).
 *
 * Algorithms work on floats: dense_floats() gives an argument's, and a result
 * is written to dense_scratch() and then rounded into the value by
 * dense_set_floats().  For vector all three are the value itself.
 *-------------------------------------------------------------------------
 */
#ifndef VS_DENSE_TRAITS_H
#define VS_DENSE_TRAITS_H

#include <math.h>

#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "utils/float.h"
#include "utils/varbit.h"

/* Head of a function callable from SQL; the body follows. */
#define DENSE_FUNCTION(name) \
	PGDLLEXPORT PG_FUNCTION_INFO_V1(DENSE_FN(name)); \
	Datum DENSE_FN(name) (PG_FUNCTION_ARGS)

/* A value of the given dimension, its elements not set. */
static inline DENSE *
dense_new(int dim)
{
	DENSE	   *v = palloc(DENSE_SIZE(dim));

	SET_VARSIZE(v, DENSE_SIZE(dim));
	v->dim = (int16) dim;
	v->unused = 0;
	return v;
}

static inline void
check_same_dim(const DENSE *a, const DENSE *b)
{
	if (unlikely(a->dim != b->dim))
		vs_types_dims_differ(a->dim, b->dim, DENSE_NAME);
}

#endif							/* VS_DENSE_TRAITS_H */
