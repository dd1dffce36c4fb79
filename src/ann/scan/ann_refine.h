/*-------------------------------------------------------------------------
 * ann_refine.h
 *	  Refinement: ids and tighter bounds of candidates.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_REFINE_H
#define VS_ANN_REFINE_H

#include "ann/scan/ann_scan_state.h"

/*
 * Take about portion candidates from the queue, read their ids, tighten their
 * bounds, and push them to the heap of refined candidates.  Entries that are
 * flagged dead, or that do not count for this scan (invariant A3), are
 * dropped.  Needs a vs_ann_queue_bound that returned true just before.  Holds
 * one page lock at a time, and none afterwards.
 * Errors: ERRCODE_INDEX_CORRUPTED.
 */
extern void vs_ann_refine_next(VsAnnScan *so, int portion);

#endif							/* VS_ANN_REFINE_H */
