/*-------------------------------------------------------------------------
 * ann_maintain.c
 *	  SQL: vecstore.flush and vecstore.compact, over an index or all vecann
 *	  indexes of a table and its partitions.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ann/ann_internal.h"
#include "compat/ann_compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_sql_flush);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_sql_compact);

typedef bool (*Maintenance) (Relation index, Relation heap, VsAnnWait wait,
							 VsAnnSealResult *result);

static void
check_permission(Relation heap)
{
	AclResult	result = pg_class_aclcheck(RelationGetRelid(heap), GetUserId(), ACL_INSERT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, RelationGetRelationName(heap));
}

/* Does one index and adds a row to the result. */
static void
maintain_index(Oid indexoid, Relation heap, VsAnnWait wait, Maintenance maintenance,
			   ReturnSetInfo *rsinfo)
{
	Relation	index = index_open(indexoid, RowExclusiveLock);

	if (vs_ann_is_vecann(index) && index->rd_index->indisready)
	{
		TimestampTz begun = GetCurrentTimestamp();
		VsAnnSealResult result;

		if (maintenance(index, heap, wait, &result))
		{
			Interval   *elapsed = palloc0(sizeof(Interval));
			Datum		values[4];
			bool		nulls[4] = {false};

			elapsed->time = GetCurrentTimestamp() - begun;
			values[0] = ObjectIdGetDatum(indexoid);
			values[1] = Int64GetDatum(result.rows_sealed);
			values[2] = Int32GetDatum(result.segment);
			nulls[2] = result.segment == 0;
			values[3] = IntervalPGetDatum(elapsed);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	index_close(index, RowExclusiveLock);
}

static void
maintain_table(Oid tableoid, VsAnnWait wait, Maintenance maintenance, ReturnSetInfo *rsinfo)
{
	Relation	heap = table_open(tableoid, AccessShareLock);
	List	   *indexes;
	ListCell   *cell;

	if (heap->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
	{
		check_permission(heap);
		indexes = RelationGetIndexList(heap);
		foreach(cell, indexes)
			maintain_index(lfirst_oid(cell), heap, wait, maintenance, rsinfo);
	}
	table_close(heap, AccessShareLock);
}

static Datum
maintain(FunctionCallInfo fcinfo, Maintenance maintenance)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			relation = PG_GETARG_OID(0);
	VsAnnWait	wait = PG_GETARG_BOOL(1) ? VS_ANN_WAIT : VS_ANN_NOWAIT;
	char		kind = get_rel_relkind(relation);
	ListCell   *cell;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("recovery is in progress"),
				 errhint("vecann indexes cannot be changed during recovery.")));
	InitMaterializedSRF(fcinfo, 0);
	if (kind == RELKIND_INDEX)
	{
		Relation	heap = table_open(IndexGetRelation(relation, false), AccessShareLock);
		Relation	index = index_open(relation, AccessShareLock);

		if (!vs_ann_is_vecann(index))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is not a vecann index", RelationGetRelationName(index))));
		check_permission(heap);
		maintain_index(relation, heap, wait, maintenance, rsinfo);
		index_close(index, AccessShareLock);
		table_close(heap, AccessShareLock);
	}
	else if (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW ||
			 kind == RELKIND_PARTITIONED_TABLE)
	{
		foreach(cell, find_all_inheritors(relation, AccessShareLock, NULL))
			maintain_table(lfirst_oid(cell), wait, maintenance, rsinfo);
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or index", get_rel_name(relation))));
	return (Datum) 0;
}

Datum
vs_ann_sql_flush(PG_FUNCTION_ARGS)
{
	return maintain(fcinfo, vs_ann_flush);
}

Datum
vs_ann_sql_compact(PG_FUNCTION_ARGS)
{
	return maintain(fcinfo, vs_ann_compact);
}
