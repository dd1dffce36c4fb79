/*-------------------------------------------------------------------------
 * upsert_options.c
 *	  The options of an upsert, from arguments or from JSON.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/api_internal.h"
#include "api/json_scan.h"

UpsertOptions
vs_api_options_from_args(FunctionCallInfo fcinfo, int first)
{
	UpsertOptions options = {0};

	if (!PG_ARGISNULL(first))
		options.partial = PG_GETARG_BOOL(first);
	if (!PG_ARGISNULL(first + 1))
		options.partition = PG_GETARG_OID(first + 1);
	if (!PG_ARGISNULL(first + 2))
		options.timeout_ms = vs_api_timeout_ms(PG_GETARG_INTERVAL_P(first + 2));
	if (!PG_ARGISNULL(first + 3))
		options.skip_unchanged = PG_GETARG_BOOL(first + 3);
	return options;
}

/* A scalar's text, without the quotes of a string. */
static char *
scalar_text(const char *name, const JsonPiece *piece)
{
	if (piece->kind == JSON_KIND_STRING)
		return vs_api_json_string(piece, NULL);
	if (piece->kind == JSON_KIND_LITERAL)
		return pnstrdup(piece->text, piece->len);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the value of option \"%s\" must be a string, a number or a boolean",
					vs_api_clip(name))));
}

static bool
bool_option(const char *name, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be true or false, not \"%s\"",
						name, vs_api_clip(value))));
	return result;
}

static void
set_option(UpsertOptions *options, const char *name, const char *value)
{
	if (strcmp(name, "partial") == 0)
		options->partial = bool_option(name, value);
	else if (strcmp(name, "skip_unchanged") == 0)
		options->skip_unchanged = bool_option(name, value);
	else if (strcmp(name, "partition") == 0)
		options->partition = DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(value)));
	else if (strcmp(name, "timeout") == 0)
		options->timeout_ms = vs_api_timeout_ms(DatumGetIntervalP(DirectFunctionCall3(interval_in,
																					  CStringGetDatum(value),
																					  ObjectIdGetDatum(InvalidOid),
																					  Int32GetDatum(-1))));
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown upsert option \"%s\"", vs_api_clip(name)),
				 errhint("Options are partial, partition, timeout and skip_unchanged.")));
}

UpsertOptions
vs_api_options_from_json(text *json)
{
	UpsertOptions options = {0};
	JsonScan   *scan = vs_api_json_begin(VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
	bool		first;

	if (vs_api_json_peek(scan) != JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("upsert options must be a JSON object")));
	vs_api_json_enter(scan);
	for (first = true; vs_api_json_next(scan, first, JSON_TOKEN_OBJECT_END); first = false)
	{
		JsonPiece	name_piece = vs_api_json_value(scan);
		char	   *name = vs_api_json_string(&name_piece, NULL);
		JsonPiece	value;

		vs_api_json_colon(scan);
		value = vs_api_json_value(scan);
		if (value.kind != JSON_KIND_NULL)
			set_option(&options, name, scalar_text(name, &value));
	}
	return options;
}
