/*-------------------------------------------------------------------------
 * sparsevec_cast.c
 *	  Casts between sparsevec and vector, halfvec and number arrays.
 *
 * All are length-coercing casts (value, typmod, explicit): the dimensions of
 * the result are checked against the type modifier.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "compat/compat.h"
#include "simd/simd.h"
#include "types/sparsevec.h"
#include "types/vector.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_vector_to_sparsevec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_halfvec_to_sparsevec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_array_to_sparsevec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_to_vector);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_to_halfvec);

/* The non-zero ones of dim floats, which must be finite. */
static SparseVector *
from_floats(const float *x, int dim, int32 typmod)
{
	SparseVector *v;
	int			nnz = 0;

	for (int i = 0; i < dim; i++)
	{
		VsSparseStatus status = vs_sparsevec_check_value(x[i]);

		if (status != VS_SPARSE_OK)
			vs_sparsevec_fail(status);
		nnz += x[i] != 0;
	}
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
	vs_sparsevec_check_typmod(v, typmod);
	return v;
}

Datum
vs_vector_to_sparsevec(PG_FUNCTION_ARGS)
{
	Vector	   *dense = PG_GETARG_VECTOR_P(0);
	SparseVector *v = from_floats(dense->x, dense->dim, PG_GETARG_INT32(1));

	PG_FREE_IF_COPY(dense, 0);
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
	PG_FREE_IF_COPY(dense, 0);
	PG_RETURN_POINTER(v);
}

/* A float8 as float4; too small a number becomes 0, too large a one is an error. */
static float
narrow(float8 d)
{
	float		f = (float) d;

	if (isinf(f) && !isinf(d))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%g\" is out of range for type sparsevec", d)));
	return f;
}

static float
number_to_float(Datum number, Oid type)
{
	switch (type)
	{
		case INT4OID:
			return (float) DatumGetInt32(number);
		case FLOAT4OID:
			return DatumGetFloat4(number);
		case FLOAT8OID:
			return narrow(DatumGetFloat8(number));
		case NUMERICOID:
			return narrow(DatumGetFloat8(DirectFunctionCall1(numeric_float8, number)));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("cannot convert an array of %u to sparsevec", type)));
			return 0;
	}
}

Datum
vs_array_to_sparsevec(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Oid			type = ARR_ELEMTYPE(array);
	SparseVector *v;
	Datum	   *numbers;
	float	   *x;
	int			dim;
	int16		length;
	bool		by_value;
	char		align;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &numbers, NULL, &dim);
	if (dim == 0)
		vs_sparsevec_fail(VS_SPARSE_NO_DIM);

	x = palloc(sizeof(float) * dim);
	for (int i = 0; i < dim; i++)
		x[i] = number_to_float(numbers[i], type);
	v = from_floats(x, dim, PG_GETARG_INT32(1));
	pfree(x);
	pfree(numbers);
	PG_RETURN_POINTER(v);
}

/*
 * Dense form as floats, palloc'd; errors when it has more dimensions than the
 * dense type or other ones than typmod.
 */
static float *
to_floats(const SparseVector *v, int32 typmod, const char *type)
{
	float	   *x;

	if (v->dim > VS_MAX_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions", type, VS_MAX_DIM)));
	vs_sparsevec_check_typmod(v, typmod);

	x = palloc0(sizeof(float) * v->dim);
	for (int i = 0; i < v->nnz; i++)
		x[v->indices[i]] = SPARSEVEC_VALUES(v)[i];
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

/* Values too small for half become 0, too large ones are an error. */
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
