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

/*
 * Returns half of the memory that the backend may use for maintenance, in
 * bytes.
 */
extern Size vs_ann_work_memory(void);

/* Returns the interrupt check that the quantizer's long loops call. */
extern VsQuantInterrupt vs_ann_interrupt(void);

/* A growing array of block numbers.  All zeros at the start. */
typedef struct VsAnnBlocks
{
	BlockNumber *blocks;
	int			n;
	int			capacity;
} VsAnnBlocks;

/*
 * Appends a block to a VsAnnBlocks, in the current memory context.  The
 * signature fits the visits of pages (vs_ann_list_pages and others).
 */
extern void vs_ann_blocks_add(BlockNumber block, void *blocks);

#endif							/* VS_ANN_MEMORY_H */
