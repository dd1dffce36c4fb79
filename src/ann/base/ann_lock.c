/*-------------------------------------------------------------------------
 * ann_lock.c
 *	  The seal lock.
 *
 * Seal, compaction, vacuum and check exclude each other; scans and inserts do not
 * take the lock.  It is a heavyweight lock on a page number, and is taken by way of
 * a second one, the queue, which all backends except autovacuum workers hold as
 * long as the lock.  So waits are waits for the queue, in order, and the deadlock
 * detector sees them; and the backend at the head of the queue can only be waiting
 * for an autovacuum worker.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/autovacuum.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "ann/ann.h"
#include "ann/base/ann_lock.h"
#include "ann/page/ann_page.h"
#include "compat/compat.h"

/* Like gin's locks, these are locks on page numbers; page 0 is the metapage. */
#define SEAL_PAGE			VS_ANN_META_BLKNO
#define QUEUE_PAGE			1

/* An autovacuum worker is looked after so often, at first and at last. */
#define FIRST_NAP_MS		10
#define LAST_NAP_MS			100

/* The session's lock_timeout, which knows nothing of this wait. */
static void
check_lock_timeout(TimestampTz begun)
{
	if (LockTimeout > 0 && TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), LockTimeout))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("canceling statement due to lock timeout")));
}

/*
 * Waits for the seal lock in the mode, with the queue in hand: only an autovacuum worker
 * can have it.  To wait for it by LockPage would cancel the worker after deadlock_timeout,
 * and a table that is flushed again and again would never be vacuumed.
 */
static void
await_autovacuum(Relation index, LOCKMODE mode)
{
	TimestampTz begun = GetCurrentTimestamp();
	long		nap_ms = FIRST_NAP_MS;

	while (!ConditionalLockPage(index, SEAL_PAGE, mode))
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, nap_ms,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		check_lock_timeout(begun);
		nap_ms = Min(2 * nap_ms, LAST_NAP_MS);
	}
}

/* Takes queue and seal lock in the mode; false if wait does not allow to wait for them. */
static bool
lock_seals(Relation index, VsAnnWait wait, LOCKMODE mode)
{
	if (wait == VS_ANN_WAIT)
	{
		LockPage(index, QUEUE_PAGE, mode);
		await_autovacuum(index, mode);
		return true;
	}
	if (!ConditionalLockPage(index, QUEUE_PAGE, mode))
		return false;
	if (ConditionalLockPage(index, SEAL_PAGE, mode))
		return true;
	UnlockPage(index, QUEUE_PAGE, mode);
	return false;
}

static void
unlock_seals(Relation index, LOCKMODE mode)
{
	UnlockPage(index, SEAL_PAGE, mode);
	UnlockPage(index, QUEUE_PAGE, mode);
}

/*
 * The lock by which seal, compaction and vacuum exclude each other; scans and
 * inserts do not take it.  It is taken by way of a queue, which all but autovacuum workers hold as
 * long as the lock: who waits in the queue never waits for an autovacuum worker.
 */
bool
vs_ann_seal_lock(Relation index, VsAnnWait wait)
{
	if (!lock_seals(index, wait, ExclusiveLock))
		return false;
	if (VS_IS_AUTOVACUUM_WORKER())
		UnlockPage(index, QUEUE_PAGE, ExclusiveLock);
	return true;
}

void
vs_ann_seal_unlock(Relation index)
{
	UnlockPage(index, SEAL_PAGE, ExclusiveLock);
	if (!VS_IS_AUTOVACUUM_WORKER())
		UnlockPage(index, QUEUE_PAGE, ExclusiveLock);
}

/*
 * The same lock for a check, which only keeps lists from changing: checks share it.  Any
 * role may check again and again, so a seal that waits is before all checks that come
 * later, and waits for those that are at it and no others.
 */
void
vs_ann_check_lock(Relation index)
{
	lock_seals(index, VS_ANN_WAIT, ShareLock);
}

void
vs_ann_check_unlock(Relation index)
{
	unlock_seals(index, ShareLock);
}

/* Whether someone has the seal lock for more than a check, or waits for it. */
bool
vs_ann_seal_under_way(Relation index)
{
	if (!lock_seals(index, VS_ANN_NOWAIT, ShareLock))
		return true;
	unlock_seals(index, ShareLock);
	return false;
}
