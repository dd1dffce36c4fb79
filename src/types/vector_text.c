/*-------------------------------------------------------------------------
 * vector_text.c
 *	  The parser of the text form of a dense vector.
 *
 * parse_decimal() parses most numbers quickly.  strtof() parses the others,
 * from hexadecimal floats to numbers near the middle between two floats.
 *-------------------------------------------------------------------------
 */
#include "types/vector_text.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* the powers of ten that double represents exactly */
#define MAX_EXACT_POWER 22
static const double powers_of_ten[MAX_EXACT_POWER + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

/* below this number, one more digit fits into 64 bits */
#define DIGITS_LIMIT UINT64_C(1000000000000000000)

/* bits of the mantissa that double has and float has not */
#define EXTRA_BITS 29

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') < 10;
}

static inline const char *
skip_space(const char *s)
{
	while (is_space(*s))
		s++;
	return s;
}

/*
 * Round a double, which may be off by a few units in the last place, to the
 * float that is nearest to the true value.  Returns false if the double is
 * outside the normal floats, or too near to the middle between two floats to
 * decide.
 */
static inline bool
round_to_float(double d, float *value)
{
	const uint64_t middle = UINT64_C(1) << (EXTRA_BITS - 1);
	const uint64_t margin = 8;
	uint64_t	bits;

	if (!(d >= FLT_MIN && d < FLT_MAX))
		return false;

	memcpy(&bits, &d, sizeof(bits));
	bits &= (UINT64_C(1) << EXTRA_BITS) - 1;
	if (bits + margin >= middle && bits <= middle + margin)
		return false;

	*value = (float) d;
	return true;
}

/*
 * Parse an exponent, "e-12", where *s is the "e", and move *s behind it.
 * Returns false if there are no digits or over four.
 */
static inline bool
parse_exponent(const char **s, int *exponent)
{
	const char *p = *s + 1;
	bool		negative = (*p == '-');
	int			n = 0;
	const char *first;

	if (*p == '-' || *p == '+')
		p++;
	for (first = p; is_digit(*p); p++)
	{
		if (p - first == 4)
			return false;
		n = n * 10 + (*p - '0');
	}
	if (p == first)
		return false;

	*exponent = negative ? -n : n;
	*s = p;
	return true;
}

/*
 * Parse a plain decimal number at *p and move *p behind it.  Returns false if
 * the number must be left to strtof().
 *
 * Up to 19 digits are collected in an integer, which is then scaled by an
 * exact power of ten.  The error of dropping further digits, of the
 * conversion to double and of the one multiplication or division is less than
 * 3 units in the last place.
 */
static inline bool
parse_decimal(const char **p, float *value)
{
	const char *s = *p;
	bool		negative = (*s == '-');
	uint64_t	digits = 0;
	int			scale = 0;
	int			exponent = 0;
	const char *first;
	ptrdiff_t	length;
	double		d;

	if (*s == '-' || *s == '+')
		s++;

	for (first = s; is_digit(*s); s++)
	{
		if (digits < DIGITS_LIMIT)
			digits = digits * 10 + (uint64_t) (*s - '0');
		else
			scale++;
	}
	length = s - first;

	if (*s == '.')
	{
		for (first = ++s; is_digit(*s); s++)
		{
			if (digits < DIGITS_LIMIT)
			{
				digits = digits * 10 + (uint64_t) (*s - '0');
				scale--;
			}
		}
		length += s - first;
	}

	/* limit the length: a gigabyte of digits must not overflow scale */
	if (length == 0 || length > 1000 || *s == 'x' || *s == 'X')
		return false;
	if ((*s == 'e' || *s == 'E') && !parse_exponent(&s, &exponent))
		return false;

	if (digits == 0)
		*value = 0.0f;
	else
	{
		scale += exponent;
		if (scale < -MAX_EXACT_POWER || scale > MAX_EXACT_POWER)
			return false;
		d = (double) digits;
		d = scale < 0 ? d / powers_of_ten[-scale] : d * powers_of_ten[scale];
		if (!round_to_float(d, value))
			return false;
	}

	if (negative)
		*value = -*value;
	*p = s;
	return true;
}

VsTextStatus
vs_types_float_parse(const char **p, float *value)
{
	char	   *end;

	if (parse_decimal(p, value))
		return VS_TEXT_OK;

	/* strtof would skip white space */
	if (is_space(**p))
		return VS_TEXT_SYNTAX;

	errno = 0;
	*value = strtof(*p, &end);
	if (end == *p)
		return VS_TEXT_SYNTAX;
	*p = end;

	if (isnan(*value))
		return VS_TEXT_NAN;
	if (isinf(*value))
		return errno == ERANGE ? VS_TEXT_RANGE : VS_TEXT_INFINITE;
	return VS_TEXT_OK;
}

static VsTextResult
result_at(VsTextStatus status, int dim, const char *text, const char *at)
{
	VsTextResult result = {status, dim, (size_t) (at - text), 0};

	return result;
}

VsTextResult
vs_types_text_parse(const char *text, int max_dim, float *x)
{
	const char *s = skip_space(text);
	int			dim = 0;

	if (*s != '[')
		return result_at(VS_TEXT_NO_OPENING, 0, text, s);
	s = skip_space(s + 1);
	if (*s == ']')
		return result_at(VS_TEXT_NO_ELEMENT, 0, text, s);

	for (;;)
	{
		const char *number = skip_space(s);
		VsTextStatus status;

		s = number;
		if (dim == max_dim)
			return result_at(VS_TEXT_TOO_MANY, dim, text, number);
		status = vs_types_float_parse(&s, &x[dim]);
		if (status != VS_TEXT_OK)
		{
			VsTextResult result = result_at(status, dim, text, number);

			result.length = (size_t) (s - number);
			return result;
		}
		dim++;

		s = skip_space(s);
		if (*s == ']')
			break;
		if (*s != ',')
			return result_at(VS_TEXT_NO_SEPARATOR, dim, text, s);
		s++;
	}

	s = skip_space(s + 1);
	if (*s != '\0')
		return result_at(VS_TEXT_TRAILING, dim, text, s);
	return result_at(VS_TEXT_OK, dim, text, s);
}
