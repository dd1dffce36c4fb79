/*-------------------------------------------------------------------------
 * ann_scan.h
 *	  Index scans, for the access method's routine and for statistics.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SCAN_H
#define VS_ANN_SCAN_H

#include "postgres.h"

#include "access/genam.h"

/*
 * Counts of the work that a scan did.  Rescans add to them; lists is that of
 * the last rescan.
 */
typedef struct VsAnnScanStats
{
	Oid			index;
	int64		scans;			/* times the scan was started */
	int64		lists;			/* lists of the index */
	int64		lists_probed;
	int64		codes_scanned;	/* entries of lists scored */
	int64		pending_scanned;	/* pending entries scored */
	int64		refined;
	int64		exact_distances;
	int64		rows_returned;
} VsAnnScanStats;

/* The counts of the scan that ended last in this session. */
extern VsAnnScanStats vs_ann_scan_stats;

/*
 * ambeginscan.  Allocates in the current memory context, which must live as
 * long as the scan.  The index is not read.
 */
extern IndexScanDesc vs_ann_beginscan(Relation index, int nkeys, int norderbys);

/* amrescan.  The next vs_ann_gettuple starts the scan again. */
extern void vs_ann_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
						  ScanKey orderbys, int norderbys);

/*
 * amgettuple.  The first call starts the scan: it copies the metapage, and
 * scores the pending part and the first lists.  Held rows of this session
 * must be on pages before that.  Holds no lock between calls, and no pin but
 * that of the value store's reader.
 *
 * Errors: ERRCODE_DATA_EXCEPTION if the query has another dimension than the
 * index, ERRCODE_INDEX_CORRUPTED for a damaged page,
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED if the scan meets too many pages.
 */
extern bool vs_ann_gettuple(IndexScanDesc scan, ScanDirection direction);

/* amendscan. */
extern void vs_ann_endscan(IndexScanDesc scan);

/* Return whether the scan was started since it began or was rescanned. */
extern bool vs_ann_scan_started(IndexScanDesc scan);

#endif							/* VS_ANN_SCAN_H */
