/*-------------------------------------------------------------------------
 * ann_cost.c
 *	  Cost of an index scan, from the index's real counts.
 *
 * A scan ranks all lists and scores the pending part and the lists nearest to
 * the query.  Then it emits rows; the more rows it has to emit, the more
 * lists it scores.  The number of rows to emit follows from LIMIT and from
 * the share of rows that the query's conditions keep.
 *
 * For LIMIT the planner interpolates between startup and total cost.  That
 * suits the cost of rows.  It does not suit the cost of lists, most of which
 * are scored early, nor that of the table's pages, since each of the first
 * rows needs another page.  So the lists and pages for the rows to emit are
 * part of the startup cost.
 *
 * The constants are measured (docs/performance.md), on a scale where
 * cpu_operator_cost is 12 ns.  That is the time to which the planner's own
 * costs of a sequential scan in memory amount.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "ann/am/ann_am.h"
#include "ann/base/ann_effort.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_options.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/scan/ann_wanted.h"
#include "compat/compat.h"

/*
 * In units of cpu_operator_cost.  The constants ending in DIM are per
 * dimension.
 */
#define COST_OF_SCAN		1500.0	/* rotate the query, first candidates */
#define COST_OF_CODE		0.6		/* score one code */
#define COST_OF_CODE_DIM	0.0022
#define COST_OF_CENTROID	0.6
#define COST_OF_CENTROID_DIM 0.006
#define COST_OF_ROW			260.0	/* emit a row: bounds, exact distances */
#define COST_OF_ROW_DIM		0.35

#define COST_OF_DISTANCE	100.0	/* each row of an exact scan */
#define COST_OF_DISTANCE_DIM 0.1

/*
 * The share of a page's cost, since most pages of lists and table are cached.
 */
#define SHARE_OF_LIST_PAGE	0.1
#define SHARE_OF_HEAP_PAGE	0.25

/*
 * With vecann.probes at 0, a scan usually scores this many times
 * vs_ann_probes_of.
 */
#define USUAL_ROUNDS		2

/*
 * More than any plan costs, and than the planner adds for a disabled plan
 * type.
 */
#define FORBIDDEN_COST		1e30

/* The counts of an index on which the cost depends. */
typedef struct Counts
{
	int			dim;
	int			nlists;
	double		list_rows;
	double		pending;
} Counts;

static void
read_counts(Oid indexoid, Counts *counts)
{
	Relation	index = index_open(indexoid, NoLock);
	VsAnn		ann;
	VsAnnMetaData meta;

	memset(counts, 0, sizeof(*counts));
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	if (ann.has_dim)
	{
		counts->dim = ann.spec.dim;
		counts->nlists = meta.nlists;
		counts->list_rows = Max(meta.list_rows, 0);
		counts->pending = vs_ann_pending_rows(&ann, &meta);
	}
	index_close(index, NoLock);
}

/*
 * The number of rows that the scan has to emit until the query has enough.
 * rows is the number in the index.
 */
static double
rows_to_emit(PlannerInfo *root, IndexPath *path, double rows)
{
	RelOptInfo *rel = path->indexinfo->rel;
	double		kept = path->path.param_info ? path->path.param_info->ppi_rows : rel->rows;
	double		wanted = kept;

	if (root->limit_tuples > 0)
		wanted = root->limit_tuples;
	else if (root->tuple_fraction >= 1)
		wanted = root->tuple_fraction;
	else if (root->tuple_fraction > 0)
		wanted = root->tuple_fraction * kept;
	if (wanted >= kept)
		return rows;
	return rows * Min(1, wanted / clamp_row_est(kept));
}

/*
 * The share of lists that a scan has scored when it has emitted that many
 * rows.
 */
static double
share_of_lists(const Counts *counts, double emitted)
{
	double		first = vs_ann_probes;

	if (counts->nlists == 0)
		return 0;
	if (vs_ann_probes == 0)
		first = USUAL_ROUNDS * (double) vs_ann_probes_of(counts->nlists, counts->list_rows);
	first = Min(first, counts->nlists);
	return Min(1, first * (1 + emitted / VS_ANN_ROWS_PER_PROBES) / counts->nlists);
}

/*
 * The cost of reading the table's pages for the emitted rows, which lie
 * anywhere.
 */
static Cost
heap_pages_cost(PlannerInfo *root, IndexPath *path, double emitted, double loop_count)
{
	RelOptInfo *rel = path->indexinfo->rel;
	double		page_cost;
	double		pages;

	get_tablespace_page_costs(rel->reltablespace, &page_cost, NULL);
	pages = index_pages_fetched(ceil(emitted * loop_count), rel->pages,
								path->indexinfo->pages, root) /
		loop_count;
	return pages * page_cost * SHARE_OF_HEAP_PAGE;
}

