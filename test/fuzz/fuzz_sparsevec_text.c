/*-------------------------------------------------------------------------
 * fuzz_sparsevec_text.c
 *	  Fuzz target: text of sparsevec.
 *
 * Build: src/types/sparsevec_text.c src/types/sparsevec_wire.c
 *-------------------------------------------------------------------------
 */
#include "fuzz_sparsevec.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = fuzz_text(data, size);
	VsSparseFault fault;
	SparseVector *v = fuzz_sparsevec_parse(text, &fault);

	if (v != NULL)
		fuzz_sparsevec_must_hold(v);
	else
	{
		MUST(fault.status != VS_SPARSE_OK);
		MUST(fault.at + fault.length <= strlen(text));
		MUST(fault.status != VS_SPARSE_SYNTAX || strlen(fault.wanted) > 0);
	}
	free(v);
	free(text);
	return 0;
}
