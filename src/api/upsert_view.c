/*-------------------------------------------------------------------------
 * upsert_view.c
 *	  The triggers behind a collection's upsert view.
 *
 * INSERT and COPY FROM into the view upsert.  The row trigger only adds the
 * row to a batch, which the BEFORE STATEMENT trigger began and the AFTER
 * STATEMENT trigger runs.  So COPY has the speed and the key order of a batch.
 *
 * The view's query says which table and columns the view stands for, so
 * renames and pg_dump need no care.  A column that an INSERT leaves out has
 * the view's default, which create_upsert_view copied from the table.
 *
 * A batch is found by its view, so several views in one statement (WITH) have
 * separate batches.  Statements nest (a function called by one may run
 * another), so the open batches are a stack, and a row belongs to the
 * innermost batch of its view: PostgreSQL runs a nested statement to its end,
 * AFTER trigger included, before the outer one goes on.  An error leaves
 * entries behind; the end of the (sub)transaction removes them.
 *
 * No accepted row may be lost.  A batch is begun only if the trigger that runs
 * it will fire; if that trigger does not fire after all, the transaction
 * cannot commit.  Under session_replication_role = replica no trigger fires,
 * and the server counts a row as inserted nevertheless, so a hook refuses the
 * statement.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"

#include "api/api.h"
#include "api/api_internal.h"

typedef struct ViewBatch
{
	struct ViewBatch *outer;
	Oid			view;
	char	   *name;			/* the view's */
	SubTransactionId subid;
	MemoryContext mcxt;
	Relation	rel;
	UpsertBatch *batch;
	int			ncolumns;
	AttrNumber *attnos;			/* the table's, by the view's columns */
	Bitmapset  *writable;
	Datum	   *values;
	bool	   *isnull;
} ViewBatch;

static ViewBatch *innermost = NULL;
static ExecutorCheckPerms_hook_type next_check_perms;
static ExecutorStart_hook_type next_executor_start;

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

/*
 * A transaction must not commit without the rows of a batch that did not end.
 */
static void
refuse_unwritten(void)
{
	if (innermost)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows inserted into view \"%s\" were not written", innermost->name),
				 errdetail("The statement did not end, or the view's triggers no longer fire.")));
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		refuse_unwritten();
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		pop_abandoned(InvalidSubTransactionId);
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	ViewBatch  *vb;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		pop_abandoned(subid);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (vb = innermost; vb; vb = vb->outer)
		{
			if (vb->subid == subid)
				vb->subid = parent;
		}
	}
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

static void
error_lacks_triggers(Relation view)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view \"%s\" lacks some of its upsert triggers", RelationGetRelationName(view)),
			 errhint("Create it again with vecstore.create_upsert_view.")));
}

static void
error_not_upsert_view(Relation view, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("view \"%s\" is not an upsert view", RelationGetRelationName(view)),
			 errdetail("%s", detail),
			 errhint("Create one with vecstore.create_upsert_view.")));
}

/*
 * Whether the view has an INSERT trigger of that level and timing that calls
 * the function and will fire.
 */
static bool
trigger_fires(Relation view, Oid function, int16 level, int16 timing)
{
	char		disabled = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
		TRIGGER_FIRES_ON_ORIGIN :
						TRIGGER_FIRES_ON_REPLICA;
	int			i;

	for (i = 0; i < view->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &view->trigdesc->triggers[i];

		if (trigger->tgfoid == function && trigger->tgqual == NULL &&
			trigger->tgenabled != TRIGGER_DISABLED && trigger->tgenabled != disabled &&
			TRIGGER_TYPE_MATCHES(trigger->tgtype, level, timing, TRIGGER_TYPE_INSERT))
			return true;
	}
	return false;
}

/*
 * The one table that the view selects from, as an index into its query's range
 * table.
 */
static int
view_table(Relation view, Query *query)
{
	RangeTblRef *ref;

	if (list_length(query->jointree->fromlist) == 1 && IsA(linitial(query->jointree->fromlist), RangeTblRef))
	{
		ref = linitial_node(RangeTblRef, query->jointree->fromlist);
		if (rt_fetch(ref->rtindex, query->rtable)->rtekind == RTE_RELATION)
			return ref->rtindex;
	}
	error_not_upsert_view(view, "It does not select from one table.");
	return 0;
}

/*
 * Finds the table's column for each column of the view.  There must be one, of
 * the same type.
 */
