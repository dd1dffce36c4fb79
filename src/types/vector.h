/*-------------------------------------------------------------------------
 * vector.h
 *	  The vector types' in-memory and on-disk form, with pgvector's layout.
 *
 * Vector (float4 elements):
 *	offset	size	content
 *	     0	   4	varlena header
 *	     4	   2	dim, 1 .. VS_MAX_DIM
 *	     6	   2	unused, 0
 *	     8	 4*d	elements
 *
 * HalfVector is the same with 2-byte IEEE half elements.
 *-------------------------------------------------------------------------
 */
#ifndef VS_VECTOR_H
#define VS_VECTOR_H

#include "postgres.h"

#include "fmgr.h"

#include "compat/compat.h"
#include "simd/simd.h"

#define VS_MAX_DIM 16000

typedef struct Vector
{
	int32		vl_len_;
	int16		dim;
	int16		unused;
	float		x[FLEXIBLE_ARRAY_MEMBER];
} Vector;

typedef struct HalfVector
{
	int32		vl_len_;
	int16		dim;
	int16		unused;
	VsHalf		x[FLEXIBLE_ARRAY_MEMBER];
} HalfVector;

StaticAssertDecl(offsetof(Vector, x) == 8, "Vector has padding");
StaticAssertDecl(offsetof(HalfVector, x) == 8, "HalfVector has padding");

#define VECTOR_SIZE(dim)		(offsetof(Vector, x) + sizeof(float) * (Size) (dim))
#define HALFVEC_SIZE(dim)		(offsetof(HalfVector, x) + sizeof(VsHalf) * (Size) (dim))

/*
 * Hook that reads a value of a vecstore table by the address in its on-disk
 * pointer; store/store_fetch.c sets it.  It returns a palloc'd value, or NULL
 * if the pointer is not one of the value store.
 */
extern struct varlena *(*vs_vector_fetch_hook) (struct varlena *pointer);

/*
 * Raises ERRCODE_DATA_CORRUPTED for a value whose size is not that of its
 * dimension.
 */
pg_noreturn extern void vs_vector_damaged(const struct varlena *value);

/*
 * Detoast a datum whose elements have that many bytes.  Every argument becomes
 * a Vector by this function.  A damaged page may hold any dimension, so the
 * dimension is compared with the size.  The result is read-only: it may be the
 * datum itself, or it is palloc'd.
 */
static inline struct varlena *
vs_vector_detoast(Datum datum, Size element)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);
	struct varlena *fetched = NULL;

	if (VARATT_IS_EXTERNAL_ONDISK(value) && vs_vector_fetch_hook != NULL)
		fetched = vs_vector_fetch_hook(value);
	if (fetched == NULL)
		fetched = PG_DETOAST_DATUM(datum);
	if (unlikely(VARSIZE(fetched) < offsetof(Vector, x) ||
				 VARSIZE(fetched) != offsetof(Vector, x) + element * ((Vector *) fetched)->dim))
		vs_vector_damaged(fetched);
	return fetched;
}

#define DatumGetVector(d)		((Vector *) vs_vector_detoast(d, sizeof(float)))
#define DatumGetHalfVector(d)	((HalfVector *) vs_vector_detoast(d, sizeof(VsHalf)))
#define PG_GETARG_VECTOR_P(n)	DatumGetVector(PG_GETARG_DATUM(n))
#define PG_GETARG_HALFVEC_P(n)	DatumGetHalfVector(PG_GETARG_DATUM(n))

/* Free v if the macros above allocated it for argument n. */
#define VS_FREE_IF_COPY(v, n)	PG_FREE_IF_COPY(v, n)

#endif							/* VS_VECTOR_H */
