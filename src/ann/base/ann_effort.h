/*-------------------------------------------------------------------------
 * ann_effort.h
 *	  The number of lists that a scan searches.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_EFFORT_H
#define VS_ANN_EFFORT_H

#include "postgres.h"

/*
 * Per this number of rows emitted, a scan scores as many more lists as at its
 * start.
 */
#define VS_ANN_ROWS_PER_PROBES	128

/*
 * Whether a scan that emits the given number of the index's rows computes all
 * distances exactly: it would compute most of them anyway.
 */
#define VS_ANN_WORTH_EXACT(emitted, rows)	((emitted) >= (rows) / 2.0)

/*
 * Returns the number of lists that a scan scores before it returns rows,
 * unless vecann.probes sets it.  rows is the number of rows in nlists lists.
 */
extern int	vs_ann_probes_of(int nlists, int64 rows);

#endif							/* VS_ANN_EFFORT_H */
