/*-------------------------------------------------------------------------
 * vector_wire.h
 *	  The binary form of a dense vector, all big-endian:
 *
 *	offset	size	content
 *	     0	   2	dim
 *	     2	   2	unused, 0
 *	     4	 e*d	elements, e = 4 (float4) or 2 (IEEE half)
 *
 * Plain C without the server, so that it can be fuzzed alone.
 *-------------------------------------------------------------------------
 */
#ifndef VS_VECTOR_WIRE_H
#define VS_VECTOR_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef enum VsWireStatus
{
	VS_WIRE_OK,
	VS_WIRE_DIM,				/* 0, or over max_dim */
	VS_WIRE_UNUSED,				/* not 0 */
	VS_WIRE_TRUNCATED
} VsWireStatus;

/* bytes of the header, and of the whole */
#define VS_WIRE_HEADER 4
#define VS_WIRE_SIZE(dim, element_size) \
	(VS_WIRE_HEADER + (size_t) (dim) * (element_size))

/*
 * Read the header of length bytes of data.  Returns VS_WIRE_OK if it is sound
 * and there are at least VS_WIRE_SIZE() bytes.  Sets *dim and *unused, to 0
 * if there are too few bytes for a header.
 */
extern VsWireStatus vs_types_wire_header(const uint8_t *data, size_t length, int max_dim,
										 size_t element_size, int *dim, int *unused);

/*
 * Read dim elements of 4 or 2 bytes into x, from data that
 * vs_types_wire_header() has accepted.  Any bits are accepted as a number.
 */
extern void vs_types_wire_get(const uint8_t *data, int dim, size_t element_size, void *x);

/*
 * Write the header and the dim elements of x to VS_WIRE_SIZE() bytes of data.
 */
extern void vs_types_wire_put(const void *x, int dim, size_t element_size, uint8_t *data);

#endif							/* VS_VECTOR_WIRE_H */
