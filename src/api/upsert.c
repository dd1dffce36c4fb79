/*-------------------------------------------------------------------------
 * upsert.c
 *	  A whole upsert, from the lock on its table to its result or its error.
 *
 * An error of the data says where it is: "row 2: field "price": ...", with the
 * SQLSTATE, detail and hint of the original error.  The code that handles a row
 * keeps the place up to date, so that no search and no second run is necessary.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "api/api_internal.h"

/*
 * Whether a row's data causes the error.  Other errors (deadlock, disk full)
 * are not changed.
 */
static bool
is_about_data(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_WITH_CHECK_OPTION_VIOLATION:
		case ERRCODE_PLPGSQL_ERROR:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return true;
		default:
			return false;
	}
}

char *
vs_api_clip(const char *value)
{
	int			len = strlen(value);
	int			clipped = pg_mbcharcliplen(value, len, VS_API_CLIP_CHARS);

	return psprintf("%.*s%s", clipped, value, clipped < len ? "..." : "");
}

/*
 * Takes the statement behind the upsert out of an error's context: the user did
 * not write it.
 */
static void
hide_statement(ErrorData *error, const char *statement)
{
	char	   *line;
	char	   *found;

	if (!statement || !error->context)
		return;
	line = psprintf("SQL statement \"%s\"", statement);
	found = strstr(error->context, line);
	if (!found)
		return;
	if (found[strlen(line)] == '\n')
		memmove(found, found + strlen(line) + 1, strlen(found + strlen(line) + 1) + 1);
	else if (found > error->context)
		found[-1] = '\0';
	else
		error->context = NULL;
}

/* Clips the value that a message quotes.  NULL gives NULL. */
static char *
clip_quoted(char *message)
{
	char	   *start = message ? strchr(message, '"') : NULL;
	char	   *end = start ? strrchr(message, '"') : NULL;

	if (!start || end - start <= VS_API_CLIP_CHARS)
		return message;
	start++;
	return psprintf("%.*s%s%s", (int) (start - message), message,
					vs_api_clip(pnstrdup(start, end - start)), end);
}

/* Adds a hint to the error about a row that belongs in no partition. */
static void
hint_partition(ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_CHECK_VIOLATION && !error->hint &&
		error->funcname && strcmp(error->funcname, "ExecFindPartition") == 0)
		error->hint = pstrdup("Create a partition for it with vecstore.create_partition or CREATE TABLE ... PARTITION OF.");
}

void
vs_api_rethrow(MemoryContext mcxt, const UpsertPlace *place)
{
	ErrorData  *error;
	StringInfoData message;
	const char *field;

	MemoryContextSwitchTo(mcxt);
	error = CopyErrorData();
	hide_statement(error, place->statement);
	hint_partition(error);
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
	{
		error->message = clip_quoted(error->message);
		error->detail = clip_quoted(error->detail);
	}
	field = place->field;
	if (!field && place->row > 0)
		field = error->column_name;
	if (error->elevel == ERROR && is_about_data(error->sqlerrcode) && (place->row > 0 || field))
	{
		initStringInfo(&message);
		if (place->row > 0)
			appendStringInfo(&message, "row " INT64_FORMAT ": ", place->row);
		if (field)
			appendStringInfo(&message, "field \"%s\": ", vs_api_clip(field));
		appendStringInfoString(&message, error->message);
		error->message = message.data;
	}
	FlushErrorState();
	ReThrowError(error);
}

static void
report_timeout(const char *collection, int ms)
{
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("upsert into \"%s\" was canceled after its timeout of %d ms", collection, ms),
			 errdetail("None of its rows was written.")));
}

/* An upsert under way; its error handler reads this. */
typedef struct UpsertState
{
	UpsertBatch *batch;			/* NULL before it has begun */
	bool		timed;			/* its timer runs */
	bool		expired;
} UpsertState;

static UpsertCounts
do_upsert(volatile UpsertState *state, Oid relid, const UpsertOptions *options, Size expected_bytes,
		  UpsertFeed feed, void *arg)
{
	Relation	rel;
	UpsertCounts counts;

	state->timed = vs_api_timeout_start(options->timeout_ms);
	rel = try_relation_open(relid, RowExclusiveLock);
	if (!rel)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("collection with OID %u does not exist", relid)));
	state->batch = vs_api_batch_begin(rel, options, expected_bytes);
	feed(state->batch, arg);
	counts = vs_api_batch_run(state->batch);
	if (state->timed)
	{
		/*
		 * If the timer ran out at the last moment, the cancel is processed here
		 * and does not hit the next statement.
		 */
		state->timed = false;
		state->expired = vs_api_timeout_stop();
	}
	CHECK_FOR_INTERRUPTS();
	vs_api_batch_end(state->batch);
	state->batch = NULL;
	table_close(rel, NoLock);
	return counts;
}

UpsertCounts
vs_api_upsert(Oid relid, const UpsertOptions *options, Size expected_bytes, UpsertFeed feed, void *arg)
{
	MemoryContext mcxt = CurrentMemoryContext;
	char	   *name = get_rel_name(relid);
	volatile UpsertState state = {0};
	UpsertCounts counts;

	PG_TRY();
	{
		counts = do_upsert(&state, relid, options, expected_bytes, feed, arg);
	}
	PG_CATCH();
	{
		UpsertPlace place = {0};

		MemoryContextSwitchTo(mcxt);
		if (state.timed)
			state.expired = vs_api_timeout_stop();
		if (state.batch)
		{
			place = *vs_api_batch_place(state.batch);
			place.field = place.field ? pstrdup(place.field) : NULL;
			place.statement = place.statement ? pstrdup(place.statement) : NULL;
			vs_api_batch_abandon(state.batch);
		}
		if (state.expired && geterrcode() == ERRCODE_QUERY_CANCELED)
			report_timeout(name, options->timeout_ms);
		vs_api_rethrow(mcxt, &place);
	}
	PG_END_TRY();
	return counts;
}

Datum
vs_api_result(FunctionCallInfo fcinfo, UpsertCounts counts)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(counts.inserted);
	values[1] = Int64GetDatum(counts.replaced);
	values[2] = Int64GetDatum(counts.unchanged);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
