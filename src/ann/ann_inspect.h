/*-------------------------------------------------------------------------
 * ann_inspect.h
 *	  Opening indexes for the SQL functions that show, check and change them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INSPECT_H
#define VS_ANN_INSPECT_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * Opens a vecann index and its table (*heap) with AccessShareLock, after checking
 * that it is one, and that the caller may look at it.
 */
extern Relation vs_ann_open_for_inspection(Oid indexoid, Relation *heap);

/*
 * The same, of an index with a complete file: one that CREATE INDEX CONCURRENTLY
 * has not built, or DROP INDEX CONCURRENTLY begun to drop, may have no page at
 * all.
 */
extern Relation vs_ann_open_built(Oid indexoid, Relation *heap);

/* Refuses an index of another session's temporary table. */
extern void vs_ann_refuse_foreign_temporary(Relation index);

#endif							/* VS_ANN_INSPECT_H */
