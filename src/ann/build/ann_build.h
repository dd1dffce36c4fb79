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
 * Builds the index from the table's rows, by workers if there are any.  The caller
 * is index_build, with the locks of CREATE INDEX.
 */
extern IndexBuildResult *vs_ann_build(Relation heap, Relation index, IndexInfo *info);

/* Writes the init fork of an unlogged index. */
extern void vs_ann_buildempty(Relation index);

#endif							/* VS_ANN_BUILD_H */
