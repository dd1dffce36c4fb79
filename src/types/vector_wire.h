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
	VS_WIRE_DIM,				/* 0, or over the limit */
	VS_WIRE_UNUSED,				/* not 0 */
	VS_WIRE_TRUNCATED
} VsWireStatus;

#define VS_WIRE_HEADER 4
#define VS_WIRE_SIZE(dim, element_size) \
	(VS_WIRE_HEADER + (size_t) (dim) * (element_size))

/*
 * Reads the header.  VS_WIRE_OK when it is sound and the length bytes that data
 * has are enough for its VS_WIRE_SIZE().  *dim and *unused are set unless
 * there are too few bytes for a header, and are then 0.
 */
extern VsWireStatus vs_types_wire_header(const uint8_t *data, size_t length, int max_dim,
										 size_t element_size, int *dim, int *unused);

/*
 * Elements of 4 or 2 bytes from and to the data of a whole vector; any bits
 * are taken for a number.
 */
extern void vs_types_wire_get(const uint8_t *data, int dim, size_t element_size, void *x);
extern void vs_types_wire_put(const void *x, int dim, size_t element_size, uint8_t *data);

#endif							/* VS_VECTOR_WIRE_H */
