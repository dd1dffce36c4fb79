/*-------------------------------------------------------------------------
 * store_alloc.c
 *	  Chooses the pages that chunks are written to.
 *
 * The candidates, in order: the page that this backend wrote last, while it
 * has room; a page with room for the whole value by the free space map; the
 * last page's remainder, if splitting the value is worth it; a page on which
 * this backend deleted values that no snapshot needs any more; a new page.  A
 * remainder below VS_MIN_PIECE stays free, which keeps most values on one
 * page.
 *
 * Locks: a backend never waits for a page lock while it holds one.  With a
 * page locked (vs_store_page_choose_next), the second page is locked
 * conditionally, or is new and unknown to other backends.  A backend may wait
 * for the extension lock with a page locked, as in nbtree's page split: its
 * holders wait for no page.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/hio.h"
#include "access/visibilitymap.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "utils/rel.h"

/* The smallest remainder of a page that gets a part of a value. */
#define VS_MIN_PIECE			MAXALIGN((Size) BLCKSZ / 11)

static bool page_try(Relation store, BlockNumber block, Size need, bool conditional,
					 VsStorePage *out, Size *space);
static bool take_hint(Relation store, Size want, bool conditional, VsStorePage *out);
static void page_extend(Relation store, Size want, bool conditional, int options,
						VsStorePage *out);
static void page_add_extra(Relation store);

/*
 * Refuses a page to which no tuple can be added safely: PageAddItem would
 * PANIC, or put the tuple where it cannot be found again.
 */
static void
page_check(Relation store, Page page, BlockNumber block)
{
	PageHeader	header = (PageHeader) page;
	bool		sound = PageIsNew(page) || (header->pd_lower >= SizeOfPageHeaderData &&
											header->pd_lower <= header->pd_upper &&
											header->pd_upper <= header->pd_special && header->pd_special == BLCKSZ &&
											header->pd_upper == MAXALIGN(header->pd_upper));
	OffsetNumber last = sound && !PageIsNew(page) ? PageGetMaxOffsetNumber(page) : 0;

	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		item = PageGetItemId(page, offset);

		/*
		 * PageAddItem does not take an unused line pointer with storage, and
		 * writes over a tuple below pd_upper.
		 */
		sound = sound && (ItemIdIsUsed(item) ?
						  !ItemIdIsNormal(item) || ItemIdGetOffset(item) >= header->pd_upper :
						  !ItemIdHasStorage(item));
	}
	if (!sound)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("page %u of value store \"%s\" is damaged", block,
						RelationGetRelationName(store))));
}

void
vs_page_plan_begin(VsPagePlan *plan, Page page, BlockNumber block)
{
	PageHeader	header = (PageHeader) page;

	plan->page = page;
	plan->block = block;
	plan->limit = OffsetNumberNext(PageGetMaxOffsetNumber(page));
	plan->space = header->pd_upper - header->pd_lower;
	plan->next = PageHasFreeLinePointers(page) ? FirstOffsetNumber : plan->limit;
	while (plan->next < plan->limit && ItemIdIsUsed(PageGetItemId(page, plan->next)))
		plan->next = OffsetNumberNext(plan->next);
}

Size
vs_page_plan_space(const VsPagePlan *plan)
{
	Size		line = plan->next >= plan->limit ? sizeof(ItemIdData) : 0;

	if (plan->next > vs_address_max_offset(plan->block) || plan->space < line)
		return 0;
	return MAXALIGN_DOWN(plan->space - line);
}

OffsetNumber
vs_page_plan_add(VsPagePlan *plan, Size len)
{
	OffsetNumber offset = plan->next;

	Assert(MAXALIGN(len) <= vs_page_plan_space(plan));
	plan->space -= MAXALIGN(len);
	if (offset >= plan->limit)
		plan->space -= sizeof(ItemIdData);
	plan->next = OffsetNumberNext(plan->next);
	while (plan->next < plan->limit && ItemIdIsUsed(PageGetItemId(plan->page, plan->next)))
		plan->next = OffsetNumberNext(plan->next);
	return offset;
}

