/*-------------------------------------------------------------------------
 * json_scan.h
 *	  A reader of JSON text that hands out pieces of it without copying.
 *
 * A thin layer over the lexer of common/jsonapi.h.  It is for values of type
 * json, which the server has checked already.  A text that is not JSON gives
 * ERRCODE_INVALID_TEXT_REPRESENTATION, never a read past its end.
 *-------------------------------------------------------------------------
 */
#ifndef VS_JSON_SCAN_H
#define VS_JSON_SCAN_H

#include "postgres.h"

#include "common/jsonapi.h"

/* The lexer; its current token is the next one to be taken. */
typedef JsonLexContext JsonScan;

typedef enum JsonKind
{
	JSON_KIND_END,				/* no more text */
	JSON_KIND_OBJECT,
	JSON_KIND_ARRAY,
	JSON_KIND_STRING,
	JSON_KIND_LITERAL,			/* number, true, false */
	JSON_KIND_NULL
} JsonKind;

/* The text of a value, with a string's quotes. */
typedef struct JsonPiece
{
	JsonKind	kind;
	const char *text;
	int			len;
} JsonPiece;

/* A reader of the text, in the current memory context. */
extern JsonScan *vs_api_json_begin(const char *text, int len);

/* The kind of the next value. */
extern JsonKind vs_api_json_peek(const JsonScan *scan);

/* Takes the whole next value. */
extern JsonPiece vs_api_json_value(JsonScan *scan);

/* Enters an object or array: moves over its opening bracket. */
extern void vs_api_json_enter(JsonScan *scan);

/*
 * Call this before each element or name.  It returns true if there is one,
 * after moving over a comma; false after moving over the closing bracket
 * (JSON_TOKEN_OBJECT_END or JSON_TOKEN_ARRAY_END).
 */
extern bool vs_api_json_next(JsonScan *scan, bool first, JsonTokenType closing);

/* Moves over the colon after a name. */
extern void vs_api_json_colon(JsonScan *scan);

/*
 * A string's value: without quotes, with escapes resolved, in the database's
 * encoding.
 */
extern char *vs_api_json_string(const JsonPiece *piece, int *len);

#endif							/* VS_JSON_SCAN_H */
