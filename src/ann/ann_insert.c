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
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/ann_internal.h"
#include "compat/compat.h"

#define MOST_ROWS_TRAINED	200000

/* Kept in the IndexInfo between the rows of a statement. */
typedef struct InsertState
{
	VsAnn		ann;
	VsAnnCoder	coder;
	VsAnnTail	tail;
} InsertState;

/*
 * The address of a value in the table's store.  An index on an expression gets values
 * that the table does not hold, and that cannot be read again by address.
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
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" got a value that table \"%s\" does not hold",
						RelationGetRelationName(index), RelationGetRelationName(heap)),
				 errhint("vecann indexes plain columns; for an expression, add a generated column.")));
	return address;
}

/* The insert state of this statement. */
static InsertState *
insert_state(Relation index, IndexInfo *info)
{
	InsertState *state = (InsertState *) info->ii_AmCache;
	MemoryContext old = MemoryContextSwitchTo(info->ii_Context);

	if (state == NULL)
	{
		state = palloc0(sizeof(InsertState));
		vs_ann_open(&state->ann, index);
		state->tail.block = InvalidBlockNumber;
		state->tail.context = info->ii_Context;
		info->ii_AmCache = state;
	}
	MemoryContextSwitchTo(old);
	return state;
}

/* Refuses a payload of another dimension; makes ready to code it. */
static void
check_shape(InsertState *state, IndexInfo *info, const void *payload)
{
	MemoryContext old = MemoryContextSwitchTo(info->ii_Context);
	int			dim;

	dim = vs_ann_payload_dim(state->ann.type.kind, payload);
	if (state->ann.spec.dim != dim)
		vs_ann_check_dim(&state->ann, dim);
	if (state->coder.ann == NULL)
		vs_ann_coder_init(&state->coder, &state->ann);
	MemoryContextSwitchTo(old);
}

/* Seals when the pending part is over the limit.  Nobody waits for it. */
static void
seal_if_large(const VsAnn *ann, Relation heap)
{
	int			limit = vs_ann_option_pending_limit(ann->index);
	VsAnnMetaData meta;
	VsAnnSealResult result;
	int64		pages = 0;

	if (limit == 0)
		return;
	vs_ann_meta_read(ann, &meta);
	if (meta.sealing != 0)
		return;
	for (int i = 0; i < VS_ANN_CHAINS; i++)
		pages += meta.growing[i].npages;
	if ((pages - 1) * ann->geo.pending_capacity < limit)
		return;
	/* training all lists anew is left to vacuum when it would take long */
	vs_ann_maintain(ann->index, heap, VS_ANN_NOWAIT,
					meta.list_rows < MOST_ROWS_TRAINED ?
					VS_ANN_DO_FLUSH | VS_ANN_DO_GROW :
					VS_ANN_DO_FLUSH,
					&result);
}

bool
vs_ann_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
			  Relation heap, IndexUniqueCheck check, bool unchanged, IndexInfo *info)
{
	struct varlena *value;
	InsertState *state;
	const void *payload;
	VsAnnId		id;
	MemoryContext context;
	MemoryContext old;
	bool		grown;

	if (isnull[0])
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "vecann insert",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);

	memset(&id, 0, sizeof(id));
	id.tid = *tid;
	state = insert_state(index, info);
	id.address = vs_ann_value_address(index, heap, state->ann.type.kind, values[0]);
	value = PG_DETOAST_DATUM_PACKED(values[0]);
	payload = VARDATA_ANY(value);
	check_shape(state, info, payload);
	grown = vs_ann_pending_append(&state->coder, &state->tail, &id, payload);
	if (grown)
		seal_if_large(&state->ann, heap);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return false;
}
