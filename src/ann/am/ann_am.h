/*-------------------------------------------------------------------------
 * ann_am.h
 *	  Callbacks of the access method (ann_handler.c lists them).
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_AM_H
#define VS_ANN_AM_H

#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"

/* ambulkdelete: flags the entries of dead rows.  Takes the seal lock. */
extern IndexBulkDeleteResult *vs_ann_bulkdelete(IndexVacuumInfo *info,
												IndexBulkDeleteResult *stats,
												IndexBulkDeleteCallback callback,
												void *callback_state);

/* amvacuumcleanup: seals, compacts and truncates.  Takes the seal lock. */
extern IndexBulkDeleteResult *vs_ann_vacuumcleanup(IndexVacuumInfo *info,
												   IndexBulkDeleteResult *stats);

/*
 * Cuts off unused pages at the end of the index, if there are enough of them,
 * the table's storage parameter vacuum_truncate allows it, and no other
 * transaction has the index open.  The caller holds no seal lock.  elevel is
 * the level of the message about it.
 */
extern void vs_ann_truncate(Relation index, Relation heap, int elevel);

/* Installs the planner's hook (ann_paths.c); once, at load. */
extern void vs_ann_paths_init(void);

/* amcostestimate */
extern void vs_ann_costestimate(struct PlannerInfo *root, struct IndexPath *path,
								double loop_count, Cost *startup, Cost *total,
								Selectivity *selectivity, double *correlation,
								double *pages);

/* amvalidate */
extern bool vs_ann_validate(Oid opclassoid);

#endif							/* VS_ANN_AM_H */
