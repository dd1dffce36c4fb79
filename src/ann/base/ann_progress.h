/*-------------------------------------------------------------------------
 * ann_progress.h
 *	  Progress of builds and seals, as pg_stat_progress_create_index shows it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PROGRESS_H
#define VS_ANN_PROGRESS_H

#include "postgres.h"

/* Phases after PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE (1). */
#define VS_ANN_PHASE_SCAN		2
#define VS_ANN_PHASE_TRAIN		3
#define VS_ANN_PHASE_ASSIGN		4
#define VS_ANN_PHASE_LISTS		5	/* parallel builds only */
#define VS_ANN_PHASE_WRITE		6

/* Begins a phase in which the given number of rows is to be processed. */
extern void vs_ann_progress_phase(int64 number, int64 tuples);

/* Reports that the given number of the phase's rows is done. */
extern void vs_ann_progress_done(int64 tuples);

/*
 * Returns the name of a phase, or NULL: ambuildphasename of the access
 * method.
 */
extern char *vs_ann_phasename(int64 phase);

#endif							/* VS_ANN_PROGRESS_H */
