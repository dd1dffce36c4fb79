/*-------------------------------------------------------------------------
 * ann_change.c
 *	  Changing, allocating, retiring and reusing pages.
 *
 * This is the only file that calls generic WAL.  A change of an index in use
 * is one generic WAL record of at most four pages.  While an index is being
 * built, no other backend sees its pages: they are written in place, and
 * build/ann_build.c logs all of them at the end.
 *
 * A page is retired when no page that is reachable from the metapage leads to
 * it.  A scan that copied the metapage earlier may still read it, so its
 * content stays.  Retiring only stamps it with the next transaction id.  The
 * page is reused once every snapshot of this database is newer than that
 * stamp (invariant A6 in README.md).
 *
 * Snapshots on a standby can be older than all of the primary's.  Before a
 * page is reused, an nbtree "reuse page" record is logged.  Its redo does
 * nothing but cancel the standby queries that could still read the page.
 * Generic WAL has no such record.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtxlog.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "compat/ann_compat.h"
#include "quant/quant.h"
#include "util/recent_pages.h"

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
vs_ann_page_is_ours(Page page)
{
	return !PageIsNew(page) &&
		PageGetSpecialSize(page) == MAXALIGN(sizeof(VsAnnPageOpaqueData)) &&
		((PageHeader) page)->pd_upper == ((PageHeader) page)->pd_special &&
		VS_ANN_OPAQUE(page)->page_id == VS_ANN_PAGE_ID;
}

bool
vs_ann_page_is(Page page, VsAnnPageKind kind)
{
	return vs_ann_page_is_ours(page) && VS_ANN_OPAQUE(page)->kind == kind;
}

void
vs_ann_damaged(const VsAnn *ann, BlockNumber block, const char *format,...)
{
	char		what[160];
	va_list		args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" is damaged at block %u: %s",
					RelationGetRelationName(ann->index), block, what),
			 errhint("Please REINDEX it.")));
}

/*
 * Returns the offset of the first free byte on an extent's first page, as its
 * number of entries implies; the end of the page if blocks span pages or
 * the number is impossible.
 */
static int
get_extent_end(const VsAnnGeometry *geo, Page page)
{
	uint32		nentries = VS_ANN_EXTENT_HEADER(page)->nentries;
	int			blocks;

	if (nentries == 0)
		return vs_ann_extent_header_end(geo);
	if (geo->blocks_per_page == 0 || nentries > geo->extent_entries)
		return VS_ANN_CONTENTS_END;
	blocks = Min((int) (nentries + VS_QUANT_BLOCK - 1) / VS_QUANT_BLOCK, geo->blocks_per_page);
	return geo->code_start + blocks * geo->block_bytes;
}

const char *
vs_ann_page_fault(const VsAnn *ann, Page page, VsAnnPageKind kind)
{
	VsAnnPageOpaque opaque;
	bool		in_list = kind == VS_ANN_EXTENT || kind == VS_ANN_CODES || kind == VS_ANN_DETAIL;
	int			end = ((PageHeader) page)->pd_upper;
	int			capacity = 0;

	if (PageIsNew(page))
		return "an unexpected page, which is empty";
	if (!vs_ann_page_is(page, kind))
		return "an unexpected page";
	opaque = VS_ANN_OPAQUE(page);
	/* generic WAL zeroes the bytes between pd_lower and pd_upper */
	if (in_list)
		end = kind == VS_ANN_EXTENT ? get_extent_end(&ann->geo, page) : VS_ANN_CONTENTS;
	if (((PageHeader) page)->pd_lower < end)
		return "a page with a hole in it";
	if (kind == VS_ANN_PENDING)
		capacity = ann->geo.pending_capacity;
	else if (kind == VS_ANN_DIRECTORY)
		capacity = VS_ANN_HEADS_PER_PAGE;
	else if (kind == VS_ANN_CENTROID)
		capacity = VS_ANN_FLOATS_PER_PAGE;
	else if (kind == VS_ANN_SEGMENT)
		capacity = VS_ANN_SEGMENTS_PER_PAGE;
	return opaque->used > capacity ? "a page with more entries than fit on it" : NULL;
}

/*
 * Pins a block whose number was read from another page.  The length of the
 * index is looked up only if the block lies beyond the last known length.
 */
static Buffer
read_linked_block(const VsAnn *ann, BlockNumber block)
{
	static VsRelFileLocator locator;
	static BlockNumber nblocks = 0;

	if (unlikely(block >= nblocks ||
				 memcmp(&locator, &VS_REL_LOCATOR(ann->index), sizeof(locator)) != 0))
	{
		/* ReadBuffer(InvalidBlockNumber) would extend the index (P_NEW) */
		nblocks = RelationGetNumberOfBlocks(ann->index);
		locator = VS_REL_LOCATOR(ann->index);
		if (block >= nblocks)
			vs_ann_damaged(ann, block, "a page links to this block, beyond the end of the index");
	}
	return vs_recent_read(ann->recent, ann->index, block);
}

Buffer
vs_ann_page_read(const VsAnn *ann, BlockNumber block, int lockmode, VsAnnPageKind kind)
{
	Buffer		buffer = read_linked_block(ann, block);
	const char *fault;

	LockBuffer(buffer, lockmode);
	fault = vs_ann_page_fault(ann, BufferGetPage(buffer), kind);
	if (unlikely(fault != NULL))
		vs_ann_damaged(ann, block, "%s", fault);
	return buffer;
}

