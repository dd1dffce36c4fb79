/*-------------------------------------------------------------------------
 * quant_extra.c
 *	  Layout of codes of 2 to 8 bits per dimension.
 *
 * 64 dimensions make a chunk of bits * 8 bytes.  The number of each dimension
 * is divided into parts of 4, 2 and 1 bits, high bits first, according to its
 * width (7 = 4 + 2 + 1).  A chunk stores its 4-bit parts, then its 2-bit
 * parts, then its 1-bit parts.  Numbers of 8 bits are stored as bytes.
 *		4-bit part	32 bytes	byte j: dimension j low, j + 32 high
 *		2-bit part	16 bytes	byte j: j, j + 16, j + 32, j + 48, low first
 *		1-bit part	 8 bytes	byte j: j, j + 8, ... j + 56, low first
 * One shift and one mask thus extract the parts of 16 consecutive dimensions.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "quant/quant_kernels.h"

#define CHUNK_DIMS	64

/* Return the bits of the parts below (stored after) that of this width. */
static int
bits_below(int bits, int width)
{
	return bits & (width - 1);
}

void
vs_quant_extra_pack(int bits, const uint8_t *codes, uint8_t *chunk)
{
	if (bits == 8)
	{
		memcpy(chunk, codes, CHUNK_DIMS);
		return;
	}
	memset(chunk, 0, (size_t) bits * 8);
	for (int width = 4; width > 0; width /= 2)
	{
		int			nbytes = width * 8;

		if ((bits & width) == 0)
			continue;
		for (int i = 0; i < CHUNK_DIMS; i++)
		{
			int			part = (codes[i] >> bits_below(bits, width)) & ((1 << width) - 1);

			chunk[i % nbytes] |= (uint8_t) (part << (i / nbytes * width));
		}
		chunk += nbytes;
	}
}

void
vs_quant_extra_unpack(int bits, const uint8_t *chunk, uint8_t *codes)
{
	if (bits == 8)
	{
		memcpy(codes, chunk, CHUNK_DIMS);
		return;
	}
	memset(codes, 0, CHUNK_DIMS);
	for (int width = 4; width > 0; width /= 2)
	{
		int			nbytes = width * 8;

		if ((bits & width) == 0)
			continue;
		for (int i = 0; i < CHUNK_DIMS; i++)
		{
			int			part = (chunk[i % nbytes] >> (i / nbytes * width)) & ((1 << width) - 1);

			codes[i] |= (uint8_t) (part << bits_below(bits, width));
		}
		chunk += nbytes;
	}
}
