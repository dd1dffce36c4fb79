/*-------------------------------------------------------------------------
 * ann_wanted.h
 *	  How many rows the running plan wants of a scan.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_WANTED_H
#define VS_ANN_WANTED_H

#include "postgres.h"

/* Installs the executor's hook; once, at load. */
extern void vs_ann_wanted_init(void);

/* Whether a window function counts all rows before it gives its first result. */
extern bool vs_ann_window_needs_all(Oid function);

#endif							/* VS_ANN_WANTED_H */