void
vs_store_page_choose(Relation store, Size whole, int options, VsStorePage *out)
{
	bool		use_fsm = (options & HEAP_INSERT_SKIP_FSM) == 0;
	BlockNumber last = RelationGetTargetBlock(store);
	BlockNumber block;
	Size		space = 0;

	whole = MAXALIGN(whole);

	if (last != InvalidBlockNumber && page_try(store, last, whole, false, out, &space))
		return;

	if (use_fsm)
	{
		block = last == InvalidBlockNumber || space == 0 ?
			GetPageWithFreeSpace(store, whole) :
			RecordAndGetPageWithFreeSpace(store, last, space, whole);
		while (block != InvalidBlockNumber)
		{
			Size		found;

			CHECK_FOR_INTERRUPTS();
			if (page_try(store, block, whole, false, out, &found))
				return;
			block = RecordAndGetPageWithFreeSpace(store, block, found, whole);
		}
	}

	if (last != InvalidBlockNumber && space >= VS_MIN_PIECE &&
		page_try(store, last, Min(whole, VS_MIN_PIECE), false, out, &space))
		return;

	if (use_fsm && take_hint(store, whole, false, out))
		return;

	if (use_fsm)
	{
		Size		piece = Min(whole, Max(MAXALIGN(whole / 2), VS_MIN_PIECE));

		/*
		 * The free space map knows no page of the store: try the last page
		 * before adding one.  Otherwise every new backend would add its own.
		 */
		block = GetPageWithFreeSpace(store, piece);
		if (block == InvalidBlockNumber && last == InvalidBlockNumber)
		{
			BlockNumber nblocks = RelationGetNumberOfBlocks(store);

			if (nblocks > 0)
				block = nblocks - 1;
		}
		if (block != InvalidBlockNumber && page_try(store, block, piece, false, out, &space))
			return;
	}

	page_extend(store, whole, false, options, out);
}

void
vs_store_page_choose_next(Relation store, Size want, int options, VsStorePage *out)
{
	want = Min(MAXALIGN(want), MaxHeapTupleSize);
	if ((options & HEAP_INSERT_SKIP_FSM) == 0)
	{
		BlockNumber block = GetPageWithFreeSpace(store, want);
		Size		space;

		if (block != InvalidBlockNumber && page_try(store, block, want, true, out, &space))
			return;
		if (take_hint(store, want, true, out))
			return;
	}
	page_extend(store, want, true, options, out);
}

void
vs_store_page_release(VsStorePage *page)
{
	UnlockReleaseBuffer(page->buffer);
	page->buffer = InvalidBuffer;
}

/*
 * Prunes a pinned page if it has dead tuples and its lock is free.  Pruning a
 * damaged page would PANIC, so the page is checked first, under its lock.  With
 * 'conditional' it is skipped if that lock is not free, because the caller may
 * hold it already.
 */
static void
page_prune(Relation store, VsStorePage *out, bool conditional)
{
	if (!TransactionIdIsValid(((PageHeader) out->page)->pd_prune_xid))
		return;
	if (!conditional)
		LockBuffer(out->buffer, BUFFER_LOCK_SHARE);
	else if (!ConditionalLockBuffer(out->buffer))
		return;
	page_check(store, out->page, out->block);
	LockBuffer(out->buffer, BUFFER_LOCK_UNLOCK);
	heap_page_prune_opt(store, out->buffer);
}

/*
 * Pins and locks the block if it has an addressable line pointer and room for
 * a tuple of 'need' bytes.  Otherwise returns false with the page released and
 * *space set to its room (0 if the lock is not free).
 *
 * The visibility map page is pinned before the lock is taken, so that no I/O
 * happens under the lock.  The page can become all-visible in between, hence
 * the loop.
 */
