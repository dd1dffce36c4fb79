/*-------------------------------------------------------------------------
 * ann_pending.c
 *	  Pending pages: rows added since the last seal, in arrival order.
 *
 * An insert appends a batch of entries to the tail page of a chain.  The seal
 * later finds lists for them.  Backends spread over VS_ANN_CHAINS chains.  No
 * backend appends to a page that a seal has closed: an inserter that meets
 * one goes back to the metapage.
 *
 * Entries carry a 1-bit code, in blocks of 32, so that a scan scores a page
 * at once.  The code is against the center if the page's flags say so, else
 * against the origin.  Entries coded against another vector than the tail
 * page's go to a new page.  If a block does not fit beside its ids, the page
 * has a narrow block with fewer slots, which a scan widens before it scores
 * it.
 *
 * Keeps invariants A1 and A2.  Locks: the metapage, then the tail page, then
 * the new page; an append to a page with room takes only the tail page's
 * lock.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "compat/ann_compat.h"
#include "quant/quant.h"
#include "util/stop_point.h"

VsAnnId *
vs_ann_pending_ids(Page page)
{
	return (VsAnnId *) ((char *) page + VS_ANN_CONTENTS);
}

/*
 * Sets the pointers of *block to the parts of the block that begins at start.
 */
static void
locate_block(const VsAnnGeometry *geo, char *start, VsQuantBlock *block)
{
	float	   *factors = (float *) (start + geo->block_codes);

	block->codes = (uint8_t *) start;
	block->add = geo->has_factors ? factors : NULL;
	block->rescale = geo->has_factors ? factors + VS_QUANT_BLOCK : NULL;
	block->error = geo->has_factors ? factors + 2 * VS_QUANT_BLOCK : NULL;
}

void
vs_ann_pending_block(const VsAnn *ann, Page page, int block, VsQuantBlock *out)
{
	locate_block(&ann->geo, (char *) page + ann->geo.pending_codes +
				 block * ann->geo.block_bytes, out);
}

void
vs_ann_pending_code(const VsAnn *ann, Page page, int ordinal, uint8 *code)
{
	VsQuantBlock block;

	vs_ann_pending_block(ann, page, ordinal / VS_QUANT_BLOCK, &block);
	vs_quant_block_get(block.codes, ordinal % VS_QUANT_BLOCK, code, 0, ann->geo.padded);
}

/*
 * Returns whether the page can take an entry coded against the given vector.
 * Needs an exclusive lock on the page, which invariant A1 relies on: only
 * then do the answer and the append see the same page.
 */
static bool
has_room(const VsAnn *ann, Page page, bool centred)
{
	VsAnnPageOpaque opaque;

	if (vs_ann_page_fault(ann, page, VS_ANN_PENDING) != NULL)
		return false;
	opaque = VS_ANN_OPAQUE(page);
	return (opaque->flags & (VS_ANN_CLOSED | VS_ANN_RETIRED)) == 0 &&
		((opaque->flags & VS_ANN_CENTRED) != 0) == centred &&
		opaque->next == InvalidBlockNumber &&
		opaque->used < ann->geo.pending_capacity;
}

static void
put_in_block(const VsAnnGeometry *geo, Page page, int ordinal, const uint8 *code,
			 const VsQuantFactors *factors)
{
	int			slot = ordinal % VS_QUANT_BLOCK;
	char	   *block = (char *) page + geo->pending_codes +
		ordinal / VS_QUANT_BLOCK * geo->block_bytes;
	float	   *columns = (float *) (block + geo->block_codes);

	vs_quant_block_put((uint8_t *) block, slot, code, 0, geo->padded);
	if (geo->has_factors)
	{
		columns[slot] = factors->add;
		columns[VS_QUANT_BLOCK + slot] = factors->rescale;
		columns[2 * VS_QUANT_BLOCK + slot] = factors->error;
	}
}

/* Returns the number of bytes of the codes of a narrow block. */
static Size
get_narrow_code_bytes(const VsAnnGeometry *geo)
{
	return (Size) geo->padded / 4 * geo->pending_width;
}

/*
 * Each code byte holds two groups of 4 dimensions, half a byte each.  The
 * page was zeroed when it was made, so the bits can be set with OR.
 */
static void
put_in_narrow_block(const VsAnnGeometry *geo, Page page, int ordinal, const uint8 *code,
					const VsQuantFactors *factors)
{
	int			width = geo->pending_width;
	int			shift = ordinal / width * 4;
	uint8	   *block = (uint8 *) page + geo->pending_codes;
	uint8	   *column = block + ordinal % width;
	float	   *factor = (float *) (block + get_narrow_code_bytes(geo)) + ordinal;

	for (int i = 0; i < geo->code_bytes; i++, column += 2 * width)
	{
		column[0] |= (code[i] & 15) << shift;
		column[width] |= (code[i] >> 4) << shift;
	}
	factor[0] = factors->add;
	factor[geo->pending_capacity] = factors->rescale;
	factor[2 * geo->pending_capacity] = factors->error;
}

void
vs_ann_pending_widen(const VsAnn *ann, Page page, char *memory, VsQuantBlock *out)
{
	const VsAnnGeometry *geo = &ann->geo;
	const int	whole = VS_QUANT_BLOCK / 2;
	int			width = geo->pending_width;
	const char *codes = (const char *) page + geo->pending_codes;
	const float *from = (const float *) (codes + get_narrow_code_bytes(geo));
	float	   *to = (float *) (memory + geo->block_codes);

	StaticAssertStmt(sizeof(VsAnnPageOpaqueData) >= VS_QUANT_BLOCK / 2, "reads beyond the page");
	for (int i = 0; i < geo->padded / 4; i++)
		memcpy(memory + i * whole, codes + i * width, whole);
	for (int i = 0; i < 3; i++, from += geo->pending_capacity, to += VS_QUANT_BLOCK)
	{
		memcpy(to, from, sizeof(float) * width);
		memcpy(to + whole, from + width, sizeof(float) * width);
	}
	locate_block(geo, memory, out);
}

