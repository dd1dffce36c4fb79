/*-------------------------------------------------------------------------
 * ann_column.h
 *	  Columns and expressions that a vecann index can be on.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_COLUMN_H
#define VS_ANN_COLUMN_H

#include "ann/page/ann_change.h"

#include "nodes/execnodes.h"

/*
 * Refuses to build an index that could not find its values: on bits of
 * varying length, on a column with STORAGE PLAIN (except in REINDEX), on an
 * expression whose values the table does not hold.
 */
extern void vs_ann_refuse_column(Relation index, Relation heap, VsAnnValueKind kind,
								 const IndexInfo *info);

#endif							/* VS_ANN_COLUMN_H */
