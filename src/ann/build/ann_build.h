/*-------------------------------------------------------------------------
 * ann_build.h
 *	  ambuild and ambuildempty.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_BUILD_H
#define VS_ANN_BUILD_H

#include "postgres.h"

#include "access/genam.h"
#include "nodes/execnodes.h"

/*
 * Builds the index from the table's rows, with parallel workers if the
 * planner allows any.  The caller is index_build, which holds the locks of
 * CREATE INDEX.
 */
extern IndexBuildResult *vs_ann_build(Relation heap, Relation index, IndexInfo *info);

/* Writes the init fork of an unlogged index, which has only a metapage. */
extern void vs_ann_buildempty(Relation index);

#endif							/* VS_ANN_BUILD_H */
