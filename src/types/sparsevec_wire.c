/*-------------------------------------------------------------------------
 * sparsevec_wire.c
 *	  Binary form of sparse vectors, and the checks that both forms share.
 *
 * All numbers are big-endian:
 *	offset	size	content
 *	     0	   4	dim
 *	     4	   4	nnz
 *	     8	   4	unused, 0
 *	    12	 4*n	indices, from 0, strictly ascending
 *	12+4*n	 4*n	values (float4), finite, none of them 0
 *
 * Plain C: see sparsevec.h.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "port/pg_bswap.h"

#include "types/sparsevec.h"

static inline uint32
read_uint32(const uint8 *data)
{
	uint32		n;

	memcpy(&n, data, sizeof(n));
	return pg_ntoh32(n);
}

static inline uint8 *
write_uint32(uint8 *out, uint32 n)
{
	n = pg_hton32(n);
	memcpy(out, &n, sizeof(n));
	return out + sizeof(n);
}

static bool
fail(VsSparseFault *fault, VsSparseStatus status)
{
	fault->status = status;
	return false;
}

VsSparseStatus
vs_sparsevec_check_dim(int64 dim)
{
	if (dim < 1)
		return VS_SPARSE_NO_DIM;
	if (dim > VS_SPARSE_MAX_DIM)
		return VS_SPARSE_MANY_DIMS;
	return VS_SPARSE_OK;
}

VsSparseStatus
vs_sparsevec_check_value(float value)
{
	if (isnan(value))
		return VS_SPARSE_NAN;
	if (isinf(value))
		return VS_SPARSE_INFINITE;
	return VS_SPARSE_OK;
}

bool
vs_sparsevec_wire_header(const uint8 *data, size_t length,
						 int32 *dim, int32 *nnz, VsSparseFault *fault)
{
	VsSparseStatus status;

	fault->status = VS_SPARSE_OK;
	if (length < VS_SPARSE_WIRE_HEADER)
		return fail(fault, VS_SPARSE_TRUNCATED);
	*dim = (int32) read_uint32(data);
	*nnz = (int32) read_uint32(data + 4);
	fault->number = (int32) read_uint32(data + 8);

	status = vs_sparsevec_check_dim(*dim);
	if (status != VS_SPARSE_OK)
		return fail(fault, status);
	if (*nnz < 0)
		return fail(fault, VS_SPARSE_NEGATIVE_NNZ);
	if (*nnz > VS_SPARSE_MAX_NNZ)
		return fail(fault, VS_SPARSE_MANY_ELEMENTS);
	if (*nnz > *dim)
		return fail(fault, VS_SPARSE_OVERFULL);
	if (fault->number != 0)
		return fail(fault, VS_SPARSE_UNUSED);
	if (length < VS_SPARSE_WIRE_SIZE(*nnz))
		return fail(fault, VS_SPARSE_TRUNCATED);
	return true;
}

bool
vs_sparsevec_wire_parse(const uint8 *data, SparseVector *v, VsSparseFault *fault)
{
	float	   *values = SPARSEVEC_VALUES(v);
	int32		previous = -1;

	data += VS_SPARSE_WIRE_HEADER;
	for (int i = 0; i < v->nnz; i++, data += sizeof(int32))
	{
		int32		index = (int32) read_uint32(data);

		if (index < 0 || index >= v->dim)
			return fail(fault, VS_SPARSE_INDEX_BOUNDS);
		if (index < previous)
			return fail(fault, VS_SPARSE_INDEX_ORDER);
		if (index == previous)
			return fail(fault, VS_SPARSE_INDEX_TWICE);
		v->indices[i] = previous = index;
	}
	for (int i = 0; i < v->nnz; i++, data += sizeof(float))
	{
		uint32		bits = read_uint32(data);
		VsSparseStatus status;

		memcpy(&values[i], &bits, sizeof(bits));
		status = vs_sparsevec_check_value(values[i]);
		if (status == VS_SPARSE_OK && values[i] == 0)
			status = VS_SPARSE_ZERO;
		if (status != VS_SPARSE_OK)
			return fail(fault, status);
	}
	return true;
}

void
vs_sparsevec_wire_print(const SparseVector *v, uint8 *out)
{
	const float *values = SPARSEVEC_VALUES(v);

	out = write_uint32(out, (uint32) v->dim);
	out = write_uint32(out, (uint32) v->nnz);
	out = write_uint32(out, 0);
	for (int i = 0; i < v->nnz; i++)
		out = write_uint32(out, (uint32) v->indices[i]);
	for (int i = 0; i < v->nnz; i++)
	{
		uint32		bits;

		memcpy(&bits, &values[i], sizeof(bits));
		out = write_uint32(out, bits);
	}
}
