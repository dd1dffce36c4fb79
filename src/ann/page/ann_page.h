/*-------------------------------------------------------------------------
 * ann_page.h
 *	  Page kinds of a vecann index, as they lie on disk.
 *
 * Every page ends in a VsAnnPageOpaqueData.  pd_lower is kept at pd_upper, so
 * there is no hole that generic WAL would zero, but on pages of lists: there the hole is what
 * entries have not come to yet (ann_list.c).  Contents start at
 * VS_ANN_CONTENTS (64, so that codes are aligned to cache lines); metapage
 * and extent headers use the bytes from the page header's end.
 *
 * docs/on-disk-format.md describes the same in prose.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PAGE_H
#define VS_ANN_PAGE_H

#include "postgres.h"

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "storage/block.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"

#define VS_ANN_MAGIC		0x56414E4E	/* "VANN" */
#define VS_ANN_VERSION		1
#define VS_ANN_META_BLKNO	0

typedef enum VsAnnPageKind
{
	VS_ANN_META = 1,
	VS_ANN_PENDING,				/* rows since the last seal */
	VS_ANN_EXTENT,				/* first page of an extent of a list */
	VS_ANN_CODES,				/* further code pages of an extent */
	VS_ANN_DETAIL,				/* ids and extra codes of an extent */
	VS_ANN_DIRECTORY,			/* heads of the lists, and where their centroids are */
	VS_ANN_CENTROID,			/* centroids */
	VS_ANN_SEGMENT				/* log of seals */
} VsAnnPageKind;

/*
 * Page opaque                         since format 1; every page, at its end
 *	offset	size	content
 *	     0	   8	retired_xid: next transaction when the page was retired
 *	     8	   4	next page of the same chain, or InvalidBlockNumber
 *	    12	   4	epoch: seal number the page was written for
 *	    16	   2	kind
 *	    18	   2	flags
 *	    20	   2	used: entries on the page (pending, detail pages count elsewhere)
 *	    22	   2	page id, tells tools whose page it is
 */
typedef struct VsAnnPageOpaqueData
{
	FullTransactionId retired_xid;
	BlockNumber next;
	uint32		epoch;
	uint16		kind;
	uint16		flags;
	uint16		used;
	uint16		page_id;
} VsAnnPageOpaqueData;

typedef VsAnnPageOpaqueData *VsAnnPageOpaque;

#define VS_ANN_PAGE_ID		0xFF9A

#define VS_ANN_CLOSED		0x0001	/* pending: a seal has it, append elsewhere */
#define VS_ANN_RETIRED		0x0002	/* unreachable from the metapage; content stays */
#define VS_ANN_CENTRED		0x0004	/* pending: coded against the centre, not the origin */

/* a function, for PageGetSpecialPointer is a macro that uses its argument twice */
static inline VsAnnPageOpaque
VS_ANN_OPAQUE(Page page)
{
	return (VsAnnPageOpaque) PageGetSpecialPointer(page);
}

#define VS_ANN_HEADER		MAXALIGN(SizeOfPageHeaderData)
#define VS_ANN_CONTENTS		64
#define VS_ANN_CONTENTS_END	(BLCKSZ - MAXALIGN(sizeof(VsAnnPageOpaqueData)))
#define VS_ANN_ROOM			(VS_ANN_CONTENTS_END - VS_ANN_CONTENTS)

/* A pending chain.  Inserters pick one by backend, so that no page is hot. */
#define VS_ANN_CHAINS		8

typedef struct VsAnnChain
{
	BlockNumber head;
	BlockNumber tail;
	uint32		npages;
} VsAnnChain;

