/*-------------------------------------------------------------------------
 * ann_effort.c
 *	  How many lists a scan searches.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "ann/base/ann_effort.h"

/* Rows whose codes are scored in no more time than the rest of a query takes. */
#define ROWS_WORTH_SCORING	20000

/*
 * Lists that a scan scores at least before it returns rows, unless vecann.probes says:
 * twice the square root of their number, or more while that costs little.
 */
int
vs_ann_probes_of(int nlists, int64 rows)
{
	double		by_lists = ceil(2 * sqrt((double) nlists));
	double		by_rows = ceil((double) ROWS_WORTH_SCORING * nlists / Max(rows, 1));

	return Min(nlists, Max(by_lists, by_rows));
}
