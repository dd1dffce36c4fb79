/*-------------------------------------------------------------------------
 * ann_memory.h
 *	  Memory and interrupts of bulk work.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_MEMORY_H
#define VS_ANN_MEMORY_H

#include "postgres.h"

#include "storage/block.h"

#include "quant/quant.h"

/* Half of what the session may use for maintenance, in bytes. */
extern Size vs_ann_work_memory(void);

/* The check for interrupts that the quantizer's long loops call. */
extern VsQuantInterrupt vs_ann_interrupt(void);

/* A growing array of block numbers; begins as zeros. */
typedef struct VsAnnBlocks
{
	BlockNumber *blocks;
	int			n;
	int			capacity;
} VsAnnBlocks;

/* Adds a block to a VsAnnBlocks; fits the visits of pages. */
extern void vs_ann_blocks_add(BlockNumber block, void *blocks);

#endif							/* VS_ANN_MEMORY_H */
