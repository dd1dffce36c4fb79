/*-------------------------------------------------------------------------
 * vector_wire.c
 *	  The binary form of a dense vector.
 *-------------------------------------------------------------------------
 */
#include "types/vector_wire.h"

#include <string.h>

static inline uint16_t
read_uint16(const uint8_t *data)
{
	return (uint16_t) (data[0] << 8 | data[1]);
}

static inline uint32_t
read_uint32(const uint8_t *data)
{
	return (uint32_t) data[0] << 24 | (uint32_t) data[1] << 16 | (uint32_t) data[2] << 8 | data[3];
}

static inline void
write_uint16(uint8_t *data, uint16_t n)
{
	data[0] = (uint8_t) (n >> 8);
	data[1] = (uint8_t) n;
}

static inline void
write_uint32(uint8_t *data, uint32_t n)
{
	write_uint16(data, (uint16_t) (n >> 16));
	write_uint16(data + 2, (uint16_t) n);
}

VsWireStatus
vs_types_wire_header(const uint8_t *data, size_t length, int max_dim,
					 size_t element_size, int *dim, int *unused)
{
	*dim = *unused = 0;
	if (length < VS_WIRE_HEADER)
		return VS_WIRE_TRUNCATED;
	*dim = read_uint16(data);
	*unused = read_uint16(data + 2);

	if (*dim < 1 || *dim > max_dim)
		return VS_WIRE_DIM;
	if (*unused != 0)
		return VS_WIRE_UNUSED;
	if (length < VS_WIRE_SIZE(*dim, element_size))
		return VS_WIRE_TRUNCATED;
	return VS_WIRE_OK;
}

void
vs_types_wire_get(const uint8_t *data, int dim, size_t element_size, void *x)
{
	data += VS_WIRE_HEADER;
	if (element_size == sizeof(uint32_t))
	{
		for (int i = 0; i < dim; i++)
		{
			uint32_t	element = read_uint32(data + i * sizeof(element));

			memcpy((char *) x + i * sizeof(element), &element, sizeof(element));
		}
	}
	else
	{
		for (int i = 0; i < dim; i++)
		{
			uint16_t	element = read_uint16(data + i * sizeof(element));

			memcpy((char *) x + i * sizeof(element), &element, sizeof(element));
		}
	}
}

void
vs_types_wire_put(const void *x, int dim, size_t element_size, uint8_t *data)
{
	write_uint16(data, (uint16_t) dim);
	write_uint16(data + 2, 0);
	data += VS_WIRE_HEADER;
	if (element_size == sizeof(uint32_t))
	{
		for (int i = 0; i < dim; i++)
		{
			uint32_t	element;

			memcpy(&element, (const char *) x + i * sizeof(element), sizeof(element));
			write_uint32(data + i * sizeof(element), element);
		}
	}
	else
	{
		for (int i = 0; i < dim; i++)
		{
			uint16_t	element;

			memcpy(&element, (const char *) x + i * sizeof(element), sizeof(element));
			write_uint16(data + i * sizeof(element), element);
		}
	}
}
