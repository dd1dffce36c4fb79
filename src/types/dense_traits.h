/*-------------------------------------------------------------------------
 * dense_traits.h
 *	  What the dense_*.c.h templates need from a dense type.
 *
 * The including file first defines
 *	DENSE				the struct, Vector or HalfVector
 *	DENSE_ELEMENT		the C type of its elements
 *	DENSE_NAME			the SQL name of the type, a string
 *	DENSE_FN(name)		the C symbol of an SQL function
 *	DENSE_KERNEL(name)	a member of vs_kernels
 *	DENSE_SIZE(dim)		bytes of a value
 *	DENSE_ARG(n)		argument n as DENSE *
 * then includes this file, and then defines the functions dense_floats,
 * dense_scratch, dense_set_floats and element_* (see vector.c).
 *
 * The algorithms work on floats.  dense_floats() returns the elements of an
 * argument.  A result is written to dense_scratch(), and dense_set_floats()
 * rounds it into the value.  For vector they all use the value itself.
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

/* The head of a function that SQL calls; its body follows. */
#define DENSE_FUNCTION(name) \
	PGDLLEXPORT PG_FUNCTION_INFO_V1(DENSE_FN(name)); \
	Datum DENSE_FN(name) (PG_FUNCTION_ARGS)

/* Allocate a value of dim dimensions; its elements are not set. */
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
