/*-------------------------------------------------------------------------
 * ann_index.h
 *	  Opening an index for work.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INDEX_H
#define VS_ANN_INDEX_H

#include "ann/page/ann_change.h"

/*
 * Opens an index that exists on disk: fills *ann with its type and, if its
 * dimension is known, its shape.  Reads at most the metapage and writes
 * nothing; rows that this session holds back stay where they are.  The caller
 * holds a lock on the index and keeps the relation open.  Errors: those of
 * vs_ann_meta_read.
 */
extern void vs_ann_open(VsAnn *ann, Relation index);

/*
 * Reads the shape from the metapage unless it is known, and caches it in
 * rd_amcache.  Returns false if the index has no dimension yet.
 */
extern bool vs_ann_load_shape(VsAnn *ann);

/*
 * Fills spec and geometry for dim dimensions.  bits is limited to what the
 * dimension allows.  Errors: ERRCODE_PROGRAM_LIMIT_EXCEEDED.
 */
extern void vs_ann_set_shape(VsAnn *ann, int dim, int bits, uint64 seed);

/*
 * Raises ERRCODE_DATA_EXCEPTION for a value whose dimension differs from the
 * index's.  The first value of an index without a dimension decides it, which
 * changes the metapage.  The caller holds no buffer lock.
 */
extern void vs_ann_check_dim(VsAnn *ann, int dim);

/* Raises an error for an index of another session's temporary table. */
extern void vs_ann_refuse_foreign_temporary(Relation index);

/* The seed of the rotation of new indexes.  The metapage keeps it. */
#define VS_ANN_ROTATION_SEED	1

#endif							/* VS_ANN_INDEX_H */
