/*-------------------------------------------------------------------------
 * sparsevec.h
 *	  The sparse vector type: in-memory and on-disk form, and its parsers.
 *
 * SparseVector has the layout of pgvector's:
 *	offset	size	content
 *	     0	   4	varlena header
 *	     4	   4	dim, 1 .. VS_SPARSE_MAX_DIM
 *	     8	   4	nnz, 0 .. Min(dim, VS_SPARSE_MAX_NNZ)
 *	    12	   4	unused, 0
 *	    16	 4*n	indices, from 0, strictly ascending
 *	16+4*n	 4*n	values (float4), finite, none of them 0
 *
 * Equal sparse vectors therefore have equal bytes from offset 4 on.  Indices
 * count from 0 here and in the binary form, and from 1 in the text form.
 *
 * The parsers are plain C: they allocate no memory and throw no error, so
 * that a fuzzer can run them alone.  They describe a failure by a
 * VsSparseFault, which sparsevec_io.c reports as an error.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SPARSEVEC_H
#define VS_SPARSEVEC_H

#include "postgres.h"

#include "compat/compat.h"

#define VS_SPARSE_MAX_DIM 1000000000
#define VS_SPARSE_MAX_NNZ 16000

typedef struct SparseVector
{
	int32		vl_len_;
	int32		dim;
	int32		nnz;
	int32		unused;
	int32		indices[FLEXIBLE_ARRAY_MEMBER];
} SparseVector;

StaticAssertDecl(offsetof(SparseVector, indices) == 16, "SparseVector has padding");

#define SPARSEVEC_SIZE(nnz) \
	(offsetof(SparseVector, indices) + (sizeof(int32) + sizeof(float)) * (Size) (nnz))
#define SPARSEVEC_VALUES(v)			((float *) ((v)->indices + (v)->nnz))

/* Raises the error for a value whose size is not that of its elements. */
pg_noreturn extern void vs_sparsevec_damaged(const SparseVector *v);

/*
 * A damaged page may say to hold any number of elements, so that is compared
 * with the size.
 */
static inline SparseVector *
vs_sparsevec_detoast(Datum datum)
{
	SparseVector *v = (SparseVector *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(v) < offsetof(SparseVector, indices) || v->nnz < 0 ||
				 VARSIZE(v) != SPARSEVEC_SIZE(v->nnz)))
		vs_sparsevec_damaged(v);
	return v;
}

#define DatumGetSparseVector(d)		vs_sparsevec_detoast(d)
#define PG_GETARG_SPARSEVEC_P(n)	DatumGetSparseVector(PG_GETARG_DATUM(n))

/* a nonzero element read from text; its index counts from 0 */
typedef struct VsSparseElement
{
	int32		index;
	float		value;
} VsSparseElement;

/* what can be wrong with the input; beside it the fields of the fault */
typedef enum VsSparseStatus
{
	VS_SPARSE_OK,
	VS_SPARSE_SYNTAX,			/* wanted, at */
	VS_SPARSE_RANGE,			/* at, length: a number beyond float4 */
	VS_SPARSE_NAN,
	VS_SPARSE_INFINITE,
	VS_SPARSE_ZERO,				/* an element is 0 (binary form) */
	VS_SPARSE_NO_DIM,			/* fewer than one dimension */
	VS_SPARSE_MANY_DIMS,
	VS_SPARSE_NEGATIVE_NNZ,
	VS_SPARSE_MANY_ELEMENTS,	/* over VS_SPARSE_MAX_NNZ */
	VS_SPARSE_OVERFULL,			/* more elements than dimensions */
	VS_SPARSE_INDEX_BOUNDS,
	VS_SPARSE_INDEX_ORDER,		/* not ascending (binary form) */
	VS_SPARSE_INDEX_TWICE,
	VS_SPARSE_UNUSED,			/* number: the field's content */
	VS_SPARSE_TRUNCATED
} VsSparseStatus;

/* the first failure; fields not named beside the status are undefined */
typedef struct VsSparseFault
{
	VsSparseStatus status;
	const char *wanted;			/* what the parser expected */
	size_t		at;				/* byte offset in the text */
	size_t		length;			/* of the number there */
	int32		number;			/* content of the field */
} VsSparseFault;

/* ---- sparsevec_text.c ---- */

/* Return how many nonzero elements the text can have at most. */
extern int	vs_sparsevec_text_room(const char *text);

/*
 * Parse a text.  elements has room for vs_sparsevec_text_room(text) elements
 * and gets the *nnz nonzero ones in ascending order of their indices.
 * Returns false and fills *fault if the text is no sparse vector.
 */
extern bool vs_sparsevec_text_parse(const char *text, VsSparseElement *elements,
									int32 *dim, int *nnz, VsSparseFault *fault);

/*
 * Write the text form and a terminating 0 to out, which has room for
 * VS_SPARSE_PRINT_ROOM(nnz) bytes.  Returns the length without the 0.  Each
 * value gets the fewest digits that are read back as the same float4.
 */
extern size_t vs_sparsevec_text_print(const SparseVector *v, char *out);

/* bytes that vs_sparsevec_text_print() may write, with the terminating 0 */
#define VS_SPARSE_PRINT_ROOM(nnz)	((Size) (nnz) * 32 + 32)

/* ---- sparsevec_wire.c ---- */

/* bytes of the header of the binary form, and of the whole */
#define VS_SPARSE_WIRE_HEADER 12
#define VS_SPARSE_WIRE_SIZE(nnz)	((Size) (nnz) * 8 + VS_SPARSE_WIRE_HEADER)

/*
 * Check a number of dimensions, and the value of an element (which may be 0).
 */
extern VsSparseStatus vs_sparsevec_check_dim(int64 dim);
extern VsSparseStatus vs_sparsevec_check_value(float value);

/*
 * Read the header of length bytes of data.  Returns true if it is sound and
 * there are at least VS_SPARSE_WIRE_SIZE(*nnz) bytes, which
 * vs_sparsevec_wire_parse() may then read.  Otherwise returns false and fills
 * *fault.
 */
extern bool vs_sparsevec_wire_header(const uint8 *data, size_t length,
									 int32 *dim, int32 *nnz, VsSparseFault *fault);

/*
 * Read the elements into v, whose dim and nnz are those of the header of the
 * same data.  Returns false and fills *fault if an element is not allowed.
 */
extern bool vs_sparsevec_wire_parse(const uint8 *data, SparseVector *v,
									VsSparseFault *fault);

/* Write the VS_SPARSE_WIRE_SIZE(nnz) bytes of the binary form to out. */
extern void vs_sparsevec_wire_print(const SparseVector *v, uint8 *out);

/* ---- sparsevec_io.c ---- */

/* Throw the error of a status that has no fields in the fault. */
pg_noreturn extern void vs_sparsevec_fail(VsSparseStatus status);

/* Allocate a sparse vector; its elements are not set. */
extern SparseVector *vs_sparsevec_new(int32 dim, int nnz);

#endif							/* VS_SPARSEVEC_H */