/*
 * Metapage                            since format 1; written by ann_meta.c
 *	offset	size	content (from the page header's end)
 *	     0	   8	magic, version
 *	     8	   4	dim, 0 until the first row when it is not declared
 *	    12	   4	metric, bits, value kind, unused
 *	    16	   8	seed of the rotation
 *	    24	   4	sealed: S, the last published seal
 *	    28	   4	sealing: number of a seal begun and not published, or 0
 *	    32	   4	generation: changes with the directory
 *	    36	   4	directory root, or InvalidBlockNumber
 *	    40	   4	number of lists
 *	    44	   4	head of the segment log
 *	    48	   8	rows in the lists
 *	    56	   8	of those, known dead
 *	    64	   4	pages retired since the last sweep
 *	    68	   4	first page of the centre, or InvalidBlockNumber
 *	    72	  96	growing pending chains
 *	   168	  96	pending chains of the seal begun
 *	   264	   8	rows sealed since all lists were last trained
 *	   272	   8	newest retired_xid of the pages that the last sweep could not free
 *	   280	   8	how many these are; unused
 * The last three are 0 where an older version wrote.
 */
typedef struct VsAnnMetaData
{
	uint32		magic;
	uint32		version;
	uint32		dim;
	uint8		metric;
	uint8		bits;
	uint8		value_kind;
	uint8		unused;
	uint64		seed;
	uint32		sealed;
	uint32		sealing;
	uint32		generation;
	BlockNumber directory;
	uint32		nlists;
	BlockNumber segments;
	int64		list_rows;
	int64		list_dead;
	uint32		pages_retired;
	BlockNumber centre;
	VsAnnChain	growing[VS_ANN_CHAINS];
	VsAnnChain	closing[VS_ANN_CHAINS];
	int64		fresh_rows;
	FullTransactionId waiting_xid;
	uint32		pages_waiting;
	uint32		unused2;
} VsAnnMetaData;

StaticAssertDecl(sizeof(VsAnnPageOpaqueData) == 24, "VsAnnPageOpaqueData has padding");
StaticAssertDecl(offsetof(VsAnnMetaData, seed) == 16, "VsAnnMetaData has padding");
StaticAssertDecl(offsetof(VsAnnMetaData, list_rows) == 48, "VsAnnMetaData has padding");
StaticAssertDecl(offsetof(VsAnnMetaData, growing) == 72, "VsAnnMetaData has padding");
StaticAssertDecl(offsetof(VsAnnMetaData, fresh_rows) == 264, "VsAnnMetaData has padding");
StaticAssertDecl(sizeof(VsAnnMetaData) == 288, "VsAnnMetaData has padding");

#define VS_ANN_META_DATA(page) \
	((VsAnnMetaData *) ((char *) (page) + VS_ANN_HEADER))

/*
 * Who an entry is: the row, and where its value lies.
 *	offset	size	content
 *	     0	   6	TID
 *	     6	   2	flags
 *	     8	   4	value address (store.h)
 *	    12	   4	seal number (0 on pending pages)
 */
typedef struct VsAnnId
{
	ItemPointerData tid;
	uint16		flags;
	uint32		address;
	uint32		seal;
} VsAnnId;

#define VS_ANN_DEAD			0x0001

StaticAssertDecl(sizeof(VsAnnId) == 16, "VsAnnId has padding");

/*
 * Pending page                        since format 1; written by ann_pending.c
 *	offset	size	content
 *	    64	16*n	ids; n = geometry's pending_capacity
 *	     b	 B*k	k blocks of 32 codes against the origin, or the centre if the page's flags
 *					say so, with their factors; one narrow block when none fits (padded
 *					dimension over 1,792): codes, w bytes for each 4 dimensions, then three
 *					columns of 2w factors.  Entry i has half a byte of byte i mod w.
 * opaque.used ends the last entry, opaque.next links the chain, opaque.epoch
 * is the seal that will take it.  Entries never move: inserts append, vacuum
 * sets a flag in place, a seal retires whole pages.
 *
 * Extent                              since format 1; written by ann_list.c
 *	A list is a chain of extents of extent_entries entries each.  Pages of an extent:
 *	the first (kind EXTENT: header, then code blocks), further code pages, detail pages.
 *	offset	size	content of the first page
 *	    24	  28	VsAnnExtentHeader
 *	    52	 4*p	block numbers of the extent's further pages: code pages, then detail
 *					pages; InvalidBlockNumber where not yet needed
 *	     c	 B*k	code blocks; c = geometry's code_start
 * Code pages hold blocks from code_start on.  A block is vs_quant_block_bytes
 * of codes and three columns of 32 factors (none under Hamming).  One that is
 * larger than a page is cut after a multiple of 64 dimensions.
 * Detail pages hold, from 64 on, detail_bytes for each entry: VsAnnId, factors of
 * the extra code, extra code (both absent when bits is 1).
 */
