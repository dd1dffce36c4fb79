/*-------------------------------------------------------------------------
 * json_scan.c
 *	  A reader of JSON text that hands out pieces of it without copying.
 *
 * Core's recursive parser copies every scalar and calls back for it, which
 * costs more than reading the floats of an array.  So core's lexer is called
 * directly, and an array or object that is needed as a whole is one piece.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "api/json_scan.h"
#include "compat/compat.h"

static void
bad_json(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid JSON"),
			 detail ? errdetail_internal("%s", detail) : 0));
}

static void
advance(JsonScan *scan)
{
	JsonParseErrorType result = json_lex(scan);

	if (result != JSON_SUCCESS)
		bad_json(json_errdetail(result, scan));
}

JsonScan *
vs_api_json_begin(const char *text, int len)
{
	JsonScan   *scan = VS_JSON_LEXER(text, len, false);

	advance(scan);
	return scan;
}

JsonKind
vs_api_json_peek(const JsonScan *scan)
{
	switch (scan->token_type)
	{
		case JSON_TOKEN_OBJECT_START:
			return JSON_KIND_OBJECT;
		case JSON_TOKEN_ARRAY_START:
			return JSON_KIND_ARRAY;
		case JSON_TOKEN_STRING:
			return JSON_KIND_STRING;
		case JSON_TOKEN_NUMBER:
		case JSON_TOKEN_TRUE:
		case JSON_TOKEN_FALSE:
			return JSON_KIND_LITERAL;
		case JSON_TOKEN_NULL:
			return JSON_KIND_NULL;
		default:
			return JSON_KIND_END;
	}
}

JsonPiece
vs_api_json_value(JsonScan *scan)
{
	JsonPiece	piece;
	int			depth = 0;

	piece.kind = vs_api_json_peek(scan);
	piece.text = scan->token_start;
	if (piece.kind == JSON_KIND_END)
		bad_json(NULL);
	do
	{
		switch (scan->token_type)
		{
			case JSON_TOKEN_OBJECT_START:
			case JSON_TOKEN_ARRAY_START:
				depth++;
				break;
			case JSON_TOKEN_OBJECT_END:
			case JSON_TOKEN_ARRAY_END:
				depth--;
				break;
			case JSON_TOKEN_END:
				bad_json(NULL);
				break;
			default:
				break;
		}
		advance(scan);
	} while (depth > 0);
	piece.len = scan->prev_token_terminator - piece.text;
	return piece;
}

void
vs_api_json_enter(JsonScan *scan)
{
	advance(scan);
}

bool
vs_api_json_next(JsonScan *scan, bool first, JsonTokenType closing)
{
	if (scan->token_type == closing)
	{
		advance(scan);
		return false;
	}
	if (!first)
	{
		if (scan->token_type != JSON_TOKEN_COMMA)
			bad_json(NULL);
		advance(scan);
	}
	return true;
}

void
vs_api_json_colon(JsonScan *scan)
{
	if (scan->token_type != JSON_TOKEN_COLON)
		bad_json(NULL);
	advance(scan);
}

char *
vs_api_json_string(const JsonPiece *piece, int *len)
{
	JsonLexContext *lex;
	JsonParseErrorType result;

	if (memchr(piece->text, '\\', piece->len) == NULL)
	{
		if (len)
			*len = piece->len - 2;
		return pnstrdup(piece->text + 1, piece->len - 2);
	}
	lex = VS_JSON_LEXER(piece->text, piece->len, true);
	result = json_lex(lex);
	if (result == JSON_UNICODE_CODE_POINT_ZERO)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("unsupported Unicode escape sequence"),
				 errdetail_internal("%s", json_errdetail(result, lex))));
	if (result != JSON_SUCCESS)
		bad_json(json_errdetail(result, lex));
	if (len)
		*len = lex->strval->len;
	return lex->strval->data;
}
