/*-------------------------------------------------------------------------
 * ann_assign.h
 *	  Assignment of rows to lists.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_ASSIGN_H
#define VS_ANN_ASSIGN_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_spool.h"

/*
 * Puts the spool's rows into the lists of the directory, as entries numbered
 * seal.  Returns their number.  A row whose value is gone is dead to all
 * snapshots and left out.  progress, unless NULL, is called with the number
 * of rows read.  Needs the seal lock, and no buffer lock.
 */
extern int64 vs_ann_assign(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
						   VsAnnSpool *spool, uint32 seal, void (*progress) (int64 done));

#endif							/* VS_ANN_ASSIGN_H */
