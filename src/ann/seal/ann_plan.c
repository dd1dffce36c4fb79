/*-------------------------------------------------------------------------
 * ann_plan.c
 *	  The plan of a seal: which lists to copy, rewrite, split or drop.
 *
 * The number of lists follows the number of rows.  A plan chooses one action
 * per list:
 *	split       a list far above the mean size is divided: centroids trained on
 *				its rows replace its centroid
 *	drop        a list far below the mean size gives its rows to the other lists
 *	reassign    neighbors of a split list are rewritten with it, because some of
 *				their rows are nearer to one of the new centroids
 *	copy        a list with many dead entries is copied without them
 *	keep        everything else
 *
 * Instead of all this, all lists are trained again if they are far too few or
 * too many, or if most rows would be assigned again anyway.
 *
 * A compaction repeated on an unchanging table comes to an end, for two
 * reasons.  First, training all lists requires that enough rows were sealed
 * since the last time.  Second, some lists cannot be split: their rows are
 * alike, and most of them go to one new list again.  That list remembers
 * their number (unsplit) and is not split before it has doubled.
 *
 * The larger the share of dead entries in a list, the cheaper is its copy per
 * entry removed.  So a list is copied from a threshold on, which depends on
 * the caller (choose_copies).
 *
 * Scans see nothing of this.  vs_ann_plan_directory writes the copies and
 * empty lists; ann_seal.c assigns the other rows and publishes the directory.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_choose.h"
#include "ann/seal/ann_list_copy.h"
#include "ann/seal/ann_plan.h"
#include "ann/seal/ann_seal.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "quant/kmeans.h"
#include "quant/quant.h"

/* The number of neighbors that are rewritten with a split list. */
#define NEIGHBORS			4

/*
 * Counts a list by its extents' headers, one share lock at a time.  The
 * plan's counts of the list are 0 before.
 */
static void
count_list(const VsAnn *ann, BlockNumber head, int list, VsAnnPlan *plan)
{
	BlockNumber block = head;
	VsAnnWalk	walk = {0};

	while (block != InvalidBlockNumber)
	{
		VsAnnExtent extent;

		vs_ann_walk_step(ann, &walk, block);
		vs_ann_extent_read(ann, block, &extent);
		plan->entries[list] += extent.header.nentries;
		plan->dead[list] += extent.header.ndead;
		if (block == head)
			plan->unsplit[list] = extent.header.unsplit;
		block = extent.header.next;
	}
	/* the dead entries may be among those that stayed together */
	plan->unsplit[list] -= Min(plan->unsplit[list], plan->dead[list]);
}

/*
 * Reassigns the rows of the lists nearest to a split one, unless they have an
 * action that reassigns rows already.
 */
static void
reassign_neighbors(const VsAssign *assign, const VsAnnDirectory *dir, int padded, int list,
				   float *scores, VsAnnPlan *plan)
{
	vs_assign_query(assign, VS_QUANT_L2, dir->centroids + (Size) list * padded, scores);
	scores[list] = INFINITY;
	for (int k = 0; k < NEIGHBORS; k++)
	{
		int			best = 0;

		for (int i = 1; i < dir->nlists; i++)
		{
			if (scores[i] < scores[best])
				best = i;
		}
		if (scores[best] == INFINITY)
			break;
		scores[best] = INFINITY;
		if (plan->actions[best] < VS_ANN_REASSIGN)
			plan->actions[best] = VS_ANN_REASSIGN;
	}
}

static void
reassign_all_neighbors(const VsAnn *ann, const VsAnnDirectory *dir, VsAnnPlan *plan)
{
	int			padded = ann->geo.padded;
	void	   *memory = MemoryContextAllocHuge(CurrentMemoryContext,
												vs_assign_bytes(dir->nlists, padded));
	VsAssign   *assign = vs_assign_init(memory, dir->nlists, padded, dir->centroids);
	float	   *scores = palloc(sizeof(float) * dir->nlists);

	for (int i = 0; i < dir->nlists; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (plan->actions[i] == VS_ANN_SPLIT)
			reassign_neighbors(assign, dir, padded, i, scores, plan);
	}
	pfree(scores);
	pfree(memory);
}

VsAnnPlan *
vs_ann_plan(const VsAnn *ann, const VsAnnDirectory *dir, int64 pending, int64 fresh,
			const VsAnnSealRequest *request)
{
	VsAnnPlan  *plan = palloc0(sizeof(VsAnnPlan));

	plan->nlists = dir->nlists;
	plan->actions = palloc0(dir->nlists);
	plan->entries = palloc0(sizeof(int64) * dir->nlists);
	plan->dead = palloc0(sizeof(int64) * dir->nlists);
	plan->unsplit = palloc0(sizeof(uint32) * dir->nlists);
	for (int i = 0; i < dir->nlists; i++)
		count_list(ann, dir->heads[i], i, plan);
	vs_ann_choose_actions(plan, pending, fresh, request);
	if (plan->splits)
		reassign_all_neighbors(ann, dir, plan);
	vs_ann_choose_training(plan);
	return plan;
}

/* ---- the directory of a plan ---- */

/*
 * Returns the number of lists in the new directory that follow from an old
 * list.
 */
