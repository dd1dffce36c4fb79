/*-------------------------------------------------------------------------
 * upsert_columns.c
 *	  vecstore.upsert_columns(): rows as one array per column.
 *
 * This is the fastest form for a driver, which holds its data in columns and
 * sends an array as one binary parameter.  Rows are not parsed, and values are
 * used in place in the arrays.
 *
 * An array's first dimension is the rows.  If it has more dimensions, a row's
 * value is an array of the others (float4[][] for a vector column).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "api/api_internal.h"

typedef struct ColumnsFeed
{
	FunctionCallInfo fcinfo;
	int			first;			/* argument number of the first array */
	int			ncolumns;
	char	  **names;
} ColumnsFeed;

/* One column's values. */
typedef struct ColumnValues
{
	Oid			type;
	int			rows;
	Datum	   *values;
	bool	   *isnull;
} ColumnValues;

/* The field names; they must not be NULL. */
static char **
column_names(ArrayType *array, int *n)
{
	Datum	   *values;
	bool	   *nulls;
	char	  **names;
	int			i;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the names of the columns must be an array of one dimension")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, n);
	names = palloc(*n * sizeof(char *));
	for (i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the name of column %d is NULL", i + 1)));
		names[i] = TextDatumGetCString(values[i]);
	}
	return names;
}

/*
 * An argument as an array.  A literal of unknown type is read as an array of
 * the column's type.
 */
static ArrayType *
argument_array(ColumnsFeed *feed, UpsertBatch *batch, int i)
{
	int			argno = feed->first + i;
	Oid			type = get_fn_expr_argtype(feed->fcinfo->flinfo, argno);
	Datum		value;

	if (feed->fcinfo->args[argno].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the array is NULL")));
	value = feed->fcinfo->args[argno].value;
	if (type == UNKNOWNOID)
	{
		CollectionColumn *column = vs_api_source_find(batch, feed->names[i]);
		Oid			array_type = get_array_type(column ? column->typid : TEXTOID);
		Oid			input;
		Oid			ioparam;

		getTypeInputInfo(array_type, &input, &ioparam);
		return DatumGetArrayTypeP(OidInputFunctionCall(input, DatumGetCString(value), ioparam, -1));
	}
	if (!type_is_array(getBaseType(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("an array should be given, not %s", format_type_be(type))));
	return DatumGetArrayTypeP(value);
}

/* Makes the rows of an array of several dimensions from its elements. */
static void
slice_rows(ColumnValues *out, ArrayType *array, Datum *elements, bool *nulls, int nelements,
		   int16 typlen, bool typbyval, char typalign)
{
	int			ndim = ARR_NDIM(array) - 1;
	int		   *dims = ARR_DIMS(array) + 1;
	int		   *lbounds = ARR_LBOUND(array) + 1;
	int			per_row = nelements / ARR_DIMS(array)[0];
	int			i;

	out->rows = ARR_DIMS(array)[0];
	out->type = get_array_type(ARR_ELEMTYPE(array));
	out->values = palloc(out->rows * sizeof(Datum));
	out->isnull = palloc0(out->rows * sizeof(bool));
	for (i = 0; i < out->rows; i++)
		out->values[i] = PointerGetDatum(construct_md_array(elements + i * per_row,
															nulls + i * per_row,
															ndim, dims, lbounds,
															ARR_ELEMTYPE(array),
															typlen, typbyval, typalign));
}

static ColumnValues
column_values(ArrayType *array)
{
	ColumnValues out;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign,
					  &elements, &nulls, &n);
	if (ARR_NDIM(array) > 1)
	{
		slice_rows(&out, array, elements, nulls, n, typlen, typbyval, typalign);
		return out;
	}
	out.type = ARR_ELEMTYPE(array);
	out.rows = n;
	out.values = elements;
	out.isnull = nulls;
	return out;
}

/*
 * An empty array has no dimensions.  It counts as a matrix if the column takes
 * arrays of the elements but not the elements.
 */
static void
settle_empty(ColumnValues *values, CollectionColumn *column)
{
	Oid			array_type = get_array_type(values->type);

	if (values->rows == 0 && column && !vs_api_coercible(values->type, column) &&
		OidIsValid(array_type) && vs_api_coercible(array_type, column))
		values->type = array_type;
}

/*
 * All arrays must have the same length; the message names the first row that
 * lacks a value.
 */
static void
check_lengths(ColumnsFeed *feed, UpsertBatch *batch, ColumnValues *columns)
{
	int			longest = 0;
	int			i;

	for (i = 1; i < feed->ncolumns; i++)
	{
		if (columns[i].rows > columns[longest].rows)
			longest = i;
	}
	for (i = 0; i < feed->ncolumns; i++)
	{
		if (columns[i].rows == columns[longest].rows)
			continue;
		vs_api_batch_place(batch)->row = columns[i].rows + 1;
		vs_api_batch_place(batch)->field = feed->names[i];
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("no value: the array has length %d, that of \"%s\" has length %d",
						columns[i].rows, feed->names[longest], columns[longest].rows)));
	}
}

