/*-------------------------------------------------------------------------
 * ann_cost.c
 *	  Cost of an index scan, from the index's real counts.
 *
 * Before its first row a scan ranks all lists, and scores the pending part and
 * the lists it probes; that is the startup cost.  After that a row costs a few
 * exact distances each, and by and by the rest of the lists: the total is what
 * draining the index costs.  LIMIT makes the planner interpolate.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "ann/ann_internal.h"

/* In units of cpu_operator_cost. */
#define COST_OF_CODE		0.02	/* scoring one code of a block, 100 dimensions */
#define COST_OF_CENTROID	0.2
#define COST_OF_EXACT		4.0		/* reading a value by address, and its distance */
#define EXACT_PER_ROW		4.0

/* A scan that chooses for itself goes on beyond its first lists, so far as a rule. */
#define USUAL_ROUNDS		2

/* Rows whose codes are scored in no more time than the rest of a query takes. */
#define ROWS_WORTH_SCORING	20000

/*
 * Lists that a scan scores at least before it returns rows, unless vecann.probes says:
 * twice the square root of their number, or more while that costs little.
 */
int
vs_ann_probes_of(int nlists, int64 rows)
{
	double		by_lists = ceil(2 * sqrt((double) nlists));
	double		by_rows = ceil((double) ROWS_WORTH_SCORING * nlists / Max(rows, 1));

	return Min(nlists, Max(by_lists, by_rows));
}

void
vs_ann_costestimate(PlannerInfo *root, IndexPath *path, double loop_count,
					Cost *startup, Cost *total, Selectivity *selectivity,
					double *correlation, double *pages)
{
	Relation	index;
	VsAnn		ann;
	VsAnnMetaData meta;
	double		rows;
	double		pending = 0;
	double		share = 1;
	double		random_page_cost;
	double		wide;
	Cost		before;
	Cost		per_row;

	*selectivity = 1;
	*correlation = 0;
	*pages = path->indexinfo->pages;
	/* an index without order is of no use */
	if (path->indexorderbys == NIL)
	{
		*startup = *total = get_float8_infinity();
		return;
	}

	index = index_open(path->indexinfo->indexoid, NoLock);
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	if (ann.has_dim)
		pending = vs_ann_pending_rows(&ann, &meta);
	index_close(index, NoLock);

	get_tablespace_page_costs(path->indexinfo->reltablespace, &random_page_cost, NULL);
	rows = Max(1, meta.list_rows + pending);
	wide = ann.has_dim ? Max(1, ann.geo.padded / 128.0) : 1;
	if (meta.nlists > 0)
	{
		int			probes = vs_ann_probes > 0 ? Min(vs_ann_probes, (int) meta.nlists) :
			USUAL_ROUNDS * vs_ann_probes_of(meta.nlists, meta.list_rows);

		share = Min(1, (double) probes / meta.nlists);
	}
	before = cpu_operator_cost * wide *
		(meta.nlists * COST_OF_CENTROID + (pending + meta.list_rows * share) * COST_OF_CODE +
		 EXACT_PER_ROW * 10 * COST_OF_EXACT);
	/* the pages of lists are few and read in order; they are mostly cached */
	before += share * *pages * seq_page_cost * 0.1;
	per_row = cpu_operator_cost * wide * (COST_OF_CODE + EXACT_PER_ROW * COST_OF_EXACT) +
		cpu_index_tuple_cost;

	*startup = before;
	*total = before + rows * per_row + (1 - share) * *pages * random_page_cost * 0.1;
}
