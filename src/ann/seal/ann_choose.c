/*-------------------------------------------------------------------------
 * ann_choose.c
 *	  What becomes of each list: the decisions of a plan, from counts alone.
 *
 * ann_plan.c counts the lists and carries the decisions out.  Nothing here
 * calls the server, so that test/unit/test_choose.c can test it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "ann/seal/ann_choose.h"
#include "ann/seal/ann_seal.h"

/* A list has this number of rows at least, on average. */
#define MIN_LIST_ROWS		128
#define MAX_LISTS			65536

/* A list above this multiple of the mean size is split. */
#define SPLIT_FACTOR		2.5
/* A list below this multiple of the mean size is dropped. */
#define MERGE_FACTOR		0.125
/* A list is copied if at least this share of its entries is dead. */
#define DEAD_SHARE_COMPACT	0.05
#define DEAD_SHARE_FLUSH	0.1
#define DEAD_SHARE_VACUUM	0.2
#define DEAD_SHARE_AUTOMATIC 0.25
/* An automatic seal copies at most this multiple of the rows that it seals. */
#define COPIED_PER_SEALED	8
/*
 * All lists are trained again if there should be more, or fewer, by these
 * factors.
 */
#define TOO_FEW_LISTS		3
#define TOO_MANY_LISTS		8
/*
 * All lists are trained again if more than this share of the rows would be
 * assigned again: the training adds little to that cost.
 */
#define REASSIGNED_SHARE	0.5
/*
 * Unless lists are too many, all are trained again only if more than this
 * share of the rows was sealed since the last time.
 */
#define FRESH_SHARE			0.25
/*
 * Lists grow with the square root of the number of rows, so that ranking the
 * lists and scanning some of them cost about the same.
 */
int
vs_ann_target_lists(int64 rows)
{
	double		per_list = Max(MIN_LIST_ROWS, sqrt((double) rows) / 2);

	return Max(1, Min(MAX_LISTS, (int) (rows / per_list)));
}

static VsAnnListAction
choose_action(const VsAnnPlan *plan, int list, int nlists)
{
	int64		live = plan->entries[list] - plan->dead[list];

	/* a list of rows that are alike is split only after it has doubled */
	if (live > SPLIT_FACTOR * plan->rows_per_list && live > 2 * (int64) plan->unsplit[list])
		return VS_ANN_SPLIT;
	if (nlists > 1 && live < MERGE_FACTOR * plan->rows_per_list)
		return VS_ANN_DROP;
	return VS_ANN_KEEP;
}

static double
get_copy_threshold(VsAnnSealCaller caller)
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

/*
 * Chooses lists with many dead entries to be copied without them, if they are
 * to be kept.  An automatic seal stays within a budget, so that its cost is
 * in proportion to the rows that it seals.
 */
static void
choose_copies(VsAnnPlan *plan, int64 pending, VsAnnSealCaller caller)
{
	double		share = get_copy_threshold(caller);
	int64		budget = caller == VS_ANN_SEAL_AUTOMATIC ? COPIED_PER_SEALED * pending : INT64_MAX;

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
 * Sums up the plan's counts, with the rows about to be sealed; returns the
 * number of lists that suits them.
 */
static int
sum_up(VsAnnPlan *plan, int64 pending, int64 fresh)
{
	int64		unsplit = 0;
	int			target;

	plan->rows = pending;
	for (int i = 0; i < plan->nlists; i++)
	{
		plan->rows += plan->entries[i] - plan->dead[i];
		unsplit += plan->unsplit[i];
	}
	target = vs_ann_target_lists(plan->rows);
	plan->rows_per_list = Max(1, plan->rows / target);
	plan->worth_training = fresh + pending > FRESH_SHARE * plan->rows && plan->rows > 2 * unsplit;
	return target;
}

/*
 * The decisions are made in this order: train all lists because of their
 * number; split or drop single lists; copy lists.
 */
void
vs_ann_choose_actions(VsAnnPlan *plan, int64 pending, int64 fresh, const VsAnnSealRequest *request)
{
	int			target = sum_up(plan, pending, fresh);

	plan->all = (request->may_train || vs_ann_seal_rearranges(request)) &&
		((target > TOO_FEW_LISTS * plan->nlists && plan->worth_training) ||
		 plan->nlists > TOO_MANY_LISTS * target);
	for (int i = 0; i < plan->nlists; i++)
	{
		if (plan->all)
			plan->actions[i] = VS_ANN_REASSIGN;
		else if (vs_ann_seal_rearranges(request))
			plan->actions[i] = choose_action(plan, i, plan->nlists);
		plan->splits = plan->splits || plan->actions[i] == VS_ANN_SPLIT;
		plan->keeps_some = plan->keeps_some || plan->actions[i] != VS_ANN_DROP;
		plan->any = plan->any || plan->actions[i] != VS_ANN_KEEP;
	}
	if (!plan->keeps_some)
		plan->actions[0] = VS_ANN_REASSIGN;
	choose_copies(plan, pending, request->caller);
}

void
vs_ann_choose_training(VsAnnPlan *plan)
{
	if (vs_ann_plan_moved(plan) > REASSIGNED_SHARE * plan->rows &&
		(plan->worth_training || !plan->keeps_some))
	{
		plan->all = true;
		memset(plan->actions, VS_ANN_REASSIGN, plan->nlists);
	}
}
