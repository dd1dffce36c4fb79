/*-------------------------------------------------------------------------
 * json_scan.c
 *	  A reader of JSON text that hands out pieces of it without copying.
 *
 * Core's parser makes a copy of every token and calls back for each of them,
 * which for arrays of floats costs more than reading the floats.  Here an
 * array is one piece, found by its brackets.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "api/json_scan.h"

static void
bad_json(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid JSON")));
}

static void
skip_space(JsonScan *scan)
{
	while (scan->at < scan->end &&
		   (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
		scan->at++;
}

JsonKind
vs_api_json_peek(JsonScan *scan)
{
	skip_space(scan);
	if (scan->at >= scan->end)
		return JSON_KIND_END;
	switch (*scan->at)
	{
		case '{':
			return JSON_KIND_OBJECT;
		case '[':
			return JSON_KIND_ARRAY;
		case '"':
			return JSON_KIND_STRING;
		case 'n':
			return JSON_KIND_NULL;
		default:
			return JSON_KIND_LITERAL;
	}
}

/* Moves past a string, from its opening quote. */
static void
skip_string(JsonScan *scan)
{
	for (scan->at++; scan->at < scan->end; scan->at++)
	{
		if (*scan->at == '\\')
			scan->at++;
		else if (*scan->at == '"')
		{
			scan->at++;
			return;
		}
	}
	bad_json();
}

/* Moves past an object or array, from its opening bracket. */
static void
skip_nested(JsonScan *scan)
{
	int			depth = 0;

	while (scan->at < scan->end)
	{
		char		c = *scan->at;

		if (c == '"')
		{
			skip_string(scan);
			continue;
		}
		scan->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return;
	}
	bad_json();
}

static void
skip_literal(JsonScan *scan)
{
	while (scan->at < scan->end && strchr(",]} \t\r\n", *scan->at) == NULL)
		scan->at++;
}

JsonPiece
vs_api_json_value(JsonScan *scan)
{
	JsonPiece	piece;

	piece.kind = vs_api_json_peek(scan);
	piece.text = scan->at;
	switch (piece.kind)
	{
		case JSON_KIND_OBJECT:
		case JSON_KIND_ARRAY:
			skip_nested(scan);
			break;
		case JSON_KIND_STRING:
			skip_string(scan);
			break;
		default:
			skip_literal(scan);
			if (scan->at == piece.text)
				bad_json();
	}
	piece.len = scan->at - piece.text;
	return piece;
}

void
vs_api_json_enter(JsonScan *scan)
{
	scan->at++;
}

bool
vs_api_json_next(JsonScan *scan, bool first, char closing)
{
	skip_space(scan);
	if (scan->at < scan->end && *scan->at == closing)
	{
		scan->at++;
		return false;
	}
	if (!first)
	{
		if (scan->at >= scan->end || *scan->at != ',')
			bad_json();
		scan->at++;
	}
	return true;
}

void
vs_api_json_colon(JsonScan *scan)
{
	skip_space(scan);
	if (scan->at >= scan->end || *scan->at != ':')
		bad_json();
	scan->at++;
}

/* Four hex digits at p. */
static pg_wchar
hex_unit(const char *p, const char *end)
{
	pg_wchar	unit = 0;
	int			i;

	if (end - p < 4)
		bad_json();
	for (i = 0; i < 4; i++)
	{
		char		c = p[i];

		unit <<= 4;
		if (c >= '0' && c <= '9')
			unit += c - '0';
		else if (c >= 'a' && c <= 'f')
			unit += c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			unit += c - 'A' + 10;
		else
			bad_json();
	}
	return unit;
}

/* Appends the character of \uXXXX (or a surrogate pair); p is after the u.  Returns what follows. */
static const char *
append_unicode(StringInfo out, const char *p, const char *end)
{
	unsigned char utf8[MAX_UNICODE_EQUIVALENT_STRING + 1];
	pg_wchar	unit = hex_unit(p, end);

	p += 4;
	if (unit >= 0xD800 && unit <= 0xDBFF && end - p >= 6 && p[0] == '\\' && p[1] == 'u')
	{
		unit = surrogate_pair_to_codepoint(unit, hex_unit(p + 2, end));
		p += 6;
	}
	if (unit == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("unsupported Unicode escape sequence"),
				 errdetail("\\u0000 cannot be converted to text.")));
	pg_unicode_to_server(unit, utf8);
	appendStringInfoString(out, (char *) utf8);
	return p;
}

static const char *
append_escape(StringInfo out, const char *p, const char *end)
{
	switch (*p)
	{
		case 'u':
			return append_unicode(out, p + 1, end);
		case 'b':
			appendStringInfoChar(out, '\b');
			break;
		case 'f':
			appendStringInfoChar(out, '\f');
			break;
		case 'n':
			appendStringInfoChar(out, '\n');
			break;
		case 'r':
			appendStringInfoChar(out, '\r');
			break;
		case 't':
			appendStringInfoChar(out, '\t');
			break;
		default:
			appendStringInfoChar(out, *p);
	}
	return p + 1;
}

char *
vs_api_json_string(const JsonPiece *piece, int *len)
{
	const char *p = piece->text + 1;
	const char *end = piece->text + piece->len - 1;
	StringInfoData out;

	if (memchr(p, '\\', end - p) == NULL)
	{
		if (len)
			*len = end - p;
		return pnstrdup(p, end - p);
	}
	initStringInfo(&out);
	while (p < end)
	{
		if (*p == '\\' && p + 1 < end)
			p = append_escape(&out, p + 1, end);
		else
			appendStringInfoChar(&out, *p++);
	}
	if (len)
		*len = out.len;
	return out.data;
}
