/*-------------------------------------------------------------------------
 * test_vector_text.c
 *	  The parser of the text of a vector; its numbers against strtof.
 *
 * Build: src/types/vector_text.c
 *
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/vector_text.h"

#define NUMBERS_PER_KIND 300000

static int	tests = 0;
static int	failed_tests = 0;
static uint64_t random_state = 88172645463325252u;

static void
ok(bool passed, const char *what)
{
	tests++;
	if (!passed)
		failed_tests++;
	printf("%sok %d - %s\n", passed ? "" : "not ", tests, what);
}

/* xorshift64 */
static uint64_t
random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static float
random_positive_float(void)
{
	for (;;)
	{
		uint32_t	bits = (uint32_t) random_bits() & 0x7FFFFFFF;
		float		f;

		memcpy(&f, &bits, sizeof(f));
		if (isfinite(f))
			return f;
	}
}

/* Return a number of up to 64 bits; all magnitudes are equally likely. */
static unsigned long long
random_magnitude(void)
{
	return random_bits() >> (random_bits() % 64);
}

static void
write_shortest_float(char *text, size_t size)
{
	snprintf(text, size, "%.9g", random_positive_float());
}

static void
write_double(char *text, size_t size)
{
	snprintf(text, size, "%.17g", (double) (int64_t) random_bits() / 9.3e18);
}

static void
write_fixed(char *text, size_t size)
{
	snprintf(text, size, "-0.%0*llu", (int) (random_bits() % 22), random_magnitude());
}

static void
write_integer(char *text, size_t size)
{
	snprintf(text, size, "+%llu", random_magnitude());
}

static void
write_scientific(char *text, size_t size)
{
	snprintf(text, size, "%llu.%lluE%+d", random_magnitude(), random_magnitude(),
			 (int) (random_bits() % 110) - 55);
}

/* Write the middle between two adjacent floats, exactly or truncated. */
static void
write_near_tie(char *text, size_t size)
{
	float		f = random_positive_float();

	if (!isfinite(nextafterf(f, INFINITY)))
		f = 1.0f;
	snprintf(text, size, "%.*g", (int) (8 + random_bits() % 40),
			 ((double) f + nextafterf(f, INFINITY)) / 2);
}

/* Test that the parser's result for a number is that of strtof to the bit. */
static bool
same_as_strtof(const char *text)
{
	const char *p = text;
	char	   *end;
	float		expected = strtof(text, &end);
	float		value;
	VsTextStatus status = vs_types_float_parse(&p, &value);

	if (isinf(expected))
		return status == VS_TEXT_RANGE && p == end;
	return status == VS_TEXT_OK && p == end && memcmp(&value, &expected, sizeof(value)) == 0;
}

static void
test_numbers(const char *what, void (*write_number) (char *text, size_t size))
{
	int			wrong = 0;

	for (int i = 0; i < NUMBERS_PER_KIND; i++)
	{
		char		text[128];

		write_number(text, sizeof(text));
		if (!same_as_strtof(text) && wrong++ < 5)
			printf("# not as strtof: %s\n", text);
	}
	ok(wrong == 0, what);
}

/* Test the result of a text: status, number of elements, and position. */
static void
test_text(const char *text, VsTextStatus status, int dim, size_t at, size_t length)
{
	float		x[4];
	VsTextResult result = vs_types_text_parse(text, 4, x);
	bool		same = result.status == status && result.dim == dim &&
		result.at == at && result.length == length;

	ok(same, text);
}

static void
test_texts(void)
{
	float		x[4];
	VsTextResult result = vs_types_text_parse(" [ 1 ,-2.5e0,\t3 ] ", 4, x);

	ok(result.status == VS_TEXT_OK && result.dim == 3, "white space");
	ok(x[0] == 1 && x[1] == -2.5f && x[2] == 3, "elements");

	test_text("[1,2,3,4]", VS_TEXT_OK, 4, 9, 0);
	test_text("[1,2,3,4,5]", VS_TEXT_TOO_MANY, 4, 9, 0);
	test_text("", VS_TEXT_NO_OPENING, 0, 0, 0);
	test_text(" 1]", VS_TEXT_NO_OPENING, 0, 1, 0);
	test_text("[ ]", VS_TEXT_NO_ELEMENT, 0, 2, 0);
	test_text("[", VS_TEXT_SYNTAX, 0, 1, 0);
	test_text("[1,", VS_TEXT_SYNTAX, 1, 3, 0);
	test_text("[1,]", VS_TEXT_SYNTAX, 1, 3, 0);
	test_text("[1,-]", VS_TEXT_SYNTAX, 1, 3, 0);
	test_text("[1,.e1]", VS_TEXT_SYNTAX, 1, 3, 0);
	test_text("[- 1]", VS_TEXT_SYNTAX, 0, 1, 0);
	test_text("[1", VS_TEXT_NO_SEPARATOR, 1, 2, 0);
	test_text("[1 2]", VS_TEXT_NO_SEPARATOR, 1, 3, 0);
	test_text("[1e+]", VS_TEXT_NO_SEPARATOR, 1, 2, 0);
	test_text("[0x]", VS_TEXT_NO_SEPARATOR, 1, 2, 0);
	test_text("[0x10]", VS_TEXT_OK, 1, 6, 0);
	test_text("[1]]", VS_TEXT_TRAILING, 1, 3, 0);
	test_text("[1] ", VS_TEXT_OK, 1, 4, 0);
	test_text("[1, 1e39]", VS_TEXT_RANGE, 1, 4, 4);
	test_text("[1e99999999999]", VS_TEXT_RANGE, 0, 1, 13);
	test_text("[1e-99999999999]", VS_TEXT_OK, 1, 16, 0);
	test_text("[nan]", VS_TEXT_NAN, 0, 1, 3);
	test_text("[-infinity]", VS_TEXT_INFINITE, 0, 1, 9);
}

int
main(void)
{
	test_numbers("shortest form of every float", write_shortest_float);
	test_numbers("doubles of 17 digits", write_double);
	test_numbers("decimal fractions", write_fixed);
	test_numbers("integers", write_integer);
	test_numbers("many digits and an exponent", write_scientific);
	test_numbers("in the middle between two floats", write_near_tie);
	test_texts();

	printf("1..%d\n", tests);
	return failed_tests == 0 ? 0 : 1;
}
