/*-------------------------------------------------------------------------
 * ann_page.h
 *	  Page kinds of a vecann index, as they lie on disk.
 *
 * Every page ends in a VsAnnPageOpaqueData.  pd_lower is kept equal to
 * pd_upper, so that generic WAL finds no hole to zero.  Pages of lists are
 * the exception: their hole is the space that no entry has used yet
 * (ann_list.c).  Contents start at VS_ANN_CONTENTS (64), so that codes are
 * aligned to cache lines.  The metapage, directory and extent headers also
 * use the bytes between the page header and VS_ANN_CONTENTS.
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
	VS_ANN_DIRECTORY,			/* heads of lists, place of centroids */
	VS_ANN_CENTROID,			/* centroids */
	VS_ANN_SEGMENT				/* log of seals */
} VsAnnPageKind;

/*
 * Page opaque                        since format 1; every page, at its end
 *	offset	size	content
 *	     0	   8	retired_xid: next transaction id when the page was retired
 *	     8	   4	next page of the same chain, or InvalidBlockNumber
 *	    12	   4	epoch: number of the seal that the page was written for
 *	    16	   2	kind
 *	    18	   2	flags
 *	    20	   2	used: entries on the page (lists count in extent headers)
 *	    22	   2	page id: marks the page as vecann's for tools
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

#define VS_ANN_CLOSED		0x0001	/* pending: taken by a seal, no appends */
#define VS_ANN_RETIRED		0x0002	/* unreachable; the content stays */
#define VS_ANN_CENTRED		0x0004	/* pending: codes against the center */

/*
 * A function, because the macro PageGetSpecialPointer evaluates its argument
 * twice.
 */
static inline VsAnnPageOpaque
VS_ANN_OPAQUE(Page page)
{
	return (VsAnnPageOpaque) PageGetSpecialPointer(page);
}

#define VS_ANN_HEADER		MAXALIGN(SizeOfPageHeaderData)
#define VS_ANN_CONTENTS		64
#define VS_ANN_CONTENTS_END	(BLCKSZ - MAXALIGN(sizeof(VsAnnPageOpaqueData)))
#define VS_ANN_ROOM			(VS_ANN_CONTENTS_END - VS_ANN_CONTENTS)

/*
 * A pending chain.  Each backend appends to one of several, to spread
 * contention.
 */
#define VS_ANN_CHAINS		8

typedef struct VsAnnChain
{
	BlockNumber head;
	BlockNumber tail;
	uint32		npages;
} VsAnnChain;

/*
 * Metapage                           since format 1; written by ann_meta.c
 *	offset	size	content (offsets count from the page header's end)
 *	     0	   8	magic, version
 *	     8	   4	dim, 0 until the first row if it is not declared
 *	    12	   4	metric, bits, value kind, unused
 *	    16	   8	seed of the rotation
 *	    24	   4	sealed: S, the last published seal
 *	    28	   4	sealing: number of a seal begun and not published, or 0
 *	    32	   4	generation: changes with the directory
 *	    36	   4	directory root, or InvalidBlockNumber
 *	    40	   4	number of lists
 *	    44	   4	head of the segment log
 *	    48	   8	entries in the lists
 *	    56	   8	of those, known to be dead
 *	    64	   4	pages retired and not freed yet
 *	    68	   4	first page of the center, or InvalidBlockNumber
 *	    72	  96	growing pending chains
 *	   168	  96	pending chains of the seal begun
 *	   264	   8	rows sealed since all lists were last trained
 *	   272	   8	newest retired_xid of the pages that the last sweep left
 *	   280	   8	number of these pages; unused
 *
 * The last three are 0 if an older version wrote the page.
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
 * The identity of an entry: the TID of its row, and where its value lies.
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
 * Pending page                       since format 1; written by ann_pending.c
 *	offset	size	content
 *	    64	16*n	ids; n = pending_capacity of the geometry
 *	     b	 B*k	k blocks of 32 codes with their factors, coded against the
 *					center if the page's flags say so, else against the
 *					origin; or one narrow block if no whole block fits
 *					(padded dimension over 1,792): w bytes of codes for each
 *					4 dimensions, then three columns of 2w factors.  Entry i
 *					has half a byte of byte i mod w.
 *
 * opaque.used is the number of entries.  opaque.next links the chain.
 * opaque.epoch is the seal that will take the page.  Entries never move:
 * inserts append, VACUUM sets a flag in place, a seal retires whole pages.
 *
 * Extent                             since format 1; written by ann_list.c
 *
 * A list is a chain of extents of extent_entries entries each.  The pages of
 * an extent are the first one (kind EXTENT: header, then code blocks),
 * further code pages, and detail pages.
 *	offset	size	content of the first page
 *	    24	  28	VsAnnExtentHeader
 *	    52	 4*p	block numbers of the extent's further pages: code pages,
 *					then detail pages; InvalidBlockNumber if not made yet
 *	     c	 B*k	code blocks; c = code_start of the geometry
 *
 * Further code pages hold blocks from code_start on.  A block is
 * vs_quant_block_bytes of codes and three columns of 32 factors (none under
 * Hamming).  A block larger than a page is cut after a multiple of 64
 * dimensions.  Detail pages hold, from 64 on, detail_bytes for each entry:
 * VsAnnId, factors of the extra code, extra code (the last two are absent if
 * bits is 1).
 */
