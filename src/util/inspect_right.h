/*-------------------------------------------------------------------------
 * inspect_right.h
 *	  Who may look into a table, its value store and its indexes.
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_RIGHT_H
#define VS_INSPECT_RIGHT_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * Counts, sizes and problems depend on all rows.  The owner may know them, a
 * member of pg_stat_scan_tables, and a role with SELECT to which row security
 * does not apply: on the table, or on a partitioned table that it is a part of,
 * through which that role reads the same rows.
 */
extern bool vs_inspect_right_held(Oid tableoid);

/* An error unless the current user holds the right on the table. */
extern void vs_inspect_right_require(Relation table);

#endif							/* VS_INSPECT_RIGHT_H */
