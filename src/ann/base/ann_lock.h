/*-------------------------------------------------------------------------
 * ann_lock.h
 *	  The seal lock.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_LOCK_H
#define VS_ANN_LOCK_H

#include "ann/ann.h"

/*
 * Takes the lock by which seals, compactions, VACUUM and checks exclude each
 * other.  Scans and inserts do not take it.  Returns false if wait is
 * VS_ANN_NOWAIT and another backend has the lock or waits for it.  The caller
 * holds a lock on the index and no buffer lock.  Errors: lock_timeout,
 * cancellation.
 */
extern bool vs_ann_seal_lock(Relation index, VsAnnWait wait);

/* Releases the seal lock. */
extern void vs_ann_seal_unlock(Relation index);

/*
 * Takes the same lock in share mode, for a check: it keeps lists from
 * changing.  Checks share it.  A seal that waits goes before all checks that
 * come later.
 */
extern void vs_ann_check_lock(Relation index);
extern void vs_ann_check_unlock(Relation index);

/*
 * Returns whether some backend holds the seal lock for more than a check, or
 * waits for it.  Does not wait.
 */
extern bool vs_ann_seal_under_way(Relation index);

#endif							/* VS_ANN_LOCK_H */
