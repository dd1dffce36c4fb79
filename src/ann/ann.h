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

#endif							/* VS_ANN_H */
