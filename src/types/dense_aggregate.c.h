/*-------------------------------------------------------------------------
 * dense_aggregate.c.h
 *	  Template: avg().  dense_state.c has the combine function for all types.
 *-------------------------------------------------------------------------
 */

/* Called for an aggregate, the function may change the state in place. */
DENSE_FUNCTION(accum)
{
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P(0);
	DENSE	   *v = DENSE_ARG(1);
	const float *x = dense_floats(v);
	int			dim;
	float8	   *values = vs_types_state_get(state, &dim, DENSE_NAME "_accum");

	if (dim == 0 || !AggCheckCallContext(fcinfo, NULL))
	{
		float8	   *copy;

		state = vs_types_state_new(dim == 0 ? v->dim : dim, &copy);
		memcpy(copy, values, sizeof(float8) * (dim + 1));
		values = copy;
		dim = dim == 0 ? v->dim : dim;
	}
	(void) vs_types_typmod_check(dim, v->dim, NULL);

	values[0] += 1.0;
	for (int i = 0; i < dim; i++)
	{
		values[i + 1] += x[i];
		if (unlikely(isinf(values[i + 1])))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(state);
}

/* Return NULL if there were no values. */
DENSE_FUNCTION(avg)
{
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P(0);
	int			dim;
	float8	   *values = vs_types_state_get(state, &dim, DENSE_NAME "_avg");
	float	   *x;

	if (values[0] == 0.0)
		PG_RETURN_NULL();
	(void) vs_types_dim_check(dim, DENSE_NAME, NULL);

	x = palloc(sizeof(float) * dim);
	for (int i = 0; i < dim; i++)
		x[i] = (float) (values[i + 1] / values[0]);
	vs_types_finite_check(dim, x, DENSE_NAME);

	PG_RETURN_POINTER(dense_from_floats(dim, x, NULL));
}