typedef struct VsAnnExtentHeader
{
	BlockNumber next;			/* next extent's first page */
	uint32		nentries;		/* entries of this extent, dead ones too */
	uint32		ndead;			/* of those, flagged dead */
	/* of the whole list, kept in its first extent only */
	BlockNumber tail;			/* last extent's first page */
	uint32		list_entries;
	uint32		list_no;		/* place in the directory when it was made */
	uint32		unsplit;		/* entries that stayed together when they were divided, or 0 */
} VsAnnExtentHeader;

StaticAssertDecl(sizeof(VsAnnExtentHeader) == 28, "VsAnnExtentHeader has padding");

#define VS_ANN_EXTENT_HEADER(page) \
	((VsAnnExtentHeader *) ((char *) (page) + VS_ANN_HEADER))
#define VS_ANN_EXTENT_PAGES(page) \
	((BlockNumber *) ((char *) (page) + VS_ANN_HEADER + sizeof(VsAnnExtentHeader)))

/*
 * Directory page                      since format 1; written by ann_directory.c
 *	offset	size	content
 *	    64	 4*n	first page of each list's first extent
 * opaque.used is n, opaque.next the next directory page.  Entry i of the chain
 * belongs to centroid i.  The first directory page's bytes 24-63 hold a
 * VsAnnDirectoryHeader.
 *
 * Centroid page                       since format 1; written by ann_directory.c
 *	offset	size	content
 *	    64	   f	floats: the mean (padded_dim), then all centroids, one stream
 *					cut at page ends
 * Rotated, and relative to the mean, which is not zero under L2 only.  The centre is
 * a stream of its own: padded_dim floats, rotated; the mean of the rows that the
 * index was first trained on.  It never changes.
 * Directory and centroid pages are never changed: a new generation has new ones, but for
 * centroids that stay all the same, which both lead to.
 */
typedef struct VsAnnDirectoryHeader
{
	BlockNumber centroids;		/* first centroid page */
	uint32		nlists;
	uint32		padded_dim;
	uint32		generation;
	uint32		centroids_of;	/* generation that wrote the centroids */
} VsAnnDirectoryHeader;

#define VS_ANN_DIRECTORY_HEADER(page) \
	((VsAnnDirectoryHeader *) ((char *) (page) + VS_ANN_HEADER))
#define VS_ANN_DIRECTORY_HEADS(page) \
	((BlockNumber *) ((char *) (page) + VS_ANN_CONTENTS))
#define VS_ANN_HEADS_PER_PAGE	((int) (VS_ANN_ROOM / sizeof(BlockNumber)))
#define VS_ANN_FLOATS_PER_PAGE	((int) (VS_ANN_ROOM / sizeof(float)))

/*
 * Segment page                        since format 1; written by ann_meta.c
 *	offset	size	content
 *	    64	32*n	VsAnnSegment, newest last; opaque.used is n; opaque.next an older page
 */
typedef struct VsAnnSegment
{
	uint32		number;
	uint32		method;			/* VsAnnSegmentMethod */
	int64		rows;			/* when it was sealed */
	TimestampTz created;
	uint32		nlists;
	uint32		unused;
} VsAnnSegment;

typedef enum VsAnnSegmentMethod
{
	VS_ANN_SEALED_BUILD = 1,
	VS_ANN_SEALED_FLUSH,
	VS_ANN_SEALED_COMPACT
} VsAnnSegmentMethod;

StaticAssertDecl(sizeof(VsAnnSegment) == 32, "VsAnnSegment has padding");

#define VS_ANN_SEGMENTS(page) \
	((VsAnnSegment *) ((char *) (page) + VS_ANN_CONTENTS))
#define VS_ANN_SEGMENTS_PER_PAGE	((int) (VS_ANN_ROOM / sizeof(VsAnnSegment)))

#endif							/* VS_ANN_PAGE_H */
