/*-------------------------------------------------------------------------
 * upsert_batch.c
 *	  A batch of rows on its way into a collection: adding rows.
 *
 * Rows are added with columns that already have the right types.  Rows with a
 * key go through a sort by key, for two reasons: of rows with the same key
 * only the last one is kept, and all sessions lock keys in the same order, so
 * that two batches cannot deadlock.  Rows without a key, which the database
 * makes, keep their order and are inserted after the others.
 *
 * Rows may give different columns.  Each row has the number of its pattern,
 * the set of columns that it gives.  Missing columns are filled when the row
 * leaves the sort (upsert_run.c): only then is it known which columns the
 * other rows give.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "api/upsert_batch.h"

/* Up to this number patterns are compared one by one, then by a hash table. */
#define MAX_UNINDEXED_PATTERNS 8

/*
 * The executor checks permissions too, but only after defaults have been
 * evaluated, which advances sequences.
 */
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

/*
 * A random number that no caller of SQL functions can know.  The generator is
 * seeded once per backend, because a strong random number for each batch would
 * take 7 % of the instructions of an upsert of one row.
 */
static int64
new_cookie(void)
{
	static pg_prng_state state;
	static bool seeded = false;

	if (!seeded)
	{
		if (!pg_prng_strong_seed(&state))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
		seeded = true;
	}
	return (int64) pg_prng_uint64(&state);
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
	/* ordinals of rows with a key are negative, so the last row comes first */
	columns[c->nkeys] = c->natts + 1;
	operators[c->nkeys] = Int8LessOperator;
	collations[c->nkeys] = InvalidOid;
	batch->keyed = tuplesort_begin_heap(c->batch_desc, nkeys, columns, operators, collations,
										nulls_first, batch->work_mem_kb, NULL, TUPLESORT_NONE);
}

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
	batch->cookie = new_cookie();
	batch->work_mem_kb = Max(work_mem, (int) Min(2 * expected_bytes / 1024, MAX_KILOBYTES));
	batch->estate = CreateExecutorState();
	batch->max_patterns = 8;
	batch->patterns = palloc(batch->max_patterns * sizeof(Pattern));
	if (OidIsValid(options->partition))
		batch->partition = vs_api_partition_check_begin(rel, options->partition, batch->estate);

	/* the last step that may fail, because the collection must be released */
	batch->c = vs_api_collection_get(rel);
	batch->place.collection = batch->c->name;
	batch->defaults = palloc0(batch->c->natts * sizeof(ExprState *));
	batch->default_ready = palloc0(batch->c->natts * sizeof(bool));
	batch->row_slot = MakeSingleTupleTableSlot(batch->c->batch_desc, &TTSOpsVirtual);
	begin_sort(batch);
	MemoryContextSwitchTo(old);
	return batch;
}

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

MemoryContext
vs_api_batch_row_context(UpsertBatch *batch)
{
	return batch->row_mcxt;
}

Datum
vs_api_batch_default(UpsertBatch *batch, AttrNumber attno, bool *isnull)
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

/* Refuses a pattern with a column that must not be given. */
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
				 errmsg("no value can be given because %s", col->not_writable_why)));
	}
}

/* The index entry of a pattern. */
typedef struct PatternEntry
{
	Bitmapset  *given;			/* the hash key */
	int			number;
} PatternEntry;

static void
index_pattern(UpsertBatch *batch, int number)
{
	Pattern    *pattern = &batch->patterns[number];
	PatternEntry *entry;

	entry = hash_search(batch->pattern_index[pattern->keyless], &pattern->given, HASH_ENTER, NULL);
	entry->number = number;
}

static void
index_patterns(UpsertBatch *batch)
{
	HASHCTL		ctl = {0};
	int			i;

	ctl.keysize = sizeof(Bitmapset *);
	ctl.entrysize = sizeof(PatternEntry);
	ctl.hash = bitmap_hash;
	ctl.match = bitmap_match;
	ctl.hcxt = batch->mcxt;
	for (i = 0; i < lengthof(batch->pattern_index); i++)
		batch->pattern_index[i] = hash_create("vecstore upsert patterns", 256, &ctl,
											  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	for (i = 0; i < batch->npatterns; i++)
		index_pattern(batch, i);
}

/* The number of the pattern, or -1. */
static int
find_pattern(UpsertBatch *batch, Bitmapset *given, bool keyless)
{
	PatternEntry *entry;
	int			i;

	if (batch->pattern_index[keyless])
	{
		entry = hash_search(batch->pattern_index[keyless], &given, HASH_FIND, NULL);
		return entry ? entry->number : -1;
	}
	for (i = batch->npatterns - 1; i >= 0; i--)
	{
		if (batch->patterns[i].keyless == keyless && bms_equal(batch->patterns[i].given, given))
			break;
	}
	return i;
}

static int
pattern_number(UpsertBatch *batch, Bitmapset *given, bool keyless)
{
	int			number = find_pattern(batch, given, keyless);
	MemoryContext old;
	Pattern    *pattern;

	if (number >= 0)
		return number;
	check_writable(batch, given);
	old = MemoryContextSwitchTo(batch->mcxt);
	if (batch->npatterns == batch->max_patterns)
	{
		batch->max_patterns *= 2;
		batch->patterns = repalloc(batch->patterns, batch->max_patterns * sizeof(Pattern));
	}
	number = batch->npatterns++;
	pattern = &batch->patterns[number];
	pattern->given = bms_copy(given);
	pattern->keyless = keyless;
	if (batch->pattern_index[0])
		index_pattern(batch, number);
	else if (batch->npatterns > MAX_UNINDEXED_PATTERNS)
		index_patterns(batch);
	MemoryContextSwitchTo(old);
	return number;
}

bool
vs_api_batch_complete_key(UpsertBatch *batch, bool make_new, Datum *values, bool *isnull,
						  Bitmapset **given)
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
			if (!col->default_is_volatile || make_new)
			{
				values[at] = vs_api_batch_default(batch, col->attno, &isnull[at]);
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

void
vs_api_batch_add(UpsertBatch *batch, Datum *values, bool *isnull, Bitmapset *given)
{
	MemoryContext old = MemoryContextSwitchTo(batch->row_mcxt);
	Bitmapset  *completed = bms_copy(given);
	bool		keyless;

	/* a new key must be known now if the row's partition depends on it */
	keyless = vs_api_batch_complete_key(batch, batch->partition != NULL, values, isnull, &completed);
	vs_api_batch_put(batch, values, isnull, completed, keyless);
	MemoryContextSwitchTo(old);
}

void
vs_api_batch_put(UpsertBatch *batch, Datum *values, bool *isnull, Bitmapset *given, bool keyless)
{
	Collection *c = batch->c;
	TupleTableSlot *slot = batch->row_slot;
	MemoryContext old = MemoryContextSwitchTo(batch->row_mcxt);
	int64		ordinal = batch->place.row;

	if (batch->partition)
		vs_api_partition_check(batch->partition, batch->estate, values, isnull);

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, c->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, isnull, c->natts * sizeof(bool));
	slot->tts_values[c->natts] = Int64GetDatum(keyless ? ordinal : -ordinal);
	slot->tts_values[c->natts + 1] = Int32GetDatum(pattern_number(batch, given, keyless));
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
