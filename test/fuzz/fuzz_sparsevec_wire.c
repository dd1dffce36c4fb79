/*-------------------------------------------------------------------------
 * fuzz_sparsevec_wire.c
 *	  Fuzz target: binary form of sparsevec.
 *
 * Build: src/types/sparsevec_text.c src/types/sparsevec_wire.c
 *-------------------------------------------------------------------------
 */
#include "fuzz_sparsevec.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *bytes = fuzz_bytes(data, size);
	VsSparseFault fault;
	int32		dim;
	int32		nnz;

	if (vs_sparsevec_wire_header(bytes, size, &dim, &nnz, &fault))
	{
		SparseVector *v = fuzz_sparsevec_new(dim, nnz);

		if (vs_sparsevec_wire_parse(bytes, v, &fault))
		{
			uint8_t    *printed = fuzz_alloc(VS_SPARSE_WIRE_SIZE(nnz));

			fuzz_sparsevec_must_hold(v);
			vs_sparsevec_wire_print(v, printed);
			MUST(memcmp(bytes, printed, VS_SPARSE_WIRE_SIZE(nnz)) == 0);
			free(printed);
		}
		else
			MUST(fault.status != VS_SPARSE_OK);
		free(v);
	}
	else
		MUST(fault.status != VS_SPARSE_OK);
	free(bytes);
	return 0;
}
