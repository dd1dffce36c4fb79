/*-------------------------------------------------------------------------
 * inspect_table.h
 *	  Shared by the inspection functions on tables.
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_TABLE_H
#define VS_INSPECT_TABLE_H

#include "postgres.h"

#include "utils/relcache.h"

extern bool vs_inspect_is_table(Relation rel);
extern Relation vs_inspect_table_open(Oid relid);

#endif							/* VS_INSPECT_TABLE_H */
