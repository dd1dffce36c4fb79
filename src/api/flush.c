/*-------------------------------------------------------------------------
 * flush.c
 *	  SQL: vecstore.flush and vecstore.compact, over an index or all vecann
 *	  indexes of a table and its partitions.
 *
 * Locks: a table before its index, also if the call names an index.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/progress.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ann/ann.h"
#include "ann/base/ann_index.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/seal/ann_seal.h"
#include "compat/ann_compat.h"
#include "compat/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_flush);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_compact);

/*
 * A role that may insert may seal, because inserts seal too; so may a role that
 * may VACUUM the table.  For a partitioned table, its own privileges count, as
 * for an INSERT.
 */
static void
check_permission(Oid tableoid)
{
	AclResult	result = pg_class_aclcheck(tableoid, GetUserId(), ACL_INSERT | VS_ACL_MAINTAIN);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(tableoid));
}

/* pg_stat_progress_create_index shows a seal's phases, without a command. */
static void
begin_progress(Relation index, Relation heap)
{
	const int	params[] = {
		PROGRESS_CREATEIDX_INDEX_OID,
		PROGRESS_CREATEIDX_ACCESS_METHOD_OID,
		PROGRESS_CREATEIDX_PHASE
	};
	const int64 values[] = {
		RelationGetRelid(index),
		index->rd_rel->relam,
		PROGRESS_CREATEIDX_PHASE_BUILD
	};

	pgstat_progress_start_command(PROGRESS_COMMAND_CREATE_INDEX, RelationGetRelid(heap));
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

/*
 * Flushes or compacts one index, locked with RowExclusiveLock, and adds a row
 * to the result.
 */
static void
maintain_index(Relation index, Relation heap, VsAnnWait wait, VsAnnSealCaller caller, ReturnSetInfo *rsinfo)
{
	vs_ann_refuse_foreign_temporary(index);
	if (vs_ann_is_vecann(index) && index->rd_index->indisready)
	{
		TimestampTz begun = GetCurrentTimestamp();
		VsAnnSealRequest request = {.caller = caller, .may_train = true, .report = true};
		VsAnnSealResult result;

		vs_ann_held_write(index);
		begin_progress(index, heap);
		if (vs_ann_seal(index, heap, wait, &request, &result))
		{
			Interval   *elapsed = palloc0(sizeof(Interval));
			Datum		values[4];
			bool		nulls[4] = {false};

			elapsed->time = GetCurrentTimestamp() - begun;
			values[0] = ObjectIdGetDatum(RelationGetRelid(index));
			values[1] = Int64GetDatum(result.rows_sealed);
			values[2] = Int32GetDatum(result.segment);
			nulls[2] = result.segment == 0;
			values[3] = IntervalPGetDatum(elapsed);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
		pgstat_progress_end_command();
	}
}

/*
 * Flushes or compacts the indexes of a table that was named, or inherits from
 * one.  Of the latter, other sessions' temporary tables are skipped, as in
 * queries.
 */
static void
maintain_table(Oid tableoid, bool named, VsAnnWait wait, VsAnnSealCaller caller, ReturnSetInfo *rsinfo)
{
	Relation	heap = table_open(tableoid, AccessShareLock);
	List	   *indexes;
	ListCell   *cell;

	if (heap->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		(named || !RELATION_IS_OTHER_TEMP(heap)))
	{
		indexes = RelationGetIndexList(heap);
		foreach(cell, indexes)
		{
			Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);

			maintain_index(index, heap, wait, caller, rsinfo);
			index_close(index, RowExclusiveLock);
		}
	}
	table_close(heap, AccessShareLock);
}

/* Opens an index and its table; false if one was dropped meanwhile. */
static bool
open_named(Oid indexoid, Relation *index, Relation *heap)
{
	Oid			tableoid = IndexGetRelation(indexoid, true);

	*heap = OidIsValid(tableoid) ? try_relation_open(tableoid, AccessShareLock) : NULL;
	if (*heap == NULL)
		return false;
	*index = try_relation_open(indexoid, RowExclusiveLock);
	/* the OID was not locked, and may belong to another relation now */
	if (*index != NULL && IndexGetRelation(indexoid, true) == tableoid)
		return true;
	if (*index != NULL)
		relation_close(*index, RowExclusiveLock);
	relation_close(*heap, AccessShareLock);
	return false;
}

/*
 * Flushes or compacts an index that was named, or is a partition of one;
 * partitioned indexes have no storage.
 */
static void
maintain_named(Oid indexoid, bool named, VsAnnWait wait, VsAnnSealCaller caller, ReturnSetInfo *rsinfo)
{
	Relation	heap;
	Relation	index;

	if (!open_named(indexoid, &index, &heap))
	{
		if (named)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("index %u does not exist any more", indexoid)));
		return;
	}
	if (index->rd_rel->relkind == RELKIND_INDEX && !vs_ann_is_vecann(index))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a vecann index", RelationGetRelationName(index))));
	if (index->rd_rel->relkind == RELKIND_INDEX)
		maintain_index(index, heap, wait, caller, rsinfo);
	relation_close(index, RowExclusiveLock);
	relation_close(heap, AccessShareLock);
}

static Datum
maintain(FunctionCallInfo fcinfo, VsAnnSealCaller caller)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			relation;
	VsAnnWait	wait;
	char		kind;
	ListCell   *cell;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation and wait must not be NULL")));
	relation = PG_GETARG_OID(0);
	wait = PG_GETARG_BOOL(1) ? VS_ANN_WAIT : VS_ANN_NOWAIT;
	kind = get_rel_relkind(relation);
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("recovery is in progress"),
				 errhint("vecann indexes cannot be changed during recovery.")));
	InitMaterializedSRF(fcinfo, 0);
	if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
	{
		check_permission(IndexGetRelation(relation, false));
		foreach(cell, find_all_inheritors(relation, NoLock, NULL))
			maintain_named(lfirst_oid(cell), lfirst_oid(cell) == relation, wait, caller, rsinfo);
	}
	else if (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW ||
			 kind == RELKIND_PARTITIONED_TABLE)
	{
		check_permission(relation);
		foreach(cell, find_all_inheritors(relation, AccessShareLock, NULL))
			maintain_table(lfirst_oid(cell), lfirst_oid(cell) == relation, wait, caller, rsinfo);
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or index",
						kind == '\0' ? psprintf("%u", relation) : get_rel_name(relation))));
	return (Datum) 0;
}

Datum
vs_api_flush(PG_FUNCTION_ARGS)
{
	return maintain(fcinfo, VS_ANN_SEAL_FLUSH);
}

Datum
vs_api_compact(PG_FUNCTION_ARGS)
{
	return maintain(fcinfo, VS_ANN_SEAL_COMPACT);
}
