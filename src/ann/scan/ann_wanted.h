/*-------------------------------------------------------------------------
 * ann_wanted.h
 *	  How many rows the running plan wants of a scan.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_WANTED_H
#define VS_ANN_WANTED_H

#include "postgres.h"

#include "access/genam.h"

/* Numbers of rows: 0 if unknown, INFINITY for all. */
typedef struct VsAnnWanted
{
	double		rows;			/* the most that the plan may fetch */
	double		first;			/* the number that it is likely to fetch */
} VsAnnWanted;

/* Install the executor's hook.  Must be called once, at load. */
extern void vs_ann_wanted_init(void);

/*
 * Return how many rows of an index of index_rows rows the running plan wants
 * of the scan.  Must be called when the first row is asked for, not before:
 * the nodes above the scan compute their own numbers when they are asked.
 */
extern VsAnnWanted vs_ann_wanted(IndexScanDesc scan, double index_rows);

/*
 * Return whether a window function counts all rows before it returns its
 * first result.
 */
extern bool vs_ann_window_needs_all(Oid function);

#endif							/* VS_ANN_WANTED_H */
