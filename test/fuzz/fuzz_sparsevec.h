/*-------------------------------------------------------------------------
 * fuzz_sparsevec.h
 *	  The properties of every parsed sparse vector, for its two fuzz targets.
 *-------------------------------------------------------------------------
 */
#ifndef VS_FUZZ_SPARSEVEC_H
#define VS_FUZZ_SPARSEVEC_H

#include "postgres.h"

#include <math.h>

#include "fuzz.h"
#include "types/sparsevec.h"

static inline SparseVector *
fuzz_sparsevec_new(int32 dim, int nnz)
{
	SparseVector *v = fuzz_alloc(SPARSEVEC_SIZE(nnz));

	v->dim = dim;
	v->nnz = nnz;
	v->unused = 0;
	return v;
}

/* Parse a text that must be valid. */
static inline SparseVector *
fuzz_sparsevec_parse(const char *text, VsSparseFault *fault)
{
	VsSparseElement *elements = fuzz_alloc(sizeof(VsSparseElement) * vs_sparsevec_text_room(text));
	SparseVector *v = NULL;
	int32		dim;
	int			nnz;

	if (vs_sparsevec_text_parse(text, elements, &dim, &nnz, fault))
	{
		v = fuzz_sparsevec_new(dim, nnz);
		for (int i = 0; i < nnz; i++)
		{
			v->indices[i] = elements[i].index;
			SPARSEVEC_VALUES(v)[i] = elements[i].value;
		}
	}
	free(elements);
	return v;
}

static inline void
fuzz_sparsevec_must_equal(const SparseVector *a, const SparseVector *b)
{
	MUST(a->dim == b->dim && a->nnz == b->nnz);
	MUST(memcmp(a->indices, b->indices, sizeof(int32) * a->nnz) == 0);
	MUST(memcmp(SPARSEVEC_VALUES(a), SPARSEVEC_VALUES(b), sizeof(float) * a->nnz) == 0);
}

/* Check the type's invariants, and that both forms give the same value back. */
static inline void
fuzz_sparsevec_must_hold(const SparseVector *v)
{
	const float *values = SPARSEVEC_VALUES(v);
	char	   *text = fuzz_alloc(VS_SPARSE_PRINT_ROOM(v->nnz));
	uint8	   *bytes = fuzz_alloc(VS_SPARSE_WIRE_SIZE(v->nnz));
	SparseVector *again;
	VsSparseFault fault;
	int32		dim;
	int32		nnz;
	size_t		length;

	MUST(v->dim >= 1 && v->dim <= VS_SPARSE_MAX_DIM);
	MUST(v->nnz >= 0 && v->nnz <= VS_SPARSE_MAX_NNZ && v->nnz <= v->dim);
	for (int i = 0; i < v->nnz; i++)
	{
		MUST(v->indices[i] < v->dim);
		MUST(v->indices[i] > (i == 0 ? -1 : v->indices[i - 1]));
		MUST(isfinite(values[i]) && values[i] != 0);
	}

	length = vs_sparsevec_text_print(v, text);
	MUST(strlen(text) == length && length < VS_SPARSE_PRINT_ROOM(v->nnz));
	again = fuzz_sparsevec_parse(text, &fault);
	MUST(again != NULL);
	fuzz_sparsevec_must_equal(v, again);
	free(again);

	vs_sparsevec_wire_print(v, bytes);
	MUST(vs_sparsevec_wire_header(bytes, VS_SPARSE_WIRE_SIZE(v->nnz), &dim, &nnz, &fault));
	again = fuzz_sparsevec_new(dim, nnz);
	MUST(vs_sparsevec_wire_parse(bytes, again, &fault));
	fuzz_sparsevec_must_equal(v, again);
	free(again);
	free(text);
	free(bytes);
}

#endif							/* VS_FUZZ_SPARSEVEC_H */
