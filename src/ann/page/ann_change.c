/*-------------------------------------------------------------------------
 * ann_change.c
 *	  Changing, allocating, retiring and reusing pages.
 *
 * The only file that talks to generic WAL.  A change of an index in use is one
 * generic WAL record of at most four pages; while an index is built nobody
 * else sees its pages, they are written in place and ann_build.c logs them all
 * at the end.
 *
 * A page is retired when nothing reachable from the metapage leads to it any more.
 * Scans that copied the metapage before may still read it, so its content stays:
 * it is only stamped with the next transaction id, and reused when every
 * snapshot that is older is gone (invariant A6 in README.md).  A standby's
 * snapshots are told by an nbtree "reuse page" record, whose redo does nothing
 * but resolve the conflict; generic WAL has no such thing.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtxlog.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "compat/ann_compat.h"
#include "util/recent_pages.h"

/* An empty page of the kind, without a hole. */
void
vs_ann_page_init(Page page, VsAnnPageKind kind, uint32 epoch)
{
	VsAnnPageOpaque opaque;

	PageInit(page, BLCKSZ, sizeof(VsAnnPageOpaqueData));
	((PageHeader) page)->pd_lower = ((PageHeader) page)->pd_upper;
	opaque = VS_ANN_OPAQUE(page);
	opaque->retired_xid = InvalidFullTransactionId;
	opaque->next = InvalidBlockNumber;
	opaque->epoch = epoch;
	opaque->kind = kind;
	opaque->page_id = VS_ANN_PAGE_ID;
}

bool
vs_ann_page_is(Page page, VsAnnPageKind kind)
{
	return !PageIsNew(page) &&
		PageGetSpecialSize(page) == MAXALIGN(sizeof(VsAnnPageOpaqueData)) &&
		VS_ANN_OPAQUE(page)->page_id == VS_ANN_PAGE_ID &&
		VS_ANN_OPAQUE(page)->kind == kind;
}

static void
wrong_page(const VsAnn *ann, BlockNumber block)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" has an unexpected page at block %u",
					RelationGetRelationName(ann->index), block),
			 errhint("Please REINDEX it.")));
}

/* Pins and locks a page, which must be of the kind. */
Buffer
vs_ann_page_read(const VsAnn *ann, BlockNumber block, int lockmode, VsAnnPageKind kind)
{
	Buffer		buffer = InvalidBuffer;

	/* to read no block would be to add one */
	if (likely(block != InvalidBlockNumber))
	{
		buffer = vs_recent_read(ann->recent, ann->index, block);
		LockBuffer(buffer, lockmode);
	}
	if (unlikely(!BufferIsValid(buffer) || !vs_ann_page_is(BufferGetPage(buffer), kind) ||
				 (kind == VS_ANN_PENDING &&
				  VS_ANN_OPAQUE(BufferGetPage(buffer))->used > ann->geo.pending_capacity)))
		wrong_page(ann, block);
	return buffer;
}

/*
 * The same with a share lock, for scans: what the page is follows from another one that
 * was looked at.  To check that costs a cache miss, so only builds with assertions do.
 */
