/*-------------------------------------------------------------------------
 * ann_pending.c
 *	  Pending pages: rows added since the last seal, in arrival order.
 *
 * An insert appends one entry to the tail page of a chain and is done; finding a
 * list for it is left to the seal.  Inserters spread over VS_ANN_CHAINS chains
 * by backend.  A page that a seal has closed is not appended to: whoever meets
 * one goes back to the metapage.
 *
 * Entries carry a 1-bit code against the origin, in blocks of 32, so that a
 * scan scores a page at once; where a block does not fit beside the ids, there
 * are no codes and a scan computes the exact distance of each.
 *
 * Keeps invariants A1 and A2.  Locks: metapage, then tail page, then new page; an append
 * takes the tail page alone.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"

#include "ann/ann_internal.h"
#include "compat/ann_compat.h"
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

static bool
has_room(const VsAnn *ann, Page page)
{
	VsAnnPageOpaque opaque;

	if (PageIsNew(page))
		return false;
	opaque = VS_ANN_OPAQUE(page);
	return opaque->kind == VS_ANN_PENDING &&
		(opaque->flags & (VS_ANN_CLOSED | VS_ANN_RETIRED)) == 0 &&
		opaque->next == InvalidBlockNumber &&
		opaque->used < ann->geo.pending_capacity;
}

static void
put_entry(const VsAnn *ann, Page page, const VsAnnId *id, const uint8 *code,
		  const VsQuantFactors *factors)
{
	const VsAnnGeometry *geo = &ann->geo;
	int			ordinal = VS_ANN_OPAQUE(page)->used++;

	vs_ann_pending_ids(page)[ordinal] = *id;
	if (geo->pending_blocks > 0)
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
}

typedef enum Appended
{
	APPENDED,
	NO_ROOM,
	CODED_OTHERWISE
} Appended;

/* Appends to the tail page if it is open, has room, and is coded as tail says. */
static Appended
append_to_page(VsAnnCoder *coder, VsAnnTail *tail, const VsAnnId *id)
{
	const VsAnn *ann = coder->ann;
	Buffer		buffer = ReadBuffer(ann->index, tail->block);
	VsAnnChange change;
	bool		centred;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (!has_room(ann, BufferGetPage(buffer)))
	{
		UnlockReleaseBuffer(buffer);
		return NO_ROOM;
	}
	centred = (VS_ANN_OPAQUE(BufferGetPage(buffer))->flags & VS_ANN_CENTRED) != 0;
	if (centred != tail->centred)
	{
		UnlockReleaseBuffer(buffer);
		tail->centred = centred;
		return CODED_OTHERWISE;
	}
	vs_ann_change_begin(&change, ann);
	put_entry(ann, vs_ann_change_page(&change, buffer), id, coder->code, &coder->factors);
	vs_ann_change_commit(&change);
	return APPENDED;
}

/*
 * Gives the chain a new tail page, unless its tail has room after all.  The new
 * page and its link are one change with the metapage, so every pending page
 * of an epoch that is not yet sealed is reachable.
 */
static BlockNumber
extend_chain(const VsAnn *ann, int chain_no, bool *added)
{
	VsAnnChange change;
	VsAnnMetaData *meta;
	VsAnnChain *chain;
	BlockNumber block;
	Page		page;
	Page		last;

	vs_ann_change_begin(&change, ann);
	meta = vs_ann_meta_change(&change);
	chain = &meta->growing[chain_no];
	last = NULL;
	if (chain->tail != InvalidBlockNumber)
	{
		last = vs_ann_change_read(&change, chain->tail, VS_ANN_PENDING);
		if (has_room(ann, last))
		{
			block = chain->tail;
			vs_ann_change_abort(&change);
			*added = false;
			return block;
		}
	}
	page = vs_ann_change_new(&change, VS_ANN_PENDING, Max(meta->sealed, meta->sealing) + 1,
							 &block);
	if (meta->centre != InvalidBlockNumber)
		VS_ANN_OPAQUE(page)->flags |= VS_ANN_CENTRED;
	if (last != NULL)
		VS_ANN_OPAQUE(last)->next = block;
	else
		chain->head = block;
	chain->tail = block;
	chain->npages++;
	vs_ann_change_commit(&change);
	*added = true;
	return block;
}

/* Codes the coder's rotated row as tail says. */
static void
encode(VsAnnCoder *coder, VsAnnTail *tail, const void *payload)
{
	const VsAnn *ann = coder->ann;

	if (ann->geo.pending_blocks == 0)
		return;
	if (tail->centred && tail->centre == NULL)
	{
		VsAnnMetaData meta;

		vs_ann_meta_read(ann, &meta);
		tail->centre = MemoryContextAlloc(tail->context, sizeof(float) * ann->geo.padded);
		vs_ann_centre_read(ann, meta.centre, tail->centre);
	}
	vs_ann_coder_encode(coder, payload, coder->rotated,
						tail->centred ? tail->centre : coder->origin, false);
}

/*
 * Appends an entry for the payload.  tail is kept by the caller between calls
 * (at first with InvalidBlockNumber).  Returns whether a page was added, which is
 * when a caller may want to look at the size of the pending part.
 */
bool
vs_ann_pending_append(VsAnnCoder *coder, VsAnnTail *tail, const VsAnnId *id,
					  const void *payload)
{
	const VsAnn *ann = coder->ann;
	int			chain_no = vs_compat_backend_number() % VS_ANN_CHAINS;
	bool		grown = false;

	if (ann->geo.pending_blocks > 0)
		vs_ann_coder_rotate(coder, payload, coder->rotated);
	encode(coder, tail, payload);
	if (tail->block == InvalidBlockNumber)
	{
		VsAnnMetaData meta;

		vs_ann_meta_read(ann, &meta);
		tail->block = meta.growing[chain_no].tail;
	}
	for (;;)
	{
		Appended	appended = NO_ROOM;
		bool		added;

		CHECK_FOR_INTERRUPTS();
		if (tail->block != InvalidBlockNumber)
		{
			VS_STOP_POINT("insert: tail known");
			appended = append_to_page(coder, tail, id);
		}
		if (appended == APPENDED)
			return grown;
		if (appended == CODED_OTHERWISE)
			encode(coder, tail, payload);
		else
		{
			VS_STOP_POINT("insert: no room");
			tail->block = extend_chain(ann, chain_no, &added);
			grown = grown || added;
		}
	}
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
 * Entries on pending pages, dead ones too.  Pages but the tail are full, with
 * the exception of a chain's tail that a seal closed.
 */
int64
vs_ann_pending_rows(const VsAnn *ann, const VsAnnMetaData *meta)
{
	int64		rows = 0;

	for (int i = 0; i < VS_ANN_CHAINS; i++)
		rows += chain_rows(ann, &meta->growing[i]) + chain_rows(ann, &meta->closing[i]);
	return rows;
}
