/*-------------------------------------------------------------------------
 * ann_scan_state.h
 *	  The state of an index scan, which the files of scan/ share.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SCAN_STATE_H
#define VS_ANN_SCAN_STATE_H

#include "postgres.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "ann/scan/ann_prefetch.h"
#include "ann/scan/ann_queue.h"
#include "ann/scan/ann_scan.h"
#include "ann/scan/ann_scratch.h"
#include "quant/quant.h"
#include "store/store.h"

/*
 * A usual LIMIT.  A scan settles that many rows first if it does not know how
 * many are wanted.  The distances of the nearest that many rows decide how
 * many lists are worth scoring.
 */
#define VS_ANN_TYPICAL_LIMIT	10

typedef struct VsAnnScan
{
	MemoryContext context;		/* reset by each start */
	VsAnnScratch *scratch;
	bool		started;

	/* the index, as this scan sees it */
	VsAnn		ann;
	VsAnnMetaData meta;			/* the copy that decides which entries count */
	int64		index_rows;		/* about */
	BlockNumber heap_blocks;	/* length of the table when it was last read */
	VsStoreReader *reader;
	VsAnnWalk	walk;			/* over all chains; a page is met once */

	/* the query */
	bool		unordered;		/* there is none, and every distance is null */
	const char *payload;
	float		epsilon;
	VsQuantQuery *pending_query;
	/* terms of pending codes against the origin, and against the center */
	VsQuantListTerms pending_terms[2];
	VsQuantQuery *list_query;	/* pending_query, or relative to the mean */

	/* lists, by rank */
	int			nranked;		/* number of lists */
	int			nsorted;		/* the first nsorted lists are sorted */
	int			next_list;		/* the lists before this one were scored */
	int			probes;			/* lists scored before the first row */
	char	   *block;			/* puts together the slices of a block */
	VsAnnPrefetch prefetch;

	/* the smallest upper bounds of distances, ascending */
	int			nupper_bounds;
	float		upper_bounds[VS_ANN_TYPICAL_LIMIT];

	/* rows */
	int64		likely_rows;	/* likely to be wanted; 0 if unknown */
	int64		first_rows;		/* settled before the first is emitted */
	bool		exact;			/* compute all distances before the first row */
	int64		emitted;
	VsAnnRefined last;			/* emitted last, if any and not late */
	int64		scored_before;	/* entries scored when the scan was started */
	VsAnnScanStats stats;
} VsAnnScan;

#endif							/* VS_ANN_SCAN_STATE_H */
