/*-------------------------------------------------------------------------
 * vector_text.h
 *	  The text form of a dense vector, "[1,2.5,-3e-2]", to floats.
 *
 * Plain C without the server, so that it can be fuzzed and benchmarked alone.
 * LC_NUMERIC must be "C", as PostgreSQL keeps it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_VECTOR_TEXT_H
#define VS_VECTOR_TEXT_H

#include <stddef.h>

typedef enum VsTextStatus
{
	VS_TEXT_OK,
	VS_TEXT_NO_OPENING,			/* does not start with [ */
	VS_TEXT_NO_ELEMENT,			/* [] */
	VS_TEXT_SYNTAX,				/* not a number */
	VS_TEXT_NO_SEPARATOR,		/* neither , nor ] after a number */
	VS_TEXT_TRAILING,			/* something follows ] */
	VS_TEXT_TOO_MANY,			/* more elements than there is room for */
	VS_TEXT_RANGE,				/* a number beyond the largest float */
	VS_TEXT_NAN,
	VS_TEXT_INFINITE			/* written so, as "inf" */
} VsTextStatus;

typedef struct VsTextResult
{
	VsTextStatus status;
	int			dim;			/* elements parsed before the end or the error */
	size_t		at;				/* offset of the offending character or number */
	size_t		length;			/* length of the number, for VS_TEXT_RANGE */
} VsTextResult;

/*
 * Parses a whole null-terminated text into x, which has room for max_dim
 * elements.  x is undefined beyond the result's dim.
 */
extern VsTextResult vs_types_text_parse(const char *text, int max_dim, float *x);

/*
 * Parses one number at *p, without leading space, rounded correctly to the
 * nearest float; too small a number becomes 0.  On VS_TEXT_OK, VS_TEXT_RANGE,
 * VS_TEXT_NAN and VS_TEXT_INFINITE *p is moved behind the number, on
 * VS_TEXT_SYNTAX it stays.
 */
extern VsTextStatus vs_types_float_parse(const char **p, float *value);

#endif							/* VS_VECTOR_TEXT_H */
