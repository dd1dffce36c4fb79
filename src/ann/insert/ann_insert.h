/*-------------------------------------------------------------------------
 * ann_insert.h
 *	  aminsert, and automatic seals.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INSERT_H
#define VS_ANN_INSERT_H

#include "ann/page/ann_change.h"

#include "access/genam.h"
#include "nodes/execnodes.h"

/* aminsert.  Returns false: the index checks no uniqueness. */
extern bool vs_ann_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
						  Relation heap, IndexUniqueCheck check, bool unchanged,
						  IndexInfo *info);

/*
 * The address of a value in the table's value store; InvalidOid for bits.
 * Errors: the value is not in the store, because the index is on an
 * expression or because the value lies in the row.
 */
extern Oid	vs_ann_value_address(Relation index, Relation heap, VsAnnValueKind kind,
								 Datum value);

/*
 * Starts a background worker that seals the index if the pending part is over
 * its limit, or seals it here if no worker can.  Waits for no other seal.
 * Needs RowExclusiveLock on the index; this backend holds back no rows of it.
 */
extern void vs_ann_seal_if_large(Relation index, Relation heap);

#endif							/* VS_ANN_INSERT_H */