static bool
page_try(Relation store, BlockNumber block, Size need, bool conditional,
		 VsStorePage *out, Size *space)
{
	VsPagePlan	plan;

	*space = 0;
	out->block = block;
	out->buffer = ReadBuffer(store, block);
	out->page = BufferGetPage(out->buffer);

	page_prune(store, out, conditional);

	for (;;)
	{
		if (PageIsAllVisible(out->page))
			visibilitymap_pin(store, block, &out->vmbuffer);
		if (!conditional)
			LockBuffer(out->buffer, BUFFER_LOCK_EXCLUSIVE);
		else if (!ConditionalLockBuffer(out->buffer))
		{
			ReleaseBuffer(out->buffer);
			out->buffer = InvalidBuffer;
			return false;
		}
		if (!PageIsAllVisible(out->page) || visibilitymap_pin_ok(block, out->vmbuffer))
			break;
		LockBuffer(out->buffer, BUFFER_LOCK_UNLOCK);
	}

	if (PageIsNew(out->page))
	{
		PageInit(out->page, BufferGetPageSize(out->buffer), 0);
		MarkBufferDirty(out->buffer);
	}

	page_check(store, out->page, block);
	vs_page_plan_begin(&plan, out->page, block);
	*space = vs_page_plan_space(&plan);
	if (*space >= need)
	{
		RelationSetTargetBlock(store, block);
		return true;
	}
	vs_store_page_release(out);
	return false;
}

/*
 * Finds a page with room for 'want' bytes among those on which this backend
 * deleted values.
 */
static bool
take_hint(Relation store, Size want, bool conditional, VsStorePage *out)
{
	BlockNumber block;
	Size		space;

	while ((block = vs_store_reuse_take(store)) != InvalidBlockNumber)
	{
		if (page_try(store, block, want, conditional, out, &space))
			return true;
	}
	return false;
}

/*
 * Adds a page to the store and returns it locked.  If it had to wait for
 * another backend to add pages, it checks once whether that left one with
 * 'want' bytes.
 */
static void
page_extend(Relation store, Size want, bool conditional, int options, VsStorePage *out)
{
	bool		need_lock = !RELATION_IS_LOCAL(store);

	if (need_lock && !ConditionalLockRelationForExtension(store, ExclusiveLock))
	{
		LockRelationForExtension(store, ExclusiveLock);
		if ((options & HEAP_INSERT_SKIP_FSM) == 0)
		{
			BlockNumber block = GetPageWithFreeSpace(store, want);
			Size		space;

			if (block != InvalidBlockNumber)
			{
				UnlockRelationForExtension(store, ExclusiveLock);
				if (page_try(store, block, want, conditional, out, &space))
					return;
				LockRelationForExtension(store, ExclusiveLock);
			}
			page_add_extra(store);
		}
	}

	if (RelationGetNumberOfBlocks(store) >= (BlockNumber) vs_store_block_limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value store \"%s\" is full", RelationGetRelationName(store)),
				 errdetail("A vecstore table can address %d blocks of values.",
						   vs_store_block_limit),
				 errhint("Partition the table; every partition has a value store of its own.")));

	out->buffer = ReadBufferExtended(store, MAIN_FORKNUM, P_NEW, RBM_ZERO_AND_LOCK, NULL);
	out->block = BufferGetBlockNumber(out->buffer);
	out->page = BufferGetPage(out->buffer);
	if (!PageIsNew(out->page))
		elog(ERROR, "page %u of relation \"%s\" should be empty but is not",
			 out->block, RelationGetRelationName(store));
	PageInit(out->page, BufferGetPageSize(out->buffer), 0);
	MarkBufferDirty(out->buffer);

	if (need_lock)
		UnlockRelationForExtension(store, ExclusiveLock);
	RelationSetTargetBlock(store, out->block);
}

/*
 * If other backends wait for the extension lock, which the caller holds, adds
 * pages for them too and enters these into the free space map (heapam's rule:
 * 20 per waiter, at most 512).
 */
static void
page_add_extra(Relation store)
{
	BlockNumber first = InvalidBlockNumber;
	BlockNumber block = InvalidBlockNumber;
	int			extra = Min(512, RelationExtensionLockWaiterCount(store) * 20);

	extra = Min(extra, vs_store_block_limit - (int) RelationGetNumberOfBlocks(store) - 1);
	for (; extra > 0; extra--)
	{
		Buffer		buffer = ReadBufferExtended(store, MAIN_FORKNUM, P_NEW,
												RBM_ZERO_AND_LOCK, NULL);

		block = BufferGetBlockNumber(buffer);
		UnlockReleaseBuffer(buffer);
		if (first == InvalidBlockNumber)
			first = block;
		RecordPageWithFreeSpace(store, block, BLCKSZ - SizeOfPageHeaderData);
	}
	if (first != InvalidBlockNumber)
		FreeSpaceMapVacuumRange(store, first, block + 1);
}
