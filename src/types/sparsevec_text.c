/*-------------------------------------------------------------------------
 * sparsevec_text.c
 *	  Text form of sparse vectors, {1:0.5,3:2}/5: parser and printer.
 *
 * Indices count from 1 and may be in any order; the printer writes them in
 * ascending order.  Elements that are 0 are accepted and dropped.  White
 * space is allowed between any two tokens.  Numbers are what strtof()
 * accepts, as for float4.
 *
 * Plain C: see sparsevec.h.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>
#include <math.h>

#include "common/shortest_dec.h"

#include "types/sparsevec.h"

/* state of the parser; text is the base of offsets */
typedef struct Cursor
{
	const char *text;
	const char *at;
	VsSparseFault *fault;
} Cursor;

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline void
skip_spaces(Cursor *c)
{
	while (is_space(*c->at))
		c->at++;
}

static bool
fail(Cursor *c, VsSparseStatus status)
{
	c->fault->status = status;
	c->fault->at = c->at - c->text;
	c->fault->length = 0;
	return false;
}

static bool
syntax(Cursor *c, const char *wanted)
{
	c->fault->wanted = wanted;
	return fail(c, VS_SPARSE_SYNTAX);
}

/* Take the character if it is next, after white space. */
static bool
take(Cursor *c, char wanted)
{
	skip_spaces(c);
	if (*c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* Take an integer; one beyond PG_INT32_MAX in magnitude is clamped to it. */
static bool
take_integer(Cursor *c, int64 *result)
{
	const char *p;
	bool		negative;
	int64		n = 0;

	skip_spaces(c);
	p = c->at;
	negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		n = Min(n * 10 + (*p - '0'), (int64) PG_INT32_MAX);
	*result = negative ? -n : n;
	c->at = p;
	return true;
}

/* Take a finite float4. */
static bool
take_float(Cursor *c, float *result)
{
	char	   *end;
	float		value;
	VsSparseStatus status;

	skip_spaces(c);
	errno = 0;
	value = strtof(c->at, &end);
	if (end == c->at)
		return syntax(c, "a number");

	if (errno == ERANGE && (value == 0 || isinf(value)))
	{
		fail(c, VS_SPARSE_RANGE);
		c->fault->length = end - c->at;
		return false;
	}
	status = vs_sparsevec_check_value(value);
	if (status != VS_SPARSE_OK)
		return fail(c, status);

	*result = value;
	c->at = end;
	return true;
}

/*
 * Take the elements after the opening brace, and the closing brace.  Puts the
 * nonzero ones into elements, in the order of the text.  limits[0] is the
 * least index, or 0 if that is less; limits[1] is the greatest index, or -1.
 * Elements that are 0 count for the limits.
 */
static bool
take_elements(Cursor *c, VsSparseElement *elements, int *nnz, int64 limits[2])
{
	*nnz = 0;
	limits[0] = 0;
	limits[1] = -1;
	if (take(c, '}'))
		return true;

	do
	{
		int64		index;
		float		value = 0;

		if (!take_integer(c, &index))
			return syntax(c, "an index");
		if (!take(c, ':'))
			return syntax(c, "\":\"");
		if (!take_float(c, &value))
			return false;

		index--;
		limits[0] = Min(limits[0], index);
		limits[1] = Max(limits[1], index);
		if (value == 0)
			continue;

		if (*nnz >= VS_SPARSE_MAX_NNZ)
			return fail(c, VS_SPARSE_MANY_ELEMENTS);
		elements[*nnz].index = (int32) index;
		elements[*nnz].value = value;
		(*nnz)++;
	} while (take(c, ','));

	if (!take(c, '}'))
		return syntax(c, "\",\" or \"}\"");
	return true;
}

static int
compare_indices(const void *a, const void *b)
{
	int32		left = ((const VsSparseElement *) a)->index;
	int32		right = ((const VsSparseElement *) b)->index;

	return (left > right) - (left < right);
}

/* Sort the elements by index; return false if an index occurs twice. */
static bool
sort_elements(VsSparseElement *elements, int nnz)
{
	bool		sorted = true;

	for (int i = 1; i < nnz; i++)
		sorted = sorted && elements[i - 1].index < elements[i].index;
	if (sorted)
		return true;

	qsort(elements, nnz, sizeof(VsSparseElement), compare_indices);
	for (int i = 1; i < nnz; i++)
	{
		if (elements[i - 1].index == elements[i].index)
			return false;
	}
	return true;
}

int
vs_sparsevec_text_room(const char *text)
{
	int			room = 1;

	for (; *text != '\0' && room < VS_SPARSE_MAX_NNZ; text++)
		room += *text == ',';
	return room;
}

bool
vs_sparsevec_text_parse(const char *text, VsSparseElement *elements,
						int32 *dim, int *nnz, VsSparseFault *fault)
{
	Cursor		c = {text, text, fault};
	int64		dimensions;
	int64		limits[2];
	VsSparseStatus status;

	fault->status = VS_SPARSE_OK;
	if (!take(&c, '{'))
		return syntax(&c, "\"{\"");
	if (!take_elements(&c, elements, nnz, limits))
		return false;
	if (!take(&c, '/'))
		return syntax(&c, "\"/\"");
	if (!take_integer(&c, &dimensions))
		return syntax(&c, "the number of dimensions");
	skip_spaces(&c);
	if (*c.at != '\0')
		return syntax(&c, "the end");

	status = vs_sparsevec_check_dim(dimensions);
	if (status != VS_SPARSE_OK)
		return fail(&c, status);
	if (limits[0] < 0 || limits[1] >= dimensions)
		return fail(&c, VS_SPARSE_INDEX_BOUNDS);
	if (!sort_elements(elements, *nnz))
		return fail(&c, VS_SPARSE_INDEX_TWICE);

	*dim = (int32) dimensions;
	return true;
}

static char *
print_integer(char *out, uint32 n)
{
	char		digits[10];
	int			count = 0;

	do
	{
		digits[count++] = '0' + n % 10;
		n /= 10;
	} while (n > 0);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

size_t
vs_sparsevec_text_print(const SparseVector *v, char *out)
{
	const float *values = SPARSEVEC_VALUES(v);
	char	   *p = out;

	*p++ = '{';
	for (int i = 0; i < v->nnz; i++)
	{
		if (i > 0)
			*p++ = ',';
		p = print_integer(p, (uint32) v->indices[i] + 1);
		*p++ = ':';
		p += float_to_shortest_decimal_bufn(values[i], p);
	}
	*p++ = '}';
	*p++ = '/';
	p = print_integer(p, (uint32) v->dim);
	*p = '\0';
	return p - out;
}
