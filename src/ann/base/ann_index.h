/*-------------------------------------------------------------------------
 * ann_index.h
 *	  Opening an index for work.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INDEX_H
#define VS_ANN_INDEX_H

#include "ann/page/ann_change.h"

/*
 * Opens an index that exists on disk, with all rows that this session has put
 * into it.  The caller holds a lock on the index and keeps it open.
 */
extern void vs_ann_open(VsAnn *ann, Relation index);

/* Reads the shape from the metapage, unless known; false if there is none yet. */
extern bool vs_ann_load_shape(VsAnn *ann);

/*
 * Fills spec and geometry for dim dimensions; bits is cut to what the dimension
 * allows.  Errors: ERRCODE_PROGRAM_LIMIT_EXCEEDED.
 */
extern void vs_ann_set_shape(VsAnn *ann, int dim, int bits, uint64 seed);

/*
 * Refuses a value of another dimension than the index's (ERRCODE_DATA_EXCEPTION).
 * The first value of an index without a dimension decides it, which changes the
 * metapage.
 */
extern void vs_ann_check_dim(VsAnn *ann, int dim);

/* Refuses an index of another session's temporary table. */
extern void vs_ann_refuse_foreign_temporary(Relation index);

/* Seed of the rotation of indexes built from now on; the metapage keeps it. */
#define VS_ANN_ROTATION_SEED	1

#endif							/* VS_ANN_INDEX_H */