static int
count_parts(const VsAnnPlan *plan, int list)
{
	int64		live = plan->entries[list] - plan->dead[list];

	switch ((VsAnnListAction) plan->actions[list])
	{
		case VS_ANN_SPLIT:
			return Max(2, live / plan->rows_per_list);
		case VS_ANN_DROP:
			return 0;
		default:
			return 1;
	}
}

/*
 * Adds a list to dir: the one that begins at head, or a new one if head is
 * invalid.
 */
static void
add_list(const VsAnn *ann, VsAnnDirectory *dir, const float *centroid, BlockNumber head,
		 uint32 unsplit, uint32 epoch)
{
	int			padded = ann->geo.padded;

	memcpy(dir->centroids + (Size) dir->nlists * padded, centroid, sizeof(float) * padded);
	dir->heads[dir->nlists] = head != InvalidBlockNumber ? head :
		vs_ann_list_create(ann, dir->nlists, unsplit, epoch);
	dir->nlists++;
}

/*
 * Trains new centroids on the rows of a list, and adds an empty list for
 * each.
 */
static void
split_list(const VsAnn *ann, Relation heap, const VsAnnDirectory *old, int list, int parts,
		   VsAnnDirectory *dir, uint32 epoch)
{
	VsAnnSpool *spool = vs_ann_spool_begin(ann, vs_ann_work_memory() / 8);
	VsAnnDirectory *trained;

	vs_ann_list_collect(ann, old->heads[list], spool);
	trained = vs_ann_train(ann, heap, spool, parts, old->mean, NULL);
	for (int i = 0; i < trained->nlists; i++)
	{
		add_list(ann, dir, trained->centroids + (Size) i * ann->geo.padded,
				 InvalidBlockNumber, 0, epoch);
		dir->divided[dir->nlists - 1] = vs_ann_spool_count(spool);
	}
	pfree(trained->mean);
	pfree(trained->heads);
	pfree(trained);
	vs_ann_spool_end(spool);
}

/*
 * If no centroid changes, the new directory leads to the old centroid pages.
 * Everything written here is unreachable until publication.
 */
VsAnnDirectory *
vs_ann_plan_directory(const VsAnn *ann, Relation heap, const VsAnnDirectory *old,
					  VsAnnPlan *plan, uint32 epoch)
{
	int			padded = ann->geo.padded;
	VsAnnDirectory *dir = palloc0(sizeof(VsAnnDirectory));
	bool		same = true;
	int			max_lists = 0;

	for (int i = 0; i < plan->nlists; i++)
	{
		max_lists += count_parts(plan, i);
		same = same && plan->actions[i] <= VS_ANN_REASSIGN;
	}
	if (same)
	{
		dir->centroids_at = old->centroids_at;
		dir->centroids_of = old->centroids_of;
	}
	dir->has_mean = old->has_mean;
	dir->mean = MemoryContextAllocHuge(CurrentMemoryContext,
									   sizeof(float) * padded * ((Size) max_lists + 1));
	memcpy(dir->mean, old->mean, sizeof(float) * padded);
	dir->centroids = dir->mean + padded;
	dir->heads = palloc(sizeof(BlockNumber) * max_lists);
	dir->divided = palloc0(sizeof(int64) * max_lists);
	for (int i = 0; i < plan->nlists; i++)
	{
		const float *centroid = old->centroids + (Size) i * padded;

		CHECK_FOR_INTERRUPTS();
		switch ((VsAnnListAction) plan->actions[i])
		{
			case VS_ANN_KEEP:
				add_list(ann, dir, centroid, old->heads[i], 0, epoch);
				break;
			case VS_ANN_COPY:
				add_list(ann, dir, centroid, InvalidBlockNumber, plan->unsplit[i], epoch);
				plan->copied += vs_ann_list_copy(ann, old->heads[i], dir->heads[dir->nlists - 1],
												 epoch);
				break;
			case VS_ANN_REASSIGN:
				add_list(ann, dir, centroid, InvalidBlockNumber, plan->unsplit[i], epoch);
				break;
			case VS_ANN_SPLIT:
				split_list(ann, heap, old, i, count_parts(plan, i), dir, epoch);
				break;
			case VS_ANN_DROP:
				break;
		}
	}
	return dir;
}

/*
 * Another split of such a list would have the same result.  The number noted
 * is an upper bound, because pending rows and rows of neighbors may have come
 * to the list too.  It is limited to the number of rows that were divided;
 * otherwise a list that received many new rows would not be split next time.
 */
void
vs_ann_note_unsplit(const VsAnn *ann, const VsAnnDirectory *dir)
{
	for (int i = 0; dir->divided != NULL && i < dir->nlists; i++)
	{
		VsAnnExtent extent;
		VsAnnChange change;

		if (dir->divided[i] == 0)
			continue;
		vs_ann_extent_read(ann, dir->heads[i], &extent);
		if (extent.header.list_entries <= dir->divided[i] / 2)
			continue;
		vs_ann_change_begin(&change, ann);
		VS_ANN_EXTENT_HEADER(vs_ann_change_read(&change, dir->heads[i], VS_ANN_EXTENT))->unsplit =
			Min(extent.header.list_entries, dir->divided[i]);
		vs_ann_change_commit(&change);
	}
}
