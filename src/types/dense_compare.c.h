/*-------------------------------------------------------------------------
 * dense_compare.c.h
 *	  Template: order and hashing.
 *
 * The order is that of arrays: by the first element that differs; if there is
 * none, the vector with fewer dimensions is first.  Index builds and sorts
 * call these functions in long-lived memory contexts, so they free what they
 * detoast.
 *-------------------------------------------------------------------------
 */

static int
compare(FunctionCallInfo fcinfo)
{
	DENSE	   *a = DENSE_ARG(0);
	DENSE	   *b = DENSE_ARG(1);
	int			dim = Min(a->dim, b->dim);
	int			result = 0;

	for (int i = 0; i < dim && result == 0; i++)
		result = (element_key(a->x[i]) > element_key(b->x[i])) -
			(element_key(a->x[i]) < element_key(b->x[i]));
	if (result == 0)
		result = (a->dim > b->dim) - (a->dim < b->dim);

	VS_FREE_IF_COPY(a, 0);
	VS_FREE_IF_COPY(b, 1);
	return result;
}

DENSE_FUNCTION(lt)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

DENSE_FUNCTION(le)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

DENSE_FUNCTION(eq)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

DENSE_FUNCTION(ne)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

DENSE_FUNCTION(ge)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

DENSE_FUNCTION(gt)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

DENSE_FUNCTION(cmp)
{
	PG_RETURN_INT32(compare(fcinfo));
}

/* Hash in pieces; the hash of a piece is the seed of the next. */
static uint64
hash(FunctionCallInfo fcinfo, uint64 seed)
{
	DENSE	   *v = DENSE_ARG(0);
	DENSE_ELEMENT piece[128];

	for (int start = 0; start < v->dim; start += lengthof(piece))
	{
		int			n = Min(v->dim - start, (int) lengthof(piece));

		for (int i = 0; i < n; i++)
			piece[i] = element_hash_key(v->x[start + i]);
		seed = hash_bytes_extended((unsigned char *) piece,
								   (int) sizeof(DENSE_ELEMENT) * n, seed);
	}

	VS_FREE_IF_COPY(v, 0);
	return seed;
}

/* Hash indexes require the low half of the extended hash for seed 0. */
DENSE_FUNCTION(hash)
{
	PG_RETURN_INT32((int32) (uint32) hash(fcinfo, 0));
}

DENSE_FUNCTION(hash_extended)
{
	PG_RETURN_INT64((int64) hash(fcinfo, (uint64) PG_GETARG_INT64(1)));
}
