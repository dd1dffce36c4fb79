/*-------------------------------------------------------------------------
 * sparsevec_distance.c
 *	  Distances, inner product and norm of sparse vectors.
 *
 * A distance is one walk over the two ascending arrays of indices.  Sums are
 * float4, as for dense vectors, so that a value and its dense form have the
 * same distances, except for rounding.  The cosine distance takes its sums of
 * squares from the dense kernel.  A zero vector has no direction, so its
 * cosine distance is NaN.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/float.h"

#include "simd/simd.h"
#include "types/dense.h"
#include "types/sparsevec.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_l2_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_l2_squared_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_inner_product);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_negative_inner_product);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_cosine_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_l1_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_l2_norm);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_l2_normalize);

static float
term_l2(float a, float b)
{
	return (a - b) * (a - b);
}

static float
term_l1(float a, float b)
{
	return fabsf(a - b);
}

/*
 * Sum up term(a_i, b_i) over the dimensions in which either is not 0.  It is
 * always inlined with a constant term, so that term costs no call.
 */
static pg_attribute_always_inline float
sum_either(const SparseVector *a, const SparseVector *b, float (*term) (float, float))
{
	const float *ax = SPARSEVEC_VALUES(a);
	const float *bx = SPARSEVEC_VALUES(b);
	float		sum = 0;
	int			i = 0;
	int			j = 0;

	while (i < a->nnz && j < b->nnz)
	{
		if (a->indices[i] == b->indices[j])
			sum += term(ax[i++], bx[j++]);
		else if (a->indices[i] < b->indices[j])
			sum += term(ax[i++], 0);
		else
			sum += term(bx[j++], 0);
	}
	for (; i < a->nnz; i++)
		sum += term(ax[i], 0);
	for (; j < b->nnz; j++)
		sum += term(bx[j], 0);
	return sum;
}

static float
l2_squared(const SparseVector *a, const SparseVector *b)
{
	return sum_either(a, b, term_l2);
}

static float
l1(const SparseVector *a, const SparseVector *b)
{
	return sum_either(a, b, term_l1);
}

static float
inner_product(const SparseVector *a, const SparseVector *b)
{
	const float *ax = SPARSEVEC_VALUES(a);
	const float *bx = SPARSEVEC_VALUES(b);
	float		sum = 0;
	int			i = 0;
	int			j = 0;

	while (i < a->nnz && j < b->nnz)
	{
		int32		ai = a->indices[i];
		int32		bi = b->indices[j];

		if (ai == bi)
			sum += ax[i] * bx[j];
		i += ai <= bi;
		j += bi <= ai;
	}
	return sum;
}

/* Get arguments 0 and 1; throw if they differ in dimensions. */
static void
get_pair(FunctionCallInfo fcinfo, SparseVector **a, SparseVector **b)
{
	*a = PG_GETARG_SPARSEVEC_P(0);
	*b = PG_GETARG_SPARSEVEC_P(1);
	if ((*a)->dim != (*b)->dim)
		vs_types_dims_differ((*a)->dim, (*b)->dim, "sparsevec");
}

/* Free what get_pair() detoasted, and return the result as a Datum. */
static Datum
release_pair(FunctionCallInfo fcinfo, SparseVector *a, SparseVector *b, double result)
{
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(result);
}

Datum
vs_sparsevec_l2_distance(PG_FUNCTION_ARGS)
{
	SparseVector *a;
	SparseVector *b;

	get_pair(fcinfo, &a, &b);
	return release_pair(fcinfo, a, b, sqrt(l2_squared(a, b)));
}

Datum
vs_sparsevec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	SparseVector *a;
	SparseVector *b;

	get_pair(fcinfo, &a, &b);
	return release_pair(fcinfo, a, b, l2_squared(a, b));
}

Datum
vs_sparsevec_inner_product(PG_FUNCTION_ARGS)
{
	SparseVector *a;
	SparseVector *b;

	get_pair(fcinfo, &a, &b);
	return release_pair(fcinfo, a, b, inner_product(a, b));
}

Datum
vs_sparsevec_negative_inner_product(PG_FUNCTION_ARGS)
{
	SparseVector *a;
	SparseVector *b;

	get_pair(fcinfo, &a, &b);
	return release_pair(fcinfo, a, b, -inner_product(a, b));
}

static double
squared_norm(const SparseVector *v)
{
	const float *values = SPARSEVEC_VALUES(v);

	return vs_kernels->inner_product_f32(v->nnz, values, values);
}

Datum
vs_sparsevec_cosine_distance(PG_FUNCTION_ARGS)
{
	SparseVector *a;
	SparseVector *b;
	double		similarity;

	get_pair(fcinfo, &a, &b);
	similarity = inner_product(a, b) / sqrt(squared_norm(a) * squared_norm(b));
	/* clamp to [-1, 1], which rounding may exceed; NaN stays */
	if (similarity > 1)
		similarity = 1;
	else if (similarity < -1)
		similarity = -1;
	return release_pair(fcinfo, a, b, 1 - similarity);
}

Datum
vs_sparsevec_l1_distance(PG_FUNCTION_ARGS)
{
	SparseVector *a;
	SparseVector *b;

	get_pair(fcinfo, &a, &b);
	return release_pair(fcinfo, a, b, l1(a, b));
}

/* Sum up in double: the square of a float4 may be beyond float4. */
static double
norm(const SparseVector *v)
{
	const float *values = SPARSEVEC_VALUES(v);
	double		sum = 0;

	for (int i = 0; i < v->nnz; i++)
		sum += (double) values[i] * values[i];
	return sqrt(sum);
}

Datum
vs_sparsevec_l2_norm(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	double		result = norm(v);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_FLOAT8(result);
}

/*
 * Divide by the norm; a zero vector stays.  Elements that become 0 are
 * dropped.
 */
Datum
vs_sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	const float *values = SPARSEVEC_VALUES(v);
	double		length = norm(v);
	SparseVector *result;
	int			kept = 0;

	for (int i = 0; i < v->nnz; i++)
		kept += (float) (values[i] / length) != 0;

	result = vs_sparsevec_new(v->dim, kept);
	for (int i = 0, j = 0; i < v->nnz; i++)
	{
		float		value = (float) (values[i] / length);

		if (value == 0)
			continue;
		if (isinf(value))
			float_overflow_error();
		result->indices[j] = v->indices[i];
		SPARSEVEC_VALUES(result)[j++] = value;
	}
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_POINTER(result);
}
