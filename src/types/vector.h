/*-------------------------------------------------------------------------
 * vector.h
 *	  The vector types' in-memory and on-disk form, pgvector's to the byte.
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
 * The only way an argument becomes a Vector.  They go through one place
 * so that values of a vecstore table can be read by address, without the
 * general detoasting (see store/store.h); what they return is read-only.
 */
#define DatumGetVector(d)		((Vector *) PG_DETOAST_DATUM(d))
#define DatumGetHalfVector(d)	((HalfVector *) PG_DETOAST_DATUM(d))
#define PG_GETARG_VECTOR_P(n)	DatumGetVector(PG_GETARG_DATUM(n))
#define PG_GETARG_HALFVEC_P(n)	DatumGetHalfVector(PG_GETARG_DATUM(n))

/* Frees what the above allocated for argument n, if anything. */
#define VS_FREE_IF_COPY(v, n)	PG_FREE_IF_COPY(v, n)

#endif							/* VS_VECTOR_H */
