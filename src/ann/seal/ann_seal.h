/*-------------------------------------------------------------------------
 * ann_seal.h
 *	  Seals and compactions.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SEAL_H
#define VS_ANN_SEAL_H

#include "ann/ann.h"
#include "ann/page/ann_change.h"

/* What a seal is to do. */
#define VS_ANN_DO_FLUSH		0x01
#define VS_ANN_DO_COMPACT	0x02	/* lists that need it */
#define VS_ANN_DO_GROW		0x04	/* all lists, if they are too few by far */
#define VS_ANN_DO_SWEEP		0x08	/* find pages that can be reused */
#define VS_ANN_DO_REPORT	0x10	/* progress, as that of a CREATE INDEX */
#define VS_ANN_DO_PRUNE		0x20	/* find the dead in all lists, if there seem to be many */

#define VS_ANN_FLUSH		(VS_ANN_DO_FLUSH | VS_ANN_DO_GROW | VS_ANN_DO_PRUNE)
/* after a vacuum, which has flagged the dead; and for a user, who wants none left */
#define VS_ANN_TIDY			(VS_ANN_DO_FLUSH | VS_ANN_DO_GROW | VS_ANN_DO_COMPACT | VS_ANN_DO_SWEEP)
#define VS_ANN_COMPACT		(VS_ANN_TIDY | VS_ANN_DO_PRUNE)

/*
 * Takes the seal lock and does what is asked, as bits of VS_ANN_DO_*.  False if
 * the lock was taken and wait is VS_ANN_NOWAIT.  The caller holds at least
 * RowExclusiveLock on the index and AccessShareLock on the table.
 */
extern bool vs_ann_maintain(Relation index, Relation heap, VsAnnWait wait, int what,
							VsAnnSealResult *result);

/* Flags the entries dead that a seal left which was not published.  Needs the seal lock. */
extern void vs_ann_kill_unpublished(const VsAnn *ann, const VsAnnMetaData *meta);

/*
 * Finds pages that can be reused and enters them in the free space map; retires
 * pages that nothing leads to.  Needs the seal lock.
 */
extern void vs_ann_sweep(const VsAnn *ann);

#endif							/* VS_ANN_SEAL_H */
