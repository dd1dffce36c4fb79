/*-------------------------------------------------------------------------
 * store_page.h
 *	  Addresses and the chunk tuple: the value store's on-disk format.
 *
 * The store is the table's TOAST relation: ordinary heap pages, no special
 * space, no metapage, so that heapam's redo, freezing and VACUUM apply.  Owned
 * by store_write.c, the only writer; store_read.c, store_release.c and the
 * check functions read it.
 *
 * Chunk tuple													format 1
 *	offset	size	content
 *	     0	  23	heap tuple header, no null bitmap, t_hoff = 24, natts 3 or 4
 *	    24	   4	chunk_id: address of the value's first chunk
 *	    28	   4	chunk_seq: 0, 1, ... in the order of the data
 *	    32	   4	varlena header of chunk_data, always the 4-byte form
 *	    36	   n	data
 *	   36+n	   4	natts 4: address of the next chunk; n is a multiple of 4
 *
 * The fourth attribute lies beyond the relation's descriptor, which readers of
 * heap tuples (logical decoding too) ignore.  A vector's payload starts with 4
 * bytes of dimension, so its elements lie 8-aligned at offset 40, and offset
 * 32 is a complete Vector.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STORE_PAGE_H
#define VS_STORE_PAGE_H

#include "postgres.h"

#include "access/htup_details.h"
#include "storage/block.h"
#include "storage/bufpage.h"
#include "storage/off.h"

#define VS_STORE_FORMAT			1

#define VS_CHUNK_ID_OFFSET		24
#define VS_CHUNK_SEQ_OFFSET		28
#define VS_CHUNK_VARLENA_OFFSET	32
#define VS_CHUNK_DATA_OFFSET	36
#define VS_CHUNK_NEXT_SIZE		4

/* natts of a value's last chunk, and of a chunk with a continuation */
#define VS_CHUNK_NATTS			3
#define VS_CHUNK_NATTS_LINKED	4

/* maximum bytes of data in one chunk */
#define VS_CHUNK_MAX_DATA		(MaxHeapTupleSize - VS_CHUNK_DATA_OFFSET)

StaticAssertDecl(MAXALIGN(SizeofHeapTupleHeader) == VS_CHUNK_ID_OFFSET,
				 "chunk tuple header has an unexpected size");

/*
 * Addresses
 *
 * An address is block and line pointer in 32 bits.  A page of large values
 * needs few line pointers and a big store needs many blocks, so the split is
 * not fixed: the leading bits are the class of the address, and each class adds
 * line pointers on the blocks of the classes after it.
 *
 *	leading bits	offsets		offset bits		block bits		blocks up to
 *	           0	  1 ..   7			  3				28		2 TB
 *	          10	  8 ..  39			  5				25		256 GB
 *	          11	 40 .. 295			  8				22		32 GB
 *
 * (Sizes for 8 kB pages.)  Every (block, offset) has at most one address.  0 is
 * no address, because the first class does not encode offset 0.
 */
#define VS_STORE_MAX_BLOCKS		((BlockNumber) 1 << 28)

/* Highest line pointer that has an address on the block. */
static inline OffsetNumber
vs_address_max_offset(BlockNumber block)
{
	if (block < ((BlockNumber) 1 << 22))
		return Min(MaxHeapTuplesPerPage, 295);
	if (block < ((BlockNumber) 1 << 25))
		return 39;
	return 7;
}

/* Needs offset <= vs_address_max_offset(block). */
static inline Oid
vs_address_make(BlockNumber block, OffsetNumber offset)
{
	Assert(block < VS_STORE_MAX_BLOCKS);
	Assert(offset >= FirstOffsetNumber && offset <= vs_address_max_offset(block));
	if (offset <= 7)
		return (Oid) ((block << 3) | offset);
	if (offset <= 39)
		return (Oid) ((uint32) 2 << 30 | (block << 5) | (uint32) (offset - 8));
	return (Oid) ((uint32) 3 << 30 | (block << 8) | (uint32) (offset - 40));
}

static inline BlockNumber
vs_address_block(Oid address)
{
	if ((address >> 31) == 0)
		return (BlockNumber) (address >> 3);
	if ((address >> 30) == 2)
		return (BlockNumber) ((address & (uint32) 0x3FFFFFFF) >> 5);
	return (BlockNumber) ((address & (uint32) 0x3FFFFFFF) >> 8);
}

/* May return 0 or more than the page has: callers compare it with the page. */
static inline OffsetNumber
vs_address_offset(Oid address)
{
	if ((address >> 31) == 0)
		return (OffsetNumber) (address & 7);
	if ((address >> 30) == 2)
		return (OffsetNumber) ((address & 31) + 8);
	return (OffsetNumber) ((address & 255) + 40);
}

/* Whether the tuple has the fourth attribute. */
static inline bool
vs_chunk_is_linked(HeapTupleHeader tuple)
{
	return HeapTupleHeaderGetNatts(tuple) == VS_CHUNK_NATTS_LINKED;
}

/* A chunk on a pinned page, see vs_chunk_locate. */
typedef struct VsChunk
{
	const char *data;
	Size		len;
	Oid			next;			/* InvalidOid: last chunk */
} VsChunk;

/*
 * Finds the chunk of the value with sequence number seq at the offset.  False
 * if there is no such chunk.  Needs a pin on the page, settled by
 * vs_store_settle, and no lock.
 */
extern bool vs_chunk_locate(Page page, OffsetNumber offset, Oid value, int32 seq,
							VsChunk *chunk);

#endif							/* VS_STORE_PAGE_H */
