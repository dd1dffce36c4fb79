/*-------------------------------------------------------------------------
 * upsert_value.c
 *	  A JSON value as the value of a column.
 *
 * The conversion is that of core's json_populate_record: a scalar goes through
 * the type's input function, json and jsonb take the raw value, arrays and row
 * types are built from JSON arrays and objects.  A vector's text form is a JSON
 * array, so it is read from the raw value too.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "api/api_internal.h"
#include "api/json_scan.h"

/* A row type that has only the column. */
static TupleDesc
row_of_one(const CollectionColumn *column)
{
	TupleDesc	desc = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(desc, 1, column->name, column->typid, column->typmod, 0);
	return BlessTupleDesc(desc);
}

/* A JSON object that has only the value. */
static text *
object_of_one(const char *name, const JsonPiece *piece)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	escape_json(&json, name);
	appendStringInfoChar(&json, ':');
	appendBinaryStringInfo(&json, piece->text, piece->len);
	appendStringInfoChar(&json, '}');
	return cstring_to_text_with_len(json.data, json.len);
}

/*
 * Converts a JSON array or object to an array or row type, by core's
 * conversion.  It gets the column's type by OID.  A query would have to name
 * the type, and after a change of names the value would have another type than
 * the column.
 */
static Datum
nested_value(const CollectionColumn *column, const JsonPiece *piece, bool *isnull)
{
	LOCAL_FCINFO(call, 1);
	FmgrInfo	function;
	ReturnSetInfo result = {T_ReturnSetInfo};
	HeapTupleData row = {0};

	result.expectedDesc = row_of_one(column);
	fmgr_info(F_JSON_TO_RECORD, &function);
	InitFunctionCallInfoData(*call, &function, 1, InvalidOid, NULL, (Node *) &result);
	call->args[0].value = PointerGetDatum(object_of_one(column->name, piece));
	call->args[0].isnull = false;
	row.t_data = DatumGetHeapTupleHeader(FunctionCallInvoke(call));
	row.t_len = HeapTupleHeaderGetDatumLength(row.t_data);
	return heap_getattr(&row, 1, result.expectedDesc, isnull);
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

Datum
vs_api_checked(CollectionColumn *column, Datum value)
{
	if (get_typtype(column->typid) == TYPTYPE_DOMAIN)
		domain_check(value, false, column->typid, &column->domain_state, column->input.fn_mcxt);
	return value;
}

Datum
vs_api_value_from_json(CollectionColumn *column, const JsonPiece *piece, bool *isnull)
{
	char	   *str;

	if (piece->kind == JSON_KIND_NULL)
		str = NULL;				/* a domain checks NULL too */
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
