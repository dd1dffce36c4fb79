/*-------------------------------------------------------------------------
 * ann_truncate.c
 *	  VACUUM gives unused pages at the end of an index back.
 *
 * The rules are those of lazy_truncate_heap.  Inserters remember a tail page, and scans
 * read pages that are retired; but all of them hold a lock on the index for as long as
 * they do, to the end of the transaction or, in functions that show an index, to their
 * own end.  So AccessExclusiveLock on the index keeps everybody out of it, seals
 * included, and the seal lock is not needed beside it.  The lock is taken only if no
 * one has to be waited for, and is held only while buffers are looked at: whoever asks
 * for the index meanwhile ends the search for further pages.
 *
 * Only pages that may be reused go, so invariant A6 stays as it is.  On a standby, replay
 * of the lock cancels the queries that have the index open, and keeps others away until
 * VACUUM commits; the truncation is the same record as a table's.  So all indexes of the
 * table are truncated after the last one has been sealed (ann_vacuum.c).  A crash before that record leaves the pages, which the free
 * space map still names; one after it is finished by replay.
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

/* So many pages, or this part of the index, are worth the lock. */
#define WORTH_PAGES			1000
#define WORTH_PART			16

/* Attempts to get the lock. */
#define LOCK_TRIES			10
#define LOCK_NAP_MS			50

/* While we hold the lock, waiters are looked for after this number of pages. */
#define PAGES_PER_LOOK		32

static bool
is_unused(Relation index, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(index, block);
	bool		unused;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	unused = vs_ann_page_recyclable(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return unused;
}

/*
 * The number of pages up to the last one that is in use, out of npages.  locked: we hold
 * AccessExclusiveLock, and stop where someone waits for it.
 */
static BlockNumber
pages_in_use(Relation index, BlockNumber npages, bool locked)
{
	while (npages > VS_ANN_META_BLKNO + 1 && is_unused(index, npages - 1))
	{
		CHECK_FOR_INTERRUPTS();
		npages--;
		if (locked && npages % PAGES_PER_LOOK == 0 &&
			LockHasWaitersRelation(index, AccessExclusiveLock))
			break;
	}
	return npages;
}

/*
 * Whether this process may take AccessExclusiveLock.  The lock is logged for standbys
 * with a transaction id, which VACUUM has none of, and cannot get in parallel mode.
 */
static bool
may_lock(void)
{
	return !IsInParallelMode() || !XLogStandbyInfoActive() ||
		TransactionIdIsValid(GetCurrentTransactionIdIfAny());
}

static bool
lock_index(Relation index)
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

/*
 * Cuts off unused pages at the end of the index, if there are enough of them, the table's
 * storage parameter vacuum_truncate allows it, and no other transaction has the index
 * open.  The caller holds no seal lock.  elevel: of the message that says so.
 */
void
vs_ann_truncate(Relation index, Relation heap, int elevel)
{
	BlockNumber before = RelationGetNumberOfBlocks(index);
	BlockNumber gain;
	BlockNumber after;

	if (!vs_compat_vacuum_truncate(heap))
		return;
	gain = before - pages_in_use(index, before, false);
	if (gain == 0 || (gain < WORTH_PAGES && gain < before / WORTH_PART))
		return;
	if (!may_lock())
	{
		ereport(elevel,
				(errmsg("index \"%s\": not truncated, because VACUUM has parallel workers",
						RelationGetRelationName(index))));
		return;
	}
	if (!lock_index(index))
	{
		ereport(elevel,
				(errmsg("index \"%s\": stopping truncate due to conflicting lock request",
						RelationGetRelationName(index))));
		return;
	}
	/* inserts may have added pages, or taken some of those */
	before = RelationGetNumberOfBlocks(index);
	after = pages_in_use(index, before, true);
	if (after < before)
	{
		RelationTruncate(index, after);
		ereport(elevel,
				(errmsg("index \"%s\": truncated %u to %u pages",
						RelationGetRelationName(index), before, after)));
	}
	UnlockRelation(index, AccessExclusiveLock);
}