static bool
any_clause_of(List *clauses, const EquivalenceClass *class)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const RestrictInfo *clause = VS_OUTER_JOIN_CLAUSE(lfirst(cell));

		if (clause->left_ec == class || clause->right_ec == class)
			return true;
	}
	return false;
}

/*
 * Whether the class has a member beside the distance.  Its counterparts in
 * partitions do not count.
 */
static bool
has_others(const EquivalenceClass *class)
{
	int			members = 0;
	ListCell   *cell;

	foreach(cell, class->ec_members)
		members += !lfirst_node(EquivalenceMember, cell)->em_is_child;
	return members > 1;
}

/*
 * Whether the distance is compared with an expression of another relation, so
 * that a merge join would use the order.
 */
static bool
may_be_merged(PlannerInfo *root, const IndexPath *path)
{
	const EquivalenceClass *class;

	if (path->path.pathkeys == NIL)
		return false;
	class = linitial_node(PathKey, path->path.pathkeys)->pk_eclass;
	return has_others(class) ||
		any_clause_of(root->left_join_clauses, class) ||
		any_clause_of(root->right_join_clauses, class) ||
		any_clause_of(root->full_join_clauses, class);
}

/*
 * Whether an expression has a window function that looks at all rows before it
 * gives the first result.
 */
static bool
window_needs_all(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, WindowFunc))
		return vs_ann_window_needs_all(((WindowFunc *) node)->winfnoid);
	return expression_tree_walker(node, window_needs_all, context);
}

static bool
windows_need_all(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->windowClause)
	{
		if ((lfirst_node(WindowClause, cell)->frameOptions &
			 FRAMEOPTION_END_UNBOUNDED_FOLLOWING) != 0)
			return true;
	}
	return query->hasWindowFuncs && window_needs_all((Node *) query->targetList, NULL);
}

/*
 * Whether the scan will be exact for any LIMIT (ann_wanted.c), because a late
 * row would make the node above it wrong: groups would be split, a merge join
 * would lose the row.
 */
static bool
needs_all_rows(PlannerInfo *root, const IndexPath *path)
{
	return root->group_pathkeys != NIL ||
		(root->parse->distinctClause != NIL && root->distinct_pathkeys != NIL) ||
		windows_need_all(root->parse) || may_be_merged(root, path);
}

void
vs_ann_costestimate(PlannerInfo *root, IndexPath *path, double loop_count,
					Cost *startup, Cost *total, Selectivity *selectivity,
					double *correlation, double *pages)
{
	Counts		counts;
	double		rows;
	double		emitted;
	double		page_cost;
	Cost		code;
	Cost		row;
	Cost		distance;
	bool		exact;
	Cost		fixed;
	Cost		lists;

	*selectivity = 1;
	*correlation = 0;
	*pages = path->indexinfo->pages;
	/*
	 * The index lacks rows whose value is NULL, so it may be scanned only for
	 * its order, which is by one distance.
	 */
	if (list_length(path->indexorderbys) != 1)
	{
		/* not infinite: the planner computes differences of costs */
		*startup = *total = FORBIDDEN_COST;
		VS_FORBID_PATH(&path->path);
		return;
	}
	read_counts(path->indexinfo->indexoid, &counts);
	rows = counts.list_rows + counts.pending;
	emitted = needs_all_rows(root, path) ? rows : rows_to_emit(root, path, rows);
	exact = VS_ANN_WORTH_EXACT(emitted, rows);
	get_tablespace_page_costs(path->indexinfo->reltablespace, NULL, &page_cost);

	code = cpu_operator_cost * (COST_OF_CODE + COST_OF_CODE_DIM * counts.dim);
	row = cpu_operator_cost * (COST_OF_ROW + COST_OF_ROW_DIM * counts.dim);
	distance = cpu_operator_cost * (COST_OF_DISTANCE + COST_OF_DISTANCE_DIM * counts.dim);
	fixed = cpu_operator_cost *
		(COST_OF_SCAN + counts.nlists * (COST_OF_CENTROID + COST_OF_CENTROID_DIM * counts.dim)) +
		counts.pending * code +
		heap_pages_cost(root, path, emitted, Max(loop_count, 1));
	lists = counts.list_rows * code + *pages * page_cost * SHARE_OF_LIST_PAGE;
	*startup = fixed + (exact ? lists + rows * distance : share_of_lists(&counts, emitted) * lists);
	*total = fixed + lists + rows * (exact ? distance + row : row);
}
