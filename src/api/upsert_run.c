/*-------------------------------------------------------------------------
 * upsert_run.c
 *	  A batch of rows on its way into a collection: writing them.
 *
 * The rows go from the sort into a tuplestore, of each key only the last one.
 * A column that some rows give is filled with its default in the others,
 * because one statement (upsert_plan.c) takes all rows.
 *
 * While the statement runs, it calls back (batch_row, batch_gives,
 * batch_replaces), and its results go to a DestReceiver that only counts.
 * Both refer to the batch 'running'; upserts nest, in triggers.
 *
 * Any role can call those functions, and an expression of the table itself (a
 * policy, a check, a trigger) can call them while the statement runs.  So the
 * statement passes them the batch's cookie, a random number that it gets as a
 * parameter; all other calls are refused.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/builtins.h"

#include "api/upsert_batch.h"

static UpsertBatch *running = NULL;

/*
 * The columns that all rows with (or without) a key give, and the columns that
 * only some of them give.
 */
static void
summarize_patterns(UpsertBatch *batch, bool keyless, Bitmapset **all, Bitmapset **some)
{
	Bitmapset  *any = NULL;
	bool		first = true;
	int			i;

	*all = NULL;
	for (i = 0; i < batch->npatterns; i++)
	{
		Pattern    *pattern = &batch->patterns[i];

		if (pattern->keyless != keyless)
			continue;
		any = bms_add_members(any, pattern->given);
		*all = first ? bms_copy(pattern->given) : bms_int_members(*all, pattern->given);
		first = false;
	}
	*some = bms_difference(any, *all);
}

/*
 * Puts a row into the statement's store.  Columns of 'wanted' that the row
 * leaves out get their defaults.
 */
static void
put_filled(UpsertBatch *batch, Tuplestorestate *store, TupleTableSlot *slot, Bitmapset *wanted)
{
	Collection *c = batch->c;
	Bitmapset  *missing;
	int			pattern;
	int			attno = -1;

	if (!wanted)
	{
		tuplestore_puttupleslot(store, slot);
		return;
	}
	slot_getallattrs(slot);
	pattern = DatumGetInt32(slot->tts_values[c->natts + 1]);
	batch->place.row = llabs(DatumGetInt64(slot->tts_values[c->natts]));
	missing = bms_difference(wanted, batch->patterns[pattern].given);
	while ((attno = bms_next_member(missing, attno)) >= 0)
		slot->tts_values[attno - 1] = vs_api_batch_default(batch, attno, &slot->tts_isnull[attno - 1]);
	bms_free(missing);
	tuplestore_putvalues(store, c->batch_desc, slot->tts_values, slot->tts_isnull);
	ResetPerTupleExprContext(batch->estate);
}

static bool
same_key(UpsertBatch *batch, TupleTableSlot *a, TupleTableSlot *b)
{
	int			i;

	for (i = 0; i < batch->c->nkeys; i++)
	{
		SortSupport order = &batch->key_order[i];
		bool		null_a;
		bool		null_b;
		Datum		key_a = slot_getattr(a, order->ssup_attno, &null_a);
		Datum		key_b = slot_getattr(b, order->ssup_attno, &null_b);

		if (ApplySortComparator(key_a, null_a, key_b, null_b, order) != 0)
			return false;
	}
	return true;
}

/* Stores the sorted rows, of each key the last one; returns their number. */
static int64
drain_keyed(UpsertBatch *batch, Tuplestorestate *store, Bitmapset *wanted)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(batch->c->batch_desc, &TTSOpsMinimalTuple);
	TupleTableSlot *last = MakeSingleTupleTableSlot(batch->c->batch_desc, &TTSOpsMinimalTuple);
	int64		rows = 0;

	tuplesort_performsort(batch->keyed);
	while (tuplesort_gettupleslot(batch->keyed, true, true, slot, NULL))
	{
		TupleTableSlot *swap = last;

		CHECK_FOR_INTERRUPTS();
		if (!TTS_EMPTY(last) && same_key(batch, last, slot))
			continue;
		put_filled(batch, store, slot, wanted);
		rows++;
		last = slot;
		slot = swap;
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(last);
	tuplesort_end(batch->keyed);
	batch->keyed = NULL;
	return rows;
}

static int64
drain_keyless(UpsertBatch *batch, Tuplestorestate *store, Bitmapset *wanted)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(batch->c->batch_desc, &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(batch->keyless, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		put_filled(batch, store, slot, wanted);
	}
	ExecDropSingleTupleTableSlot(slot);
	return batch->nkeyless;
}

/*
 * Counts the statement's results: RETURNING gives a row for each one written.
 */
typedef struct CountReceiver
{
	DestReceiver pub;
	UpsertBatch *batch;
} CountReceiver;

static bool
count_receive(TupleTableSlot *slot, DestReceiver *self)
{
	UpsertBatch *batch = ((CountReceiver *) self)->batch;

	if (batch->merged && !batch->conflict)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not merge row " INT64_FORMAT " into the stored one, which was deleted concurrently",
						batch->place.row),
				 errhint("The upsert might succeed if retried.")));
	if (batch->conflict)
		batch->counts.replaced++;
	else
		batch->counts.inserted++;
	return true;
}

static void
count_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

