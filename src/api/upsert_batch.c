/*-------------------------------------------------------------------------
 * upsert_batch.c
 *	  A batch of rows on its way into a collection.
 *
 * Rows are added with their columns already of the right types.  Those with a
 * key go through a sort by key, which gives two things: of rows with the same
 * key the last one is kept, and all sessions lock keys in the same order, so
 * that no two batches can deadlock.  Rows without a key (the database makes
 * one) keep their order and are inserted after the others.
 *
 * Rows may give different columns.  Each row carries the number of its
 * pattern, the set of columns that it gives; a column that other rows give is
 * filled with its default when the row leaves the sort, since one statement
 * takes all rows.
 *
 * While the statement runs it calls back (batch_row, batch_gives,
 * batch_replaces) and its results come to a DestReceiver that only counts.
 * The batch that they mean is "running"; upserts nest, in triggers.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

#include "api/api_internal.h"

/* A set of columns that rows give; rows without a key form patterns of their own. */
typedef struct Pattern
{
	Bitmapset  *given;
	bool		keyless;
} Pattern;

struct UpsertBatch
{
	Relation	rel;
	Collection *c;
	UpsertOptions options;
	MemoryContext mcxt;
	MemoryContext row_mcxt;		/* reset by each added row */
	EState	   *estate;
	UpsertPlace place;

	Tuplesortstate *keyed;		/* rows with a key, being sorted */
	Tuplestorestate *keyless;	/* rows without, in order */
	TupleTableSlot *row_slot;	/* virtual, for adding */
	int64		nkeyless;
	int64		nkeyed;
	int			work_mem_kb;
	SortSupport key_order;		/* to tell equal keys */

	Pattern    *patterns;
	int			npatterns;
	int			max_patterns;
	ExprState **defaults;		/* by attno - 1, prepared at first use */
	bool	   *default_ready;
	PartitionCheck *partition;

	/* while the statement runs */
	int			pattern;		/* of the row on its way */
	bool		conflict;		/* its key was there already */
	UpsertCounts counts;
};

static UpsertBatch *running = NULL;

/* Permission is the executor's business, but nothing (sequences!) should move before it is asked. */
static void
check_insert_privilege(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_INSERT, ACLMASK_ANY) == ACLCHECK_OK)
		return;
	aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(rel->rd_rel->relkind),
				   RelationGetRelationName(rel));
}

static void
begin_sort(UpsertBatch *batch)
{
	Collection *c = batch->c;
	int			nkeys = c->nkeys + 1;
	AttrNumber *columns = palloc(nkeys * sizeof(AttrNumber));
	Oid		   *operators = palloc(nkeys * sizeof(Oid));
	Oid		   *collations = palloc(nkeys * sizeof(Oid));
	bool	   *nulls_first = palloc0(nkeys * sizeof(bool));
	int			i;

	batch->key_order = palloc0(c->nkeys * sizeof(SortSupportData));
	for (i = 0; i < c->nkeys; i++)
	{
		columns[i] = c->keys[i];
		operators[i] = c->key_sort_ops[i];
		collations[i] = c->key_collations[i];
		batch->key_order[i].ssup_cxt = batch->mcxt;
		batch->key_order[i].ssup_collation = c->key_collations[i];
		batch->key_order[i].ssup_attno = c->keys[i];
		PrepareSortSupportFromOrderingOp(c->key_sort_ops[i], &batch->key_order[i]);
	}
	/* the ordinal of a row with a key is negative: the last one comes first */
	columns[c->nkeys] = c->natts + 1;
	operators[c->nkeys] = Int8LessOperator;
	collations[c->nkeys] = InvalidOid;
	batch->keyed = tuplesort_begin_heap(c->batch_desc, nkeys, columns, operators, collations,
										nulls_first, batch->work_mem_kb, NULL, TUPLESORT_NONE);
}

/*
 * Begins a batch for rel, which the caller has open and locked.  The caller
 * guards the batch: vs_api_batch_end must be called, after an error too.
 * expected_bytes is the size of the data in hand, which is then sorted in
 * memory whatever work_mem says; 0 if it is not in memory.
 */
