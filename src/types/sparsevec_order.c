/*-------------------------------------------------------------------------
 * sparsevec_order.c
 *	  Order, equality and hash of sparse vectors.
 *
 * The order is that of the dense forms: element by element, then by the
 * number of dimensions.  Values are neither NaN nor 0, so equal sparse
 * vectors have equal bytes, and the bytes are hashed.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"

#include "compat/compat.h"
#include "types/sparsevec.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_lt);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_le);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_eq);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_ne);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_ge);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_gt);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_cmp);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_hash);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_hash_extended);

static int
compare(const SparseVector *a, const SparseVector *b)
{
	const float *ax = SPARSEVEC_VALUES(a);
	const float *bx = SPARSEVEC_VALUES(b);
	int			both = Min(a->nnz, b->nnz);
	int			i = 0;
	int32		ai;
	int32		bi;

	while (i < both && a->indices[i] == b->indices[i] && ax[i] == bx[i])
		i++;

	/* the first dimension in which the dense forms differ, if there is one */
	ai = i < a->nnz ? a->indices[i] : PG_INT32_MAX;
	bi = i < b->nnz ? b->indices[i] : PG_INT32_MAX;
	if (Min(ai, bi) < Min(a->dim, b->dim))
	{
		float		left = ai <= bi ? ax[i] : 0;
		float		right = bi <= ai ? bx[i] : 0;

		return left < right ? -1 : 1;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

/* Compare arguments 0 and 1; free what was detoasted. */
static int
compare_args(FunctionCallInfo fcinfo)
{
	SparseVector *a = PG_GETARG_SPARSEVEC_P(0);
	SparseVector *b = PG_GETARG_SPARSEVEC_P(1);
	int			result = compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

Datum
vs_sparsevec_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum
vs_sparsevec_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum
vs_sparsevec_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) == 0);
}

Datum
vs_sparsevec_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) != 0);
}

Datum
vs_sparsevec_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum
vs_sparsevec_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum
vs_sparsevec_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

Datum
vs_sparsevec_hash(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	Datum		hash = hash_any((unsigned char *) VARDATA(v), VARSIZE(v) - VARHDRSZ);

	PG_FREE_IF_COPY(v, 0);
	return hash;
}

Datum
vs_sparsevec_hash_extended(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	Datum		hash = hash_any_extended((unsigned char *) VARDATA(v),
										 VARSIZE(v) - VARHDRSZ, PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(v, 0);
	return hash;
}
