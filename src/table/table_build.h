/*-------------------------------------------------------------------------
 * table_build.h
 *	  What index build and index validation share.
 *-------------------------------------------------------------------------
 */
#ifndef VS_TABLE_BUILD_H
#define VS_TABLE_BUILD_H

#include "postgres.h"

#include "access/htup_details.h"
#include "nodes/execnodes.h"
#include "storage/buf.h"
#include "utils/relcache.h"

typedef struct VsBuildEval
{
	IndexInfo  *info;
	EState	   *estate;
	ExprContext *econtext;
	TupleTableSlot *slot;
	ExprState  *predicate;
} VsBuildEval;

/* Roots of the HOT chains of a page, by offset - 1. */
typedef struct VsRootMap
{
	BlockNumber block;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
} VsRootMap;

extern void vs_build_eval_begin(VsBuildEval *eval, Relation rel, IndexInfo *info);
extern bool vs_build_eval_tuple(VsBuildEval *eval, Datum *values, bool *isnull);
extern void vs_build_eval_end(VsBuildEval *eval);

extern bool vs_root_map_page(VsRootMap *map, Buffer buffer);
extern ItemPointerData vs_root_map_tid(VsRootMap *map, Relation rel, Buffer buffer,
									   HeapTuple tuple);

#endif							/* VS_TABLE_BUILD_H */
