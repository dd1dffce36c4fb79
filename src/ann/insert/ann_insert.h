/*-------------------------------------------------------------------------
 * ann_insert.h
 *	  aminsert, and seals that come by themselves.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INSERT_H
#define VS_ANN_INSERT_H

#include "ann/page/ann_change.h"

#include "access/genam.h"
#include "nodes/execnodes.h"

/* aminsert */
extern bool vs_ann_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
						  Relation heap, IndexUniqueCheck check, bool unchanged,
						  IndexInfo *info);

/*
 * The address of a value in the table's value store.  Errors: a value that the
 * table does not hold.
 */
extern Oid	vs_ann_value_address(Relation index, Relation heap, VsAnnValueKind kind,
								 Datum value);

/* Seals, or has it done by a worker, if the pending part is over its limit. */
extern void vs_ann_seal_if_large(Relation index, Relation heap);

#endif							/* VS_ANN_INSERT_H */
