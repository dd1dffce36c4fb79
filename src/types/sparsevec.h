/*-------------------------------------------------------------------------
 * sparsevec.h
 *	  The sparse vector type: in-memory and on-disk form, and its parsers.
 *
 * SparseVector, pgvector's to the byte:
 *	offset	size	content
 *	     0	   4	varlena header
 *	     4	   4	dim, 1 .. VS_SPARSE_MAX_DIM
 *	     8	   4	nnz, 0 .. Min(dim, VS_SPARSE_MAX_NNZ)
 *	    12	   4	unused, 0
 *	    16	 4*n	indices, from 0, strictly ascending
 *	16+4*n	 4*n	values (float4), finite, none of them 0
 *
 * So two equal sparse vectors are equal bytes from offset 4 on.  Indices
 * count from 0 here and in the binary form, from 1 in the text form.
 *
 * The parsers are plain C: no memory is allocated and no error is raised, so
 * that they run alone under a fuzzer.  A failure is described by a
 * VsSparseFault, which sparsevec_io.c turns into an error report.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SPARSEVEC_H
#define VS_SPARSEVEC_H

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

#define DatumGetSparseVector(d)		((SparseVector *) PG_DETOAST_DATUM(d))
#define PG_GETARG_SPARSEVEC_P(n)	DatumGetSparseVector(PG_GETARG_DATUM(n))

/* A non-zero element while it is read from text; its index counts from 0 */
typedef struct VsSparseElement
{
	int32		index;
	float		value;
} VsSparseElement;

/* What can be wrong with the input */
typedef enum VsSparseStatus
{
	VS_SPARSE_OK,
	VS_SPARSE_SYNTAX,			/* wanted, at */
	VS_SPARSE_RANGE,			/* at, length: a number float4 cannot hold */
	VS_SPARSE_NAN,
	VS_SPARSE_INFINITE,
	VS_SPARSE_ZERO,				/* a stored element is 0 (binary form) */
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

/* The first thing wrong; fields not named beside the status are undefined */
typedef struct VsSparseFault
{
	VsSparseStatus status;
	const char *wanted;			/* what the text should have had ... */
	size_t		at;				/* ... at this byte offset */
	size_t		length;
	int32		number;
} VsSparseFault;

/* sparsevec_text.c */
extern int	vs_sparsevec_text_room(const char *text);
extern bool vs_sparsevec_text_parse(const char *text, VsSparseElement *elements,
									int32 *dim, int *nnz, VsSparseFault *fault);
extern size_t vs_sparsevec_text_print(const SparseVector *v, char *out);

/* Bytes that vs_sparsevec_text_print() may write, the final 0 included */
#define VS_SPARSE_PRINT_ROOM(nnz)	((Size) (nnz) * 32 + 32)

/* sparsevec_wire.c */
#define VS_SPARSE_WIRE_HEADER 12

extern bool vs_sparsevec_wire_header(const uint8 *data, size_t length,
									 int32 *dim, int32 *nnz, VsSparseFault *fault);
extern bool vs_sparsevec_wire_parse(const uint8 *data, SparseVector *v,
									VsSparseFault *fault);
extern void vs_sparsevec_wire_print(const SparseVector *v, uint8 *out);

#define VS_SPARSE_WIRE_SIZE(nnz)	((Size) (nnz) * 8 + VS_SPARSE_WIRE_HEADER)

/* Checks that text and binary form share */
extern VsSparseStatus vs_sparsevec_check_dim(int64 dim);
extern VsSparseStatus vs_sparsevec_check_value(float value);

/* sparsevec_io.c */
extern SparseVector *vs_sparsevec_new(int32 dim, int nnz);
pg_noreturn extern void vs_sparsevec_fail(VsSparseStatus status);

#endif							/* VS_SPARSEVEC_H */
