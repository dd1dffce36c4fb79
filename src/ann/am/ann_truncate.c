/*-------------------------------------------------------------------------
 * ann_truncate.c
 *	  VACUUM cuts off unused pages at the end of an index.
 *
 * The rules are those of lazy_truncate_heap.
 *
 * Locks.  Backends remember block numbers: inserts a tail page, scans the
 * pages of their snapshot, which may be retired by now.  But each of them
 * holds a lock on the index for as long as it remembers a block number: to
 * the end of the transaction or, in the functions that show an index, to the
 * end of the call.  So AccessExclusiveLock on the index keeps all of them
 * out.  It keeps seals out too, so the seal lock is not needed.  VACUUM takes
 * the lock only if it is free, and holds it only while it looks at pages.
 * When another backend waits for the lock, VACUUM stops looking for further
 * pages.
 *
 * Only pages that may be reused are cut off, so invariant A6 holds.  On a
 * standby, replay of the lock cancels the queries that have the index open, and
 * keeps others away until VACUUM commits.  So all indexes of the table are
 * truncated after the last one has been sealed (ann_vacuum.c).
 *
 * Crash.  The truncation is one WAL record, the same as a table's.  A crash
 * before it leaves the pages, and the free space map still lists them.  After
 * it, replay truncates the file.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/storage.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/wait_event.h"

#include "ann/am/ann_am.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "compat/ann_compat.h"

/*
 * The lock is worth taking for TRUNCATE_MIN_PAGES pages, or for one page in
 * TRUNCATE_FRACTION of the index.
 */
#define TRUNCATE_MIN_PAGES	1000
#define TRUNCATE_FRACTION	16

/* Attempts to get the lock. */
#define LOCK_TRIES			10
#define LOCK_NAP_MS			50

/* While we hold the lock, we look for waiters once per this number of pages. */
#define PAGES_PER_CHECK		32

static bool
is_page_unused(Relation index, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(index, block);
	bool		unused;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	unused = vs_ann_page_recyclable(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return unused;
}

/*
 * The length of the index without the unused pages at its end.  npages is its
 * length with them.  If locked is set, we hold AccessExclusiveLock and stop
 * early when another backend waits for it.  One buffer is pinned and locked
 * at a time.
 */
static BlockNumber
count_used_pages(Relation index, BlockNumber npages, bool locked)
{
	while (npages > VS_ANN_META_BLKNO + 1 && is_page_unused(index, npages - 1))
	{
		CHECK_FOR_INTERRUPTS();
		npages--;
		if (locked && npages % PAGES_PER_CHECK == 0 &&
			LockHasWaitersRelation(index, AccessExclusiveLock))
			break;
	}
	return npages;
}

/*
 * Whether this process may take AccessExclusiveLock.  The lock is logged for
 * standbys with a transaction id.  VACUUM has none, and cannot get one in
 * parallel mode.
 */
static bool
may_lock(void)
{
	return !IsInParallelMode() || !XLogStandbyInfoActive() ||
		TransactionIdIsValid(GetCurrentTransactionIdIfAny());
}

/* Takes AccessExclusiveLock on the index.  False if it is not free soon. */
static bool
try_lock_index(Relation index)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		if (ConditionalLockRelation(index, AccessExclusiveLock))
			return true;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOCK_NAP_MS,
						 WAIT_EVENT_VACUUM_TRUNCATE);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

void
vs_ann_truncate(Relation index, Relation heap, int elevel)
{
	BlockNumber before = RelationGetNumberOfBlocks(index);
	BlockNumber gain;
	BlockNumber after;

	if (!vs_compat_vacuum_truncate(heap))
		return;
	gain = before - count_used_pages(index, before, false);
	if (gain == 0 || (gain < TRUNCATE_MIN_PAGES && gain < before / TRUNCATE_FRACTION))
		return;
	if (!may_lock())
	{
		ereport(elevel,
				(errmsg("index \"%s\": not truncated, because VACUUM has parallel workers",
						RelationGetRelationName(index))));
		return;
	}
	if (!try_lock_index(index))
	{
		ereport(elevel,
				(errmsg("index \"%s\": stopping truncate due to conflicting lock request",
						RelationGetRelationName(index))));
		return;
	}
	/* before we had the lock, inserts may have added or reused pages */
	before = RelationGetNumberOfBlocks(index);
	after = count_used_pages(index, before, true);
	if (after < before)
	{
		RelationTruncate(index, after);
		ereport(elevel,
				(errmsg("index \"%s\": truncated %u to %u pages",
						RelationGetRelationName(index), before, after)));
	}
	UnlockRelation(index, AccessExclusiveLock);
}
