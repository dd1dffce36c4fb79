/*-------------------------------------------------------------------------
 * ann_wanted.c
 *	  How many rows the running plan wants of a scan.
 *
 * The executor does not pass LIMIT on to an index scan.  A scan that knows
 * how many rows are wanted settles all of them before it emits the first, and
 * so emits them in order.  A scan that will be read to its end computes all
 * distances first, because a row that it found too late would be out of
 * order.
 *
 * So a scan looks for its node in the plan that the executor is running.  On
 * the way down it computes how many rows each node wants of the node below.
 * The answer decides only how many rows are settled ahead.  It decides
 * neither which rows are emitted nor whether they are in order.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

#include "ann/scan/ann_wanted.h"
#include "compat/ann_compat.h"

static ExecutorRun_hook_type next_executor_run;

/* The innermost running query, and how many rows it returns; 0 is all. */
static QueryDesc *running;
static uint64 running_count;

/* ExecutorRun_hook: note the query that is running. */
static void
executor_run(VS_EXECUTOR_RUN_PARAMETERS)
{
	QueryDesc  *outer = running;
	uint64		outer_count = running_count;

	running = queryDesc;
	running_count = count;
	PG_TRY();
	{
		if (next_executor_run != NULL)
			next_executor_run(VS_EXECUTOR_RUN_ARGUMENTS);
		else
			standard_ExecutorRun(VS_EXECUTOR_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		running = outer;
		running_count = outer_count;
	}
	PG_END_TRY();
}

void
vs_ann_wanted_init(void)
{
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
}

#define UNKNOWN		0.0
#define ALL_ROWS	INFINITY

/*
 * An estimated number of rows is cut to this one.  It may be far too high,
 * and rows that are settled but not fetched are work for nothing.
 */
#define MAX_ESTIMATED_ROWS	10000.0

static const VsAnnWanted unknown = {UNKNOWN, UNKNOWN};
static const VsAnnWanted all_rows = {ALL_ROWS, ALL_ROWS};

/*
 * Return what a LIMIT wants of the node below it.  It has computed its
 * numbers before it asks for a row.
 */
static VsAnnWanted
below_limit(const LimitState *limit, VsAnnWanted wanted)
{
	double		rows = wanted.rows == UNKNOWN ? ALL_ROWS : wanted.rows;

	if (!limit->noCount)
		rows = Min(rows, (double) limit->count);
	else if (wanted.rows == UNKNOWN)
		return unknown;
	rows += limit->offset;
	/* it reads one row more, which may be a tie */
	if (limit->limitOption == LIMIT_OPTION_WITH_TIES)
		rows += 1;
	return (VsAnnWanted){rows, rows};
}

bool
vs_ann_window_needs_all(Oid function)
{
	return function == F_PERCENT_RANK_ || function == F_CUME_DIST_ || function == F_NTILE;
}

/* Return whether a WindowAgg reads all rows before it returns the first. */
static bool
window_needs_all(const WindowAggState *state)
{
	const WindowAgg *plan = (const WindowAgg *) state->ss.ps.plan;
	ListCell   *cell;

	if ((plan->frameOptions & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) != 0)
		return true;
	foreach(cell, state->funcs)
	{
		const WindowFuncExprState *function = lfirst(cell);

		if (vs_ann_window_needs_all(function->wfunc->winfnoid))
			return true;
	}
	return false;
}

/* Return what a node wants that also reads the row after the last peer. */
static VsAnnWanted
plus_one(VsAnnWanted wanted)
{
	if (wanted.rows == UNKNOWN)
		return unknown;
	return (VsAnnWanted){wanted.rows + 1, wanted.first + 1};
}

/*
 * Return what a node wants of each of its subplans.  A single one may have to
 * return all rows, but is likely to return its share.
 */
static VsAnnWanted
per_subplan(VsAnnWanted wanted, int nplans)
{
	return (VsAnnWanted){wanted.rows, wanted.first / Max(nplans, 1)};
}

/*
 * Return what a node wants of the node below it, if it is estimated to make
 * 'to' rows out of 'from'.
 */
static VsAnnWanted
scaled(VsAnnWanted wanted, double from, double to)
{
	double		scale = Max(from, 1) / Max(to, 1);

	return (VsAnnWanted){wanted.rows * scale, wanted.first * scale};
}

/*
 * Return what a node wants of a child whose rows it filters, or joins with
 * others.
 */
static VsAnnWanted
below_filter(const PlanState *node, const PlanState *child, VsAnnWanted wanted)
{
	return scaled(wanted, child->plan->plan_rows, node->plan->plan_rows);
}

/* Return what a node wants of the nodes below it. */
static VsAnnWanted
wanted_below(const PlanState *node, VsAnnWanted wanted)
{
	bool		all = isinf(wanted.rows);

	switch (nodeTag(node))
	{
		case T_LimitState:
			return below_limit((const LimitState *) node, wanted);
		case T_AppendState:
			return per_subplan(wanted, ((const AppendState *) node)->as_nplans);
		case T_MergeAppendState:
			return per_subplan(wanted, ((const MergeAppendState *) node)->ms_nplans);
		case T_SubqueryScanState:
			return below_filter(node, ((const SubqueryScanState *) node)->subplan, wanted);
		case T_NestLoopState:
		case T_HashJoinState:
			return below_filter(node, outerPlanState(node), wanted);
		case T_ResultState:
		case T_LockRowsState:
		case T_ModifyTableState:
		case T_MaterialState:
		case T_MemoizeState:
			return wanted;
		case T_IncrementalSortState:
			return plus_one(wanted);
		case T_WindowAggState:
			return window_needs_all((const WindowAggState *) node) ? all_rows : plus_one(wanted);
		case T_ProjectSetState:
		case T_GatherState:
		case T_GatherMergeState:
		case T_CustomScanState:
			return all ? wanted : unknown;
		default:
			/*
			 * The node reads to the end, or its result would be wrong if the
			 * rows were out of order.
			 */
			return all_rows;
	}
}

/*
 * Return how many rows the scan has to emit until the wanted number of rows
 * meets its conditions.
 */
static VsAnnWanted
before_conditions(const IndexScanState *node, VsAnnWanted wanted, double index_rows)
{
	double		kept = node->ss.ps.plan->plan_rows;

	if (node->ss.ps.qual == NULL)
		return wanted;
	wanted = scaled(wanted, index_rows, Min(kept, index_rows));
	if (!isinf(wanted.first))
		wanted.first = Min(wanted.first, MAX_ESTIMATED_ROWS);
	return wanted;
}

typedef struct ScanSearch
{
	IndexScanDesc scan;
	double		index_rows;
	VsAnnWanted wanted;			/* of the current node, at last of the scan */
} ScanSearch;

static bool find_scan(PlanState *node, ScanSearch *search);

/*
 * Search subplans.  It is not known how many rows their parent wants of them.
 */
static bool
find_in_subplans(List *subplans, ScanSearch *search)
{
	ListCell   *cell;

	foreach(cell, subplans)
	{
		search->wanted = unknown;
		if (find_scan(((SubPlanState *) lfirst(cell))->planstate, search))
			return true;
	}
	return false;
}

/*
 * Search the node and those below it for the scan.  Sets search->wanted and
 * returns true if the scan was found, else leaves search->wanted as it was.
 */
static bool
find_scan(PlanState *node, ScanSearch *search)
{
	VsAnnWanted wanted = search->wanted;

	if (IsA(node, IndexScanState) && ((IndexScanState *) node)->iss_ScanDesc == search->scan)
	{
		search->wanted = before_conditions((IndexScanState *) node, wanted, search->index_rows);
		return true;
	}
	if (find_in_subplans(node->initPlan, search) || find_in_subplans(node->subPlan, search))
		return true;
	search->wanted = wanted_below(node, wanted);
	if (planstate_tree_walker(node, find_scan, search))
		return true;
	search->wanted = wanted;
	return false;
}

VsAnnWanted
vs_ann_wanted(IndexScanDesc scan, double index_rows)
{
	ScanSearch	search = {scan, index_rows, all_rows};

	if (running == NULL || running->planstate == NULL)
		return unknown;
	if (running_count > 0)
		search.wanted = (VsAnnWanted){running_count, running_count};
	return find_scan(running->planstate, &search) ? search.wanted : unknown;
}
