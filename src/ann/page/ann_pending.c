/*-------------------------------------------------------------------------
 * ann_pending.c
 *	  Pending pages: rows added since the last seal, in arrival order.
 *
 * Inserts append a run of entries to the tail page of a chain and are done; finding
 * lists for them is left to the seal.  Inserters spread over VS_ANN_CHAINS chains
 * by backend.  A page that a seal has closed is not appended to: whoever meets
 * one goes back to the metapage.
 *
 * Entries carry a 1-bit code, in blocks of 32, so that a scan scores a page at once.
 * It is against the centre if the page says so, else the origin; entries that are coded
 * otherwise than the tail page go to a new page.  Where a block does not fit beside the
 * ids, it has fewer slots: a narrow block, which a scan widens before it scores it.
 *
 * Keeps invariants A1 and A2.  Locks: metapage, then tail page, then new page; an append
 * takes the tail page alone.
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

/* Fills *block with where block lies on the page. */
static void
block_in_page(const VsAnnGeometry *geo, char *start, VsQuantBlock *block)
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
	block_in_page(&ann->geo, (char *) page + ann->geo.pending_codes +
				  block * ann->geo.block_bytes, out);
}

/* The code of an entry, out of its block. */
void
vs_ann_pending_code(const VsAnn *ann, Page page, int ordinal, uint8 *code)
{
	VsQuantBlock block;

	vs_ann_pending_block(ann, page, ordinal / VS_QUANT_BLOCK, &block);
	vs_quant_block_get(block.codes, ordinal % VS_QUANT_BLOCK, code, 0, ann->geo.padded);
}

/* Whether entries that are coded so may be put on the page. */
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

/* Bytes of the codes of a narrow block. */
static Size
narrow_codes(const VsAnnGeometry *geo)
{
	return (Size) geo->padded / 4 * geo->pending_width;
}

/* The codes come half a byte for 4 dimensions; the page began as zeros. */
static void
put_in_narrow_block(const VsAnnGeometry *geo, Page page, int ordinal, const uint8 *code,
					const VsQuantFactors *factors)
{
	int			width = geo->pending_width;
	int			shift = ordinal / width * 4;
	uint8	   *block = (uint8 *) page + geo->pending_codes;
	uint8	   *column = block + ordinal % width;
	float	   *factor = (float *) (block + narrow_codes(geo)) + ordinal;

	for (int i = 0; i < geo->code_bytes; i++, column += 2 * width)
	{
		column[0] |= (code[i] & 15) << shift;
		column[width] |= (code[i] >> 4) << shift;
	}
	factor[0] = factors->add;
	factor[geo->pending_capacity] = factors->rescale;
	factor[2 * geo->pending_capacity] = factors->error;
}

/*
 * Makes a whole block of a page's narrow one, in memory of block_bytes: entries before
 * pending_width are in slots 0 and on, those after it in slots 16 and on.  What is in the
 * other slots means nothing.
 */
void
vs_ann_pending_widen(const VsAnn *ann, Page page, char *memory, VsQuantBlock *out)
{
	const VsAnnGeometry *geo = &ann->geo;
	const int	whole = VS_QUANT_BLOCK / 2;
	int			width = geo->pending_width;
	const char *codes = (const char *) page + geo->pending_codes;
	const float *from = (const float *) (codes + narrow_codes(geo));
	float	   *to = (float *) (memory + geo->block_codes);

	StaticAssertStmt(sizeof(VsAnnPageOpaqueData) >= VS_QUANT_BLOCK / 2, "reads beyond the page");
	for (int i = 0; i < geo->padded / 4; i++)
		memcpy(memory + i * whole, codes + i * width, whole);
	for (int i = 0; i < 3; i++, from += geo->pending_capacity, to += VS_QUANT_BLOCK)
	{
		memcpy(to, from, sizeof(float) * width);
		memcpy(to + whole, from + width, sizeof(float) * width);
	}
	block_in_page(geo, memory, out);
}

/* Puts as much of the run on the page as it has room for; returns how much. */
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

/* Appends to the tail page as much as it takes; nothing if it is closed or coded otherwise. */
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
 * Gives the chain a new tail page with the beginning of the run on it, unless its tail
 * has room after all.  The new page and its link are one change with the metapage, so
 * every pending page of an epoch that is not yet sealed is reachable.
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
my_chain(void)
{
	return vs_compat_backend_number() % VS_ANN_CHAINS;
}

/* Where this backend's next entries go: what *tail of vs_ann_pending_append may begin with. */
BlockNumber
vs_ann_pending_tail(const VsAnnMetaData *meta)
{
	return meta->growing[my_chain()].tail;
}

/*
 * Appends what is not yet written of the run, and counts it there page by page, so that
 * after an error nothing is written twice.  tail is kept by the caller between
 * calls.  Returns whether a page was added, which is when a caller may want to look at
 * the size of the pending part.
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
			n = extend_chain(ann, my_chain(), batch, tail);
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

/*
 * Entries on pending pages, dead ones too.  Pages but the tail count as full; one is not
 * when entries coded otherwise came after it, which happens once in the life of an index.
 */
int64
vs_ann_pending_rows(const VsAnn *ann, const VsAnnMetaData *meta)
{
	int64		rows = 0;

	for (int i = 0; i < VS_ANN_CHAINS; i++)
		rows += chain_rows(ann, &meta->growing[i]) + chain_rows(ann, &meta->closing[i]);
	return rows;
}
