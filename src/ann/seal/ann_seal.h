/*-------------------------------------------------------------------------
 * ann_seal.h
 *	  Seals and compactions.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SEAL_H
#define VS_ANN_SEAL_H

#include "ann/ann.h"
#include "ann/page/ann_change.h"

/*
 * Who asks for a seal.  All of them seal the pending rows; the caller decides what
 * else is done to the lists (see README.md).
 */
typedef enum VsAnnSealCaller
{
	VS_ANN_SEAL_AUTOMATIC,		/* an insert found the pending part too large */
	VS_ANN_SEAL_FLUSH,			/* vecstore.flush */
	VS_ANN_SEAL_COMPACT,		/* vecstore.compact */
	VS_ANN_SEAL_VACUUM			/* VACUUM, which has flagged the dead */
} VsAnnSealCaller;

typedef struct VsAnnSealRequest
{
	VsAnnSealCaller caller;
	bool		may_train;		/* all lists may be trained again, if they are too few by far */
	bool		report;			/* progress, as that of a CREATE INDEX */
} VsAnnSealRequest;

/* Whether lists are split, merged and copied wherever they need it. */
static inline bool
vs_ann_seal_rearranges(const VsAnnSealRequest *request)
{
	return request->caller == VS_ANN_SEAL_COMPACT || request->caller == VS_ANN_SEAL_VACUUM;
}

/*
 * Takes the seal lock and does what is asked for.  False if the lock was taken and
 * wait is VS_ANN_NOWAIT.  The caller holds at least RowExclusiveLock on the index
 * and AccessShareLock on the table, and has written the rows that this session
 * holds back.
 */
extern bool vs_ann_seal(Relation index, Relation heap, VsAnnWait wait,
						const VsAnnSealRequest *request, VsAnnSealResult *result);

/*
 * Finds pages that can be reused and enters them in the free space map; retires
 * pages that nothing leads to.  Needs the seal lock.
 */
extern void vs_ann_sweep(const VsAnn *ann);

#endif							/* VS_ANN_SEAL_H */
