/*-------------------------------------------------------------------------
 * inspect_index.h
 *	  Opening indexes for the SQL functions that show, check and change them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_INDEX_H
#define VS_INSPECT_INDEX_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/relcache.h"

/*
 * Opens a vecann index and its table (*heap) with AccessShareLock, after checking
 * that it is one, and that the caller may look at it.
 */
extern Relation vs_inspect_index_open(Oid indexoid, Relation *heap);

/*
 * The same, of an index with a complete file: one that CREATE INDEX CONCURRENTLY
 * has not built, or DROP INDEX CONCURRENTLY begun to drop, may have no page at
 * all.
 */
extern Relation vs_inspect_index_open_built(Oid indexoid, Relation *heap);

/*
 * What is wrong with an index, and whether each row of its table is in it once:
 * calls report for each problem; tid is NULL where no row is concerned.  Takes the
 * seal lock, shared with other checks.
 */
typedef void (*VsAnnProblem) (void *arg, ItemPointer tid, const char *problem);
extern void vs_inspect_index_check(Oid indexoid, VsAnnProblem report, void *arg);

#endif							/* VS_INSPECT_INDEX_H */
