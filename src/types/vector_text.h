/*-------------------------------------------------------------------------
 * vector_text.h
 *	  The parser of the text form of a dense vector, "[1,2.5,-3e-2]".
 *
 * Plain C without the server, so that it can be fuzzed and benchmarked alone.
 * LC_NUMERIC must be "C", as it is in a backend.
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
	VS_TEXT_NO_SEPARATOR,		/* no , or ] after a number */
	VS_TEXT_TRAILING,			/* something follows ] */
	VS_TEXT_TOO_MANY,			/* over max_dim elements */
	VS_TEXT_RANGE,				/* a number beyond the largest float */
	VS_TEXT_NAN,
	VS_TEXT_INFINITE			/* written as such, like "inf" */
} VsTextStatus;

typedef struct VsTextResult
{
	VsTextStatus status;
	int			dim;			/* elements parsed before end or error */
	size_t		at;				/* offset of the faulty character or number */
	size_t		length;			/* length of the number, for VS_TEXT_RANGE */
} VsTextResult;

/*
 * Parse one number at *p, without leading space, and round it correctly to
 * the nearest float.  A number that is too small becomes 0.  Moves *p behind
 * the number, except for VS_TEXT_SYNTAX.
 */
extern VsTextStatus vs_types_float_parse(const char **p, float *value);

/*
 * Parse a null-terminated text into x, which has room for max_dim elements.
 * Only the first dim elements (of the result) are defined.
 */
extern VsTextResult vs_types_text_parse(const char *text, int max_dim, float *x);

#endif							/* VS_VECTOR_TEXT_H */
