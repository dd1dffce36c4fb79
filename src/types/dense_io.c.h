/*-------------------------------------------------------------------------
 * dense_io.c.h
 *	  Template: text and binary input and output, and the type modifier.
 *-------------------------------------------------------------------------
 */

/*
 * Make a value of dim floats, rounded to the element type.  If one is too
 * large, throws, or saves the error in escontext and returns NULL.
 */
static DENSE *
dense_from_floats(int dim, const float *x, Node *escontext)
{
	DENSE	   *result = dense_new(dim);
	float	   *rx = dense_scratch(result);

	memcpy(rx, x, sizeof(float) * dim);
	dense_set_floats(result, rx);

	for (int i = 0; i < dim; i++)
	{
		if (unlikely(element_is_infinite(result->x[i])))
		{
			char		number[FLOAT_SHORTEST_DECIMAL_LEN];

			float_to_shortest_decimal_buf(x[i], number);
			ereturn(escontext, NULL,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%s\" is out of range for type " DENSE_NAME, number)));
		}
	}
	return result;
}

DENSE_FUNCTION(in)
{
	char	   *str = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	Node	   *escontext = fcinfo->context;
	float		x[VS_MAX_DIM];
	VsTextResult parsed = vs_types_text_parse(str, VS_MAX_DIM, x);
	DENSE	   *result;

	if (!vs_types_text_check(parsed, str, DENSE_NAME, escontext) ||
		!vs_types_typmod_check(typmod, parsed.dim, escontext))
		PG_RETURN_NULL();

	result = dense_from_floats(parsed.dim, x, escontext);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

DENSE_FUNCTION(out)
{
	DENSE	   *v = DENSE_ARG(0);
	const float *x = dense_floats(v);
	/* the room for a number includes a terminator, here a separator */
	char	   *str = palloc(FLOAT_SHORTEST_DECIMAL_LEN * v->dim + 2);
	char	   *end = str;

	*end++ = '[';
	for (int i = 0; i < v->dim; i++)
	{
		if (i > 0)
			*end++ = ',';
		end += float_to_shortest_decimal_bufn(x[i], end);
	}
	*end++ = ']';
	*end = '\0';

	PG_RETURN_CSTRING(str);
}

DENSE_FUNCTION(typmod_in)
{
	PG_RETURN_INT32(vs_types_typmod_in(PG_GETARG_ARRAYTYPE_P(0), DENSE_NAME, VS_MAX_DIM));
}

/* The caller reports bytes that are left after the value. */
DENSE_FUNCTION(recv)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	const uint8 *data = (const uint8 *) buf->data + buf->cursor;
	int			dim;
	int			unused;
	VsWireStatus status = vs_types_wire_header(data, buf->len - buf->cursor, VS_MAX_DIM,
											   sizeof(DENSE_ELEMENT), &dim, &unused);
	DENSE	   *result;

	vs_types_wire_check(status, dim, unused, DENSE_NAME);
	(void) vs_types_typmod_check(typmod, dim, NULL);

	result = dense_new(dim);
	vs_types_wire_get(data, dim, sizeof(DENSE_ELEMENT), result->x);
	vs_types_finite_check(dim, dense_floats(result), DENSE_NAME);

	buf->cursor += VS_WIRE_SIZE(dim, sizeof(DENSE_ELEMENT));
	PG_RETURN_POINTER(result);
}

DENSE_FUNCTION(send)
{
	DENSE	   *v = DENSE_ARG(0);
	Size		size = VARHDRSZ + VS_WIRE_SIZE(v->dim, sizeof(DENSE_ELEMENT));
	bytea	   *result = palloc(size);

	SET_VARSIZE(result, size);
	vs_types_wire_put(v->x, v->dim, sizeof(DENSE_ELEMENT), (uint8 *) VARDATA(result));

	PG_RETURN_BYTEA_P(result);
}

/* Cast the type to itself, which enforces the type modifier. */
DENSE_FUNCTION(typmod_cast)
{
	Datum		value = PG_GETARG_DATUM(0);

	(void) vs_types_typmod_check(PG_GETARG_INT32(1), vs_types_dim_of(value), NULL);
	PG_RETURN_DATUM(value);
}
