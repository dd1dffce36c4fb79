/*-------------------------------------------------------------------------
 * ann_plan.c
 *	  Which lists to rewrite, split or merge, and the directory that follows.
 *
 * The number of lists follows the number of rows without being chosen by anybody:
 * a list far over the mean size is split by training centroids on its rows, one
 * far below it gives its rows to the others, and neighbours of a split list
 * are rewritten with it, since some of their rows are nearer to a new centroid (local
 * reassignment).  A list that most rows of a split one went to holds rows that are alike: it says so
 * (unsplit), and is not split again before it has doubled.  Lists with many dead entries are copied without them: the more
 * there are, the less there is to write for each that goes.  When
 * there are too few lists altogether, or most rows would be assigned anew, all is trained anew, if
 * enough of the rows have come since that was done last.  So nothing is left to do after a few
 * compactions of a table that does not change.
 *
 * Nothing here is visible to scans: vs_ann_plan_directory copies lists that only lose their
 * dead, ann_seal.c puts the rows of other changed lists into the new lists and publishes the directory.
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
#include "ann/seal/ann_list_copy.h"
#include "ann/seal/ann_plan.h"
#include "ann/seal/ann_seal.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "quant/kmeans.h"
#include "quant/quant.h"

#define SPLIT_FACTOR		2.5		/* times the mean size: split */
#define MERGE_FACTOR		0.125	/* times the mean size: merge */
/* a list is copied without its dead when they are this share of it: */
#define DEAD_SHARE_COMPACT	0.05
#define DEAD_SHARE_FLUSH	0.1
#define DEAD_SHARE_VACUUM	0.2
#define DEAD_SHARE_AUTOMATIC 0.25
#define COPIED				8		/* an automatic seal copies at most this multiple of its rows */
#define TOO_FEW_LISTS		3		/* by this factor: train all anew */
#define TOO_MANY_LISTS		8
#define MOVED_SHARE			0.5		/* of the rows assigned anew: train all anew, it costs little more */
#define FRESH_SHARE			0.25	/* of the rows sealed since the last time: not before */
#define NEIGHBOURS			4		/* of a split list, rewritten with it */

/* Counts a list from its extents into the plan, whose counts are 0. */
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
	/* the dead may have been among them */
	plan->unsplit[list] -= Min(plan->unsplit[list], plan->dead[list]);
}

/* The lists nearest to list are rewritten too, unless they have another fate. */
static void
mark_neighbours(const VsAssign *assign, const VsAnnDirectory *dir, int padded, int list,
				float *scores, VsAnnPlan *plan)
{
	vs_assign_query(assign, VS_QUANT_L2, dir->centroids + (Size) list * padded, scores);
	scores[list] = INFINITY;
	for (int k = 0; k < NEIGHBOURS; k++)
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
mark_all_neighbours(const VsAnn *ann, const VsAnnDirectory *dir, VsAnnPlan *plan)
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
			mark_neighbours(assign, dir, padded, i, scores, plan);
	}
	pfree(scores);
	pfree(memory);
}

static VsAnnListAction
choose_action(const VsAnnPlan *plan, int list, int nlists)
{
	int64		live = plan->entries[list] - plan->dead[list];

	/* rows that are all alike make one list, which is looked at again when it has doubled */
	if (live > SPLIT_FACTOR * plan->rows_per_list && live > 2 * (int64) plan->unsplit[list])
		return VS_ANN_SPLIT;
	if (nlists > 1 && live < MERGE_FACTOR * plan->rows_per_list)
		return VS_ANN_DROP;
	return VS_ANN_KEEP;
}

static double
dead_share(VsAnnSealCaller caller)
{
	switch (caller)
	{
		case VS_ANN_SEAL_COMPACT:
			return DEAD_SHARE_COMPACT;
		case VS_ANN_SEAL_FLUSH:
			return DEAD_SHARE_FLUSH;
		case VS_ANN_SEAL_VACUUM:
			return DEAD_SHARE_VACUUM;
		case VS_ANN_SEAL_AUTOMATIC:
			break;
	}
	return DEAD_SHARE_AUTOMATIC;
}

/* Lists with many dead entries are copied without them, unless they have another fate. */
static void
mark_dead_lists(VsAnnPlan *plan, int64 pending, VsAnnSealCaller caller)
{
	double		share = dead_share(caller);
	int64		budget = caller == VS_ANN_SEAL_AUTOMATIC ? COPIED * pending : INT64_MAX;

	for (int i = 0; i < plan->nlists; i++)
	{
		int64		live = plan->entries[i] - plan->dead[i];

		if (plan->actions[i] != VS_ANN_KEEP || plan->dead[i] == 0 ||
			plan->dead[i] < share * plan->entries[i] || live > budget)
			continue;
		plan->actions[i] = VS_ANN_COPY;
		plan->any = true;
		budget -= live;
	}
}

