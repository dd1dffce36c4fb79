/*-------------------------------------------------------------------------
 * dense_arithmetic.c.h
 *	  Template: element-wise arithmetic, and vectors made from vectors.
 *-------------------------------------------------------------------------
 */

/* Round x into v; throw if an element of the result is infinite. */
static void
set_result(DENSE *v, float *x)
{
	dense_set_floats(v, x);
	for (int i = 0; i < v->dim; i++)
	{
		if (unlikely(element_is_infinite(v->x[i])))
			float_overflow_error();
	}
}

DENSE_FUNCTION(add)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);
	const float *ax = dense_floats(a);
	const float *bx = dense_floats(b);
	DENSE	   *result;
	float	   *rx;

	check_same_dim(a, b);
	result = dense_new(a->dim);
	rx = dense_scratch(result);
	for (int i = 0; i < a->dim; i++)
		rx[i] = ax[i] + bx[i];
	set_result(result, rx);

	PG_RETURN_POINTER(result);
}

DENSE_FUNCTION(sub)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);
	const float *ax = dense_floats(a);
	const float *bx = dense_floats(b);
	DENSE	   *result;
	float	   *rx;

	check_same_dim(a, b);
	result = dense_new(a->dim);
	rx = dense_scratch(result);
	for (int i = 0; i < a->dim; i++)
		rx[i] = ax[i] - bx[i];
	set_result(result, rx);

	PG_RETURN_POINTER(result);
}

/* As in float4mul, a nonzero product that rounds to 0 is an error. */
DENSE_FUNCTION(mul)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);
	const float *ax = dense_floats(a);
	const float *bx = dense_floats(b);
	DENSE	   *result;
	float	   *rx;

	check_same_dim(a, b);
	result = dense_new(a->dim);
	rx = dense_scratch(result);
	for (int i = 0; i < a->dim; i++)
		rx[i] = ax[i] * bx[i];
	set_result(result, rx);

	for (int i = 0; i < a->dim; i++)
	{
		if (unlikely(element_key(result->x[i]) == 0) && ax[i] != 0 && bx[i] != 0)
			float_underflow_error();
	}
	PG_RETURN_POINTER(result);
}

DENSE_FUNCTION(concat)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);
	int			dim = a->dim + b->dim;
	DENSE	   *result;

	(void) vs_types_dim_check(dim, DENSE_NAME, NULL);
	result = dense_new(dim);
	memcpy(result->x, a->x, sizeof(DENSE_ELEMENT) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(DENSE_ELEMENT) * b->dim);

	PG_RETURN_POINTER(result);
}

/*
 * Return the elements start .. start + count - 1, counted from 1, as far as
 * they exist.  As in substring(), positions before the first element use up
 * count.
 */
DENSE_FUNCTION(subvector)
{
	DENSE	   *v = DENSE_ARG(0);
	int64		start = PG_GETARG_INT32(1);
	int64		count = PG_GETARG_INT32(2);
	int64		first = Max(start, 1);
	int64		end = Min(start + count, v->dim + 1);
	DENSE	   *result;

	if (count < 1 || end <= first)
		(void) vs_types_dim_check(0, DENSE_NAME, NULL);

	result = dense_new((int) (end - first));
	memcpy(result->x, v->x + (first - 1), sizeof(DENSE_ELEMENT) * result->dim);

	PG_RETURN_POINTER(result);
}

/* Divide by the norm; a zero vector stays. */
DENSE_FUNCTION(l2_normalize)
{
	DENSE	   *v = DENSE_ARG(0);
	const float *x = dense_floats(v);
	double		norm = norm_of(v->dim, x);
	DENSE	   *result = dense_new(v->dim);

	if (norm == 0)
		memset(result->x, 0, sizeof(DENSE_ELEMENT) * v->dim);
	else
	{
		float	   *rx = dense_scratch(result);

		for (int i = 0; i < v->dim; i++)
			rx[i] = (float) (x[i] / norm);
		set_result(result, rx);
	}
	PG_RETURN_POINTER(result);
}

/* Return one bit per element, the first one leftmost: 1 if it is positive. */
DENSE_FUNCTION(binary_quantize)
{
	DENSE	   *v = DENSE_ARG(0);
	int			size = VARBITTOTALLEN(v->dim);
	VarBit	   *result = palloc0(size);
	bits8	   *bits = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = v->dim;
	for (int start = 0; start < v->dim; start += BITS_PER_BYTE)
	{
		int			n = Min(v->dim - start, BITS_PER_BYTE);

		for (int i = 0; i < n; i++)
			bits[start / BITS_PER_BYTE] |= (element_key(v->x[start + i]) > 0) << (7 - i);
	}

	PG_RETURN_VARBIT_P(result);
}
