/*-------------------------------------------------------------------------
 * table_build.h
 *	  Shared by index build and index validation.
 *-------------------------------------------------------------------------
 */
#ifndef VS_TABLE_BUILD_H
#define VS_TABLE_BUILD_H

#include "postgres.h"

#include "access/htup_details.h"
#include "nodes/execnodes.h"
#include "storage/buf.h"
#include "utils/relcache.h"

/* Evaluates index expressions and the index's predicate on a tuple. */
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

/*
 * Between begin and end the caller puts tuples into eval->slot.
 * vs_build_eval_tuple computes the index values of the tuple in the slot; the
 * values live until the next call.  It returns false if the predicate excludes
 * the tuple.  Expressions may raise any error.
 */
extern void vs_build_eval_begin(VsBuildEval *eval, Relation rel, IndexInfo *info);
extern bool vs_build_eval_tuple(VsBuildEval *eval, Datum *values, bool *isnull);
extern void vs_build_eval_end(VsBuildEval *eval);

/*
 * vs_root_map_page makes the map that of the page, and returns true if it was
 * another page's.  vs_root_map_tid returns the TID under which the tuple is
 * indexed: its own, or that of its HOT chain's root; ERRCODE_DATA_CORRUPTED if
 * the chain has no root.  Both need a pin on the page and no lock; they take
 * the share lock for a moment.
 */
extern bool vs_root_map_page(VsRootMap *map, Buffer buffer);
extern ItemPointerData vs_root_map_tid(VsRootMap *map, Relation rel, Buffer buffer,
									   HeapTuple tuple);

#endif							/* VS_TABLE_BUILD_H */
