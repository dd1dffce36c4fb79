/*-------------------------------------------------------------------------
 * ann_progress.c
 *	  Progress of builds and seals, as pg_stat_progress_create_index shows it.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/progress.h"
#include "utils/backend_progress.h"

#include "ann/base/ann_progress.h"

void
vs_ann_progress_done(int64 done)
{
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, done);
}

void
vs_ann_progress_phase(int64 number, int64 tuples)
{
	const int	params[] = {
		PROGRESS_CREATEIDX_SUBPHASE,
		PROGRESS_CREATEIDX_TUPLES_TOTAL,
		PROGRESS_CREATEIDX_TUPLES_DONE
	};
	const int64 values[] = {number, tuples, 0};

	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

char *
vs_ann_phasename(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case VS_ANN_PHASE_SCAN:
			return "scanning table";
		case VS_ANN_PHASE_TRAIN:
			return "training centroids";
		case VS_ANN_PHASE_ASSIGN:
			return "assigning and coding rows";
		case VS_ANN_PHASE_LISTS:
			return "writing lists";
		case VS_ANN_PHASE_WRITE:
			return "writing WAL";
		default:
			return NULL;
	}
}
