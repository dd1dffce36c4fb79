/*-------------------------------------------------------------------------
 * ann_lock.c
 *	  The seal lock.
 *
 * Seals, compactions, VACUUM and checks exclude each other.  Scans and
 * inserts do not take the lock.
 *
 * The seal lock is a heavyweight lock on page 0 of the index.  A backend
 * first takes a second lock, the queue, on page 1.  Autovacuum workers
 * release the queue once they have the seal lock; all other backends hold
 * both until the end.  So backends wait for the queue, in order of arrival,
 * and the deadlock detector sees those waits.  The backend at the head of the
 * queue can only be waiting for an autovacuum worker.
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

/* Both are locks on page numbers, as GIN's are.  Page 0 is the metapage. */
#define SEAL_PAGE			VS_ANN_META_BLKNO
#define QUEUE_PAGE			1

/*
 * The time between two attempts to take the seal lock from an autovacuum
 * worker: the first, and the longest.
 */
#define MIN_NAP_MS			10
#define MAX_NAP_MS			100

/*
 * Applies lock_timeout to the wait for an autovacuum worker, which the lock
 * manager does not see.
 */
static void
check_lock_timeout(TimestampTz begun)
{
	if (LockTimeout > 0 && TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), LockTimeout))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("canceling statement due to lock timeout")));
}

/*
 * Waits for the seal lock.  We hold the queue, so only an autovacuum worker
 * can have the seal lock.  LockPage would cancel that worker after
 * deadlock_timeout, and a table that is flushed again and again would never
 * be vacuumed.  So we poll instead.
 */
static void
poll_seal_lock(Relation index, LOCKMODE mode)
{
	TimestampTz begun = GetCurrentTimestamp();
	long		nap_ms = MIN_NAP_MS;

	while (!ConditionalLockPage(index, SEAL_PAGE, mode))
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, nap_ms,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		check_lock_timeout(begun);
		nap_ms = Min(2 * nap_ms, MAX_NAP_MS);
	}
}

/*
 * Takes the queue and then the seal lock, both in the given mode.  Returns
 * false if wait is VS_ANN_NOWAIT and one of them is taken; no lock is held
 * then.
 */
static bool
lock_seals(Relation index, VsAnnWait wait, LOCKMODE mode)
{
	if (wait == VS_ANN_WAIT)
	{
		LockPage(index, QUEUE_PAGE, mode);
		poll_seal_lock(index, mode);
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
 * An autovacuum worker releases the queue at once, so that the backend at its
 * head can poll for the seal lock.
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
 * Any role can run checks again and again.  A seal that waits in the queue
 * goes before all checks that come later, so it waits only for those that are
 * running.
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

bool
vs_ann_seal_under_way(Relation index)
{
	if (!lock_seals(index, VS_ANN_NOWAIT, ShareLock))
		return true;
	unlock_seals(index, ShareLock);
	return false;
}