static void
map_columns(ViewBatch *vb, Relation view, Query *query, int table)
{
	Collection *c = vs_api_batch_collection(vb->batch);
	ListCell   *lc;

	vb->ncolumns = RelationGetNumberOfAttributes(view);
	vb->attnos = palloc0(vb->ncolumns * sizeof(AttrNumber));
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		Var		   *var = (Var *) entry->expr;

		if (entry->resjunk)
			continue;
		if (!IsA(var, Var) || var->varno != table || var->varlevelsup != 0 ||
			var->varattno < 1 || var->varattno > c->natts ||
			bms_is_member(var->varattno, vb->writable))
			error_not_upsert_view(view, "Each of its columns must be another one of the table's.");
		if (TupleDescAttr(RelationGetDescr(view), entry->resno - 1)->atttypid !=
			c->columns[var->varattno - 1].typid)
			error_not_upsert_view(view, "A column has another type than the table's.");
		vb->attnos[entry->resno - 1] = var->varattno;
		vb->writable = bms_add_member(vb->writable, var->varattno);
	}
	vb->values = palloc0(c->natts * sizeof(Datum));
	vb->isnull = palloc(c->natts * sizeof(bool));
	memset(vb->isnull, true, c->natts * sizeof(bool));
}

/* Opens a table for longer than the statement's resource owner lives. */
static Relation
open_for_transaction(Oid relid)
{
	ResourceOwner owner = CurrentResourceOwner;
	Relation	rel;

	CurrentResourceOwner = CurTransactionResourceOwner;
	rel = table_open(relid, RowExclusiveLock);
	CurrentResourceOwner = owner;
	return rel;
}

static void
close_for_transaction(Relation rel)
{
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = CurTransactionResourceOwner;
	table_close(rel, NoLock);
	CurrentResourceOwner = owner;
}

static void
begin_statement(Relation view, Trigger *trigger)
{
	Query	   *query = get_view_query(view);
	int			table = view_table(view, query);
	UpsertOptions options = {0};
	MemoryContext mcxt;
	MemoryContext old;
	ViewBatch  *vb;

	if (!trigger_fires(view, trigger->tgfoid, TRIGGER_TYPE_ROW, TRIGGER_TYPE_INSTEAD) ||
		!trigger_fires(view, trigger->tgfoid, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_AFTER))
		error_lacks_triggers(view);
	register_callbacks();
	options.skip_unchanged = trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], "skip_unchanged") == 0;
	mcxt = AllocSetContextCreate(TopTransactionContext, "vecstore upsert view", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(mcxt);
	vb = palloc0(sizeof(ViewBatch));
	vb->mcxt = mcxt;
	vb->view = RelationGetRelid(view);
	vb->name = pstrdup(RelationGetRelationName(view));
	vb->subid = GetCurrentSubTransactionId();
	vb->rel = open_for_transaction(rt_fetch(table, query->rtable)->relid);
	vb->batch = vs_api_batch_begin(vb->rel, &options, 0);
	vb->outer = innermost;
	innermost = vb;
	map_columns(vb, view, query, table);
	MemoryContextSwitchTo(old);
}

/*
 * The innermost batch of that view.  It is this statement's, because the
 * trigger that begins a batch has fired.
 */
static ViewBatch *
statement_of(Relation view, Oid function)
{
	ViewBatch  *vb = innermost;

	if (!trigger_fires(view, function, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_BEFORE))
		error_lacks_triggers(view);
	while (vb && vb->view != RelationGetRelid(view))
		vb = vb->outer;
	if (!vb)
		error_lacks_triggers(view);
	return vb;
}

/* The row for RETURNING, with the key that the database made. */
static HeapTuple
tuple_with_key(ViewBatch *vb, Relation view, HeapTuple tuple)
{
	Collection *c = vs_api_batch_collection(vb->batch);
	Datum	   *values = palloc0(vb->ncolumns * sizeof(Datum));
	bool	   *isnull = palloc0(vb->ncolumns * sizeof(bool));
	bool	   *replace = palloc0(vb->ncolumns * sizeof(bool));
	int			i;

	for (i = 0; i < vb->ncolumns; i++)
	{
		if (!c->columns[vb->attnos[i] - 1].is_key)
			continue;
		values[i] = vb->values[vb->attnos[i] - 1];
		replace[i] = true;
	}
	return heap_modify_tuple(tuple, RelationGetDescr(view), values, isnull, replace);
}

/*
 * Adds the row to the batch; returns the row for RETURNING, in the current
 * context.  That is never the given tuple: the server frees the given tuple
 * only if it gets another one, and would otherwise keep all rows of the
 * statement.
 */
