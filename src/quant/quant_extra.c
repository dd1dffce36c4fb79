/*-------------------------------------------------------------------------
 * quant_extra.c
 *	  Layout of codes of 2 to 8 bits a dimension.
 *
 * 64 dimensions make a chunk of bits * 8 bytes.  A code is cut into parts of
 * 4, 2 and 1 bits, high bits first, as many as its width has (7 = 4 + 2 + 1);
 * 8 bits are plain bytes.  The parts of a chunk follow each other:
 *		4-bit part	32 bytes	byte j: dimension j low, j + 32 high
 *		2-bit part	16 bytes	byte j: dimensions j, j + 16, j + 32, j + 48, low first
 *		1-bit part	 8 bytes	byte j: dimensions j, j + 8, ... j + 56, low first
 * so that 16 neighbours come out of a register with one shift and one mask.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "quant/quant_kernels.h"

#define CHUNK_DIMS	64

/* Bits of the parts that come after (below) the part of this width. */
static int
bits_below(int bits, int width)
{
	return bits & (width - 1);
}

void
vs_quant_extra_pack(int bits, const uint8_t *codes, uint8_t *chunk)
{
	int			width;

	if (bits == 8)
	{
		memcpy(chunk, codes, CHUNK_DIMS);
		return;
	}
	memset(chunk, 0, (size_t) bits * 8);
	for (width = 4; width > 0; width /= 2)
	{
		int			nbytes = width * 8;
		int			i;

		if ((bits & width) == 0)
			continue;
		for (i = 0; i < CHUNK_DIMS; i++)
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
	int			width;

	if (bits == 8)
	{
		memcpy(codes, chunk, CHUNK_DIMS);
		return;
	}
	memset(codes, 0, CHUNK_DIMS);
	for (width = 4; width > 0; width /= 2)
	{
		int			nbytes = width * 8;
		int			i;

		if ((bits & width) == 0)
			continue;
		for (i = 0; i < CHUNK_DIMS; i++)
		{
			int			part = (chunk[i % nbytes] >> (i / nbytes * width)) & ((1 << width) - 1);

			codes[i] |= (uint8_t) (part << bits_below(bits, width));
		}
		chunk += nbytes;
	}
}
