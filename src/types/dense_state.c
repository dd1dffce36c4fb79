/*-------------------------------------------------------------------------
 * dense_state.c
 *	  The state of avg(), the same for vector and halfvec.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/float.h"

#include "types/dense.h"

float8 *
vs_types_state_get(ArrayType *state, int *dim, const char *caller)
{
	if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] < 1 ||
		ARR_HASNULL(state) || ARR_ELEMTYPE(state) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: expected state array", caller)));

	*dim = ARR_DIMS(state)[0] - 1;
	return (float8 *) ARR_DATA_PTR(state);
}

ArrayType *
vs_types_state_new(int dim, float8 **values)
{
	ArrayType  *array = vs_types_array_new(FLOAT8OID, sizeof(float8), dim + 1);

	*values = (float8 *) ARR_DATA_PTR(array);
	return array;
}

/* Called for an aggregate, the function may change the first state in place. */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_vector_combine);
Datum
vs_vector_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *a = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *b = PG_GETARG_ARRAYTYPE_P(1);
	int			dim;
	int			b_dim;
	float8	   *values = vs_types_state_get(a, &dim, "vector_combine");
	float8	   *b_values = vs_types_state_get(b, &b_dim, "vector_combine");

	if (Max(dim, b_dim) > 0)
		(void) vs_types_dim_check(Max(dim, b_dim), "vector", NULL);
	if (b_dim == 0)
		PG_RETURN_ARRAYTYPE_P(a);
	if (dim == 0)
		PG_RETURN_ARRAYTYPE_P(b);
	(void) vs_types_typmod_check(dim, b_dim, NULL);

	if (!AggCheckCallContext(fcinfo, NULL))
	{
		float8	   *copy;

		a = vs_types_state_new(dim, &copy);
		memcpy(copy, values, sizeof(float8) * (dim + 1));
		values = copy;
	}

	values[0] += b_values[0];
	for (int i = 1; i <= dim; i++)
	{
		values[i] += b_values[i];
		if (unlikely(isinf(values[i])))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(a);
}
