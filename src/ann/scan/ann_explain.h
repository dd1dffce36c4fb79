/*-------------------------------------------------------------------------
 * ann_explain.h
 *	  What EXPLAIN (ANALYZE) shows of scans.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_EXPLAIN_H
#define VS_ANN_EXPLAIN_H

#include "postgres.h"

/*
 * Install the hook, if the server has one (PostgreSQL 18).  Must be called
 * once, at load.
 */
extern void vs_ann_explain_init(void);

#endif							/* VS_ANN_EXPLAIN_H */
