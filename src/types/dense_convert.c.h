/*-------------------------------------------------------------------------
 * dense_convert.c.h
 *	  Template: conversion from and to arrays.
 *-------------------------------------------------------------------------
 */

DENSE_FUNCTION(from_array)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			dim = vs_types_array_dim(array, DENSE_NAME);
	float	   *x;

	(void) vs_types_typmod_check(PG_GETARG_INT32(1), dim, NULL);

	x = palloc(sizeof(float) * dim);
	vs_types_array_to_floats(array, x);
	vs_types_finite_check(dim, x, DENSE_NAME);

	PG_RETURN_POINTER(dense_from_floats(dim, x, NULL));
}

DENSE_FUNCTION(to_float4)
{
	DENSE	   *v = DENSE_ARG(0);
	float	   *x;
	ArrayType  *result = vs_types_float_array_new(v->dim, &x);

	memcpy(x, dense_floats(v), sizeof(float) * v->dim);
	PG_RETURN_ARRAYTYPE_P(result);
}
