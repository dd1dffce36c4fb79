/*-------------------------------------------------------------------------
 * inspect_index.h
 *	  Opens indexes for the SQL functions that show and check them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_INDEX_H
#define VS_INSPECT_INDEX_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/relcache.h"

/*
 * Opens a vecann index and its table (*heap) with AccessShareLock.  Errors: the
 * relation is no vecann index, or the user may not inspect the table.
 */
extern Relation vs_inspect_index_open(Oid indexoid, Relation *heap);

/*
 * The same for an index with a complete file.  An index that CREATE INDEX
 * CONCURRENTLY has not built yet, or that DROP INDEX CONCURRENTLY is dropping,
 * may have no page, and gives ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE.
 */
extern Relation vs_inspect_index_open_built(Oid indexoid, Relation *heap);

/*
 * Checks an index, and that each row of its table is in it exactly once.  Calls
 * report for each problem; tid is NULL if the problem concerns no row.  Takes
 * the seal lock, shared with other checks.
 */
typedef void (*VsAnnProblem) (void *arg, ItemPointer tid, const char *problem);
extern void vs_inspect_index_check(Oid indexoid, VsAnnProblem report, void *arg);

#endif							/* VS_INSPECT_INDEX_H */
