/*-------------------------------------------------------------------------
 * inspect_table.h
 *	  Shared by the inspection functions on tables.
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_TABLE_H
#define VS_INSPECT_TABLE_H

#include "postgres.h"

#include "utils/relcache.h"

/* Whether the relation is a table of access method vecstore. */
extern bool vs_inspect_is_table(Relation rel);

/*
 * Opens such a table with AccessShareLock.  Errors: no such relation, another
 * kind of relation, another session's temporary table, no right to inspect it.
 */
extern Relation vs_inspect_table_open(Oid relid);

#endif							/* VS_INSPECT_TABLE_H */
