/*-------------------------------------------------------------------------
 * inspect_right.h
 *	  The right to inspect a table, its value store and its indexes.
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_RIGHT_H
#define VS_INSPECT_RIGHT_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * Whether the current user has the right.  Counts, sizes and problems depend
 * on all rows.  So the right is with the table's owner, with members of
 * pg_stat_scan_tables, and with roles that have SELECT and to which row
 * security does not apply.  SELECT on a partitioned table counts for its
 * partitions, since the role can read the same rows through it.
 */
extern bool vs_inspect_right_held(Oid tableoid);

/* Raises an error unless the current user has the right on the table. */
extern void vs_inspect_right_require(Relation table);

#endif							/* VS_INSPECT_RIGHT_H */
