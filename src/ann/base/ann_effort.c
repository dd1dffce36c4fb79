/*-------------------------------------------------------------------------
 * ann_effort.c
 *	  The number of lists that a scan searches.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "ann/base/ann_effort.h"

/*
 * The number of codes that are scored in about the time of the rest of a
 * query.
 */
#define ROWS_WORTH_SCORING	20000

/*
 * Takes twice the square root of the number of lists.  Takes more if the
 * lists are so small that scoring ROWS_WORTH_SCORING rows reaches more of
 * them.
 */
int
vs_ann_probes_of(int nlists, int64 rows)
{
	double		by_lists = ceil(2 * sqrt((double) nlists));
	double		by_rows = ceil((double) ROWS_WORTH_SCORING * nlists / Max(rows, 1));

	return Min(nlists, Max(by_lists, by_rows));
}
