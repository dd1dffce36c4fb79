/*-------------------------------------------------------------------------
 * ann_insert.c
 *	  aminsert: code the value against the centre, append it to a pending page.
 *
 * Its cost does not depend on the size of the index.  The insert that
 * takes the pending part past pending_limit seals it, unless a seal is under way.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/ann_internal.h"
#include "compat/compat.h"

#define MOST_ROWS_TRAINED	200000

/* Bounds of the automatic pending_limit. */
#define LEAST_PENDING		10000.0
#define MOST_PENDING		100000.0

/* Kept in the IndexInfo between the rows of a statement. */
typedef struct InsertState
{
	VsAnnBuffer *buffer;
	LocalTransactionId transaction; /* that buffer belongs to */
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
 * Pending rows at which they are sealed: as many as a scan scores at least in the lists, so
 * that the pending part never costs it more than these.  A seal of more rows costs less for
 * each; one of too many would make a statement wait long.
 */
static double
automatic_limit(const VsAnnMetaData *meta)
{
	double		share = meta->nlists == 0 ? 0 :
		(double) vs_ann_probes_of(meta->nlists, meta->list_rows) / meta->nlists;

	return Max(LEAST_PENDING, Min(MOST_PENDING, share * meta->list_rows));
}

/* Seals when the pending part is over the limit.  Nobody waits for it.  This session holds no rows back now. */
static void
seal_if_large(Relation index, Relation heap)
{
	int			limit = vs_ann_option_pending_limit(index);
	VsAnn		ann;
	VsAnnMetaData meta;
	VsAnnSealResult result;
	int64		pages = 0;

	if (limit == 0)
		return;
	vs_ann_open(&ann, index);
	vs_ann_meta_read(&ann, &meta);
	if (meta.sealing != 0)
		return;
	if (limit == VS_ANN_PENDING_AUTO)
		limit = automatic_limit(&meta);
	for (int i = 0; i < VS_ANN_CHAINS; i++)
		pages += meta.growing[i].npages;
	if ((pages - 1) * ann.geo.pending_capacity < limit)
		return;
	/* training all lists anew is left to vacuum when it would take long */
	vs_ann_maintain(index, heap, VS_ANN_NOWAIT,
					meta.list_rows < MOST_ROWS_TRAINED ?
					VS_ANN_DO_FLUSH | VS_ANN_DO_GROW :
					VS_ANN_DO_FLUSH,
					&result);
}

/*
 * The buffer for the rows of this statement.  Rows of former transactions may have
 * taken the pending part past the limit as they were committed; a statement then seals it.
 */
static VsAnnBuffer *
insert_buffer(Relation index, Relation heap, IndexInfo *info)
{
	InsertState *state = (InsertState *) info->ii_AmCache;
	bool		fresh;

	if (state != NULL && state->transaction == VS_MY_LXID)
		return state->buffer;
	if (state == NULL)
		state = MemoryContextAlloc(info->ii_Context, sizeof(InsertState));
	state->buffer = vs_ann_buffer_get(index, heap, &fresh);
	if (fresh)
		seal_if_large(index, heap);
	state->transaction = VS_MY_LXID;
	info->ii_AmCache = state;
	return state->buffer;
}

bool
vs_ann_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
			  Relation heap, IndexUniqueCheck check, bool unchanged, IndexInfo *info)
{
	VsAnnBuffer *buffer;
	struct varlena *value;
	VsAnnId		id;

	if (isnull[0])
		return false;
	buffer = insert_buffer(index, heap, info);
	memset(&id, 0, sizeof(id));
	id.tid = *tid;
	id.address = vs_ann_value_address(index, heap, vs_ann_buffer_ann(buffer)->type.kind, values[0]);
	value = PG_DETOAST_DATUM_PACKED(values[0]);
	if (vs_ann_buffer_put(buffer, index, &id, VARDATA_ANY(value)))
		seal_if_large(index, heap);
	if (value != (struct varlena *) DatumGetPointer(values[0]))
		pfree(value);
	return false;
}
