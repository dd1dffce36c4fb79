/*-------------------------------------------------------------------------
 * ann_memory.c
 *	  Memory and interrupts of bulk work.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "compat/compat.h"
#include "quant/quant.h"

/* An autovacuum worker uses autovacuum_work_mem, if it is set. */
Size
vs_ann_work_memory(void)
{
	int			kilobytes = maintenance_work_mem;

	if (VS_IS_AUTOVACUUM_WORKER() && autovacuum_work_mem != -1)
		kilobytes = autovacuum_work_mem;
	return (Size) kilobytes * 1024 / 2;
}

static void
check_interrupts(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

VsQuantInterrupt
vs_ann_interrupt(void)
{
	VsQuantInterrupt interrupt = {check_interrupts, NULL};

	return interrupt;
}

void
vs_ann_blocks_add(BlockNumber block, void *arg)
{
	VsAnnBlocks *blocks = (VsAnnBlocks *) arg;

	if (blocks->n == blocks->capacity)
	{
		blocks->capacity = Max(64, blocks->capacity * 2);
		if (blocks->blocks == NULL)
			blocks->blocks = palloc(sizeof(BlockNumber) * blocks->capacity);
		else
			blocks->blocks = repalloc_huge(blocks->blocks,
										   sizeof(BlockNumber) * blocks->capacity);
	}
	blocks->blocks[blocks->n++] = block;
}
