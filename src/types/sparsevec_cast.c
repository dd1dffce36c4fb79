/*-------------------------------------------------------------------------
 * sparsevec_cast.c
 *	  Casts between sparsevec and vector, halfvec and arrays of numbers.
 *
 * All casts take the arguments value, typmod, explicit and check the
 * dimensions of the result against the type modifier.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "utils/array.h"

#include "compat/compat.h"
#include "simd/simd.h"
#include "types/dense.h"
#include "types/sparsevec.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_vector_to_sparsevec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_halfvec_to_sparsevec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_array_to_sparsevec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_to_vector);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_to_halfvec);

/* Make a sparse vector of dim floats; throw if one is not finite. */
static SparseVector *
from_floats(const float *x, int dim, int32 typmod)
{
	SparseVector *v;
	int			nnz = 0;

	vs_types_finite_check(dim, x, "sparsevec");
	for (int i = 0; i < dim; i++)
		nnz += x[i] != 0;
	if (nnz > VS_SPARSE_MAX_NNZ)
		vs_sparsevec_fail(VS_SPARSE_MANY_ELEMENTS);

	v = vs_sparsevec_new(dim, nnz);
	for (int i = 0, j = 0; i < dim; i++)
	{
		if (x[i] == 0)
			continue;
		v->indices[j] = i;
		SPARSEVEC_VALUES(v)[j++] = x[i];
	}
	(void) vs_types_typmod_check(typmod, dim, NULL);
	return v;
}

Datum
vs_vector_to_sparsevec(PG_FUNCTION_ARGS)
{
	Vector	   *dense = PG_GETARG_VECTOR_P(0);
	SparseVector *v = from_floats(dense->x, dense->dim, PG_GETARG_INT32(1));

	VS_FREE_IF_COPY(dense, 0);
	PG_RETURN_POINTER(v);
}

Datum
vs_halfvec_to_sparsevec(PG_FUNCTION_ARGS)
{
	HalfVector *dense = PG_GETARG_HALFVEC_P(0);
	float	   *x = palloc(sizeof(float) * dense->dim);
	SparseVector *v;

	vs_kernels->half_to_float(dense->dim, dense->x, x);
	v = from_floats(x, dense->dim, PG_GETARG_INT32(1));
	pfree(x);
	VS_FREE_IF_COPY(dense, 0);
	PG_RETURN_POINTER(v);
}

Datum
vs_array_to_sparsevec(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			dim = vs_types_array_length(array);
	SparseVector *v;
	float	   *x;

	if (dim == 0)
		vs_sparsevec_fail(VS_SPARSE_NO_DIM);

	x = palloc(sizeof(float) * dim);
	vs_types_array_to_floats(array, x);
	v = from_floats(x, dim, PG_GETARG_INT32(1));
	pfree(x);
	PG_FREE_IF_COPY(array, 0);
	PG_RETURN_POINTER(v);
}

/*
 * Return the dense form as palloc'd floats.  Throws if it has more dimensions
 * than the dense type allows, or not those of typmod.
 */
static float *
to_floats(const SparseVector *v, int32 typmod, const char *type)
{
	float	   *x;

	(void) vs_types_dim_check(v->dim, type, NULL);
	(void) vs_types_typmod_check(typmod, v->dim, NULL);

	x = palloc0(sizeof(float) * v->dim);
	for (int i = 0; i < v->nnz; i++)
	{
		/* only on a damaged page */
		if (unlikely(v->indices[i] < 0 || v->indices[i] >= v->dim))
			vs_sparsevec_damaged(v);
		x[v->indices[i]] = SPARSEVEC_VALUES(v)[i];
	}
	return x;
}

Datum
vs_sparsevec_to_vector(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	float	   *x = to_floats(v, PG_GETARG_INT32(1), "vector");
	Vector	   *dense = palloc(VECTOR_SIZE(v->dim));

	SET_VARSIZE(dense, VECTOR_SIZE(v->dim));
	dense->dim = v->dim;
	dense->unused = 0;
	memcpy(dense->x, x, sizeof(float) * v->dim);
	pfree(x);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_POINTER(dense);
}

/* A value too small for half becomes 0; one too large is an error. */
Datum
vs_sparsevec_to_halfvec(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	float	   *x = to_floats(v, PG_GETARG_INT32(1), "halfvec");
	HalfVector *dense = palloc(HALFVEC_SIZE(v->dim));

	SET_VARSIZE(dense, HALFVEC_SIZE(v->dim));
	dense->dim = v->dim;
	dense->unused = 0;
	vs_kernels->float_to_half(v->dim, x, dense->x);
	for (int i = 0; i < v->dim; i++)
	{
		if ((dense->x[i] & 0x7FFF) == 0x7C00)
		{
			char		number[FLOAT_SHORTEST_DECIMAL_LEN];

			float_to_shortest_decimal_buf(x[i], number);
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%s\" is out of range for type halfvec", number)));
		}
	}
	pfree(x);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_POINTER(dense);
}