/* All rows are written: later errors (foreign keys) are not the last row's. */
static void
count_shutdown(DestReceiver *self)
{
	((CountReceiver *) self)->batch->place.row = 0;
}

static void
count_destroy(DestReceiver *self)
{
}

/* The statement's only parameter. */
static ParamListInfo
cookie_parameter(UpsertBatch *batch)
{
	ParamListInfo params = makeParamList(1);

	params->params[0].value = Int64GetDatum(batch->cookie);
	params->params[0].isnull = false;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = INT8OID;
	return params;
}

static void
execute(UpsertBatch *batch, UpsertPlan *plan)
{
	CountReceiver receiver = {
		{count_receive, count_startup, count_shutdown, count_destroy, DestNone}, batch
	};
	SPIExecuteOptions options = {0};
	UpsertBatch *outer = running;
	int			result;

	options.dest = &receiver.pub;
	options.params = cookie_parameter(batch);
	batch->place.row = 0;
	batch->place.statement = plan->sql;
	running = batch;
	PG_TRY();
	{
		result = SPI_execute_plan_extended(plan->plan, &options);
	}
	PG_FINALLY();
	{
		running = outer;
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

/* Runs the statement over the rows with or without a key. */
static void
run_rows(UpsertBatch *batch, bool keyless)
{
	UpsertKind	kind = UPSERT_INSERT;
	Tuplestorestate *store = tuplestore_begin_heap(false, false, batch->work_mem_kb);
	EphemeralNamedRelationData enr = {{0}};
	UpsertPlan *plan;
	Bitmapset  *all;
	Bitmapset  *some;
	Bitmapset  *wanted = NULL;
	Bitmapset  *fill;
	int64		rows;
	int64		written = batch->counts.inserted + batch->counts.replaced;

	if (!keyless)
		kind = batch->options.partial ? UPSERT_PARTIAL : UPSERT_OVERRIDE;
	summarize_patterns(batch, keyless, &all, &some);
	fill = vs_api_plan_fill(batch->c, kind, bms_union(all, some));
	if (!bms_is_empty(some) || !bms_is_empty(fill))
		wanted = bms_union(bms_union(all, some), fill);
	rows = keyless ? drain_keyless(batch, store, wanted) : drain_keyed(batch, store, wanted);

	enr.md.name = UPSERT_BATCH_NAME;
	enr.md.tupdesc = batch->c->batch_desc;
	enr.md.enrtype = ENR_NAMED_TUPLESTORE;
	enr.md.enrtuples = (double) rows;
	enr.reldata = store;
	if (SPI_register_relation(&enr) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the batch");
	plan = vs_api_plan_get(batch->c, kind, batch->options.skip_unchanged, all, some);
	execute(batch, plan);
	SPI_unregister_relation(UPSERT_BATCH_NAME);
	tuplestore_end(store);
	written = batch->counts.inserted + batch->counts.replaced - written;
	batch->counts.unchanged += rows - written;
}

UpsertCounts
vs_api_batch_run(UpsertBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(batch->mcxt);

	batch->place.row = 0;
	batch->place.field = NULL;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (batch->nkeyed > 0)
		run_rows(batch, false);
	if (batch->nkeyless > 0)
		run_rows(batch, true);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	MemoryContextSwitchTo(old);
	return batch->counts;
}

static void
refuse_call(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("this function is for the statements that upserts run")));
}

/* The batch whose statement calls; an error for any other call. */
static UpsertBatch *
running_batch(int64 cookie)
{
	if (!running || running->cookie != cookie)
		refuse_call();
	return running;
}

/*
 * batch_row(batch bigint, ordinal bigint, pattern int, merged bool) RETURNS
 * bool
 *
 * Announces the next row, and whether it was filled from the stored one.
 * Always true.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_batch_row);
Datum
vs_api_batch_row(PG_FUNCTION_ARGS)
{
	UpsertBatch *batch = running_batch(PG_GETARG_INT64(0));
	int			pattern = PG_GETARG_INT32(2);

	if (pattern < 0 || pattern >= batch->npatterns)
		refuse_call();
	batch->place.row = llabs(PG_GETARG_INT64(1));
	batch->pattern = pattern;
	batch->merged = PG_GETARG_BOOL(3);
	batch->conflict = false;
	PG_RETURN_BOOL(true);
}

/*
 * batch_gives(batch bigint, attno int) RETURNS bool
 *
 * Whether the row gives that column.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_batch_gives);
Datum
vs_api_batch_gives(PG_FUNCTION_ARGS)
{
	UpsertBatch *batch = running_batch(PG_GETARG_INT64(0));
	int			attno = PG_GETARG_INT32(1);

	if (attno < 1 || attno > batch->c->natts)
		refuse_call();
	PG_RETURN_BOOL(bms_is_member(attno, batch->patterns[batch->pattern].given));
}

/*
 * batch_replaces(batch bigint, bool) RETURNS bool
 *
 * Notes that the row's key exists already, and returns the second argument.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_batch_replaces);
Datum
vs_api_batch_replaces(PG_FUNCTION_ARGS)
{
	running_batch(PG_GETARG_INT64(0))->conflict = true;
	PG_RETURN_BOOL(PG_GETARG_BOOL(1));
}
