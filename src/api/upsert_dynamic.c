/*-------------------------------------------------------------------------
 * upsert_dynamic.c
 *	  The value of a dynamic column, made from a row's fields.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "api/upsert_dynamic.h"

void
vs_api_dynamic_add(DynamicFields *fields, const char *name, int len, Jsonb *value)
{
	JsonbValue	key;
	JsonbValue	element;

	if (!fields->state)
		pushJsonbValue(&fields->state, WJB_BEGIN_OBJECT, NULL);
	key.type = jbvString;
	key.val.string.val = (char *) name;
	key.val.string.len = len;
	pushJsonbValue(&fields->state, WJB_KEY, &key);
	if (!value)
		element.type = jbvNull;
	else if (JB_ROOT_IS_SCALAR(value))
		JsonbExtractScalar(&value->root, &element);
	else
	{
		element.type = jbvBinary;
		element.val.binary.data = &value->root;
		element.val.binary.len = VARSIZE(value) - VARHDRSZ;
	}
	pushJsonbValue(&fields->state, WJB_VALUE, &element);
}

void
vs_api_dynamic_add_json(DynamicFields *fields, const char *name, int len, const JsonPiece *value)
{
	char	   *text = pnstrdup(value->text, value->len);

	vs_api_dynamic_add(fields, name, len,
					   DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))));
}

Datum
vs_api_dynamic_value(DynamicFields *fields, CollectionColumn *column)
{
	JsonbValue *object;

	if (!fields->state)
		pushJsonbValue(&fields->state, WJB_BEGIN_OBJECT, NULL);
	object = pushJsonbValue(&fields->state, WJB_END_OBJECT, NULL);
	return vs_api_checked(column, JsonbPGetDatum(JsonbValueToJsonb(object)));
}
