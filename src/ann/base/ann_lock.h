/*-------------------------------------------------------------------------
 * ann_lock.h
 *	  The seal lock.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_LOCK_H
#define VS_ANN_LOCK_H

#include "ann/ann.h"

/*
 * The lock by which seal, compaction, vacuum and check exclude each other;
 * scans and inserts do not take it.  False if another backend has it and wait is
 * VS_ANN_NOWAIT.  Errors: lock_timeout, cancellation.
 */
extern bool vs_ann_seal_lock(Relation index, VsAnnWait wait);

extern void vs_ann_seal_unlock(Relation index);

/*
 * The same lock for a check, which only keeps lists from changing: checks share
 * it.  A seal that waits goes before all checks that come later.
 */
extern void vs_ann_check_lock(Relation index);
extern void vs_ann_check_unlock(Relation index);

/* Whether some backend has the seal lock for more than a check, or waits for it. */
extern bool vs_ann_seal_under_way(Relation index);

#endif							/* VS_ANN_LOCK_H */
