/*-------------------------------------------------------------------------
 * upsert_rows.c
 *	  vecstore.upsert_rows(): rows as values of the table's own row type.
 *
 * Such a row gives every column.  Only a key that the database makes can be
 * left out, as NULL; values of generated columns are ignored.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "api/api_internal.h"

typedef struct RowsFeed
{
	ArrayType  *rows;
} RowsFeed;

static Bitmapset *
writable_columns(Collection *c)
{
	Bitmapset  *columns = NULL;
	int			i;

	for (i = 0; i < c->natts; i++)
	{
		if (c->columns[i].writable)
			columns = bms_add_member(columns, i + 1);
	}
	return columns;
}

Bitmapset *
vs_api_given_columns(Collection *c, Bitmapset *writable, const bool *isnull)
{
	Bitmapset  *given = bms_copy(writable);
	int			i;

	for (i = 0; i < c->nkeys; i++)
	{
		CollectionColumn *column = &c->columns[c->keys[i] - 1];

		if (isnull[column->attno - 1] && column->default_is_volatile)
			given = bms_del_member(given, column->attno);
	}
	return given;
}

static void
feed_rows(UpsertBatch *batch, void *arg)
{
	RowsFeed   *feed = arg;
	Collection *c = vs_api_batch_collection(batch);
	Oid			type = ARR_ELEMTYPE(feed->rows);
	Bitmapset  *writable = writable_columns(c);
	Datum	   *values = palloc(c->natts * sizeof(Datum));
	bool	   *isnull = palloc(c->natts * sizeof(bool));
	TupleDesc	desc;
	Datum	   *rows;
	bool	   *nulls;
	int			nrows;
	int			i;

	if (type != get_rel_type_id(c->relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("rows of type %s were given, but \"%s\" has rows of its own type",
						format_type_be(type), c->name)));
	desc = lookup_rowtype_tupdesc_copy(type, -1);
	deconstruct_array(feed->rows, type, -1, false, TYPALIGN_DOUBLE, &rows, &nulls, &nrows);
	for (i = 0; i < nrows; i++)
	{
		HeapTupleHeader header;
		HeapTupleData tuple;
		MemoryContext old = MemoryContextSwitchTo(vs_api_batch_row_context(batch));

		vs_api_batch_place(batch)->row = i + 1;
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the row is NULL")));
		header = DatumGetHeapTupleHeader(rows[i]);
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		tuple.t_data = header;
		heap_deform_tuple(&tuple, desc, values, isnull);
		vs_api_batch_add(batch, values, isnull, vs_api_given_columns(c, writable, isnull));
		MemoryContextSwitchTo(old);
	}
}

static Datum
upsert_rows(FunctionCallInfo fcinfo, const UpsertOptions *options, int rows_argno)
{
	RowsFeed	feed;
	UpsertCounts counts;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(rows_argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("collection and rows must not be NULL")));
	feed.rows = PG_GETARG_ARRAYTYPE_P(rows_argno);
	counts = vs_api_upsert(PG_GETARG_OID(0), options, VARSIZE(feed.rows), feed_rows, &feed);
	return vs_api_result(fcinfo, counts);
}

/* upsert_rows(collection regclass, VARIADIC rows anyarray) */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_rows);
Datum
vs_api_upsert_rows(PG_FUNCTION_ARGS)
{
	UpsertOptions options = {0};

	return upsert_rows(fcinfo, &options, 1);
}

/*
 * upsert_rows_with(collection regclass, options json, VARIADIC rows anyarray)
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_upsert_rows_with);
Datum
vs_api_upsert_rows_with(PG_FUNCTION_ARGS)
{
	UpsertOptions options = {0};

	if (!PG_ARGISNULL(1))
		options = vs_api_options_from_json(PG_GETARG_TEXT_PP(1));
	return upsert_rows(fcinfo, &options, 2);
}