/* Rows that are to be assigned anew. */
int64
vs_ann_plan_moved(const VsAnnPlan *plan)
{
	int64		moved = 0;

	for (int i = 0; i < plan->nlists; i++)
	{
		if (plan->actions[i] >= VS_ANN_REASSIGN)
			moved += plan->entries[i] - plan->dead[i];
	}
	return moved;
}

/*
 * Looks at all lists and decides.  pending: rows about to be added; fresh: rows added since all
 * lists were trained, without these.
 * A request that does not rearrange splits and merges no list, and trains all only if it may.
 */
VsAnnPlan *
vs_ann_plan(const VsAnn *ann, const VsAnnDirectory *dir, int64 pending, int64 fresh,
			const VsAnnSealRequest *request)
{
	VsAnnPlan  *plan = palloc0(sizeof(VsAnnPlan));
	int64		rows = pending;
	int64		unsplit = 0;
	int			target;
	int			kept = 0;
	bool		split = false;
	bool		worth_training;

	plan->nlists = dir->nlists;
	plan->actions = palloc0(dir->nlists);
	plan->entries = palloc0(sizeof(int64) * dir->nlists);
	plan->dead = palloc0(sizeof(int64) * dir->nlists);
	plan->unsplit = palloc0(sizeof(uint32) * dir->nlists);
	for (int i = 0; i < dir->nlists; i++)
	{
		count_list(ann, dir->heads[i], i, plan);
		rows += plan->entries[i] - plan->dead[i];
		unsplit += plan->unsplit[i];
	}
	target = vs_ann_target_lists(rows);
	plan->rows_per_list = Max(1, rows / target);
	worth_training = fresh + pending > FRESH_SHARE * rows && rows > 2 * unsplit;
	plan->all = (request->may_train || vs_ann_seal_rearranges(request)) &&
		((target > TOO_FEW_LISTS * dir->nlists && worth_training) ||
		 dir->nlists > TOO_MANY_LISTS * target);
	for (int i = 0; i < dir->nlists; i++)
	{
		if (plan->all)
			plan->actions[i] = VS_ANN_REASSIGN;
		else if (vs_ann_seal_rearranges(request))
			plan->actions[i] = choose_action(plan, i, dir->nlists);
		split = split || plan->actions[i] == VS_ANN_SPLIT;
		kept += plan->actions[i] != VS_ANN_DROP;
		plan->any = plan->any || plan->actions[i] != VS_ANN_KEEP;
	}
	if (kept == 0)
		plan->actions[0] = VS_ANN_REASSIGN;
	mark_dead_lists(plan, pending, request->caller);
	if (split)
		mark_all_neighbours(ann, dir, plan);
	if (vs_ann_plan_moved(plan) > MOVED_SHARE * rows && (worth_training || kept == 0))
	{
		plan->all = true;
		memset(plan->actions, VS_ANN_REASSIGN, dir->nlists);
	}
	return plan;
}

/* ---- the directory that follows ---- */

static int
parts_of(const VsAnnPlan *plan, int list)
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

/* Adds a list: the one that begins at head, or else a new one. */
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

/* Adds lists for what a list is split into. */
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

/* The directory after a plan that does not train all anew; new lists are empty, but for copies. */
VsAnnDirectory *
vs_ann_plan_directory(const VsAnn *ann, Relation heap, const VsAnnDirectory *old,
					  VsAnnPlan *plan, uint32 epoch)
{
	int			padded = ann->geo.padded;
	VsAnnDirectory *dir = palloc0(sizeof(VsAnnDirectory));
	bool		same = true;
	int			most = 0;

	for (int i = 0; i < plan->nlists; i++)
	{
		most += parts_of(plan, i);
		same = same && plan->actions[i] <= VS_ANN_REASSIGN;
	}
	if (same)
	{
		dir->centroids_at = old->centroids_at;
		dir->centroids_of = old->centroids_of;
	}
	dir->has_mean = old->has_mean;
	dir->mean = MemoryContextAllocHuge(CurrentMemoryContext,
									   sizeof(float) * padded * ((Size) most + 1));
	memcpy(dir->mean, old->mean, sizeof(float) * padded);
	dir->centroids = dir->mean + padded;
	dir->heads = palloc(sizeof(BlockNumber) * most);
	dir->divided = palloc0(sizeof(int64) * most);
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
				split_list(ann, heap, old, i, parts_of(plan, i), dir, epoch);
				break;
			case VS_ANN_DROP:
				break;
		}
	}
	return dir;
}

/*
 * Notes in lists that got more than half of the rows that were divided, how many they
 * got: to divide them again would come to the same.  After assignment, before publication.
 * Pending rows and neighbours' may have come there too, so it is an upper bound; but no more than were
 * divided is noted, lest a list that many new rows came to is not split next time.
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
