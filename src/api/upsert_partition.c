/*-------------------------------------------------------------------------
 * upsert_partition.c
 *	  The check that rows belong in the partition that the caller named.
 *
 * Rows are always written through the collection itself, so that its
 * privileges, policies and triggers apply.  A named partition only adds this
 * check, which is made before any row is written.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/partition.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "api/api_internal.h"

struct PartitionCheck
{
	Relation	partition;
	ExprState  *qual;
	TupleTableSlot *slot;		/* of the partition's row type */
	AttrNumber *source;			/* collection's attno of each; 0: dropped */
};

PartitionCheck *
vs_api_partition_check_begin(Relation rel, Oid partition, EState *estate)
{
	PartitionCheck *check = palloc0(sizeof(PartitionCheck));
	TupleDesc	desc;
	int			i;

	check->partition = try_relation_open(partition, AccessShareLock);
	if (!check->partition)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("partition with OID %u does not exist", partition)));
	if (!check->partition->rd_rel->relispartition ||
		!list_member_oid(get_partition_ancestors(partition), RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a partition of \"%s\"",
						RelationGetRelationName(check->partition), RelationGetRelationName(rel))));

	desc = RelationGetDescr(check->partition);
	check->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	check->qual = ExecPrepareCheck(RelationGetPartitionQual(check->partition), estate);
	check->source = palloc0(desc->natts * sizeof(AttrNumber));
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			check->source[i] = get_attnum(RelationGetRelid(rel), NameStr(att->attname));
	}
	return check;
}

void
vs_api_partition_check(PartitionCheck *check, EState *estate, const Datum *values, const bool *isnull)
{
	ExprContext *econtext = GetPerTupleExprContext(estate);
	TupleTableSlot *slot = check->slot;
	bool		belongs;
	int			i;

	ExecClearTuple(slot);
	for (i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		AttrNumber	source = check->source[i];

		slot->tts_isnull[i] = source == 0 || isnull[source - 1];
		slot->tts_values[i] = slot->tts_isnull[i] ? (Datum) 0 : values[source - 1];
	}
	ExecStoreVirtualTuple(slot);
	econtext->ecxt_scantuple = slot;
	belongs = ExecCheck(check->qual, econtext);
	ExecClearTuple(slot);
	if (!belongs)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the row does not belong in partition \"%s\"",
						RelationGetRelationName(check->partition))));
}

void
vs_api_partition_check_end(PartitionCheck *check)
{
	ExecDropSingleTupleTableSlot(check->slot);
	relation_close(check->partition, AccessShareLock);
}