Buffer
vs_ann_page_read_again(const VsAnn *ann, BlockNumber block, VsAnnPageKind kind)
{
	Buffer		buffer;

	if (unlikely(block == InvalidBlockNumber))
		wrong_page(ann, block);
	buffer = vs_recent_read(ann->recent, ann->index, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
#ifdef USE_ASSERT_CHECKING
	if (!vs_ann_page_is(BufferGetPage(buffer), kind))
		wrong_page(ann, block);
#endif
	return buffer;
}

/* Whether a page may be taken for something else: retired, and long enough ago. */
bool
vs_ann_page_recyclable(Page page)
{
	VsAnnPageOpaque opaque;

	if (PageIsNew(page))
		return true;
	opaque = VS_ANN_OPAQUE(page);
	return (opaque->flags & VS_ANN_RETIRED) != 0 &&
		GlobalVisCheckRemovableFullXid(NULL, opaque->retired_xid);
}

/* A page from the free space map, locked, or InvalidBuffer. */
static Buffer
reuse_page(const VsAnn *ann)
{
	BlockNumber block;

	while ((block = GetFreeIndexPage(ann->index)) != InvalidBlockNumber)
	{
		Buffer		buffer = ReadBuffer(ann->index, block);

		/* the map is a hint: someone may have the page already */
		if (ConditionalLockBuffer(buffer))
		{
			Page		page = BufferGetPage(buffer);

			if (vs_ann_page_recyclable(page))
			{
				if (!PageIsNew(page) && RelationNeedsWAL(ann->index) && XLogStandbyInfoActive())
					vs_compat_log_reuse_page(ann->index, block,
											 VS_ANN_OPAQUE(page)->retired_xid);
				return buffer;
			}
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		}
		ReleaseBuffer(buffer);
	}
	return InvalidBuffer;
}

/*
 * A page for new content, exclusively locked; the caller initialises it in a
 * change.  Left as it is (on an error), it is found again by the next sweep.
 */
static Buffer
vs_ann_page_new(const VsAnn *ann)
{
	Buffer		buffer = InvalidBuffer;
	bool		lock = ann->team || !RELATION_IS_LOCAL(ann->index);

	if (!ann->bulk)
		buffer = reuse_page(ann);
	if (BufferIsValid(buffer))
		return buffer;
	if (lock)
		LockRelationForExtension(ann->index, ExclusiveLock);
	buffer = ReadBuffer(ann->index, P_NEW);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (lock)
		UnlockRelationForExtension(ann->index, ExclusiveLock);
	return buffer;
}

void
vs_ann_change_begin(VsAnnChange *change, const VsAnn *ann)
{
	change->ann = ann;
	change->state = NULL;
	change->nbuffers = 0;
}

static Page
register_buffer(VsAnnChange *change, Buffer buffer, int flags)
{
	if (change->nbuffers == VS_ANN_CHANGE_PAGES)
		elog(ERROR, "too many pages in one change of a vecann index");
	change->buffers[change->nbuffers++] = buffer;
	if (change->ann->bulk)
		return BufferGetPage(buffer);
	if (change->state == NULL)
		change->state = GenericXLogStart(change->ann->index);
	return GenericXLogRegisterBuffer(change->state, buffer, flags);
}

/*
 * Adds an exclusively locked buffer, whose pin and lock now belong to the
 * change.  Returns the page to write to.
 */
Page
vs_ann_change_page(VsAnnChange *change, Buffer buffer)
{
	return register_buffer(change, buffer, 0);
}

/* Reads, locks and adds a page; one that the change already has is found again. */
Page
vs_ann_change_read(VsAnnChange *change, BlockNumber block, VsAnnPageKind kind)
{
	for (int i = 0; i < change->nbuffers; i++)
	{
		if (BufferGetBlockNumber(change->buffers[i]) == block)
			return change->ann->bulk ? BufferGetPage(change->buffers[i]) :
				GenericXLogRegisterBuffer(change->state, change->buffers[i], 0);
	}
	return register_buffer(change,
						   vs_ann_page_read(change->ann, block, BUFFER_LOCK_EXCLUSIVE, kind), 0);
}

/* Allocates, adds and initialises a page. */
Page
vs_ann_change_new(VsAnnChange *change, VsAnnPageKind kind, uint32 epoch, BlockNumber *block)
{
	Buffer		buffer = vs_ann_page_new(change->ann);
	Page		page = register_buffer(change, buffer, GENERIC_XLOG_FULL_IMAGE);

	*block = BufferGetBlockNumber(buffer);
	vs_ann_page_init(page, kind, epoch);
	return page;
}

static void
release_buffers(VsAnnChange *change)
{
	for (int i = 0; i < change->nbuffers; i++)
		UnlockReleaseBuffer(change->buffers[i]);
	change->nbuffers = 0;
	change->state = NULL;
}

void
vs_ann_change_commit(VsAnnChange *change)
{
	if (change->ann->bulk)
	{
		for (int i = 0; i < change->nbuffers; i++)
			MarkBufferDirty(change->buffers[i]);
	}
	else if (change->state != NULL)
		GenericXLogFinish(change->state);
	release_buffers(change);
}

/* Gives up a change to which nothing was written yet. */
void
vs_ann_change_abort(VsAnnChange *change)
{
	if (change->state != NULL)
		GenericXLogAbort(change->state);
	release_buffers(change);
}

/*
 * Stamps pages that nothing leads to since the metapage was last changed.
 * Needs the seal lock.  A crash half way leaves pages for vs_ann_sweep.
 */
void
vs_ann_page_retire(const VsAnn *ann, const BlockNumber *blocks, int n)
{
	FullTransactionId xid = ReadNextFullTransactionId();
	VsAnnChange change;
	int			i = 0;

	while (i < n)
	{
		CHECK_FOR_INTERRUPTS();
		vs_ann_change_begin(&change, ann);
		for (int j = 0; j < VS_ANN_CHANGE_PAGES && i < n; j++, i++)
		{
			Buffer		buffer = ReadBuffer(ann->index, blocks[i]);
			VsAnnPageOpaque opaque;

			LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
			opaque = VS_ANN_OPAQUE(vs_ann_change_page(&change, buffer));
			opaque->flags |= VS_ANN_RETIRED;
			opaque->retired_xid = xid;
		}
		vs_ann_change_commit(&change);
	}
	vs_ann_change_begin(&change, ann);
	vs_ann_meta_change(&change)->pages_retired += n;
	vs_ann_change_commit(&change);
}
