/*-------------------------------------------------------------------------
 * ann_list_copy.c
 *	  Live entries out of a list: their ids, to be assigned anew, or the entries as
 *	  they are, into another list of the same centroid.
 *
 * A copied entry keeps its seal number: scans that count it in the old list
 * do not know of the new one, and the other way round.
 *
 * The caller holds the seal lock, so lists do not change.  Locks: one page at a time.
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

/* An extent in memory. */
typedef struct Loaded
{
	const VsAnn *ann;
	VsAnnExtent extent;
	char	   *blocks;			/* codes and factors, block_bytes each */
	char	   *details;		/* detail_bytes each */
	uint8	   *code;			/* of one entry */
} Loaded;

static void
loaded_init(Loaded *loaded, const VsAnn *ann)
{
	const VsAnnGeometry *geo = &ann->geo;
	int			nblocks = (geo->extent_entries + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK;

	loaded->ann = ann;
	loaded->blocks = palloc((Size) nblocks * geo->block_bytes);
	loaded->details = palloc((Size) geo->extent_entries * geo->detail_bytes);
	loaded->code = palloc(geo->code_bytes);
}

static void
loaded_free(Loaded *loaded)
{
	pfree(loaded->blocks);
	pfree(loaded->details);
	pfree(loaded->code);
}

/* The blocks of code page p. */
static void
take_blocks(Loaded *loaded, Page page, int p)
{
	const VsAnnGeometry *geo = &loaded->ann->geo;
	int			nblocks = (loaded->extent.header.nentries + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK;
	int			first = p * geo->blocks_per_page;
	int			n = Min(geo->blocks_per_page, nblocks - first);

	if (n > 0)
		memcpy(loaded->blocks + (Size) first * geo->block_bytes, (char *) page + geo->code_start,
			   (Size) n * geo->block_bytes);
}

/* The part of a block cut over pages that is on code page p. */
static void
take_slice(Loaded *loaded, Page page, int p)
{
	const VsAnnGeometry *geo = &loaded->ann->geo;
	int			bytes_per_dim = VS_QUANT_BLOCK / 8;
	int			first_dim = p * geo->slice_dims;
	int			ndims = Min(geo->slice_dims, geo->padded - first_dim);

	if (ndims > 0)
		memcpy(loaded->blocks + first_dim * bytes_per_dim, (char *) page + geo->code_start,
			   ndims * bytes_per_dim);
	if (geo->has_factors && p == geo->factor_page)
		memcpy(loaded->blocks + geo->block_codes, (char *) page + geo->factor_offset,
			   geo->block_bytes - geo->block_codes);
}

static void
load_details(Loaded *loaded)
{
	const VsAnnGeometry *geo = &loaded->ann->geo;
	int			nentries = loaded->extent.header.nentries;

	for (int i = 0; i < nentries; i += geo->details_per_page)
	{
		int			n = Min(geo->details_per_page, nentries - i);
		Buffer		buffer = vs_ann_detail_read(loaded->ann,
												loaded->extent.pages[vs_ann_detail_page_of(geo, i)],
												BUFFER_LOCK_SHARE, n);

		memcpy(loaded->details + (Size) i * geo->detail_bytes,
			   (char *) BufferGetPage(buffer) + VS_ANN_CONTENTS, (Size) n * geo->detail_bytes);
		UnlockReleaseBuffer(buffer);
	}
}

/* Reads the extent that begins at block; with_codes: not only the details. */
static void
load(Loaded *loaded, BlockNumber block, bool with_codes)
{
	const VsAnn *ann = loaded->ann;
	const VsAnnGeometry *geo = &ann->geo;
	int			per_page = geo->blocks_per_page * VS_QUANT_BLOCK;

	vs_ann_extent_read(ann, block, &loaded->extent);
	load_details(loaded);
	if (!with_codes || loaded->extent.header.nentries == 0)
		return;
	for (int p = 0; p < geo->code_pages && p * per_page < loaded->extent.header.nentries; p++)
	{
		Buffer		buffer = p == 0 ?
			vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_EXTENT) :
			vs_ann_page_read(ann, loaded->extent.pages[p - 1], BUFFER_LOCK_SHARE, VS_ANN_CODES);

		if (per_page > 0)
			take_blocks(loaded, BufferGetPage(buffer), p);
		else
			take_slice(loaded, BufferGetPage(buffer), p);
		UnlockReleaseBuffer(buffer);
	}
}

/* The 1-bit code of the i'th entry. */
static void
unpack_code(const Loaded *loaded, int i, uint8 *code)
{
	const VsAnnGeometry *geo = &loaded->ann->geo;

	vs_quant_block_get((uint8_t *) loaded->blocks + (Size) (i / VS_QUANT_BLOCK) * geo->block_bytes,
					   i % VS_QUANT_BLOCK, code, 0, geo->padded);
}

static void
unpack_entry(const Loaded *loaded, int i, VsAnnCoded *entry)
{
	const VsAnnGeometry *geo = &loaded->ann->geo;
	const float *columns = (float *) (loaded->blocks +
									  (Size) (i / VS_QUANT_BLOCK) * geo->block_bytes +
									  geo->block_codes);
	const char *detail = loaded->details + (Size) i * geo->detail_bytes;
	int			slot = i % VS_QUANT_BLOCK;

	memcpy(&entry->id, detail, sizeof(VsAnnId));
	unpack_code(loaded, i, entry->codes);
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
is_dead(const Loaded *loaded, int i)
{
	VsAnnId		id;

	memcpy(&id, loaded->details + (Size) i * loaded->ann->geo.detail_bytes, sizeof(id));
	return (id.flags & VS_ANN_DEAD) != 0;
}

/* Spools the live entries of a list. */
void
vs_ann_list_collect(const VsAnn *ann, BlockNumber head, VsAnnSpool *spool)
{
	bool		with_codes = vs_ann_spooled_code_bytes(ann) > 0;
	BlockNumber block = head;
	VsAnnWalk	walk = {0};
	Loaded		loaded;

	loaded_init(&loaded, ann);
	while (block != InvalidBlockNumber)
	{
		vs_ann_walk_step(ann, &walk, block);
		load(&loaded, block, with_codes);
		for (int i = 0; i < loaded.extent.header.nentries; i++)
		{
			VsAnnId		id;

			if (is_dead(&loaded, i))
				continue;
			memcpy(&id, loaded.details + (Size) i * ann->geo.detail_bytes, sizeof(id));
			if (with_codes)
				unpack_code(&loaded, i, loaded.code);
			vs_ann_spool_put(spool, &id, loaded.code);
		}
		block = loaded.extent.header.next;
	}
	loaded_free(&loaded);
}

/* Calls visit for each live entry of a list, with its 1-bit code. */
void
vs_ann_list_codes(const VsAnn *ann, BlockNumber head,
				  void (*visit) (const VsAnnId *id, const uint8 *code, void *arg), void *arg)
{
	BlockNumber block = head;
	VsAnnWalk	walk = {0};
	Loaded		loaded;

	loaded_init(&loaded, ann);
	while (block != InvalidBlockNumber)
	{
		vs_ann_walk_step(ann, &walk, block);
		load(&loaded, block, true);
		for (int i = 0; i < loaded.extent.header.nentries; i++)
		{
			VsAnnId		id;

			if (is_dead(&loaded, i))
				continue;
			memcpy(&id, loaded.details + (Size) i * ann->geo.detail_bytes, sizeof(id));
			unpack_code(&loaded, i, loaded.code);
			visit(&id, loaded.code, arg);
		}
		block = loaded.extent.header.next;
	}
	loaded_free(&loaded);
}

/*
 * Appends the live entries of the list at from to the one at to, which has the same
 * centroid; returns how many.  epoch marks pages made on the way.
 */
int64
vs_ann_list_copy(const VsAnn *ann, BlockNumber from, BlockNumber to, uint32 epoch)
{
	Size		entry_bytes = vs_ann_coded_bytes(ann);
	int			most = ann->geo.extent_entries;
	char	   *memory = palloc0(entry_bytes * most);
	VsAnnCoded **entries = palloc(sizeof(VsAnnCoded *) * most);
	BlockNumber block = from;
	int64		copied = 0;
	VsAnnWalk	walk = {0};
	Loaded		loaded;

	loaded_init(&loaded, ann);
	for (int i = 0; i < most; i++)
		entries[i] = (VsAnnCoded *) (memory + entry_bytes * i);
	while (block != InvalidBlockNumber)
	{
		int			n = 0;

		vs_ann_walk_step(ann, &walk, block);
		load(&loaded, block, true);
		for (int i = 0; i < loaded.extent.header.nentries; i++)
		{
			if (!is_dead(&loaded, i))
				unpack_entry(&loaded, i, entries[n++]);
		}
		if (n > 0)
			vs_ann_list_append(ann, to, entries, n, epoch);
		copied += n;
		block = loaded.extent.header.next;
	}
	loaded_free(&loaded);
	pfree(entries);
	pfree(memory);
	return copied;
}
