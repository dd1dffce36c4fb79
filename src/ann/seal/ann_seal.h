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
 * The caller of a seal.  Every seal takes the pending rows; the caller
 * decides what else happens to the lists (see README.md).
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
	/* All lists may be trained again if they are far too few. */
	bool		may_train;
	bool		report;			/* report progress as CREATE INDEX */
} VsAnnSealRequest;

/* Returns whether lists are split, merged and copied wherever they need it. */
static inline bool
vs_ann_seal_rearranges(const VsAnnSealRequest *request)
{
	return request->caller == VS_ANN_SEAL_COMPACT || request->caller == VS_ANN_SEAL_VACUUM;
}

/*
 * Takes the seal lock, executes the request and sets *result.  Returns false
 * if wait is VS_ANN_NOWAIT and the lock is taken.  The caller holds at least
 * RowExclusiveLock on the index and AccessShareLock on the table, has written
 * the rows that this session holds back, and holds no buffer lock.  An error
 * leaves a seal that the next one ends.
 */
extern bool vs_ann_seal(Relation index, Relation heap, VsAnnWait wait,
						const VsAnnSealRequest *request, VsAnnSealResult *result);

/*
 * Enters pages that can be reused into the free space map, and retires pages
 * that are unreachable.  Needs the seal lock and no buffer lock.
 */
extern void vs_ann_sweep(const VsAnn *ann);

#endif							/* VS_ANN_SEAL_H */
