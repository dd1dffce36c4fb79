/*-------------------------------------------------------------------------
 * store_init.c
 *	  Load-time initialization of the value store.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/store.h"
#include "store/store_internal.h"
#include "utils/guc.h"

int			vs_store_block_limit = VS_STORE_MAX_BLOCKS;

void
vs_store_init(void)
{
	DefineCustomIntVariable("vecstore.store_block_limit",
							"Blocks that a table's value store may have.",
							"A lower limit than the address space's, to test what happens at it.",
							&vs_store_block_limit,
							VS_STORE_MAX_BLOCKS, 1, VS_STORE_MAX_BLOCKS,
							PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	vs_store_fetch_init();
}
