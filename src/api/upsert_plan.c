/*-------------------------------------------------------------------------
 * upsert_plan.c
 *	  The statement behind an upsert, and its cached plan.
 *
 * All forms end in one statement over the batch, which it reads as a named
 * tuplestore.  The override form, for a table (id, a, b):
 *
 *		INSERT INTO s.t AS t (id, a, b)
 *		SELECT b.c1, b.c2, b.c3 FROM vecstore_batch AS b
 *		 WHERE vecstore.batch_row($1, b.ordinal, b.pattern, false)
 *		ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a, b = EXCLUDED.b
 *		 WHERE vecstore.batch_replaces($1, true)
 *		RETURNING true
 *
 * batch_row() announces the next row to upsert_run.c, for messages and for
 * batch_gives(); batch_replaces() reports that the row's key exists already.
 * Both are evaluated in row order, because INSERT takes one row at a time.  $1
 * is the batch's cookie, without which they refuse the call (upsert_run.c).
 * The plan is generic, so that it serves all batches.
 *
 * A partial upsert must not offer NULL for a required column that the row
 * leaves out, even if the stored row has it, because INSERT checks constraints
 * before it looks for a conflict.  So it fills such columns from the stored
 * row, by a subquery that the planner cannot turn into a join that would lose
 * the key order (OFFSET 0).  On conflict, values are still taken from the
 * locked row.  If the stored row is deleted meanwhile, there is no conflict,
 * and its old values must not come back: batch_row() learns that the row was
 * filled from a stored one, and an insertion after that is an error.
 *
 * Each name is quoted and qualified; no name depends on search_path.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "api/api_internal.h"

/* Number of plans kept with a collection; a new one replaces the oldest. */
#define MAX_PLANS 64

static const char *
column_ident(Collection *c, int attno)
{
	return quote_identifier(c->columns[attno - 1].name);
}

Bitmapset *
vs_api_plan_fill(Collection *c, UpsertKind kind, Bitmapset *given)
{
	Bitmapset  *fill = NULL;
	int			i;

	if (kind != UPSERT_PARTIAL)
		return NULL;
	for (i = 0; i < c->natts; i++)
	{
		CollectionColumn *col = &c->columns[i];

		if (col->writable && !bms_is_member(i + 1, given) && (col->must_merge || c->merge_all))
			fill = bms_add_member(fill, i + 1);
	}
	return fill;
}

/* Whether the statement fills rows of the batch from stored rows. */
static bool
merges_stored(const UpsertPlan *p)
{
	return p->kind == UPSERT_PARTIAL && !(bms_is_empty(p->some) && bms_is_empty(p->fill));
}

static void
append_column_list(StringInfo sql, Collection *c, Bitmapset *columns)
{
	const char *sep = "";
	int			attno = -1;

	while ((attno = bms_next_member(columns, attno)) >= 0)
	{
		appendStringInfo(sql, "%s%s", sep, column_ident(c, attno));
		sep = ", ";
	}
}

/* Appends the value that is inserted into column attno. */
static void
append_source(StringInfo sql, UpsertPlan *p, int attno)
{
	if (p->kind != UPSERT_PARTIAL || bms_is_member(attno, p->all))
		appendStringInfo(sql, "b.c%d", attno);
	else
		appendStringInfo(sql,
						 "CASE WHEN x.known IS NULL OR vecstore.batch_gives($1, %d) THEN b.c%d ELSE x.c%d END",
						 attno, attno, attno);
}

/*
 * Appends the subquery for the stored row's values of the columns that a
 * partial row may leave out.  Rows of tables that inherit from this one do not
 * count.
 */
static void
append_stored(StringInfo sql, Collection *c, UpsertPlan *p)
{
	Bitmapset  *wanted = bms_union(p->some, p->fill);
	int			attno = -1;
	int			i;

	appendStringInfoString(sql, " LEFT JOIN LATERAL (SELECT true AS known");
	while ((attno = bms_next_member(wanted, attno)) >= 0)
		appendStringInfo(sql, ", t.%s AS c%d", column_ident(c, attno), attno);
	appendStringInfo(sql, " FROM %s%s AS t WHERE ", c->partitioned ? "" : "ONLY ", c->qualified_name);
	for (i = 0; i < c->nkeys; i++)
		appendStringInfo(sql, "%st.%s %s b.c%d", i ? " AND " : "",
						 column_ident(c, c->keys[i]), c->key_equals[i], c->keys[i]);
	appendStringInfoString(sql, " OFFSET 0) AS x ON true");
	bms_free(wanted);
}

