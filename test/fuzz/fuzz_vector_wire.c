/*-------------------------------------------------------------------------
 * fuzz_vector_wire.c
 *	  Fuzz target: binary form of vector and halfvec.
 *
 * The first byte selects the size of an element.  A parsed vector must print
 * to the same bytes.
 *
 * Build: src/types/vector_wire.c
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "types/vector_wire.h"

#define MAX_DIM 16000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t		element_size;
	uint8_t    *bytes;
	int			dim;
	int			unused;

	if (size == 0)
		return 0;
	element_size = data[0] % 2 == 0 ? 4 : 2;
	size--;
	bytes = fuzz_bytes(data + 1, size);

	if (vs_types_wire_header(bytes, size, MAX_DIM, element_size, &dim, &unused) == VS_WIRE_OK)
	{
		size_t		printed_size = VS_WIRE_SIZE(dim, element_size);
		uint8_t    *x = fuzz_alloc(element_size * dim);
		uint8_t    *printed = fuzz_alloc(printed_size);

		MUST(dim >= 1 && dim <= MAX_DIM);
		MUST(printed_size <= size);
		vs_types_wire_get(bytes, dim, element_size, x);
		vs_types_wire_put(x, dim, element_size, printed);
		MUST(memcmp(bytes, printed, printed_size) == 0);
		free(x);
		free(printed);
	}
	free(bytes);
	return 0;
}
