/*-------------------------------------------------------------------------
 * ann_progress.h
 *	  Progress of builds and flushes, as pg_stat_progress_create_index shows it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PROGRESS_H
#define VS_ANN_PROGRESS_H

#include "postgres.h"

/* Build phases, after PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE (1). */
#define VS_ANN_PHASE_SCAN		2
#define VS_ANN_PHASE_TRAIN		3
#define VS_ANN_PHASE_ASSIGN		4
#define VS_ANN_PHASE_LISTS		5	/* of a parallel build */
#define VS_ANN_PHASE_WRITE		6

/* Begins a phase of that many rows. */
extern void vs_ann_progress_phase(int64 number, int64 tuples);

/* That many rows of the phase are done. */
extern void vs_ann_progress_done(int64 tuples);

/* ambuildphasename */
extern char *vs_ann_phasename(int64 phase);

#endif							/* VS_ANN_PROGRESS_H */
