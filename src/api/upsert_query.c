/*-------------------------------------------------------------------------
 * upsert_query.c
 *	  vecstore.upsert_from(): the rows of any query.
 *
 * The query runs to its end before any row is written, into the batch's sort,
 * which goes to disk beyond work_mem.  So it may read the collection itself.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "api/api_internal.h"

typedef struct QueryFeed
{
	DestReceiver pub;
	char	   *query;
	UpsertBatch *batch;
	int64		rows;
	RowSource  *source;
	MemoryContext mcxt;
} QueryFeed;

static void
query_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	QueryFeed  *feed = (QueryFeed *) self;
	MemoryContext old = MemoryContextSwitchTo(feed->mcxt);
	int			i;

	feed->source = vs_api_source_begin(feed->batch, desc->natts);
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		vs_api_source_field(feed->source, pstrdup(NameStr(att->attname)), att->atttypid);
	}
	MemoryContextSwitchTo(old);
}

static bool
query_receive(TupleTableSlot *slot, DestReceiver *self)
{
	QueryFeed  *feed = (QueryFeed *) self;

	UpsertPlace *place = vs_api_batch_place(feed->batch);

	slot_getallattrs(slot);
	place->row = ++feed->rows;
	vs_api_source_add(feed->source, slot->tts_values, slot->tts_isnull);
	place->row = 0;				/* an error of the query itself has no row */
	return true;
}

static void
query_shutdown(DestReceiver *self)
{
}

static void
query_destroy(DestReceiver *self)
{
}

static void
feed_query(UpsertBatch *batch, void *arg)
{
	QueryFeed  *feed = arg;
	SPIExecuteOptions options = {0};
	SPIPlanPtr	plan;
	int			result;

	feed->batch = batch;
	feed->mcxt = CurrentMemoryContext;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(feed->query, 0, NULL);
	if (!plan)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (list_length(SPI_plan_get_plan_sources(plan)) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("upsert_from takes one query, not %d",
						list_length(SPI_plan_get_plan_sources(plan)))));
	options.dest = &feed->pub;
	options.must_return_tuples = true;
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
	SPI_finish();
}

/*
 * upsert_from(collection regclass, query text, partial bool,
 *		partition regclass, timeout interval, skip_unchanged bool)
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_from);
Datum
vs_api_upsert_from(PG_FUNCTION_ARGS)
{
	UpsertOptions options = vs_api_options_from_args(fcinfo, 2);
	QueryFeed	feed = {{query_receive, query_startup, query_shutdown, query_destroy, DestNone}};
	UpsertCounts counts;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("collection and query must not be NULL")));
	feed.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	counts = vs_api_upsert(PG_GETARG_OID(0), &options, 0, feed_query, &feed);
	return vs_api_result(fcinfo, counts);
}
