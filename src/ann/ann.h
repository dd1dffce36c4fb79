/*-------------------------------------------------------------------------
 * ann.h
 *	  The vecann index access method, as the layers above see it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_H
#define VS_ANN_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/relcache.h"

/* Settings and index options; once, at load. */
extern void vs_ann_init(void);

/* Whether the relation is an index of vecann. */
extern bool vs_ann_is_vecann(Relation rel);

typedef enum VsAnnWait
{
	VS_ANN_WAIT,				/* for a seal or compaction that is under way */
	VS_ANN_NOWAIT				/* return false then */
} VsAnnWait;

typedef struct VsAnnSealResult
{
	int64		rows_sealed;	/* rows that left the pending part (or were moved, for compact) */
	uint32		segment;		/* number of the segment made, 0 if there was nothing to do */
} VsAnnSealResult;

/*
 * Seals all rows pending now.  heap is the index's table.  False when another
 * seal is under way and wait is VS_ANN_NOWAIT.  The caller holds at least
 * RowExclusiveLock on the index and AccessShareLock on the table.
 */
extern bool vs_ann_flush(Relation index, Relation heap, VsAnnWait wait,
						 VsAnnSealResult *result);

/*
 * Seals, drops dead entries, merges what many small seals left, adapts the
 * number of lists, and makes unused pages reusable.  Same requirements.
 */
extern bool vs_ann_compact(Relation index, Relation heap, VsAnnWait wait,
						   VsAnnSealResult *result);

/*
 * What is wrong with an index, and whether each row of its table is in it once:
 * calls report for each problem; tid is NULL where no row is concerned.  Waits for a seal
 * that is under way, and has others wait until it is done.
 */
typedef void (*VsAnnProblem) (void *arg, ItemPointer tid, const char *problem);
extern void vs_ann_check(Oid indexoid, VsAnnProblem report, void *arg);

#endif							/* VS_ANN_H */