/* The new value of column attno in a row that exists already. */
static char *
replacement(Collection *c, UpsertPlan *p, int attno)
{
	const char *name = column_ident(c, attno);
	char	   *value = psprintf("EXCLUDED.%s", name);

	if (p->kind != UPSERT_PARTIAL)
		return value;
	if (attno == c->dynamic)
		value = psprintf("COALESCE(t.%s::pg_catalog.jsonb OPERATOR(pg_catalog.||) %s::pg_catalog.jsonb, %s, t.%s)::vecstore.dynamic_fields",
						 name, value, value, name);
	if (bms_is_member(attno, p->all))
		return value;
	return psprintf("CASE WHEN vecstore.batch_gives($1, %d) THEN %s ELSE t.%s END", attno, value, name);
}

/*
 * The columns that a conflict replaces: all except for the key, or in a partial
 * upsert those that are given.
 */
static Bitmapset *
replaced_columns(Collection *c, UpsertPlan *p)
{
	Bitmapset  *replaced = NULL;
	int			i;

	for (i = 0; i < c->natts; i++)
	{
		CollectionColumn *col = &c->columns[i];

		if (!col->writable || col->is_key)
			continue;
		if (p->kind == UPSERT_OVERRIDE || bms_is_member(i + 1, p->all) || bms_is_member(i + 1, p->some))
			replaced = bms_add_member(replaced, i + 1);
	}
	return replaced;
}

static void
append_conflict(StringInfo sql, Collection *c, UpsertPlan *p)
{
	Bitmapset  *replaced = replaced_columns(c, p);
	StringInfoData old_values;
	StringInfoData new_values;
	const char *sep = "";
	int			attno = -1;
	int			i;

	initStringInfo(&old_values);
	initStringInfo(&new_values);
	appendStringInfoString(sql, " ON CONFLICT (");
	for (i = 0; i < c->nkeys; i++)
		appendStringInfo(sql, "%s%s", i ? ", " : "", c->key_targets[i]);
	appendStringInfoString(sql, ") DO UPDATE SET ");
	while ((attno = bms_next_member(replaced, attno)) >= 0)
	{
		char	   *value = replacement(c, p, attno);

		appendStringInfo(sql, "%s%s = %s", sep, column_ident(c, attno), value);
		appendStringInfo(&old_values, "%st.%s", sep, column_ident(c, attno));
		appendStringInfo(&new_values, "%s%s", sep, value);
		sep = ", ";
	}
	if (bms_is_empty(replaced))
	{
		/*
		 * nothing to replace, but SET needs a column: the key keeps its value
		 */
		const char *key = column_ident(c, c->keys[0]);

		appendStringInfo(sql, "%s = t.%s", key, key);
	}
	appendStringInfoString(sql, " WHERE vecstore.batch_replaces($1, ");
	if (!p->skip_unchanged)
		appendStringInfoString(sql, "true)");
	else if (bms_is_empty(replaced))
		appendStringInfoString(sql, "false)");
	else
		appendStringInfo(sql,
						 "ROW(%s)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(%s)::pg_catalog.record)",
						 old_values.data, new_values.data);
}

static char *
build_sql(Collection *c, UpsertPlan *p)
{
	StringInfoData sql;
	Bitmapset  *columns = bms_union(bms_union(p->all, p->some), p->fill);
	bool		merges = merges_stored(p);
	const char *sep = "";
	int			attno = -1;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s AS t ", c->qualified_name);
	if (!bms_is_empty(columns))
	{
		appendStringInfoChar(&sql, '(');
		append_column_list(&sql, c, columns);
		appendStringInfoString(&sql, ") ");
	}
	appendStringInfoString(&sql, "SELECT ");
	while ((attno = bms_next_member(columns, attno)) >= 0)
	{
		appendStringInfoString(&sql, sep);
		append_source(&sql, p, attno);
		sep = ", ";
	}
	appendStringInfoString(&sql, " FROM " UPSERT_BATCH_NAME " AS b");
	if (merges)
		append_stored(&sql, c, p);
	appendStringInfo(&sql, " WHERE vecstore.batch_row($1, b.ordinal, b.pattern, %s)",
					 merges ? "x.known IS NOT NULL" : "false");
	if (p->kind != UPSERT_INSERT)
		append_conflict(&sql, c, p);
	appendStringInfoString(&sql, " RETURNING true");
	return sql.data;
}

