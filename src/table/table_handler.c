/*-------------------------------------------------------------------------
 * table_handler.c
 *	  Handler of the table access method "vecstore".
 *
 * The routine is heapam's, except for the callbacks that write values, fetch
 * them, or use heap_getnext, which refuses relations of other access methods.
 * src/table/README.md lists all callbacks.  The same routine serves the TOAST
 * relation, which is the value store.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "compat/compat.h"
#include "fmgr.h"
#include "store/store.h"
#include "table/table_internal.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_table_handler);

const TableAmRoutine *vs_table_heap = NULL;

static TableAmRoutine methods;

/*
 * Tables and their TOAST relations have the same access method.  A TOAST
 * relation records no dependency on its access method: if it had one of its
 * own, DROP EXTENSION would leave the relation without one.
 */
static Oid
relation_toast_am(Relation rel)
{
	return rel->rd_rel->relam;
}

Datum
vs_table_handler(PG_FUNCTION_ARGS)
{
	if (vs_table_heap == NULL)
	{
		methods = *GetHeapamTableAmRoutine();

		methods.tuple_insert = vs_table_tuple_insert;
		methods.tuple_insert_speculative = vs_table_tuple_insert_speculative;
		methods.tuple_complete_speculative = vs_table_tuple_complete_speculative;
		methods.multi_insert = vs_table_multi_insert;
		methods.tuple_update = vs_table_tuple_update;
		methods.tuple_delete = vs_table_tuple_delete;

		methods.relation_vacuum = vs_table_relation_vacuum;
		methods.index_build_range_scan = vs_table_index_build_range_scan;
		methods.index_validate_scan = vs_table_index_validate_scan;
		methods.relation_copy_for_cluster = vs_table_copy_for_cluster;
		methods.relation_toast_am = relation_toast_am;
		methods.relation_fetch_toast_slice = vs_store_fetch_toast_slice;

		vs_table_heap = GetHeapamTableAmRoutine();
	}
	PG_RETURN_POINTER(&methods);
}
