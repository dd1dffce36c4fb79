/*-------------------------------------------------------------------------
 * ann_paths.c
 *	  Paths in the order of a distance, for queries with further sort keys.
 *
 * ORDER BY a distance and then other keys takes an index scan and an
 * incremental sort.  Before version 16 the planner makes a path of an ordering
 * operator only if the operator is the whole order, and no version does so if
 * the next key is a distance too.  So the paths for the first key alone are
 * added here.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "nodes/pathnodes.h"
#include "optimizer/paths.h"

#include "ann/am/ann_am.h"
#include "compat/compat.h"

static set_rel_pathlist_hook_type next_hook;

static List *
vecann_indexes(const RelOptInfo *rel)
{
	List	   *indexes = NIL;
	ListCell   *cell;

	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		if ((amcostestimate_function) index->amcostestimate == vs_ann_costestimate)
			indexes = lappend(indexes, index);
	}
	return indexes;
}

/*
 * Has the planner's own function make the paths, from our indexes and the first
 * key alone.
 */
static void
add_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	List	   *keys = root->query_pathkeys;
	List	   *indexes = rel->indexlist;
	List	   *ours;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (list_length(keys) < 2 || rte->rtekind != RTE_RELATION || rte->inh ||
		rte->tablesample != NULL || IS_DUMMY_REL(rel))
		return;
	ours = vecann_indexes(rel);
	if (ours == NIL)
		return;
	/* an error ends the planning, and root with it */
	root->query_pathkeys = list_make1(linitial(keys));
	rel->indexlist = ours;
	create_index_paths(root, rel);
	rel->indexlist = indexes;
	root->query_pathkeys = keys;
}

/* Once, at load. */
void
vs_ann_paths_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_paths;
}
