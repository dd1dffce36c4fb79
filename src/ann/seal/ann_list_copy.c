/*-------------------------------------------------------------------------
 * ann_list_copy.c
 *	  Taking live entries out of a list: their ids, to be assigned again, or
 *	  the whole entries, into another list with the same centroid.
 *
 * A copied entry keeps its seal number.  A scan counts it once: the scan's
 * directory leads either to the old list or to the new one.
 *
 * The caller holds the seal lock, so lists do not change.  Locks: one page at
 * a time.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_list_copy.h"
#include "ann/seal/ann_spool.h"
#include "quant/quant.h"

/* A copy of an extent in memory. */
typedef struct ExtentCopy
{
	const VsAnn *ann;
	VsAnnExtent extent;
	char	   *blocks;			/* codes and factors, block_bytes each */
	char	   *details;		/* detail_bytes each */
	uint8	   *code;			/* of one entry */
} ExtentCopy;

static void
allocate_copy(ExtentCopy *copy, const VsAnn *ann)
{
	const VsAnnGeometry *geo = &ann->geo;
	int			nblocks = (geo->extent_entries + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK;

	copy->ann = ann;
	copy->blocks = palloc((Size) nblocks * geo->block_bytes);
	copy->details = palloc((Size) geo->extent_entries * geo->detail_bytes);
	copy->code = palloc(geo->code_bytes);
}

static void
free_copy(ExtentCopy *copy)
{
	pfree(copy->blocks);
	pfree(copy->details);
	pfree(copy->code);
}

/* Copies the blocks of code page p. */
static void
copy_blocks(ExtentCopy *copy, Page page, int p)
{
	const VsAnnGeometry *geo = &copy->ann->geo;
	int			nblocks = (copy->extent.header.nentries + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK;
	int			first = p * geo->blocks_per_page;
	int			n = Min(geo->blocks_per_page, nblocks - first);

	if (n > 0)
		memcpy(copy->blocks + (Size) first * geo->block_bytes, (char *) page + geo->code_start,
			   (Size) n * geo->block_bytes);
}

/* Copies the slice that code page p holds of a block that spans pages. */
static void
copy_slice(ExtentCopy *copy, Page page, int p)
{
	const VsAnnGeometry *geo = &copy->ann->geo;
	int			bytes_per_dim = VS_QUANT_BLOCK / 8;
	int			first_dim = p * geo->slice_dims;
	int			ndims = Min(geo->slice_dims, geo->padded - first_dim);

	if (ndims > 0)
		memcpy(copy->blocks + first_dim * bytes_per_dim, (char *) page + geo->code_start,
			   ndims * bytes_per_dim);
	if (geo->has_factors && p == geo->factor_page)
		memcpy(copy->blocks + geo->block_codes, (char *) page + geo->factor_offset,
			   geo->block_bytes - geo->block_codes);
}

static void
copy_details(ExtentCopy *copy)
{
	const VsAnnGeometry *geo = &copy->ann->geo;
	int			nentries = copy->extent.header.nentries;

	for (int i = 0; i < nentries; i += geo->details_per_page)
	{
		int			n = Min(geo->details_per_page, nentries - i);
		Buffer		buffer = vs_ann_detail_read(copy->ann,
												copy->extent.pages[vs_ann_detail_page_of(geo, i)],
												BUFFER_LOCK_SHARE, n);

		memcpy(copy->details + (Size) i * geo->detail_bytes,
			   (char *) BufferGetPage(buffer) + VS_ANN_CONTENTS, (Size) n * geo->detail_bytes);
		UnlockReleaseBuffer(buffer);
	}
}

/*
 * Reads the extent that begins at block, with its codes if with_codes.  Each
 * page is locked while it is copied.
 */
static void
copy_extent(ExtentCopy *copy, BlockNumber block, bool with_codes)
{
	const VsAnn *ann = copy->ann;
	const VsAnnGeometry *geo = &ann->geo;
	int			per_page = geo->blocks_per_page * VS_QUANT_BLOCK;

	vs_ann_extent_read(ann, block, &copy->extent);
	copy_details(copy);
	if (!with_codes || copy->extent.header.nentries == 0)
		return;
	for (int p = 0; p < geo->code_pages && p * per_page < copy->extent.header.nentries; p++)
	{
		Buffer		buffer = p == 0 ?
			vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_EXTENT) :
			vs_ann_page_read(ann, copy->extent.pages[p - 1], BUFFER_LOCK_SHARE, VS_ANN_CODES);

		if (per_page > 0)
			copy_blocks(copy, BufferGetPage(buffer), p);
		else
			copy_slice(copy, BufferGetPage(buffer), p);
		UnlockReleaseBuffer(buffer);
	}
}

/* Unpacks the 1-bit code of the i'th entry. */
static void
unpack_code(const ExtentCopy *copy, int i, uint8 *code)
{
	const VsAnnGeometry *geo = &copy->ann->geo;

	vs_quant_block_get((uint8_t *) copy->blocks + (Size) (i / VS_QUANT_BLOCK) * geo->block_bytes,
					   i % VS_QUANT_BLOCK, code, 0, geo->padded);
}

static void
unpack_entry(const ExtentCopy *copy, int i, VsAnnCoded *entry)
{
	const VsAnnGeometry *geo = &copy->ann->geo;
	const float *columns = (float *) (copy->blocks +
									  (Size) (i / VS_QUANT_BLOCK) * geo->block_bytes +
									  geo->block_codes);
	const char *detail = copy->details + (Size) i * geo->detail_bytes;
	int			slot = i % VS_QUANT_BLOCK;

	memcpy(&entry->id, detail, sizeof(VsAnnId));
	unpack_code(copy, i, entry->codes);
	if (geo->has_factors)
	{
		entry->factors.add = columns[slot];
		entry->factors.rescale = columns[VS_QUANT_BLOCK + slot];
		entry->factors.error = columns[2 * VS_QUANT_BLOCK + slot];
	}
	if (geo->extra_bytes > 0)
	{
		detail += sizeof(VsAnnId);
		memcpy(&entry->extra_factors, detail, sizeof(VsQuantFactors));
		memcpy(entry->codes + geo->code_bytes, detail + sizeof(VsQuantFactors), geo->extra_bytes);
	}
}

static bool
entry_is_dead(const ExtentCopy *copy, int i)
{
	VsAnnId		id;

	memcpy(&id, copy->details + (Size) i * copy->ann->geo.detail_bytes, sizeof(id));
	return (id.flags & VS_ANN_DEAD) != 0;
}

typedef void (*EntryVisit) (const VsAnnId *id, const uint8 *code, void *arg);

/*
 * Calls visit for each live entry of a list.  Without with_codes the code means
 * nothing, and no code page is read.
 */
static void
visit_live_entries(const VsAnn *ann, BlockNumber head, bool with_codes, EntryVisit visit, void *arg)
{
	BlockNumber block = head;
	VsAnnWalk	walk = {0};
	ExtentCopy	copy;

	allocate_copy(&copy, ann);
	while (block != InvalidBlockNumber)
	{
		vs_ann_walk_step(ann, &walk, block);
		copy_extent(&copy, block, with_codes);
		for (int i = 0; i < copy.extent.header.nentries; i++)
		{
			VsAnnId		id;

			if (entry_is_dead(&copy, i))
				continue;
			memcpy(&id, copy.details + (Size) i * ann->geo.detail_bytes, sizeof(id));
			if (with_codes)
				unpack_code(&copy, i, copy.code);
			visit(&id, copy.code, arg);
		}
		block = copy.extent.header.next;
	}
	free_copy(&copy);
}

static void
spool_entry(const VsAnnId *id, const uint8 *code, void *arg)
{
	vs_ann_spool_put((VsAnnSpool *) arg, id, code);
}

void
vs_ann_list_collect(const VsAnn *ann, BlockNumber head, VsAnnSpool *spool)
{
	visit_live_entries(ann, head, vs_ann_spooled_code_bytes(ann) > 0, spool_entry, spool);
}

void
vs_ann_list_codes(const VsAnn *ann, BlockNumber head,
				  void (*visit) (const VsAnnId *id, const uint8 *code, void *arg), void *arg)
{
	visit_live_entries(ann, head, true, visit, arg);
}

/*
 * One extent is loaded and its live entries are appended at a time.  A crash
 * leaves a list to which no published directory leads.
 */
int64
vs_ann_list_copy(const VsAnn *ann, BlockNumber from, BlockNumber to, uint32 epoch)
{
	Size		entry_bytes = vs_ann_coded_bytes(ann);
	int			max_entries = ann->geo.extent_entries;
	char	   *memory = palloc0(entry_bytes * max_entries);
	VsAnnCoded **entries = palloc(sizeof(VsAnnCoded *) * max_entries);
	BlockNumber block = from;
	int64		copied = 0;
	VsAnnWalk	walk = {0};
	ExtentCopy	copy;

	allocate_copy(&copy, ann);
	for (int i = 0; i < max_entries; i++)
		entries[i] = (VsAnnCoded *) (memory + entry_bytes * i);
	while (block != InvalidBlockNumber)
	{
		int			n = 0;

		vs_ann_walk_step(ann, &walk, block);
		copy_extent(&copy, block, true);
		for (int i = 0; i < copy.extent.header.nentries; i++)
		{
			if (!entry_is_dead(&copy, i))
				unpack_entry(&copy, i, entries[n++]);
		}
		if (n > 0)
			vs_ann_list_append(ann, to, entries, n, epoch);
		copied += n;
		block = copy.extent.header.next;
	}
	free_copy(&copy);
	pfree(entries);
	pfree(memory);
	return copied;
}
