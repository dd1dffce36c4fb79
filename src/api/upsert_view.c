/*-------------------------------------------------------------------------
 * upsert_view.c
 *	  The triggers behind a collection's upsert view.
 *
 * INSERT and COPY FROM into the view upsert.  The row trigger only adds the
 * row to a batch, which the BEFORE STATEMENT trigger began and the AFTER
 * STATEMENT trigger runs: so COPY has the speed and the key order of a batch.
 *
 * Which table and columns the view stands for is read from its query, so that
 * renames and pg_dump need no care.  A column that an INSERT leaves out comes
 * with the view's default, which create_upsert_view copied from the table.
 *
 * Statements nest (a function called by one may run another), so the open
 * batches are a stack.  An error leaves entries behind, which the end of the
 * (sub)transaction takes off.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "api/api_internal.h"

typedef struct ViewBatch
{
	struct ViewBatch *outer;
	Oid			view;
	SubTransactionId subid;
	MemoryContext mcxt;
	Relation	rel;
	UpsertBatch *batch;
	int			ncolumns;
	AttrNumber *attnos;			/* the collection's, by the view's columns; 0: not one of it */
	Bitmapset  *writable;
	Datum	   *values;
	bool	   *isnull;
} ViewBatch;

static ViewBatch *innermost = NULL;

static void
pop_abandoned(SubTransactionId subid)
{
	while (innermost && (subid == InvalidSubTransactionId || innermost->subid == subid))
	{
		ViewBatch  *gone = innermost;

		innermost = gone->outer;
		vs_api_batch_abandon(gone->batch);
		MemoryContextDelete(gone->mcxt);
	}
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		pop_abandoned(InvalidSubTransactionId);
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		pop_abandoned(subid);
}

static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	registered = true;
}

/* The one table that the view selects from. */
static Oid
view_table(Relation view, Query *query)
{
	RangeTblEntry *rte;

	if (list_length(query->jointree->fromlist) == 1 && IsA(linitial(query->jointree->fromlist), RangeTblRef))
	{
		rte = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex, query->rtable);
		if (rte->rtekind == RTE_RELATION)
			return rte->relid;
	}
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("view \"%s\" does not select from one table", RelationGetRelationName(view)),
			 errhint("Make it anew with vecstore.create_upsert_view.")));
}

/* Which of the table's columns each column of the view is. */
static void
map_columns(ViewBatch *vb, Relation view, Query *query)
{
	Collection *c = vs_api_batch_collection(vb->batch);
	ListCell   *lc;

	vb->ncolumns = RelationGetNumberOfAttributes(view);
	vb->attnos = palloc0(vb->ncolumns * sizeof(AttrNumber));
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (entry->resjunk || !IsA(entry->expr, Var) || ((Var *) entry->expr)->varattno <= 0)
			continue;
		vb->attnos[entry->resno - 1] = ((Var *) entry->expr)->varattno;
		vb->writable = bms_add_member(vb->writable, ((Var *) entry->expr)->varattno);
	}
	vb->values = palloc0(c->natts * sizeof(Datum));
	vb->isnull = palloc(c->natts * sizeof(bool));
	memset(vb->isnull, true, c->natts * sizeof(bool));
}

static void
begin_statement(Relation view, Trigger *trigger)
{
	Query	   *query = get_view_query(view);
	UpsertOptions options = {0};
	MemoryContext mcxt;
	MemoryContext old;
	ViewBatch  *vb;

	register_callbacks();
	options.skip_unchanged = trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], "skip_unchanged") == 0;
	mcxt = AllocSetContextCreate(TopTransactionContext, "vecstore upsert view", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(mcxt);
	vb = palloc0(sizeof(ViewBatch));
	vb->mcxt = mcxt;
	vb->view = RelationGetRelid(view);
	vb->subid = GetCurrentSubTransactionId();
	vb->rel = table_open(view_table(view, query), RowExclusiveLock);
	vb->batch = vs_api_batch_begin(vb->rel, &options, 0);
	vb->outer = innermost;
	innermost = vb;
	map_columns(vb, view, query);
	MemoryContextSwitchTo(old);
}

static ViewBatch *
statement_of(Relation view)
{
	if (!innermost || innermost->view != RelationGetRelid(view))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("view \"%s\" lacks some of its upsert triggers", RelationGetRelationName(view)),
				 errhint("Make it anew with vecstore.create_upsert_view.")));
	return innermost;
}

static void
add_row(ViewBatch *vb, TupleTableSlot *slot)
{
	Collection *c = vs_api_batch_collection(vb->batch);
	MemoryContext old = MemoryContextSwitchTo(vs_api_batch_row_context(vb->batch));
	int			i;

	slot_getallattrs(slot);
	for (i = 0; i < vb->ncolumns; i++)
	{
		if (vb->attnos[i] == 0)
			continue;
		vb->values[vb->attnos[i] - 1] = slot->tts_values[i];
		vb->isnull[vb->attnos[i] - 1] = slot->tts_isnull[i];
	}
	vs_api_batch_place(vb->batch)->row++;
	vs_api_batch_add(vb->batch, vb->values, vb->isnull,
					 vs_api_given_columns(c, vb->writable, vb->isnull));
	MemoryContextSwitchTo(old);
}

static void
end_statement(ViewBatch *vb)
{
	vs_api_batch_run(vb->batch);
	innermost = vb->outer;
	vs_api_batch_end(vb->batch);
	table_close(vb->rel, NoLock);
	MemoryContextDelete(vb->mcxt);
}

/* upsert_view_trigger(['skip_unchanged']): all three triggers of an upsert view */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_view_trigger);
Datum
vs_api_upsert_view_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	MemoryContext mcxt = CurrentMemoryContext;
	ViewBatch  *vb;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(data->tg_event) ||
		data->tg_relation->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this trigger function is for INSERT into views made by vecstore.create_upsert_view")));
	if (TRIGGER_FIRED_BEFORE(data->tg_event))
	{
		begin_statement(data->tg_relation, data->tg_trigger);
		return PointerGetDatum(NULL);
	}
	vb = statement_of(data->tg_relation);
	PG_TRY();
	{
		if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
			add_row(vb, data->tg_trigslot);
		else
			end_statement(vb);
	}
	PG_CATCH();
	{
		vs_api_rethrow(mcxt, vs_api_batch_place(vb->batch));
	}
	PG_END_TRY();
	return PointerGetDatum(TRIGGER_FIRED_FOR_ROW(data->tg_event) ? data->tg_trigtuple : NULL);
}
