/*-------------------------------------------------------------------------
 * inspect_recall.c
 *	  SQL: vecstore.recall(), measured by queries with the index and without it.
 *
 * Values of random rows are the queries.  An answer of the index is right if
 * it is no farther than the farthest exact one.  All queries run under the
 * caller's snapshot, as the table's owner (util/as_owner.h): the index's
 * predicate and expressions are the owner's, and so are the functions in them.
 * The settings that choose the plan end with the function.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "inspect/inspect_index.h"
#include "ann/scan/ann_scan.h"
#include "compat/compat.h"
#include "util/as_owner.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_recall);

/* Maximum number of rows per query, and of queries. */
#define MAX_K		10000
#define MAX_SAMPLE	100000

typedef struct Recall
{
	Relation	index;
	Relation	heap;
	Oid			type;			/* of the indexed values */
	char	   *query;			/* distances of the nearest rows to $1 */
	int			queries;
	int64		expected;
	int64		good;
	double		index_ms;		/* of all queries together */
	double		exact_ms;
} Recall;

typedef struct Answer
{
	float8	   *distances;		/* nearest first */
	int			n;
	double		ms;
} Answer;

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Leaves the planner one kind of plan: an index scan, or a sort of all rows. */
static void
choose_plan(bool through_index)
{
	set_locally("enable_seqscan", through_index ? "off" : "on");
	set_locally("enable_sort", through_index ? "off" : "on");
	set_locally("enable_indexscan", through_index ? "on" : "off");
}

/* ---- text of the queries ---- */

static char *
indexed_value(Recall *recall)
{
	return TextDatumGetCString(DirectFunctionCall3(pg_get_indexdef_ext,
												   ObjectIdGetDatum(RelationGetRelid(recall->index)),
												   Int32GetDatum(1), BoolGetDatum(false)));
}

/* Appends FROM and WHERE: the rows that are in the index. */
static char *
indexed_rows(Recall *recall, const char *value)
{
	StringInfoData sql;
	bool		isnull;
	Datum		predicate = SysCacheGetAttr(INDEXRELID, recall->index->rd_indextuple,
											Anum_pg_index_indpred, &isnull);

	initStringInfo(&sql);
	appendStringInfo(&sql, "FROM %s WHERE %s IS NOT NULL",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(recall->heap)),
												RelationGetRelationName(recall->heap)),
					 value);
	if (!isnull)
		appendStringInfo(&sql, " AND (%s)",
						 TextDatumGetCString(DirectFunctionCall2(pg_get_expr, predicate,
																 ObjectIdGetDatum(RelationGetRelid(recall->heap)))));
	return sql.data;
}

/* The distance that the index orders by, as OPERATOR(schema.name). */
static char *
distance_operator(Relation index)
{
	Oid			type = index->rd_opcintype[0];
	Oid			opoid = get_opfamily_member(index->rd_opfamily[0], type, type, 1);
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opoid));
	Form_pg_operator form;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", opoid);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("OPERATOR(%s.%s)",
					  quote_identifier(get_namespace_name(form->oprnamespace)),
					  NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return result;
}

/* ---- queries ---- */

/* Values of random rows, in the caller's memory. */
static Datum *
sample_values(const char *sql, int *n)
{
	MemoryContext context = CurrentMemoryContext;
	Datum	   *values;

	SPI_connect();
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a query for a sample failed");
	*n = (int) SPI_processed;
	values = MemoryContextAlloc(context, sizeof(Datum) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(context);

		values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return values;
}

/*
 * Runs the query for the nearest rows, with the plan that the settings leave.
 */
static void
run_query(Recall *recall, Datum value, Answer *answer)
{
	MemoryContext context = CurrentMemoryContext;
	instr_time	begun;
	instr_time	elapsed;

	SPI_connect();
	INSTR_TIME_SET_CURRENT(begun);
	if (SPI_execute_with_args(recall->query, 1, &recall->type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a query for the nearest rows failed");
	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, begun);
	answer->ms = INSTR_TIME_GET_MILLISEC(elapsed);
	answer->n = (int) SPI_processed;
	answer->distances = MemoryContextAlloc(context, sizeof(float8) * Max(answer->n, 1));
	for (int i = 0; i < answer->n; i++)
	{
		bool		isnull;
		Datum		distance = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		answer->distances[i] = DatumGetFloat8(distance);
	}
	SPI_finish();
}

/*
 * The plan must use this index: another index of the same column, for example,
 * could answer instead.
 */
static void
require_index_used(Relation index)
{
	if (vs_ann_scan_stats.index != RelationGetRelid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a query for the nearest rows does not use index \"%s\"",
						RelationGetRelationName(index)),
				 errhint("Look for another index that serves the same queries.")));
}

static void
measure_query(Recall *recall, Datum value)
{
	Answer		near;
	Answer		exact;

	choose_plan(true);
	vs_ann_scan_stats.index = InvalidOid;
	run_query(recall, value, &near);
	require_index_used(recall->index);
	choose_plan(false);
	run_query(recall, value, &exact);

	recall->queries++;
	recall->index_ms += near.ms;
	recall->exact_ms += exact.ms;
	recall->expected += exact.n;
	for (int i = 0; i < near.n && exact.n > 0; i++)
		recall->good += float8_le(near.distances[i], exact.distances[exact.n - 1]);
	pfree(near.distances);
	pfree(exact.distances);
}

/* Measures as the table's owner. */
static void
measure(Recall *recall, int k, int sample)
{
	char	   *value = indexed_value(recall);
	char	   *rows = indexed_rows(recall, value);
	char	   *distance = psprintf("%s %s $1", value, distance_operator(recall->index));
	Datum	   *values;
	int			n;

	set_locally("max_parallel_workers_per_gather", "0");
	set_locally("enable_bitmapscan", "off");
	choose_plan(false);
	values = sample_values(psprintf("SELECT %s %s ORDER BY pg_catalog.random() LIMIT %d",
									value, rows, sample),
						   &n);
	recall->query = psprintf("SELECT %s %s ORDER BY %s LIMIT %d", distance, rows, distance, k);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		measure_query(recall, values[i]);
	}
}

static void
require_between(const char *name, int value, int max)
{
	if (value < 1 || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", name, max, value)));
}

static Datum
result_row(FunctionCallInfo fcinfo, const Recall *recall)
{
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false, recall->expected == 0, recall->queries == 0, recall->queries == 0};
	double		queries = Max(recall->queries, 1);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int32GetDatum(recall->queries);
	values[1] = Float8GetDatum((double) recall->good / Max(recall->expected, 1));
	values[2] = Float8GetDatum(recall->index_ms / queries);
	values[3] = Float8GetDatum(recall->exact_ms / queries);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
vs_inspect_recall(PG_FUNCTION_ARGS)
{
	int			k = PG_GETARG_INT32(1);
	int			sample = PG_GETARG_INT32(2);
	Recall		recall = {0};
	VsCaller	caller;

	require_between("k", k, MAX_K);
	require_between("sample", sample, MAX_SAMPLE);
	recall.index = vs_inspect_index_open_built(PG_GETARG_OID(0), &recall.heap);
	if (!recall.index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid", RelationGetRelationName(recall.index))));
	recall.type = recall.index->rd_opcintype[0];
	vs_as_owner_begin(recall.heap->rd_rel->relowner, &caller);
	measure(&recall, k, sample);
	vs_as_owner_end(&caller);
	index_close(recall.index, AccessShareLock);
	table_close(recall.heap, AccessShareLock);
	return result_row(fcinfo, &recall);
}