static void
feed_columns(UpsertBatch *batch, void *arg)
{
	ColumnsFeed *feed = arg;
	UpsertPlace *place = vs_api_batch_place(batch);
	ColumnValues *columns = palloc(feed->ncolumns * sizeof(ColumnValues));
	RowSource  *source = vs_api_source_begin(batch, feed->ncolumns);
	Datum	   *values = palloc(feed->ncolumns * sizeof(Datum));
	bool	   *isnull = palloc(feed->ncolumns * sizeof(bool));
	int			row;
	int			i;

	for (i = 0; i < feed->ncolumns; i++)
	{
		place->field = feed->names[i];
		columns[i] = column_values(argument_array(feed, batch, i));
		settle_empty(&columns[i], vs_api_source_find(batch, feed->names[i]));
		vs_api_source_field(source, feed->names[i], columns[i].type);
	}
	check_lengths(feed, batch, columns);
	for (row = 0; row < columns[0].rows; row++)
	{
		for (i = 0; i < feed->ncolumns; i++)
		{
			values[i] = columns[i].values[row];
			isnull[i] = columns[i].isnull[row];
		}
		place->row = row + 1;
		vs_api_source_add(source, values, isnull);
	}
}

/* The size of the arrays, as far as it is known without reading them. */
static Size
arguments_size(FunctionCallInfo fcinfo, int first)
{
	Size		size = 0;
	int			i;

	for (i = first; i < PG_NARGS(); i++)
	{
		if (!PG_ARGISNULL(i) && get_fn_expr_argtype(fcinfo->flinfo, i) != UNKNOWNOID &&
			get_typlen(get_fn_expr_argtype(fcinfo->flinfo, i)) == -1)
			size += toast_raw_datum_size(PG_GETARG_DATUM(i));
	}
	return size;
}

static Datum
upsert_columns(FunctionCallInfo fcinfo, const UpsertOptions *options, int names_argno)
{
	ColumnsFeed feed;
	UpsertCounts counts;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(names_argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("collection and columns must not be NULL")));
	if (get_fn_expr_variadic(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the arrays must be given one by one, not as VARIADIC array")));
	feed.fcinfo = fcinfo;
	feed.first = names_argno + 1;
	feed.names = column_names(PG_GETARG_ARRAYTYPE_P(names_argno), &feed.ncolumns);
	if (feed.ncolumns == 0 || feed.ncolumns != PG_NARGS() - feed.first)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d columns are named, but %d arrays are given",
						feed.ncolumns, PG_NARGS() - feed.first)));
	counts = vs_api_upsert(PG_GETARG_OID(0), options, arguments_size(fcinfo, feed.first), feed_columns,
						   &feed);
	return vs_api_result(fcinfo, counts);
}

/* upsert_columns(collection regclass, columns text[], VARIADIC arrays "any") */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_columns);
Datum
vs_api_upsert_columns(PG_FUNCTION_ARGS)
{
	UpsertOptions options = {0};

	return upsert_columns(fcinfo, &options, 1);
}

/*
 * upsert_columns_with(collection regclass, options json, columns text[],
 *		VARIADIC arrays "any")
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_columns_with);
Datum
vs_api_upsert_columns_with(PG_FUNCTION_ARGS)
{
	UpsertOptions options = {0};

	if (!PG_ARGISNULL(1))
		options = vs_api_options_from_json(PG_GETARG_TEXT_PP(1));
	return upsert_columns(fcinfo, &options, 2);
}
