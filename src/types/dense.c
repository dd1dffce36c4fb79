/*-------------------------------------------------------------------------
 * dense.c
 *	  What vector and halfvec share: checks, messages, array conversions.
 *
 * Messages that client libraries may examine have the wording of pgvector.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"

#include "types/dense.h"

bool
vs_types_dim_check(int dim, const char *type, Node *escontext)
{
	if (dim < 1)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type)));
	if (dim > VS_MAX_DIM)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions", type, VS_MAX_DIM)));
	return true;
}

bool
vs_types_typmod_check(int32 typmod, int dim, Node *escontext)
{
	if (typmod != -1 && typmod != dim)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", typmod, dim)));
	return true;
}

void
vs_types_dims_differ(int a, int b, const char *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different %s dimensions %d and %d", type, a, b)));
}

/* Report an element that is NaN or infinite.  Returns false. */
static bool
reject_element(bool is_nan, const char *type, Node *escontext)
{
	if (is_nan)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in %s", type)));
	ereturn(escontext, false,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("infinite value not allowed in %s", type)));
}

void
vs_types_finite_check(int n, const float *x, const char *type)
{
	for (int i = 0; i < n; i++)
	{
		if (unlikely(!isfinite(x[i])))
			reject_element(isnan(x[i]), type, NULL);
	}
}

/* Set the detail of a syntax error. */
static int
syntax_detail(VsTextResult result, const char *str, const char *type)
{
	if (result.status == VS_TEXT_NO_OPENING)
		return errdetail("A %s starts with \"[\".", type);
	if (result.status == VS_TEXT_TRAILING)
		return errdetail("Something follows the closing \"]\", at position %zu.",
						 result.at + 1);
	if (str[result.at] == '\0')
		return errdetail("The closing \"]\" is missing.");
	if (result.status == VS_TEXT_NO_SEPARATOR)
		return errdetail("Element %d is not followed by \",\" or \"]\", at position %zu.",
						 result.dim, result.at + 1);
	return errdetail("Element %d is not a number, at position %zu.",
					 result.dim + 1, result.at + 1);
}

bool
vs_types_text_check(VsTextResult result, const char *str, const char *type,
					Node *escontext)
{
	switch (result.status)
	{
		case VS_TEXT_OK:
			return true;
		case VS_TEXT_NO_ELEMENT:
			return vs_types_dim_check(0, type, escontext);
		case VS_TEXT_TOO_MANY:
			return vs_types_dim_check(VS_MAX_DIM + 1, type, escontext);
		case VS_TEXT_NAN:
		case VS_TEXT_INFINITE:
			return reject_element(result.status == VS_TEXT_NAN, type, escontext);
		case VS_TEXT_RANGE:
			ereturn(escontext, false,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%.*s\" is out of range for type %s",
							(int) result.length, str + result.at, type)));
		case VS_TEXT_NO_OPENING:
		case VS_TEXT_TRAILING:
		case VS_TEXT_SYNTAX:
		case VS_TEXT_NO_SEPARATOR:
			break;
	}

	ereturn(escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", type, str),
			 syntax_detail(result, str, type)));
}

void
vs_types_wire_check(VsWireStatus status, int dim, int unused, const char *type)
{
	switch (status)
	{
		case VS_WIRE_OK:
			break;
		case VS_WIRE_DIM:
			(void) vs_types_dim_check(dim, type, NULL);
			break;
		case VS_WIRE_UNUSED:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("expected unused to be 0, not %d", unused)));
			break;
		case VS_WIRE_TRUNCATED:
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("insufficient data left in message")));
			break;
	}
}

int32
vs_types_typmod_in(ArrayType *modifiers, const char *type, int max_dim)
{
	int			n;
	int32	   *typmods = ArrayGetIntegerTypmods(modifiers, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier"),
				 errdetail("Type %s takes one modifier, the number of dimensions.", type)));
	if (typmods[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type)));
	if (typmods[0] > max_dim)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d", type, max_dim)));
	return typmods[0];
}

int
vs_types_dim_of(Datum value)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);
	struct varlena *head = v;
	int16		dim;

	if (VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v))
		head = PG_DETOAST_DATUM_SLICE(value, 0, sizeof(dim));

	/* dim is the first field of a Vector and of a HalfVector */
	memcpy(&dim, VARDATA_ANY(head), sizeof(dim));
	if (head != v)
		pfree(head);
	return dim;
}

int
vs_types_array_length(ArrayType *array)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

int
vs_types_array_dim(ArrayType *array, const char *type)
{
	int			dim = vs_types_array_length(array);

	(void) vs_types_dim_check(dim, type, NULL);
	return dim;
}

static void
numerics_to_floats(ArrayType *array, float *x)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
	pfree(elements);
}

void
vs_types_array_to_floats(ArrayType *array, float *x)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const void *data = ARR_DATA_PTR(array);

	switch (ARR_ELEMTYPE(array))
	{
		case INT4OID:
			for (int i = 0; i < n; i++)
				x[i] = (float) ((const int32 *) data)[i];
			break;
		case FLOAT4OID:
			memcpy(x, data, sizeof(float) * n);
			break;
		case FLOAT8OID:
			for (int i = 0; i < n; i++)
				x[i] = (float) ((const float8 *) data)[i];
			break;
		case NUMERICOID:
			numerics_to_floats(array, x);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("unsupported array type")));
	}
}

ArrayType *
vs_types_array_new(Oid element_type, Size element_size, int n)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + element_size * n;
	ArrayType  *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = element_type;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

ArrayType *
vs_types_float_array_new(int dim, float **x)
{
	ArrayType  *array = vs_types_array_new(FLOAT4OID, sizeof(float), dim);

	*x = (float *) ARR_DATA_PTR(array);
	return array;
}