typedef struct VsAnnExtentHeader
{
	BlockNumber next;			/* first page of the next extent */
	uint32		nentries;		/* entries in this extent, dead too */
	uint32		ndead;			/* of those, flagged dead */
	/* Of the whole list; valid only in its first extent. */
	BlockNumber tail;			/* first page of the last extent */
	uint32		list_entries;
	uint32		list_no;		/* its place when it was made */
	/*
	 * Entries that stayed together in this list when they were last divided,
	 * or 0.  The list is not split again before it has doubled.
	 */
	uint32		unsplit;
} VsAnnExtentHeader;

StaticAssertDecl(sizeof(VsAnnExtentHeader) == 28, "VsAnnExtentHeader has padding");

#define VS_ANN_EXTENT_HEADER(page) \
	((VsAnnExtentHeader *) ((char *) (page) + VS_ANN_HEADER))
#define VS_ANN_EXTENT_PAGES(page) \
	((BlockNumber *) ((char *) (page) + VS_ANN_HEADER + sizeof(VsAnnExtentHeader)))

/*
 * Directory page                     since format 1; written by ann_directory.c
 *	offset	size	content
 *	    24	  20	VsAnnDirectoryHeader, on the first directory page only
 *	    64	 4*n	first page of each list's first extent
 *
 * opaque.used is n.  opaque.next is the next directory page.  Entry i of the
 * chain belongs to centroid i.
 *
 * Centroid page                      since format 1; written by ann_directory.c
 *	offset	size	content
 *	    64	   f	floats: the mean (padded_dim), then all centroids, as one
 *					stream cut at page ends
 *
 * Centroids are rotated and relative to the mean, which is nonzero under L2
 * only.  The center is a stream of its own: padded_dim floats, rotated, the
 * mean of the rows on which the index was first trained.  It never changes.
 *
 * Directory and centroid pages never change.  A new generation has new
 * directory pages, and new centroid pages if a centroid changed; otherwise
 * both generations lead to the same centroid pages.
 */
typedef struct VsAnnDirectoryHeader
{
	BlockNumber centroids;		/* first centroid page */
	uint32		nlists;
	uint32		padded_dim;
	uint32		generation;
	uint32		centroids_of;	/* generation that wrote them */
} VsAnnDirectoryHeader;

#define VS_ANN_DIRECTORY_HEADER(page) \
	((VsAnnDirectoryHeader *) ((char *) (page) + VS_ANN_HEADER))
#define VS_ANN_DIRECTORY_HEADS(page) \
	((BlockNumber *) ((char *) (page) + VS_ANN_CONTENTS))
#define VS_ANN_HEADS_PER_PAGE	((int) (VS_ANN_ROOM / sizeof(BlockNumber)))
#define VS_ANN_FLOATS_PER_PAGE	((int) (VS_ANN_ROOM / sizeof(float)))

/*
 * Segment page                       since format 1; written by ann_meta.c
 *	offset	size	content
 *	    64	32*n	VsAnnSegment, newest last
 *
 * opaque.used is n.  opaque.next is an older page.
 */
typedef struct VsAnnSegment
{
	uint32		number;
	uint32		method;			/* VsAnnSegmentMethod */
	int64		rows;			/* rows that the seal put into lists */
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
