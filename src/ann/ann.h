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

/*
 * Defines the settings and index options.  Called once, when the library is
 * loaded.
 */
extern void vs_ann_init(void);

/* Returns whether the relation is an index of vecann. */
extern bool vs_ann_is_vecann(Relation rel);

typedef enum VsAnnWait
{
	VS_ANN_WAIT,				/* wait for a running seal or compaction */
	VS_ANN_NOWAIT				/* return false instead */
} VsAnnWait;

typedef struct VsAnnSealResult
{
	/*
	 * Rows that left the pending part; for compact, also rows that changed
	 * lists.
	 */
	int64		rows_sealed;
	/* The number of the new segment, or 0 if there was nothing to do. */
	uint32		segment;
} VsAnnSealResult;

#endif							/* VS_ANN_H */
