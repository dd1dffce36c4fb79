/*-------------------------------------------------------------------------
 * ann_rank_lists.h
 *	  Preparation of the query, and the order of lists.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_RANK_LISTS_H
#define VS_ANN_RANK_LISTS_H

#include "ann/scan/ann_scan_state.h"

/*
 * Prepare the query, empty the scratch memory, and score the centroids of the
 * directory that so->meta names.  so->context must be the current memory
 * context.  Errors: ERRCODE_INDEX_CORRUPTED.
 */
extern void vs_ann_rank_begin(VsAnnScan *so);

/*
 * Sort the lists of rank 0 to until - 1, the nearest centroid first, and
 * compute their terms.  until is at most so->nranked.
 */
extern void vs_ann_rank_lists(VsAnnScan *so, int until);

#endif							/* VS_ANN_RANK_LISTS_H */
