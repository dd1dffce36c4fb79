/*-------------------------------------------------------------------------
 * upsert_value.c
 *	  A JSON value as the value of a column.
 *
 * As core's json_populate_record does it: a scalar goes through the type's
 * input function, json and jsonb take the value as it stands, arrays and row
 * types are built from JSON arrays and objects.  A vector's text form is a
 * JSON array, so it is read as it stands too.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "api/api_internal.h"
#include "api/json_scan.h"

/* A JSON array or object as an array or row type: core's conversion, by a cached query. */
static Datum
nested_value(CollectionColumn *column, const JsonPiece *piece, bool *isnull)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		arg = PointerGetDatum(cstring_to_text_with_len(piece->text, piece->len));
	Datum		value;
	int16		typlen;
	bool		typbyval;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!column->nested_plan)
	{
		Oid			argtype = JSONOID;
		char	   *sql;

		sql = psprintf("SELECT r.v FROM pg_catalog.json_to_record("
					   "pg_catalog.json_build_object('v', $1)) AS r(v %s)",
					   format_type_extended(column->typid, column->typmod,
											FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
		column->nested_plan = SPI_prepare(sql, 1, &argtype);
		if (!column->nested_plan)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(column->nested_plan);
	}
	if (SPI_execute_plan(column->nested_plan, &arg, NULL, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not convert a JSON value");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	if (!*isnull)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		get_typlenbyval(column->typid, &typlen, &typbyval);
		value = datumCopy(value, typbyval, typlen);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return value;
}

/* A JSON array of arrays as an array of vectors. */
static Datum
vectors_value(CollectionColumn *column, const JsonPiece *piece)
{
	ArrayBuildState *array = initArrayResult(column->element_type, CurrentMemoryContext, false);
	JsonScan   *scan = vs_api_json_begin(piece->text, piece->len);
	int32		typmod = column->typmod;
	bool		first;

	getBaseTypeAndTypmod(column->typid, &typmod);
	vs_api_json_enter(scan);
	for (first = true; vs_api_json_next(scan, first, JSON_TOKEN_ARRAY_END); first = false)
	{
		JsonPiece	element = vs_api_json_value(scan);
		char	   *str = NULL;
		Datum		value;

		if (element.kind == JSON_KIND_STRING)
			str = vs_api_json_string(&element, NULL);
		else if (element.kind != JSON_KIND_NULL)
			str = pnstrdup(element.text, element.len);
		value = InputFunctionCall(&column->element_input, str, column->element_ioparam, typmod);
		accumArrayResult(array, value, str == NULL, column->element_type, CurrentMemoryContext);
	}
	return vs_api_checked(column, makeArrayResult(array, CurrentMemoryContext));
}

/* A value, not NULL, that was made without the column's input function: its domain has a look at it. */
Datum
vs_api_checked(CollectionColumn *column, Datum value)
{
	if (get_typtype(column->typid) == TYPTYPE_DOMAIN)
		domain_check(value, false, column->typid, &column->domain_state, column->input.fn_mcxt);
	return value;
}

/*
 * The value of a piece of JSON as column's type, in the current context.
 * Errors are those of the type's input function.
 */
Datum
vs_api_value_from_json(CollectionColumn *column, const JsonPiece *piece, bool *isnull)
{
	char	   *str;

	if (piece->kind == JSON_KIND_NULL)
		str = NULL;				/* a domain looks at it all the same */
	else if (column->json_form == JSON_FORM_RAW)
		str = pnstrdup(piece->text, piece->len);
	else if (piece->kind == JSON_KIND_STRING)
		str = vs_api_json_string(piece, NULL);
	else if (column->json_form == JSON_FORM_VECTORS && piece->kind == JSON_KIND_ARRAY)
	{
		*isnull = false;
		return vectors_value(column, piece);
	}
	else if ((column->json_form == JSON_FORM_NESTED || column->json_form == JSON_FORM_VECTORS) &&
			 (piece->kind == JSON_KIND_ARRAY || piece->kind == JSON_KIND_OBJECT))
		return nested_value(column, piece, isnull);
	else
		str = pnstrdup(piece->text, piece->len);

	*isnull = str == NULL;
	return InputFunctionCall(&column->input, str, column->typioparam, column->typmod);
}
