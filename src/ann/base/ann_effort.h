/*-------------------------------------------------------------------------
 * ann_effort.h
 *	  How many lists a scan searches.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_EFFORT_H
#define VS_ANN_EFFORT_H

#include "postgres.h"

/* Rows emitted for which a scan scores as many lists as at its beginning again. */
#define VS_ANN_ROWS_PER_ROUND	128

/*
 * Whether a scan that emits that many of the index's rows is exact: it computes
 * most distances anyway.
 */
#define VS_ANN_WORTH_EXACT(emitted, rows)	((emitted) >= (rows) / 2.0)

/* Lists scanned first of an index of that many lists and rows. */
extern int	vs_ann_probes_of(int nlists, int64 rows);

#endif							/* VS_ANN_EFFORT_H */
