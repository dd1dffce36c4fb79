/*-------------------------------------------------------------------------
 * ann_column.h
 *	  What a vecann index can be on, asked when it is made.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_COLUMN_H
#define VS_ANN_COLUMN_H

#include "ann/page/ann_change.h"

#include "nodes/execnodes.h"

extern void vs_ann_refuse_column(Relation index, Relation heap, VsAnnValueKind kind,
								 const IndexInfo *info);

#endif							/* VS_ANN_COLUMN_H */