/*
 * Puts entries of the batch on the page while it has room.  Returns their
 * number.
 */
static int
put_entries(const VsAnn *ann, Page page, const VsAnnPendingBatch *batch)
{
	const VsAnnGeometry *geo = &ann->geo;
	VsAnnPageOpaque opaque = VS_ANN_OPAQUE(page);
	int			n = Min(batch->n - batch->written, geo->pending_capacity - opaque->used);

	memcpy(vs_ann_pending_ids(page) + opaque->used, batch->ids + batch->written, sizeof(VsAnnId) * n);
	for (int i = 0; i < n; i++)
	{
		int			from = batch->written + i;
		const uint8 *code = batch->codes + (Size) from * geo->code_bytes;

		if (geo->pending_blocks > 0)
			put_in_block(geo, page, opaque->used + i, code, &batch->factors[from]);
		else
			put_in_narrow_block(geo, page, opaque->used + i, code, &batch->factors[from]);
	}
	opaque->used += n;
	return n;
}

/*
 * Appends entries to the tail page and returns their number.  Returns 0 if
 * the page is full, closed, coded against another vector, or no longer a
 * pending page.
 */
static int
append_to_page(const VsAnn *ann, BlockNumber tail, const VsAnnPendingBatch *batch)
{
	Buffer		buffer = ReadBuffer(ann->index, tail);
	VsAnnChange change;
	int			n;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (!has_room(ann, BufferGetPage(buffer), batch->centred))
	{
		UnlockReleaseBuffer(buffer);
		return 0;
	}
	vs_ann_change_begin(&change, ann);
	n = put_entries(ann, vs_ann_change_page(&change, buffer), batch);
	vs_ann_change_commit(&change);
	return n;
}

/*
 * Adds a tail page to the chain, with the first entries of the batch on it,
 * and returns their number.  We hold the locks of the metapage and the old
 * tail.  If another backend has extended the chain meanwhile, the tail has
 * room again: then *tail is set to it and the result is 0.
 *
 * The new page, the link to it and the metapage are one change.  So after a
 * crash every pending page with an unpublished epoch is reachable (invariant
 * A2).
 */
static int
extend_chain(const VsAnn *ann, int chain_no, const VsAnnPendingBatch *batch, BlockNumber *tail)
{
	VsAnnChange change;
	VsAnnMetaData *meta;
	VsAnnChain *chain;
	Page		page;
	Page		last = NULL;
	int			n;

	vs_ann_change_begin(&change, ann);
	meta = vs_ann_meta_change(&change);
	chain = &meta->growing[chain_no];
	if (chain->tail != InvalidBlockNumber)
	{
		last = vs_ann_change_read(&change, chain->tail, VS_ANN_PENDING);
		if (has_room(ann, last, batch->centred))
		{
			*tail = chain->tail;
			vs_ann_change_abort(&change);
			return 0;
		}
	}
	page = vs_ann_change_new(&change, VS_ANN_PENDING, Max(meta->sealed, meta->sealing) + 1, tail);
	if (batch->centred)
		VS_ANN_OPAQUE(page)->flags |= VS_ANN_CENTRED;
	if (last != NULL)
		VS_ANN_OPAQUE(last)->next = *tail;
	else
		chain->head = *tail;
	chain->tail = *tail;
	chain->npages++;
	n = put_entries(ann, page, batch);
	vs_ann_change_commit(&change);
	return n;
}

static int
choose_chain(void)
{
	return vs_compat_backend_number() % VS_ANN_CHAINS;
}

BlockNumber
vs_ann_pending_tail(const VsAnnMetaData *meta)
{
	return meta->growing[choose_chain()].tail;
}

/*
 * A known tail is tried without the metapage.  No lock is held between two
 * steps.
 */
bool
vs_ann_pending_append(const VsAnn *ann, BlockNumber *tail, VsAnnPendingBatch *batch)
{
	bool		grown = false;

	while (batch->written < batch->n)
	{
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		if (*tail != InvalidBlockNumber)
		{
			VS_STOP_POINT("insert: tail known");
			n = append_to_page(ann, *tail, batch);
		}
		if (n == 0)
		{
			VS_STOP_POINT("insert: no room");
			n = extend_chain(ann, choose_chain(), batch, tail);
			grown = grown || n > 0;
		}
		batch->written += n;
	}
	return grown;
}

static int64
chain_rows(const VsAnn *ann, const VsAnnChain *chain)
{
	Buffer		buffer;
	int64		rows;

	if (chain->head == InvalidBlockNumber)
		return 0;
	buffer = vs_ann_page_read(ann, chain->tail, BUFFER_LOCK_SHARE, VS_ANN_PENDING);
	rows = VS_ANN_OPAQUE(BufferGetPage(buffer))->used;
	UnlockReleaseBuffer(buffer);
	return rows + (int64) (chain->npages - 1) * ann->geo.pending_capacity;
}

int64
vs_ann_pending_rows(const VsAnn *ann, const VsAnnMetaData *meta)
{
	int64		rows = 0;

	for (int i = 0; i < VS_ANN_CHAINS; i++)
		rows += chain_rows(ann, &meta->growing[i]) + chain_rows(ann, &meta->closing[i]);
	return rows;
}
