/*-------------------------------------------------------------------------
 * fuzz_vector_text.c
 *	  Fuzz target: text of vector and halfvec.
 *
 * The first byte is the number of elements that there is room for; the rest
 * is the text.  Each parsed element must have the value that strtof()
 * returns, and printing and parsing must return the same value, as float and
 * as half.
 *
 * Build: src/types/vector_text.c src/simd/simd_*.c
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"

#include "fuzz.h"
#include "simd/simd.h"
#include "types/vector_text.h"

static char *
print(int dim, const float *x)
{
	char	   *text = fuzz_alloc(FLOAT_SHORTEST_DECIMAL_LEN * dim + 2);
	char	   *end = text;

	*end++ = '[';
	for (int i = 0; i < dim; i++)
	{
		if (i > 0)
			*end++ = ',';
		end += float_to_shortest_decimal_bufn(x[i], end);
	}
	*end++ = ']';
	*end = '\0';
	return text;
}

/* Print and parse x, which must give the same value; put that into again. */
static void
reparse(int dim, const float *x, float *again)
{
	char	   *text = print(dim, x);
	VsTextResult result = vs_types_text_parse(text, dim, again);

	MUST(result.status == VS_TEXT_OK);
	MUST(result.dim == dim);
	free(text);
}

/* Read the elements one by one with strtof(). */
static void
check_by_strtof(const char *text, int dim, const float *x)
{
	const char *s = strchr(text, '[') + 1;

	for (int i = 0; i < dim; i++)
	{
		char	   *end;
		float		value = strtof(s, &end);

		MUST(memcmp(&value, &x[i], sizeof(float)) == 0);
		s = end + strcspn(end, ",]") + 1;
	}
}

static void
check_halves(int dim, const float *x)
{
	VsHalf	   *halves = fuzz_alloc(sizeof(VsHalf) * dim);
	VsHalf	   *halves_again = fuzz_alloc(sizeof(VsHalf) * dim);
	float	   *rounded = fuzz_alloc(sizeof(float) * dim);
	float	   *again = fuzz_alloc(sizeof(float) * dim);
	bool		overflow = false;

	vs_kernels->float_to_half(dim, x, halves);
	vs_kernels->half_to_float(dim, halves, rounded);
	for (int i = 0; i < dim; i++)
		overflow = overflow || isinf(rounded[i]);
	/* halfvec_in reports these as errors */
	if (!overflow)
	{
		reparse(dim, rounded, again);
		vs_kernels->float_to_half(dim, again, halves_again);
		MUST(memcmp(halves, halves_again, sizeof(VsHalf) * dim) == 0);
	}
	free(halves);
	free(halves_again);
	free(rounded);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text;
	float	   *x;
	int			room;
	VsTextResult result;

	if (size == 0)
		return 0;
	room = data[0];
	text = fuzz_text(data + 1, size - 1);
	x = fuzz_alloc(sizeof(float) * room);

	result = vs_types_text_parse(text, room, x);
	MUST(result.dim >= 0 && result.dim <= room);
	MUST(result.at + result.length <= strlen(text));
	if (result.status == VS_TEXT_OK)
	{
		float	   *again = fuzz_alloc(sizeof(float) * result.dim);

		MUST(result.dim > 0);
		for (int i = 0; i < result.dim; i++)
			MUST(isfinite(x[i]));
		check_by_strtof(text, result.dim, x);
		reparse(result.dim, x, again);
		MUST(memcmp(x, again, sizeof(float) * result.dim) == 0);
		check_halves(result.dim, x);
		free(again);
	}
	free(x);
	free(text);
	return 0;
}