Buffer
vs_ann_page_read_again(const VsAnn *ann, BlockNumber block, VsAnnPageKind kind)
{
#ifdef USE_ASSERT_CHECKING
	return vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, kind);
#else
	Buffer		buffer = read_linked_block(ann, block);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	return buffer;
#endif
}

void
vs_ann_walk_step(const VsAnn *ann, VsAnnWalk *walk, BlockNumber block)
{
	CHECK_FOR_INTERRUPTS();
	if (likely(++walk->steps <= walk->most))
		return;
	walk->most = RelationGetNumberOfBlocks(ann->index);
	if (walk->steps > walk->most)
		vs_ann_damaged(ann, block, "a chain of pages has a cycle");
}

void
vs_ann_id_check(const VsAnn *ann, BlockNumber block, const VsAnnId *id)
{
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(&id->tid);

	if (unlikely(ItemPointerGetBlockNumberNoCheck(&id->tid) == InvalidBlockNumber ||
				 offset < FirstOffsetNumber || offset > MaxHeapTuplesPerPage))
		vs_ann_damaged(ann, block, "an entry with invalid TID (%u,%u)",
					   ItemPointerGetBlockNumberNoCheck(&id->tid), offset);
}

void
vs_ann_refuse_row(const VsAnn *ann, Relation heap, ItemPointer tid)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" has an entry of row (%u,%u), beyond the end of table \"%s\"",
					RelationGetRelationName(ann->index), ItemPointerGetBlockNumber(tid),
					ItemPointerGetOffsetNumber(tid), RelationGetRelationName(heap)),
			 errhint("Please REINDEX it.")));
}

/*
 * Asks for the horizon of a permanent table, whatever the index's own table
 * is.  For a temporary table, or one that this transaction created,
 * GlobalVisTestFor chooses a horizon that ignores all snapshots, because the
 * visibility of its rows depends on transaction ids alone.  A page is
 * different: a cursor of this session may still read a page that a later seal
 * of the same transaction retired.
 */
bool
vs_ann_past_horizon(FullTransactionId xid)
{
	FormData_pg_class form = {0};
	RelationData table = {0};

	form.relkind = RELKIND_RELATION;
	form.relpersistence = RELPERSISTENCE_PERMANENT;
	table.rd_id = FirstNormalObjectId;
	table.rd_rel = &form;
	return GlobalVisCheckRemovableFullXid(&table, xid);
}

/* A page with another opaque is not ours to reuse. */
bool
vs_ann_page_recyclable(Page page)
{
	VsAnnPageOpaque opaque;

	if (PageIsNew(page))
		return true;
	if (!vs_ann_page_is_ours(page))
		return false;
	opaque = VS_ANN_OPAQUE(page);
	return (opaque->flags & VS_ANN_RETIRED) != 0 &&
		vs_ann_past_horizon(opaque->retired_xid);
}

/*
 * Returns a recyclable page from the free space map, pinned and exclusively
 * locked, or InvalidBuffer.
 */
static Buffer
reuse_page(const VsAnn *ann)
{
	BlockNumber block;

	while ((block = GetFreeIndexPage(ann->index)) != InvalidBlockNumber)
	{
		Buffer		buffer;

		/* the map is not logged; after a crash it may name truncated blocks */
		if (block >= RelationGetNumberOfBlocks(ann->index))
			continue;
		buffer = ReadBuffer(ann->index, block);
		/* the map is only a hint; another backend may hold the page */
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
 * Returns a page for new content, pinned and exclusively locked.  The caller
 * initializes it in its change.  If an error comes first, the page stays as
 * it is and the next sweep finds it.
 */
static Buffer
allocate_page(const VsAnn *ann)
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

Page
vs_ann_change_page(VsAnnChange *change, Buffer buffer)
{
	return register_buffer(change, buffer, 0);
}

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

Page
vs_ann_change_new(VsAnnChange *change, VsAnnPageKind kind, uint32 epoch, BlockNumber *block)
{
	Buffer		buffer = allocate_page(change->ann);
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

void
vs_ann_change_abort(VsAnnChange *change)
{
	if (change->state != NULL)
		GenericXLogAbort(change->state);
	release_buffers(change);
}

/*
 * Each iteration holds the locks of at most VS_ANN_CHANGE_PAGES pages and
 * commits them as one change.  A crash between two changes leaves the
 * remaining pages without a stamp.  They are unreachable, and vs_ann_sweep
 * finds them.
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
			if (!vs_ann_page_is_ours(BufferGetPage(buffer)))
				vs_ann_damaged(ann, blocks[i], "an unexpected page");
			opaque = VS_ANN_OPAQUE(vs_ann_change_page(&change, buffer));
			opaque->flags |= VS_ANN_RETIRED;
			opaque->retired_xid = xid;
		}
		vs_ann_change_commit(&change);
	}

	/*
	 * The count only says when a sweep is worthwhile; a crash before this
	 * change loses nothing else.
	 */
	vs_ann_change_begin(&change, ann);
	vs_ann_meta_change(&change)->pages_retired += n;
	vs_ann_change_commit(&change);
}
