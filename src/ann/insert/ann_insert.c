/*-------------------------------------------------------------------------
 * ann_insert.c
 *	  aminsert: code the value against the centre, append it to a pending page.
 *
 * Its cost does not depend on the size of the index.  The insert that takes the
 * pending part past pending_limit has it sealed (ann_background.c).
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
	uint64		epoch;			/* vs_ann_held_epoch when it was had */
} InsertState;

/* Says why the table's store does not have the value, and what to do. */
pg_noreturn static void
value_not_held(Relation index, Relation heap)
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

/*
 * The address of a value in the table's store.  An index on an expression gets values
 * that the table does not hold, and that cannot be read again by address; so do
 * columns whose values lie in the row.
 */
Oid
vs_ann_value_address(Relation index, Relation heap, VsAnnValueKind kind, Datum value)
{
	Oid			address;
	Size		len;

	/* bits are not in the store, nor are they read again: their code is all of them */
	if (kind == VS_ANN_BIT)
		return InvalidOid;
	if (!vs_store_datum_address(heap, value, &address, &len))
		value_not_held(index, heap);
	return address;
}

/*
 * The buffer for the rows of this statement.  Rows of former transactions may have
 * taken the pending part past the limit as they were committed; a statement then seals it.
 */
static VsAnnHeldRows *
insert_buffer(Relation index, Relation heap, IndexInfo *info)
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
	held = insert_buffer(index, heap, info);
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
