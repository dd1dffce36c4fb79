/*-------------------------------------------------------------------------
 * ann_explain.c
 *	  What EXPLAIN (ANALYZE) shows of scans.
 *
 * Uses the hook that PostgreSQL 18 has for it.  On older servers
 * vecstore.last_scan_stats() shows the same numbers.  They are totals of all
 * loops of the node, without the work of parallel workers.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ann/ann.h"
#include "ann/scan/ann_explain.h"
#include "ann/scan/ann_scan_state.h"
#include "compat/compat.h"

#if VS_HAS_EXPLAIN_HOOK

static explain_per_node_hook_type previous_hook;

/* Show the counts of a node that scans a vecann index. */
static void
explain_node(PlanState *planstate, List *ancestors, const char *relationship,
			 const char *plan_name, ExplainState *es)
{
	IndexScanDesc scan;
	const VsAnnScanStats *stats;

	if (previous_hook != NULL)
		previous_hook(planstate, ancestors, relationship, plan_name, es);
	if (!es->analyze || !IsA(planstate, IndexScanState))
		return;
	scan = ((IndexScanState *) planstate)->iss_ScanDesc;
	if (scan == NULL || !vs_ann_is_vecann(scan->indexRelation))
		return;
	stats = &((VsAnnScan *) scan->opaque)->stats;
	ExplainPropertyInteger("Lists Probed", NULL, stats->lists_probed, es);
	ExplainPropertyInteger("Codes Scanned", NULL, stats->codes_scanned, es);
	ExplainPropertyInteger("Pending Scanned", NULL, stats->pending_scanned, es);
	ExplainPropertyInteger("Codes Refined", NULL, stats->refined, es);
	ExplainPropertyInteger("Exact Distances", NULL, stats->exact_distances, es);
}

void
vs_ann_explain_init(void)
{
	previous_hook = explain_per_node_hook;
	explain_per_node_hook = explain_node;
}

#else

void
vs_ann_explain_init(void)
{
}

#endif
