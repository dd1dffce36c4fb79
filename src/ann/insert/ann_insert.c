/*-------------------------------------------------------------------------
 * ann_insert.c
 *	  aminsert: codes the value and holds the row back for a pending page.
 *
 * The cost does not depend on the size of the index: an insert chooses no
 * list.  An insert that finds the pending part over pending_limit starts a
 * seal (ann_background.c).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/base/ann_value.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/insert/ann_insert.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "compat/compat.h"
#include "store/store.h"

/* Kept in the IndexInfo between the rows of a statement. */
typedef struct InsertState
{
	VsAnnHeldRows *held;
	uint64		epoch;			/* vs_ann_held_epoch when held was obtained */
} InsertState;

/* The error for a value that is not in the table's store, with the reason. */
pg_noreturn static void
report_missing_value(Relation index, Relation heap)
{
	AttrNumber	attnum = index->rd_index->indkey.values[0];
	Form_pg_attribute att;

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" is on an expression, whose values table \"%s\" does not hold",
						RelationGetRelationName(index), RelationGetRelationName(heap)),
				 errhint("Add a generated column with the expression, and index that.")));
	att = TupleDescAttr(RelationGetDescr(heap), attnum - 1);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("index \"%s\" cannot find a value of column \"%s\" in the value store of table \"%s\"",
					RelationGetRelationName(index), NameStr(att->attname),
					RelationGetRelationName(heap)),
			 att->attstorage == TYPSTORAGE_PLAIN ?
			 errhint("The column has STORAGE PLAIN. Use ALTER TABLE ... ALTER COLUMN ... SET STORAGE EXTERNAL, and VACUUM FULL if rows are there.") :
			 errhint("The value came with ALTER TABLE ... ADD COLUMN ... DEFAULT, or while the column had STORAGE PLAIN. VACUUM FULL puts such values into the store.")));
}

Oid
vs_ann_value_address(Relation index, Relation heap, VsAnnValueKind kind, Datum value)
{
	Oid			address;
	Size		len;

	/* bits are not in the store; their code is the value itself */
	if (kind == VS_ANN_BIT)
		return InvalidOid;
	if (!vs_store_datum_address(heap, value, &address, &len))
		report_missing_value(index, heap);
	return address;
}

/*
 * Returns the set of held rows for this statement.  The first insert of a
 * transaction also checks the size of the pending part: a commit may have
 * written many rows, but never seals.
 */
static VsAnnHeldRows *
get_held_rows(Relation index, Relation heap, IndexInfo *info)
{
	InsertState *state = (InsertState *) info->ii_AmCache;
	bool		fresh;

	if (state != NULL && state->epoch == vs_ann_held_epoch)
		return state->held;
	if (state == NULL)
		state = MemoryContextAlloc(info->ii_Context, sizeof(InsertState));
	state->held = vs_ann_held_get(index, heap, &fresh);
	if (fresh)
		vs_ann_seal_if_large(index, heap);
	state->epoch = vs_ann_held_epoch;
	info->ii_AmCache = state;
	return state->held;
}

bool
vs_ann_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
			  Relation heap, IndexUniqueCheck check, bool unchanged, IndexInfo *info)
{
	VsAnnHeldRows *held;
	struct varlena *value;
	VsAnnId		id;

	if (isnull[0])
		return false;
	held = get_held_rows(index, heap, info);
	memset(&id, 0, sizeof(id));
	id.tid = *tid;
	id.address = vs_ann_value_address(index, heap, vs_ann_held_ann(held)->type.kind, values[0]);
	value = PG_DETOAST_DATUM_PACKED(values[0]);
	vs_ann_payload_check(vs_ann_held_ann(held)->type.kind, VARDATA_ANY(value),
						 VARSIZE_ANY_EXHDR(value));
	if (vs_ann_held_put(held, index, &id, VARDATA_ANY(value)))
		vs_ann_seal_if_large(index, heap);
	if (value != (struct varlena *) DatumGetPointer(values[0]))
		pfree(value);
	return false;
}
