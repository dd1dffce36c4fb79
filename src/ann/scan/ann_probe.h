/*-------------------------------------------------------------------------
 * ann_probe.h
 *	  Scoring of pending pages and lists.
 *
 * Both functions add scored entries to the queue of the scan.  They hold one
 * page lock at a time, and none afterwards.  Errors: ERRCODE_INDEX_CORRUPTED,
 * and ERRCODE_PROGRAM_LIMIT_EXCEEDED if the scan meets too many pages or
 * entries.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PROBE_H
#define VS_ANN_PROBE_H

#include "ann/scan/ann_scan_state.h"

/*
 * Score all pending entries of the copied metapage.  Needs vs_ann_rank_begin,
 * and must run before lists are scored (invariant A3).
 */
extern void vs_ann_probe_pending(VsAnnScan *so);

/*
 * Score the lists from rank so->next_list to rank until - 1.  until is at
 * most so->nranked.  Some candidates are refined on the way, which lowers
 * the limit of the queue.
 */
extern void vs_ann_probe_lists(VsAnnScan *so, int until);

#endif							/* VS_ANN_PROBE_H */
