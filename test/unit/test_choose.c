/*-------------------------------------------------------------------------
 * test_choose.c
 *	  What a seal's plan does with each list, from counts alone.
 *
 * Build: src/ann/seal/ann_choose.c
 *
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

/* the server's own, which this program is not linked with */
#undef printf
#undef snprintf

#include "ann/seal/ann_choose.h"
#include "quant_test.h"

#define MAX_LISTS 512

static uint8 actions[MAX_LISTS];
static int64 entries[MAX_LISTS];
static int64 dead[MAX_LISTS];
static uint32 unsplit[MAX_LISTS];

/* A plan for n lists of the same size without dead entries. */
static VsAnnPlan
even_plan(int n, int64 size)
{
	VsAnnPlan	plan = {0};

	plan.nlists = n;
	plan.actions = actions;
	plan.entries = entries;
	plan.dead = dead;
	plan.unsplit = unsplit;
	for (int i = 0; i < n; i++)
	{
		actions[i] = VS_ANN_KEEP;
		entries[i] = size;
		dead[i] = 0;
		unsplit[i] = 0;
	}
	return plan;
}

static void
choose(VsAnnPlan *plan, VsAnnSealCaller caller, bool may_train, int64 pending, int64 fresh)
{
	VsAnnSealRequest request = {.caller = caller, .may_train = may_train};

	vs_ann_choose_actions(plan, pending, fresh, &request);
	vs_ann_choose_training(plan);
}

static int
count_action(const VsAnnPlan *plan, VsAnnListAction action)
{
	int			n = 0;

	for (int i = 0; i < plan->nlists; i++)
		n += plan->actions[i] == action;
	return n;
}

static void
test_target(void)
{
	expect("one list of no rows", vs_ann_target_lists(0) == 1);
	expect("one list of a few rows", vs_ann_target_lists(200) == 1);
	expect("128 rows per list at least", vs_ann_target_lists(12800) == 100);
	expect("2 * sqrt(n) lists of a million", vs_ann_target_lists(1000000) == 2000);
	expect("a limit", vs_ann_target_lists(INT64_C(100000000000)) == 65536);
	report("choose", "number of lists");
}

static void
test_even(void)
{
	static const VsAnnSealCaller callers[] = {
		VS_ANN_SEAL_AUTOMATIC, VS_ANN_SEAL_FLUSH, VS_ANN_SEAL_COMPACT, VS_ANN_SEAL_VACUUM
	};

	for (int i = 0; i < (int) lengthof(callers); i++)
	{
		VsAnnPlan	plan = even_plan(100, 128);

		choose(&plan, callers[i], true, 100, 0);
		expect("all lists are kept", count_action(&plan, VS_ANN_KEEP) == 100);
		expect("there is nothing to do", !plan.any && !plan.all);
	}
	report("choose", "even lists stay, whoever asks");
}

static void
test_split_and_drop(void)
{
	VsAnnPlan	plan = even_plan(100, 128);

	entries[3] = 400;
	entries[5] = 10;
	choose(&plan, VS_ANN_SEAL_COMPACT, true, 0, 0);
	expect("a large list is split", actions[3] == VS_ANN_SPLIT);
	expect("a small one is dropped", actions[5] == VS_ANN_DROP);
	expect("the others are kept", count_action(&plan, VS_ANN_KEEP) == 98);
	expect("their rows are moved", vs_ann_plan_moved(&plan) == 410);
	expect("the plan says so", plan.splits && plan.keeps_some && plan.any && !plan.all);

	plan = even_plan(100, 128);
	entries[3] = 400;
	unsplit[3] = 390;
	choose(&plan, VS_ANN_SEAL_COMPACT, true, 0, 0);
	expect("rows that are alike stay together", actions[3] == VS_ANN_KEEP);

	plan = even_plan(100, 128);
	entries[3] = 400;
	entries[5] = 10;
	choose(&plan, VS_ANN_SEAL_FLUSH, true, 0, 0);
	expect("a flush neither splits nor drops", !plan.any);
	report("choose", "lists of other sizes");
}

static void
test_copies(void)
{
	static const struct
	{
		VsAnnSealCaller caller;
		int			copied;
	} least[] = {
		{VS_ANN_SEAL_COMPACT, 5}, {VS_ANN_SEAL_FLUSH, 10}, {VS_ANN_SEAL_VACUUM, 20}, {VS_ANN_SEAL_AUTOMATIC, 25}};

	/* list i has i dead entries of 100 */
	for (int c = 0; c < (int) lengthof(least); c++)
	{
		VsAnnPlan	plan = even_plan(40, 100);

		for (int i = 0; i < 40; i++)
			dead[i] = i;
		choose(&plan, least[c].caller, false, least[c].caller == VS_ANN_SEAL_AUTOMATIC ? 100000 : 0, 0);
		for (int i = 0; i < 40; i++)
			expect("the threshold of the caller", (actions[i] == VS_ANN_COPY) == (i >= least[c].copied));
	}
	report("choose", "lists with dead entries are copied");

	{
		VsAnnPlan	plan = even_plan(40, 100);

		for (int i = 0; i < 40; i++)
			dead[i] = 50;
		choose(&plan, VS_ANN_SEAL_AUTOMATIC, false, 25, 0);
		/* 8 times 25 rows, of lists with 50 live ones each */
		expect("an automatic seal keeps to its budget", count_action(&plan, VS_ANN_COPY) == 4);
	}
	report("choose", "the budget of an automatic seal");
}

static void
test_training(void)
{
	VsAnnPlan	plan = even_plan(10, 1280);

	/* 100 lists would suit */
	choose(&plan, VS_ANN_SEAL_FLUSH, true, 0, 12800);
	expect("far too few lists: all are trained", plan.all && count_action(&plan, VS_ANN_REASSIGN) == 10);
	plan = even_plan(10, 1280);
	choose(&plan, VS_ANN_SEAL_FLUSH, false, 0, 12800);
	expect("not without permission", !plan.all && !plan.any);
	plan = even_plan(10, 1280);
	choose(&plan, VS_ANN_SEAL_FLUSH, true, 0, 1280);
	expect("not if few rows are new", !plan.all);
	plan = even_plan(10, 1280);
	for (int i = 0; i < 10; i++)
		unsplit[i] = 700;
	choose(&plan, VS_ANN_SEAL_COMPACT, true, 0, 12800);
	expect("not if most rows are alike", !plan.all);
	plan = even_plan(500, 5);
	choose(&plan, VS_ANN_SEAL_COMPACT, true, 0, 0);
	expect("far too many lists", plan.all);

	/* 6 of 10 lists are split */
	plan = even_plan(10, 10);
	for (int i = 0; i < 6; i++)
		entries[i] = 1000;
	choose(&plan, VS_ANN_SEAL_COMPACT, true, 0, 6000);
	expect("most rows would move: all are trained", plan.all);
	report("choose", "training of all lists");
}

static void
test_all_dropped(void)
{
	VsAnnPlan	plan = even_plan(8, 0);

	choose(&plan, VS_ANN_SEAL_COMPACT, true, 0, 0);
	expect("one list is left", count_action(&plan, VS_ANN_DROP) < 8);
	report("choose", "an index without rows keeps a list");
}

int
main(void)
{
	test_target();
	test_even();
	test_split_and_drop();
	test_copies();
	test_training();
	test_all_dropped();
	return finish();
}
