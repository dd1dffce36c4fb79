/*-------------------------------------------------------------------------
 * quant_block.c
 *	  Layout of the 1-bit codes of 32 entries.
 *
 * A group is 16 bytes and holds four dimensions of all 32 entries.  Byte k
 * has the four bits of entry k in its low half and those of entry k + 16 in
 * its high half, with the lowest dimension in the lowest bit.  Groups are in
 * the order of their dimensions.  A register of 16 bytes thus holds the table
 * indexes of 16 entries in its low halves and those of the other 16 in its
 * high halves.
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "quant/quant_kernels.h"

void
vs_quant_block_put(uint8_t *block, int slot, const uint8_t *code,
				   int first_dim, int ndims)
{
	int			shift = slot / GROUP_BYTES * 4;
	uint8_t		others = (uint8_t) ~(15 << shift);
	uint8_t    *column = block + slot % GROUP_BYTES;

	code += first_dim / 8;
	for (int i = 0; i < ndims / 8; i++, column += 2 * GROUP_BYTES)
	{
		column[0] = (uint8_t) ((column[0] & others) | (code[i] & 15) << shift);
		column[GROUP_BYTES] = (uint8_t) ((column[GROUP_BYTES] & others) | (code[i] >> 4) << shift);
	}
}

void
vs_quant_block_get(const uint8_t *block, int slot, uint8_t *code,
				   int first_dim, int ndims)
{
	int			shift = slot / GROUP_BYTES * 4;
	const uint8_t *column = block + slot % GROUP_BYTES;

	code += first_dim / 8;
	for (int i = 0; i < ndims / 8; i++, column += 2 * GROUP_BYTES)
		code[i] = (uint8_t) (((column[0] >> shift) & 15) |
							 ((column[GROUP_BYTES] >> shift) & 15) << 4);
}

void
vs_quant_bits_code(const VsQuantSpec *spec, const uint8_t *bits, uint8_t *code)
{
	memset(code, 0, vs_quant_code_bytes(spec));
	for (int i = 0; i < spec->dim; i++)
		if (bits[i / 8] & (128 >> (i % 8)))
			code[i / 8] |= (uint8_t) (1 << (i % 8));
}

void
vs_quant_bits_floats(const VsQuantSpec *spec, const uint8_t *bits, float *out)
{
	for (int i = 0; i < spec->dim; i++)
		out[i] = (bits[i / 8] & (128 >> (i % 8))) != 0 ? 1.0f : 0.0f;
}