/*
 * Makes the plan valid.  Sequential scans are discouraged in statements with a
 * subquery on the table itself, because a plan made for a small table stays
 * when the table has grown.
 */
static void
make_valid(SPIPlanPtr plan, bool with_index)
{
	int			level = NewGUCNestLevel();
	CachedPlan *cached;

	if (with_index)
		set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
						  GUC_ACTION_SAVE, true, 0, false);
	cached = SPI_plan_get_cached_plan(plan);
	if (cached)
		ReleaseCachedPlan(cached, CurrentResourceOwner);
	AtEOXact_GUC(true, level);
}

static void
drop_oldest_plan(Collection *c)
{
	UpsertPlan *oldest = llast(c->plans);

	c->plans = list_delete_last(c->plans);
	SPI_freeplan(oldest->plan);
	bms_free(oldest->all);
	bms_free(oldest->some);
	bms_free(oldest->fill);
	pfree(oldest->sql);
	pfree(oldest);
}

static UpsertPlan *
find_plan(Collection *c, UpsertKind kind, bool skip_unchanged, Bitmapset *all, Bitmapset *some)
{
	ListCell   *lc;

	foreach(lc, c->plans)
	{
		UpsertPlan *p = lfirst(lc);

		if (p->kind == kind && p->skip_unchanged == skip_unchanged &&
			bms_equal(p->all, all) && bms_equal(p->some, some))
			return p;
	}
	return NULL;
}

/*
 * Will the server run the statement without analyzing it again?  To lock
 * partitions it may receive invalidations, which change that.
 */
static bool
is_valid(Collection *c, SPIPlanPtr plan)
{
	return !c->partitioned && CachedPlanIsValid(linitial(SPI_plan_get_plan_sources(plan)));
}

/*
 * Raises an error if the collection's name has become another table's: no lock
 * keeps its schema from being renamed.  The plan must be valid, with its locks
 * taken: then the server does not analyze the statement again to run it.
 */
static void
check_target(Collection *c, SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	/* a rule may have removed the statement */
	if (source->relationOids != NIL && !list_member_oid(source->relationOids, c->relid))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("schema of collection \"%s\" was renamed concurrently", c->name),
				 errhint("The upsert might succeed if retried.")));
}

UpsertPlan *
vs_api_plan_get(Collection *c, UpsertKind kind, bool skip_unchanged, Bitmapset *all, Bitmapset *some)
{
	UpsertPlan *p = find_plan(c, kind, skip_unchanged, all, some);

	if (!p)
	{
		UpsertPlan	draft = {kind, skip_unchanged, all, some};
		Bitmapset  *given = bms_union(all, some);
		Oid			cookie_type = INT8OID;
		MemoryContext old;

		draft.fill = vs_api_plan_fill(c, kind, given);
		draft.sql = build_sql(c, &draft);
		draft.plan = SPI_prepare_cursor(draft.sql, 1, &cookie_type, CURSOR_OPT_GENERIC_PLAN);
		if (!draft.plan)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));

		if (list_length(c->plans) >= MAX_PLANS && c->users == 1)
			drop_oldest_plan(c);
		old = MemoryContextSwitchTo(c->mcxt);
		p = palloc(sizeof(UpsertPlan));
		*p = draft;
		p->all = bms_copy(all);
		p->some = bms_copy(some);
		p->fill = bms_copy(draft.fill);
		p->sql = pstrdup(draft.sql);
		c->plans = lcons(p, c->plans);
		SPI_keepplan(p->plan);
		MemoryContextSwitchTo(old);
	}
	if (merges_stored(p) || !is_valid(c, p->plan))
		make_valid(p->plan, merges_stored(p));
	check_target(c, p->plan);
	return p;
}
