/*-------------------------------------------------------------------------
 * dense_distance.c.h
 *	  Template: distances and norm.
 *
 * The kernels sum up in float; a sum beyond the largest float is infinity.
 *-------------------------------------------------------------------------
 */

static inline float
l2_squared(FunctionCallInfo fcinfo)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);

	check_same_dim(a, b);
	return DENSE_KERNEL(l2_squared)(a->dim, a->x, b->x);
}

static inline float
inner_product(FunctionCallInfo fcinfo)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);

	check_same_dim(a, b);
	return DENSE_KERNEL(inner_product)(a->dim, a->x, b->x);
}

/* Clamp to [-1, 1], which rounding may exceed; NaN stays. */
static inline double
clamp_cosine(double cosine)
{
	if (cosine > 1.0)
		return 1.0;
	if (cosine < -1.0)
		return -1.0;
	return cosine;
}

DENSE_FUNCTION(l2_distance)
{
	PG_RETURN_FLOAT8(sqrt((double) l2_squared(fcinfo)));
}

DENSE_FUNCTION(l2_squared_distance)
{
	PG_RETURN_FLOAT8((double) l2_squared(fcinfo));
}

DENSE_FUNCTION(inner_product)
{
	PG_RETURN_FLOAT8((double) inner_product(fcinfo));
}

DENSE_FUNCTION(negative_inner_product)
{
	PG_RETURN_FLOAT8((double) -inner_product(fcinfo));
}

/* Return NaN if either is a zero vector. */
DENSE_FUNCTION(cosine_distance)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);
	float		sums[3];

	check_same_dim(a, b);
	DENSE_KERNEL(cosine)(a->dim, a->x, b->x, sums);
	PG_RETURN_FLOAT8(1.0 - clamp_cosine(sums[0] / sqrt((double) sums[1] * sums[2])));
}

/*
 * Return the angle between unit vectors, as a share of pi; lengths are
 * ignored.
 */
DENSE_FUNCTION(spherical_distance)
{
	PG_RETURN_FLOAT8(acos(clamp_cosine(inner_product(fcinfo))) / M_PI);
}

DENSE_FUNCTION(l1_distance)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);

	check_same_dim(a, b);
	PG_RETURN_FLOAT8((double) DENSE_KERNEL(l1)(a->dim, a->x, b->x));
}

DENSE_FUNCTION(dims)
{
	PG_RETURN_INT32(vs_types_dim_of(PG_GETARG_DATUM(0)));
}

/* Sum up in double, which neither overflows nor loses small elements. */
static double
norm_of(int n, const float *x)
{
	double		lanes[4] = {0};
	int			i;

	for (i = 0; i + 4 <= n; i += 4)
	{
		for (int j = 0; j < 4; j++)
			lanes[j] += (double) x[i + j] * x[i + j];
	}
	for (; i < n; i++)
		lanes[0] += (double) x[i] * x[i];
	return sqrt((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
}

DENSE_FUNCTION(norm)
{
	DENSE	   *v = DENSE_ARG(0);

	PG_RETURN_FLOAT8(norm_of(v->dim, dense_floats(v)));
}
