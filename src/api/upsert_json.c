/*-------------------------------------------------------------------------
 * upsert_json.c
 *	  vecstore.upsert(): rows as JSON, one object or an array of them.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "api/api_internal.h"
#include "api/json_scan.h"
#include "api/upsert_dynamic.h"

typedef struct JsonFeed
{
	text	   *data;
	UpsertBatch *batch;
	Collection *c;
	Datum	   *values;
	bool	   *isnull;
	Bitmapset  *given;
	DynamicFields dynamic;		/* for the dynamic column */
	AttrNumber *order;			/* columns of the previous row, in its order */
	int			max_order;
	ExactCheck **exact;			/* by attno - 1, of keys with possible loss */
} JsonFeed;

static const char *
kind_name(JsonKind kind)
{
	switch (kind)
	{
		case JSON_KIND_OBJECT:
			return "an object";
		case JSON_KIND_ARRAY:
			return "an array";
		case JSON_KIND_STRING:
			return "a string";
		case JSON_KIND_LITERAL:
			return "a number or boolean";
		case JSON_KIND_NULL:
			return "null";
		case JSON_KIND_END:
			break;
	}
	return "nothing";
}

static void
error_not_an_object(JsonKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a row must be a JSON object, not %s", kind_name(kind))));
}

/*
 * The column that a field names; rows mostly have the same fields in the same
 * order.
 */
static CollectionColumn *
field_column(JsonFeed *feed, int nth, const char *name)
{
	CollectionColumn *column;

	if (nth < feed->max_order && feed->order[nth] != 0)
	{
		column = &feed->c->columns[feed->order[nth] - 1];
		if (strcmp(column->name, name) == 0)
			return column;
	}
	column = vs_api_collection_column(feed->c, name);
	if (column && nth < feed->max_order)
		feed->order[nth] = column->attno;
	return column;
}

/*
 * The row names the dynamic column itself: its members join the other fields.
 */
