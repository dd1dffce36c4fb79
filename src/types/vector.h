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
 * Detoast a datum.  Every argument becomes a Vector by this function.  The
 * result is read-only: it may be the datum itself, or it is palloc'd.
 */
static inline struct varlena *
vs_vector_detoast(Datum datum)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);

	if (VARATT_IS_EXTERNAL_ONDISK(value) && vs_vector_fetch_hook != NULL)
	{
		struct varlena *fetched = vs_vector_fetch_hook(value);

		if (fetched != NULL)
			return fetched;
	}
	return PG_DETOAST_DATUM(datum);
}

#define DatumGetVector(d)		((Vector *) vs_vector_detoast(d))
#define DatumGetHalfVector(d)	((HalfVector *) vs_vector_detoast(d))
#define PG_GETARG_VECTOR_P(n)	DatumGetVector(PG_GETARG_DATUM(n))
#define PG_GETARG_HALFVEC_P(n)	DatumGetHalfVector(PG_GETARG_DATUM(n))

/* Free v if the macros above allocated it for argument n. */
#define VS_FREE_IF_COPY(v, n)	PG_FREE_IF_COPY(v, n)

#endif							/* VS_VECTOR_H */
