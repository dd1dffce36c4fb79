/*-------------------------------------------------------------------------
 * sql_fields.c
 *	  The argument "fields" of create_collection as column definitions.
 *
 * A field is a string, with the text that CREATE TABLE takes after a column's
 * name, or an object with a type, a default and not_null.  The parts of an
 * object are parsed one by one; then they are joined, and parsed as a string
 * is.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "api/api_internal.h"
#include "api/json_scan.h"
#include "api/sql_piece.h"

const char *
vs_api_piece_column_name(const char *what, const char *name)
{
	if (*name == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("%s: a name must not be empty", what)));
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG), errmsg("%s: the name is too long", what),
				 errdetail("Names have at most %d bytes.", NAMEDATALEN - 1)));
	return quote_identifier(name);
}

/* A JSON value as text: a string without quotes; NULL for null. */
static char *
json_text(const JsonPiece *value)
{
	if (value->kind == JSON_KIND_NULL)
		return NULL;
	if (value->kind == JSON_KIND_STRING)
		return vs_api_json_string(value, NULL);
	return pnstrdup(value->text, value->len);
}

/* The options of a field that is an object. */
typedef struct FieldOptions
{
	char	   *type;
	char	   *default_value;
	bool		not_null;
} FieldOptions;

static void
read_option(const char *what, const char *name, char *value, FieldOptions *options)
{
	if (strcmp(name, "type") == 0)
		options->type = value;
	else if (strcmp(name, "default") == 0)
		options->default_value = value;
	else if (strcmp(name, "not_null") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: unknown option \"%s\"", what, vs_api_clip(name)),
				 errhint("Options are type, default and not_null.")));
	else if (value == NULL)
		options->not_null = false;
	else if (!parse_bool(value, &options->not_null))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: not_null must be true or false, not \"%s\"", what,
						vs_api_clip(value))));
}

/*
 * A field's definition from {"type": ..., "default": ..., "not_null": ...};
 * NULL without a type.
 */
static char *
definition_from_object(SqlPiece *piece, const JsonPiece *object)
{
	JsonScan   *scan = vs_api_json_begin(object->text, object->len);
	FieldOptions options = {NULL, NULL, false};
	StringInfoData definition;
	bool		first;

	vs_api_json_enter(scan);
	for (first = true; vs_api_json_next(scan, first, JSON_TOKEN_OBJECT_END); first = false)
	{
		JsonPiece	name = vs_api_json_value(scan);
		JsonPiece	value;

		vs_api_json_colon(scan);
		value = vs_api_json_value(scan);
		read_option(piece->what, vs_api_json_string(&name, NULL), json_text(&value), &options);
	}
	if (options.type == NULL)
		return NULL;
	piece->text = options.type;
	vs_api_piece_type(piece);
	initStringInfo(&definition);
	appendStringInfo(&definition, "%s\n%s", options.type, options.not_null ? " NOT NULL" : "");
	if (options.default_value)
	{
		piece->text = options.default_value;
		vs_api_piece_expression(piece);
		appendStringInfo(&definition, " DEFAULT (%s\n)", options.default_value);
	}
	return definition.data;
}

static void
add_field(StringInfo sql, const char *name, const JsonPiece *spec)
{
	SqlPiece	piece = {psprintf("field \"%s\"", vs_api_clip(name)), NULL,
						 "A field has a type, NOT NULL and DEFAULT: {\"title\": \"text not null\", \"price\": \"float8 default (1 + 1)\"}."
	};
	const char *column = vs_api_piece_column_name(piece.what, name);
	char	   *definition = NULL;
	TypeName   *type;
	Type		found;

	if (spec->kind == JSON_KIND_STRING)
		definition = vs_api_json_string(spec, NULL);
	else if (spec->kind == JSON_KIND_OBJECT)
		definition = definition_from_object(&piece, spec);
	if (definition == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s has no type", piece.what),
				 errhint("%s", piece.hint)));
	piece.text = definition;
	type = vs_api_piece_column(&piece);
	found = LookupTypeName(NULL, type, NULL, true);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("%s: type \"%s\" does not exist", piece.what, vs_api_clip(TypeNameToString(type)))));
	ReleaseSysCache(found);
	appendStringInfo(sql, ", %s %s\n", column, definition);
}

void
vs_api_piece_fields(StringInfo sql, text *fields)
{
	JsonScan   *scan = vs_api_json_begin(VARDATA_ANY(fields), VARSIZE_ANY_EXHDR(fields));
	int			nfields;

	if (vs_api_json_peek(scan) != JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fields must be a JSON object")));
	vs_api_json_enter(scan);
	for (nfields = 0; vs_api_json_next(scan, nfields == 0, JSON_TOKEN_OBJECT_END); nfields++)
	{
		JsonPiece	name = vs_api_json_value(scan);
		JsonPiece	spec;

		if (nfields >= MaxHeapAttributeNumber)
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_COLUMNS),
					 errmsg("a table has at most %d columns", MaxHeapAttributeNumber)));
		CHECK_FOR_INTERRUPTS();
		vs_api_json_colon(scan);
		spec = vs_api_json_value(scan);
		add_field(sql, vs_api_json_string(&name, NULL), &spec);
	}
}