UpsertBatch *
vs_api_batch_begin(Relation rel, const UpsertOptions *options, Size expected_bytes)
{
	MemoryContext mcxt = AllocSetContextCreate(CurrentMemoryContext, "vecstore upsert",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(mcxt);
	UpsertBatch *batch = palloc0(sizeof(UpsertBatch));

	check_insert_privilege(rel);
	batch->rel = rel;
	batch->mcxt = mcxt;
	batch->row_mcxt = AllocSetContextCreate(mcxt, "vecstore upsert row", ALLOCSET_DEFAULT_SIZES);
	batch->options = *options;
	batch->work_mem_kb = Max(work_mem, (int) Min(2 * expected_bytes / 1024, MAX_KILOBYTES));
	batch->estate = CreateExecutorState();
	batch->max_patterns = 8;
	batch->patterns = palloc(batch->max_patterns * sizeof(Pattern));
	if (OidIsValid(options->partition))
		batch->partition = vs_api_partition_check_begin(rel, options->partition, batch->estate);
	batch->c = vs_api_collection_get(rel);	/* last of what may fail: it must be released */
	batch->place.collection = batch->c->name;
	batch->defaults = palloc0(batch->c->natts * sizeof(ExprState *));
	batch->default_ready = palloc0(batch->c->natts * sizeof(bool));
	batch->row_slot = MakeSingleTupleTableSlot(batch->c->batch_desc, &TTSOpsVirtual);
	begin_sort(batch);
	MemoryContextSwitchTo(old);
	return batch;
}

/* Lets go of everything; the batch is gone. */
void
vs_api_batch_end(UpsertBatch *batch)
{
	if (batch->partition)
		vs_api_partition_check_end(batch->partition);
	if (batch->keyed)
		tuplesort_end(batch->keyed);
	if (batch->keyless)
		tuplestore_end(batch->keyless);
	vs_api_collection_release(batch->c);
	ExecDropSingleTupleTableSlot(batch->row_slot);
	FreeExecutorState(batch->estate);
	MemoryContextDelete(batch->mcxt);
}

/* After an error: what the transaction's abort does not do by itself. */
void
vs_api_batch_abandon(UpsertBatch *batch)
{
	vs_api_collection_release(batch->c);
}

Collection *
vs_api_batch_collection(UpsertBatch *batch)
{
	return batch->c;
}

EState *
vs_api_batch_estate(UpsertBatch *batch)
{
	return batch->estate;
}

UpsertPlace *
vs_api_batch_place(UpsertBatch *batch)
{
	return &batch->place;
}

/* For the row being made; emptied by the next vs_api_batch_add. */
MemoryContext
vs_api_batch_row_context(UpsertBatch *batch)
{
	return batch->row_mcxt;
}

/* The default of a column, evaluated anew. */
static Datum
default_value(UpsertBatch *batch, AttrNumber attno, bool *isnull)
{
	ExprState  *state;
	ExprContext *econtext = GetPerTupleExprContext(batch->estate);
	MemoryContext old;
	Datum		value;

	if (!batch->default_ready[attno - 1])
	{
		old = MemoryContextSwitchTo(batch->mcxt);
		batch->defaults[attno - 1] = vs_api_default_prepare(batch->estate, batch->rel, attno);
		batch->default_ready[attno - 1] = true;
		MemoryContextSwitchTo(old);
	}
	state = batch->defaults[attno - 1];
	if (!state)
	{
		*isnull = true;
		return (Datum) 0;
	}
	batch->place.field = batch->c->columns[attno - 1].name;
	value = ExecEvalExprSwitchContext(state, econtext, isnull);
	batch->place.field = NULL;
	return value;
}

/* A column that must not be given is an error, told once a pattern. */
static void
check_writable(UpsertBatch *batch, Bitmapset *given)
{
	int			attno = -1;

	while ((attno = bms_next_member(given, attno)) >= 0)
	{
		CollectionColumn *col = &batch->c->columns[attno - 1];

		if (col->writable)
			continue;
		batch->place.field = col->name;
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("no value can be given, for %s", col->not_writable_why)));
	}
}

static int
pattern_number(UpsertBatch *batch, Bitmapset *given, bool keyless)
{
	MemoryContext old;
	Pattern    *pattern;
	int			i;

	for (i = batch->npatterns - 1; i >= 0; i--)
	{
		if (batch->patterns[i].keyless == keyless && bms_equal(batch->patterns[i].given, given))
			return i;
	}
	check_writable(batch, given);
	old = MemoryContextSwitchTo(batch->mcxt);
	if (batch->npatterns == batch->max_patterns)
	{
		batch->max_patterns *= 2;
		batch->patterns = repalloc(batch->patterns, batch->max_patterns * sizeof(Pattern));
	}
	pattern = &batch->patterns[batch->npatterns];
	pattern->given = bms_copy(given);
	pattern->keyless = keyless;
	MemoryContextSwitchTo(old);
	return batch->npatterns++;
}

/*
 * Sees to the key of a row: a part left out takes its default, unless that
 * makes a new key each time; then the row is a new one (returns true).
 */
static bool
complete_key(UpsertBatch *batch, Datum *values, bool *isnull, Bitmapset **given)
{
	Collection *c = batch->c;
	bool		keyless = false;
	int			i;

	for (i = 0; i < c->nkeys; i++)
	{
		CollectionColumn *col = &c->columns[c->keys[i] - 1];
		int			at = col->attno - 1;

		if (!bms_is_member(col->attno, *given))
		{
			batch->place.field = col->name;
			if (!col->has_default)
				ereport(ERROR,
						(errcode(ERRCODE_NOT_NULL_VIOLATION),
						 errmsg("no value for the primary key of \"%s\"", c->name)));
			keyless |= col->default_is_volatile;
			/* a partition is chosen by its values, so there it must be known now */
			if (!col->default_is_volatile || batch->partition)
			{
				values[at] = default_value(batch, col->attno, &isnull[at]);
				*given = bms_add_member(*given, col->attno);
			}
		}
		if (bms_is_member(col->attno, *given) && isnull[at])
		{
			batch->place.field = col->name;
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("null value in the primary key of \"%s\"", c->name)));
		}
	}
	batch->place.field = NULL;
	return keyless;
}

