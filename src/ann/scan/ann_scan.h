/*-------------------------------------------------------------------------
 * ann_scan.h
 *	  What the files of an index scan share (README.md names them).
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_SCAN_H
#define VS_ANN_SCAN_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "ann/scan/ann_queue.h"
#include "quant/quant.h"
#include "store/store.h"

#include "access/genam.h"
#include "access/relscan.h"

/*
 * ref of an entry as a page scan found it: number in visited, and ordinal there.
 * ref of one whose id is known: number in found.
 */
#define VS_ANN_ORDINAL_BITS	9
#define VS_ANN_MAX_VISITED	(1 << (31 - VS_ANN_ORDINAL_BITS))

/* A page or extent that was scored. */
typedef struct VsAnnVisited
{
	BlockNumber block;			/* pending page */
	int32		list;			/* rank of the list, -1 for a pending page */
	uint32		pages;			/* list: where its further pages begin in scan->pages */
} VsAnnVisited;

/* An entry whose id was read. */
typedef struct VsAnnFound
{
	ItemPointerData tid;
	uint32		address;
	int32		list;			/* rank of the list it is in, -1 if pending */
	double		distance;		/* if its key is exact */
} VsAnnFound;

/* Rows that tell how much is worth scoring: a usual LIMIT. */
#define VS_ANN_TYPICAL_LIMIT	10

/* Rows settled beyond those to be emitted, so that one that is settled late can still be put among them. */
#define VS_ANN_SETTLED_AHEAD 8

#define VS_ANN_PREFETCH_RANGES	4

/* A list, by how near its centroid is. */
typedef struct VsAnnRanked
{
	float		score;
	int32		list;
} VsAnnRanked;

/* What scoring a list takes. */
typedef struct VsAnnProbe
{
	BlockNumber head;
	VsQuantListTerms terms;
} VsAnnProbe;

/* Codes of the list to be scored next, not yet brought into the processor's cache. */
typedef struct VsAnnPrefetch
{
	int			nranges;
	const char *at[VS_ANN_PREFETCH_RANGES];
	const char *end[VS_ANN_PREFETCH_RANGES];
} VsAnnPrefetch;

/* Memory that outlives scans (ann_scratch.c). */
typedef struct VsAnnScratch
{
	bool		in_use;
	MemoryContext context;
	VsAnnQueue	queue;
	VsAnnVisited *visited;
	int			nvisited;
	int			visited_capacity;
	BlockNumber *pages;
	int			npages;
	int			pages_capacity;
	VsAnnFound *found;
	int			nfound;
	int			found_capacity;
	VsAnnRanked *ranked;		/* those ordered so far in order */
	VsAnnProbe *probes;			/* of those, by rank */
	float	   *scores;			/* of all lists, by number; so are the next two */
	float	   *norms;			/* squared, of the centroids */
	BlockNumber *heads;
	int			ranked_capacity;
} VsAnnScratch;

/* How many rows a plan wants of a scan; see ann_wanted.c. */
typedef struct VsAnnWanted
{
	double		rows;			/* at most */
	double		first;			/* likely; the scan settles so many at first */
} VsAnnWanted;

/* What a scan did, rescans added up, but for lists. */
typedef struct VsAnnScanStats
{
	Oid			index;
	int64		scans;			/* times it was begun */
	int64		lists;			/* of the index */
	int64		lists_probed;
	int64		codes_scanned;
	int64		pending_scanned;
	int64		refined;
	int64		exact_distances;
	int64		rows_returned;
} VsAnnScanStats;

extern VsAnnScanStats vs_ann_scan_stats;

typedef struct VsAnnScan
{
	VsAnn		ann;
	VsAnnMetaData meta;
	VsAnnScratch *scratch;
	BlockNumber heap_blocks;	/* of the table, as last asked for */
	VsAnnWalk	walk;			/* along pending chains and lists; a page is met once */
	MemoryContext context;		/* reset by rescans */
	bool		started;
	bool		unordered;		/* no query: every distance is null */
	const char *payload;		/* the query */
	float		epsilon;
	VsQuantQuery *pending_query;
	VsQuantListTerms pending_terms[2];	/* of codes against origin, centre */
	VsQuantQuery *list_query;	/* the same, unless rows are moved by a mean */
	char	   *block;			/* a block cut over pages is put together here */
	VsAnnPrefetch prefetch;
	int			nranked;
	int			next_list;		/* lists before it in rank were scored */
	int			nsorted;		/* lists before it are in order */
	int			probes;
	int			nupper_bounds;
	float		upper_bounds[VS_ANN_TYPICAL_LIMIT]; /* smallest upper bounds, ascending */
	int64		index_rows;		/* of the index, about */
	int64		likely_rows;	/* wanted; 0 if that is unknown */
	int64		first_rows;		/* settled before one is emitted */
	bool		exact;			/* all distances are computed before a row is emitted */
	int64		emitted;
	int64		scored_before;	/* codes scored by scans before this one, see stats */
	VsAnnRefined last;			/* the row emitted last, if any and not late */
	VsAnnScanStats stats;
	VsStoreReader *reader;
} VsAnnScan;

/* ambeginscan, amrescan, amgettuple, amendscan (ann_scan.c) */
extern IndexScanDesc vs_ann_beginscan(Relation index, int nkeys, int norderbys);
extern void vs_ann_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
						  ScanKey orderbys, int norderbys);
extern bool vs_ann_gettuple(IndexScanDesc scan, ScanDirection direction);
extern void vs_ann_endscan(IndexScanDesc scan);

/*
 * Whether the scan has looked at the index since it began or was rescanned.  Rows
 * that this session holds back must be on pages before it does.
 */
static inline bool
vs_ann_scan_started(IndexScanDesc scan)
{
	return ((const VsAnnScan *) scan->opaque)->started;
}

/* ann_scratch.c */
extern VsAnnScratch *vs_ann_scratch_acquire(MemoryContext scan_context);
extern void *vs_ann_scratch_enlarge(VsAnnScratch *scratch, void *array, int *capacity,
									int64 needed, Size size);

/* ann_wanted.c */
extern VsAnnWanted vs_ann_wanted(IndexScanDesc scan, double index_rows);

/* ann_rank_lists.c */
extern void vs_ann_rank_begin(VsAnnScan *so);
extern void vs_ann_rank_lists(VsAnnScan *so, int until);

/* ann_probe.c */
extern void vs_ann_probe_pending(VsAnnScan *so);
extern void vs_ann_probe_lists(VsAnnScan *so, int until);
extern void vs_ann_refine_next(VsAnnScan *so, int portion);

#endif							/* VS_ANN_SCAN_H */