static HeapTuple
add_row(ViewBatch *vb, TriggerData *data)
{
	TupleTableSlot *slot = data->tg_trigslot;
	HeapTuple	tuple;
	MemoryContext old;
	Bitmapset  *given;
	bool		keyless;
	int			i;

	slot_getallattrs(slot);
	for (i = 0; i < vb->ncolumns; i++)
	{
		vb->values[vb->attnos[i] - 1] = slot->tts_values[i];
		vb->isnull[vb->attnos[i] - 1] = slot->tts_isnull[i];
	}
	vs_api_batch_place(vb->batch)->row++;
	old = MemoryContextSwitchTo(vs_api_batch_row_context(vb->batch));
	given = vs_api_given_columns(vs_api_batch_collection(vb->batch), vb->writable, vb->isnull);
	keyless = vs_api_batch_complete_key(vb->batch, true, vb->values, vb->isnull, &given);
	MemoryContextSwitchTo(old);
	if (keyless)
		tuple = tuple_with_key(vb, data->tg_relation, data->tg_trigtuple);
	else
		tuple = heap_copytuple(data->tg_trigtuple);
	vs_api_batch_put(vb->batch, vb->values, vb->isnull, given, keyless);
	return tuple;
}

static void
end_statement(ViewBatch *vb)
{
	ViewBatch **link = &innermost;

	vs_api_batch_run(vb->batch);
	while (*link != vb)
		link = &(*link)->outer;
	*link = vb->outer;
	vs_api_batch_end(vb->batch);
	close_for_transaction(vb->rel);
	MemoryContextDelete(vb->mcxt);
}

/*
 * upsert_view_trigger(['skip_unchanged']): all three triggers of an upsert
 * view
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_view_trigger);
Datum
vs_api_upsert_view_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	MemoryContext mcxt = CurrentMemoryContext;
	HeapTuple volatile result = NULL;
	ViewBatch *volatile vb;

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
	vb = statement_of(data->tg_relation, data->tg_trigger->tgfoid);
	PG_TRY();
	{
		if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
			result = add_row(vb, data);
		else
			end_statement(vb);
	}
	PG_CATCH();
	{
		vs_api_rethrow(mcxt, vs_api_batch_place(vb->batch));
	}
	PG_END_TRY();
	return PointerGetDatum(result);
}

static bool
calls_function(TriggerDesc *triggers, Oid function)
{
	int			i;

	for (i = 0; i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgfoid == function)
			return true;
	}
	return false;
}

static bool
is_upsert_view(Oid relid)
{
	Oid			function;
	Relation	view;
	bool		result;

	if (get_rel_relkind(relid) != RELKIND_VIEW)
		return false;
	function = LookupFuncName(list_make2(makeString("vecstore"), makeString("upsert_view_trigger")),
							  0, NULL, true);
	view = table_open(relid, NoLock);
	result = OidIsValid(function) && view->trigdesc && view->trigdesc->trig_insert_instead_row &&
		calls_function(view->trigdesc, function);
	table_close(view, NoLock);
	return result;
}

/*
 * Refuses INSERT and COPY into an upsert view while its triggers do not fire.
 * It checks no permissions: this hook is called for both commands, with all
 * tables that they write.
 */
static bool
check_perms(VS_CHECK_PERMS_PARAMETERS)
{
	ListCell   *lc;

	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
	{
		foreach(lc, VS_CHECK_PERMS_LIST)
		{
			VsRelationPerms *perms = lfirst(lc);

			if ((perms->requiredPerms & ACL_INSERT) && is_upsert_view(perms->relid))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("cannot insert into upsert view \"%s\" while session_replication_role is replica",
								get_rel_name(perms->relid)),
						 errdetail("The view's triggers do not fire."),
						 errhint("Insert into the table.")));
		}
	}
	return !next_check_perms || next_check_perms(VS_CHECK_PERMS_ARGUMENTS);
}

/* Refuses ON CONFLICT, which the triggers of a view cannot see. */
static void
check_on_conflict(PlannedStmt *statement, Plan *plan)
{
	ModifyTable *node = (ModifyTable *) plan;
	ListCell   *lc;

	if (!plan || !IsA(plan, ModifyTable) || node->onConflictAction == ONCONFLICT_NONE)
		return;
	foreach(lc, node->resultRelations)
	{
		RangeTblEntry *target = rt_fetch(lfirst_int(lc), statement->rtable);

		if (target->relkind == RELKIND_VIEW && is_upsert_view(target->relid))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot insert into upsert view \"%s\" with ON CONFLICT",
							get_rel_name(target->relid)),
					 errdetail("An INSERT into the view replaces rows with the same key."),
					 errhint("Insert into the table.")));
	}
}

/* Statements and their WITH clauses may insert into upsert views. */
static void
executor_start(QueryDesc *query, int eflags)
{
	PlannedStmt *statement = query->plannedstmt;
	ListCell   *lc;

	if (query->operation == CMD_INSERT || statement->hasModifyingCTE)
	{
		check_on_conflict(statement, statement->planTree);
		foreach(lc, statement->subplans)
			check_on_conflict(statement, lfirst(lc));
	}
	if (next_executor_start)
		next_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

void
vs_api_init(void)
{
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	next_check_perms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_perms;
}