/*
 * Adds a row: an entry per attribute in values and isnull (NULL where the row
 * gives nothing), and the attributes that it gives.  place.row must be set.
 * Everything is copied; the row context is reset.
 */
void
vs_api_batch_add(UpsertBatch *batch, Datum *values, bool *isnull, Bitmapset *given)
{
	Collection *c = batch->c;
	TupleTableSlot *slot = batch->row_slot;
	MemoryContext old = MemoryContextSwitchTo(batch->row_mcxt);
	Bitmapset  *completed = bms_copy(given);
	bool		keyless = complete_key(batch, values, isnull, &completed);
	int64		ordinal = batch->place.row;

	if (batch->partition)
		vs_api_partition_check(batch->partition, batch->estate, values, isnull);

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, c->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, isnull, c->natts * sizeof(bool));
	slot->tts_values[c->natts] = Int64GetDatum(keyless ? ordinal : -ordinal);
	slot->tts_values[c->natts + 1] = Int32GetDatum(pattern_number(batch, completed, keyless));
	slot->tts_isnull[c->natts] = slot->tts_isnull[c->natts + 1] = false;
	ExecStoreVirtualTuple(slot);

	MemoryContextSwitchTo(batch->mcxt);
	if (keyless)
	{
		if (!batch->keyless)
			batch->keyless = tuplestore_begin_heap(false, false, batch->work_mem_kb);
		tuplestore_puttupleslot(batch->keyless, slot);
		batch->nkeyless++;
	}
	else
	{
		tuplesort_puttupleslot(batch->keyed, slot);
		batch->nkeyed++;
	}
	ExecClearTuple(slot);
	ResetPerTupleExprContext(batch->estate);
	MemoryContextReset(batch->row_mcxt);
	MemoryContextSwitchTo(old);
	CHECK_FOR_INTERRUPTS();
}

/* The columns that all rows with (without) a key give, and those that only some do. */
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

/* Puts a row into the statement's store, with defaults for what it leaves out of "wanted". */
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
	batch->place.row = Abs(DatumGetInt64(slot->tts_values[c->natts]));
	missing = bms_difference(wanted, batch->patterns[pattern].given);
	while ((attno = bms_next_member(missing, attno)) >= 0)
		slot->tts_values[attno - 1] = default_value(batch, attno, &slot->tts_isnull[attno - 1]);
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

/* The sorted rows, of each key the one that came last; returns their number. */
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

/* The statement's results: RETURNING gives a row for each one written. */
typedef struct CountReceiver
{
	DestReceiver pub;
	UpsertBatch *batch;
} CountReceiver;

static bool
count_receive(TupleTableSlot *slot, DestReceiver *self)
{
	UpsertBatch *batch = ((CountReceiver *) self)->batch;

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

/* All rows are in: errors after this (foreign keys) are not the last row's. */
static void
count_shutdown(DestReceiver *self)
{
	((CountReceiver *) self)->batch->place.row = 0;
}

static void
count_destroy(DestReceiver *self)
{
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
	UpsertKind	kind = keyless  ? UPSERT_INSERT :
		batch->options.partial ? UPSERT_PARTIAL :
								 UPSERT_OVERRIDE;
	Tuplestorestate *store = tuplestore_begin_heap(false, false, batch->work_mem_kb);
	EphemeralNamedRelationData enr = {{0}};
	UpsertPlan *plan;
	Bitmapset  *all;
	Bitmapset  *some;
	Bitmapset  *wanted = NULL;
	Bitmapset  *fill;
	int64		rows;
	int64		written = batch->counts.inserted + batch->counts.replaced;

	summarize_patterns(batch, keyless, &all, &some);
	fill = vs_api_plan_fill(batch->c, kind, bms_union(all, some));
	if (some || fill)
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

/* Writes the rows; what came of them. */
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

static UpsertBatch *
running_batch(void)
{
	if (!running)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is for the statements that upserts run")));
	return running;
}

/*
 * batch_row(ordinal bigint, pattern int) RETURNS bool: true; this row is next.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_batch_row);
Datum
vs_api_batch_row(PG_FUNCTION_ARGS)
{
	UpsertBatch *batch = running_batch();

	batch->place.row = Abs(PG_GETARG_INT64(0));
	batch->pattern = PG_GETARG_INT32(1);
	batch->conflict = false;
	PG_RETURN_BOOL(true);
}

/* batch_gives(attno int) RETURNS bool: does the row give that column? */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_batch_gives);
Datum
vs_api_batch_gives(PG_FUNCTION_ARGS)
{
	UpsertBatch *batch = running_batch();

	PG_RETURN_BOOL(bms_is_member(PG_GETARG_INT32(0), batch->patterns[batch->pattern].given));
}

/*
 * batch_replaces(bool) RETURNS bool: its argument, evaluated when the row's key
 * is there already.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_batch_replaces);
Datum
vs_api_batch_replaces(PG_FUNCTION_ARGS)
{
	running_batch()->conflict = true;
	PG_RETURN_BOOL(PG_GETARG_BOOL(0));
}