static void
add_dynamic_object(JsonFeed *feed, const JsonPiece *value)
{
	JsonScan   *inside;
	bool		first;

	if (value->kind == JSON_KIND_NULL)
		return;
	if (value->kind != JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dynamic fields must be a JSON object")));
	inside = vs_api_json_begin(value->text, value->len);
	vs_api_json_enter(inside);
	for (first = true; vs_api_json_next(inside, first, JSON_TOKEN_OBJECT_END); first = false)
	{
		JsonPiece	name_piece = vs_api_json_value(inside);
		JsonPiece	member;
		int			len;
		char	   *name = vs_api_json_string(&name_piece, &len);

		CHECK_FOR_INTERRUPTS();
		vs_api_json_colon(inside);
		member = vs_api_json_value(inside);
		vs_api_dynamic_add_json(&feed->dynamic, name, len, &member);
	}
}

/* Reads a column's value; a key must be stored as it was given. */
static void
read_value(JsonFeed *feed, CollectionColumn *column, const JsonPiece *piece)
{
	int			at = column->attno - 1;
	char	   *text;

	feed->given = bms_add_member(feed->given, column->attno);
	feed->values[at] = vs_api_value_from_json(column, piece, &feed->isnull[at]);
	if (!feed->exact[at] || feed->isnull[at])
		return;
	if (piece->kind == JSON_KIND_STRING)
		text = vs_api_json_string(piece, NULL);
	else
		text = pnstrdup(piece->text, piece->len);
	vs_api_exact_check(feed->exact[at], vs_api_batch_estate(feed->batch),
					   CStringGetTextDatum(text), feed->values[at]);
}

/* Reads one field, from its name on. */
static void
read_field(JsonFeed *feed, JsonScan *scan, int nth)
{
	UpsertPlace *place = vs_api_batch_place(feed->batch);
	JsonPiece	name_piece = vs_api_json_value(scan);
	JsonPiece	value;
	int			name_len;
	char	   *name = vs_api_json_string(&name_piece, &name_len);
	CollectionColumn *column;

	place->field = name;
	vs_api_json_colon(scan);
	value = vs_api_json_value(scan);
	column = field_column(feed, nth, name);
	if (column && column->attno == feed->c->dynamic)
	{
		feed->given = bms_add_member(feed->given, column->attno);
		add_dynamic_object(feed, &value);
	}
	else if (column)
		read_value(feed, column, &value);
	else
	{
		/* raises an error unless the collection is dynamic */
		vs_api_source_find(feed->batch, name);
		vs_api_dynamic_add_json(&feed->dynamic, name, name_len, &value);
	}
	place->field = NULL;
}

static void
store_dynamic(JsonFeed *feed)
{
	CollectionColumn *column = &feed->c->columns[feed->c->dynamic - 1];

	if (!feed->dynamic.state && !bms_is_member(column->attno, feed->given))
		return;
	feed->given = bms_add_member(feed->given, column->attno);
	feed->values[column->attno - 1] = vs_api_dynamic_value(&feed->dynamic, column);
	feed->isnull[column->attno - 1] = false;
}

static void
read_row(JsonFeed *feed, JsonScan *scan)
{
	UpsertPlace *place = vs_api_batch_place(feed->batch);
	MemoryContext old = MemoryContextSwitchTo(vs_api_batch_row_context(feed->batch));
	JsonKind	kind = vs_api_json_peek(scan);
	int			nth;

	place->row++;
	if (kind != JSON_KIND_OBJECT)
		error_not_an_object(kind);
	memset(feed->isnull, true, feed->c->natts * sizeof(bool));
	feed->given = NULL;
	feed->dynamic.state = NULL;
	vs_api_json_enter(scan);
	for (nth = 0; vs_api_json_next(scan, nth == 0, JSON_TOKEN_OBJECT_END); nth++)
	{
		CHECK_FOR_INTERRUPTS();
		if (vs_api_json_peek(scan) != JSON_KIND_STRING)
			elog(ERROR, "invalid JSON object");
		read_field(feed, scan, nth);
	}
	if (feed->c->dynamic)
		store_dynamic(feed);
	vs_api_batch_add(feed->batch, feed->values, feed->isnull, feed->given);
	MemoryContextSwitchTo(old);
}

/* Prepares the checks of keys that are read from a scalar's text. */
static void
prepare_exact(JsonFeed *feed)
{
	int			i;

	feed->exact = palloc0(feed->c->natts * sizeof(ExactCheck *));
	for (i = 0; i < feed->c->nkeys; i++)
	{
		CollectionColumn *column = &feed->c->columns[feed->c->keys[i] - 1];

		if (column->json_form == JSON_FORM_TEXT && !column->text_is_exact)
			feed->exact[column->attno - 1] =
				vs_api_exact_begin(vs_api_batch_estate(feed->batch), TEXTOID, column);
	}
}

static void
feed_json(UpsertBatch *batch, void *arg)
{
	JsonFeed   *feed = arg;
	JsonScan   *scan = vs_api_json_begin(VARDATA_ANY(feed->data), VARSIZE_ANY_EXHDR(feed->data));
	bool		first;

	feed->batch = batch;
	feed->c = vs_api_batch_collection(batch);
	feed->values = palloc(feed->c->natts * sizeof(Datum));
	feed->isnull = palloc(feed->c->natts * sizeof(bool));
	feed->max_order = feed->c->natts;
	feed->order = palloc0(feed->max_order * sizeof(AttrNumber));
	prepare_exact(feed);
	if (vs_api_json_peek(scan) != JSON_KIND_ARRAY)
	{
		read_row(feed, scan);
		return;
	}
	vs_api_json_enter(scan);
	for (first = true; vs_api_json_next(scan, first, JSON_TOKEN_ARRAY_END); first = false)
		read_row(feed, scan);
}

/*
 * upsert(collection regclass, data json, partial bool, partition regclass,
 *		timeout interval, skip_unchanged bool) RETURNS upsert_result
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_json);
Datum
vs_api_upsert_json(PG_FUNCTION_ARGS)
{
	UpsertOptions options = vs_api_options_from_args(fcinfo, 2);
	JsonFeed	feed = {0};
	UpsertCounts counts;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("collection and data must not be NULL")));
	feed.data = PG_GETARG_TEXT_PP(1);
	counts = vs_api_upsert(PG_GETARG_OID(0), &options, VARSIZE_ANY_EXHDR(feed.data), feed_json, &feed);
	return vs_api_result(fcinfo, counts);
}
