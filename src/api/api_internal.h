/*-------------------------------------------------------------------------
 * api_internal.h
 *	  What the files of the SQL API share.
 *
 * The way of a batch: a form (JSON, columns, rows, query, view) converts its
 * data to the collection's column types and adds row after row to an
 * UpsertBatch; upsert_batch.c sorts them by key, drops all but the last of
 * each key and hands them to one INSERT ... ON CONFLICT statement, whose text
 * is made by upsert_plan.c and whose plan is cached with the collection.
 *-------------------------------------------------------------------------
 */
#ifndef VS_API_INTERNAL_H
#define VS_API_INTERNAL_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "compat/compat.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* How a JSON value becomes a column's value. */
typedef enum JsonForm
{
	JSON_FORM_TEXT,				/* the type's input function gets the scalar's text, or the raw array */
	JSON_FORM_RAW,				/* json, jsonb: the input function gets the raw value */
	JSON_FORM_VECTORS,			/* arrays of vectors: each element's input gets the raw array */
	JSON_FORM_NESTED			/* other array and composite types: core's JSON conversion */
} JsonForm;

/* One attribute of a collection; attno - 1 is its place in columns[]. */
typedef struct CollectionColumn
{
	char	   *name;
	AttrNumber	attno;
	Oid			typid;
	int32		typmod;
	bool		writable;		/* neither dropped nor generated nor identity always */
	bool		is_key;
	bool		has_default;
	bool		default_is_volatile;	/* a sequence, a random uuid: a row without it is new */
	bool		must_merge;		/* may refuse its own default: NOT NULL or a domain */
	const char *not_writable_why;
	JsonForm	json_form;
	FmgrInfo	input;
	Oid			typioparam;
	Oid			element_type;	/* of JSON_FORM_VECTORS */
	FmgrInfo	element_input;
	Oid			element_ioparam;
	void	   *domain_state;	/* for domain_check(), if the type is a domain */
} CollectionColumn;

/*
 * A table as upserts see it, cached per backend.  An invalidation clears
 * valid; the structure lives on until its last user releases it.
 */
typedef struct Collection
{
	Oid			relid;
	bool		valid;
	int			users;
	MemoryContext mcxt;
	char	   *name;			/* as it is shown in messages */
	char	   *qualified_name; /* quoted, with its schema */
	int			natts;
	CollectionColumn *columns;
	CollectionColumn **by_name; /* those that are not dropped, by strcmp() of their names */
	int			nby_name;
	int			nkeys;
	AttrNumber *keys;
	Oid		   *key_sort_ops;
	Oid		   *key_collations;
	char	  **key_equals;		/* OPERATOR(schema.name) of each key column */
	char	  **key_targets;	/* each key column with the collation of its index */
	AttrNumber	dynamic;		/* takes unknown fields, 0 if there is none */
	bool		partitioned;
	bool		auto_id;		/* a key column has a volatile default */
	bool		merge_all;		/* something looks at whole rows: checks, policies, triggers */
	TupleDesc	batch_desc;		/* all attributes, then ordinal and pattern */
	List	   *plans;			/* of UpsertPlan, latest first */
} Collection;

extern Collection *vs_api_collection_get(Relation rel);
extern void vs_api_collection_release(Collection *c);
extern CollectionColumn *vs_api_collection_column(Collection *c, const char *name);

/* What the caller asked for, the same in every form. */
typedef struct UpsertOptions
{
	bool		partial;
	bool		skip_unchanged;
	Oid			partition;		/* InvalidOid: by partition key */
	int			timeout_ms;		/* 0 waits for ever */
} UpsertOptions;

extern int	vs_api_timeout_ms(const Interval *timeout);
extern UpsertOptions vs_api_options_from_args(FunctionCallInfo fcinfo, int first);
extern UpsertOptions vs_api_options_from_json(text *json);

/* The statement for one kind of batch. */
typedef enum UpsertKind
{
	UPSERT_OVERRIDE,
	UPSERT_PARTIAL,
	UPSERT_INSERT				/* rows without a key: a new one is made */
} UpsertKind;

typedef struct UpsertPlan
{
	UpsertKind	kind;
	bool		skip_unchanged;
	Bitmapset  *all;			/* attnos that each row gives */
	Bitmapset  *some;			/* attnos that some rows give */
	Bitmapset  *fill;			/* attnos that no row gives, but the statement must */
	char	   *sql;
	SPIPlanPtr	plan;
} UpsertPlan;

/* The name under which the statement reads the batch. */
#define UPSERT_BATCH_NAME "vecstore_batch"

extern Bitmapset *vs_api_plan_fill(Collection *c, UpsertKind kind, Bitmapset *given);
extern UpsertPlan *vs_api_plan_get(Collection *c, UpsertKind kind, bool skip_unchanged,
								   Bitmapset *all, Bitmapset *some);

/* What came of a batch. */
typedef struct UpsertCounts
{
	int64		inserted;
	int64		replaced;
	int64		unchanged;
} UpsertCounts;

/* Where an upsert stands, for messages: row from 1, 0 and NULL are none. */
typedef struct UpsertPlace
{
	const char *collection;
	int64		row;
	const char *field;
	const char *statement;		/* our own, which no message needs to show */
} UpsertPlace;

typedef struct UpsertBatch UpsertBatch;

extern UpsertBatch *vs_api_batch_begin(Relation rel, const UpsertOptions *options, Size expected_bytes);
extern Collection *vs_api_batch_collection(UpsertBatch *batch);
extern EState *vs_api_batch_estate(UpsertBatch *batch);
extern UpsertPlace *vs_api_batch_place(UpsertBatch *batch);
extern MemoryContext vs_api_batch_row_context(UpsertBatch *batch);
extern void vs_api_batch_add(UpsertBatch *batch, Datum *values, bool *isnull, Bitmapset *given);
extern bool vs_api_batch_complete_key(UpsertBatch *batch, bool make_new, Datum *values, bool *isnull,
									  Bitmapset **given);
extern void vs_api_batch_put(UpsertBatch *batch, Datum *values, bool *isnull, Bitmapset *given,
							 bool keyless);
extern UpsertCounts vs_api_batch_run(UpsertBatch *batch);
extern void vs_api_batch_end(UpsertBatch *batch);
extern void vs_api_batch_abandon(UpsertBatch *batch);

/*
 * A whole upsert (upsert.c): feed adds the rows to the batch, which is then
 * run; both under the timeout, and with errors that name row and field.
 */
typedef void (*UpsertFeed) (UpsertBatch *batch, void *arg);

extern UpsertCounts vs_api_upsert(Oid relid, const UpsertOptions *options, Size expected_bytes,
								  UpsertFeed feed, void *arg);
pg_noreturn extern void vs_api_rethrow(MemoryContext mcxt, const UpsertPlace *place);

/* As much of a value as a message shows: its first 200 characters, in the current context. */
#define VS_API_CLIP_CHARS 200
extern char *vs_api_clip(const char *value);

extern Datum vs_api_result(FunctionCallInfo fcinfo, UpsertCounts counts);

/* Does a row belong in the partition that the caller named? (upsert_partition.c) */
typedef struct PartitionCheck PartitionCheck;

extern PartitionCheck *vs_api_partition_check_begin(Relation rel, Oid partition, EState *estate);
extern void vs_api_partition_check(PartitionCheck *check, EState *estate,
								   const Datum *values, const bool *isnull);
extern void vs_api_partition_check_end(PartitionCheck *check);

/* Timeout (upsert_timeout.c) */
extern bool vs_api_timeout_start(int ms);
extern bool vs_api_timeout_stop(void);

/* Is a key stored as it was given? (upsert_exact.c) */
typedef struct ExactCheck ExactCheck;

extern ExactCheck *vs_api_exact_begin(EState *estate, Oid source, const CollectionColumn *target);
extern void vs_api_exact_check(ExactCheck *check, EState *estate, Datum given, Datum stored);

/* Conversion of one column's values to the column's type (upsert_coerce.c) */
typedef struct Coercion Coercion;

extern bool vs_api_coercible(Oid source, const CollectionColumn *target);
extern Coercion *vs_api_coercion_begin(EState *estate, Oid source, const CollectionColumn *target);
extern Datum vs_api_coerce(Coercion *coercion, EState *estate, Datum value, bool *isnull);
extern bool vs_api_is_text_like(Oid typid);
extern ExprState *vs_api_default_prepare(EState *estate, Relation rel, AttrNumber attno);

/*
 * Rows that come as values of fixed fields and types (upsert_source.c): each
 * field is a column, or in a dynamic collection an unknown one.
 */
typedef struct RowSource RowSource;

extern RowSource *vs_api_source_begin(UpsertBatch *batch, int nfields);
extern CollectionColumn *vs_api_source_find(UpsertBatch *batch, const char *name);
extern void vs_api_source_field(RowSource *source, const char *name, Oid type);
extern void vs_api_source_add(RowSource *source, Datum *values, bool *isnull);

/*
 * The columns that a row gives which has a value for each of "writable": all
 * but key columns left NULL for the database to fill (upsert_rows.c).
 */
extern Bitmapset *vs_api_given_columns(Collection *c, Bitmapset *writable, const bool *isnull);

/* Is it vecstore.dynamic_fields, the type that takes unknown fields? */
extern bool vs_api_is_dynamic_type(Oid typid);

/* A column's value from JSON (upsert_value.c) */
struct JsonPiece;
extern Datum vs_api_checked(CollectionColumn *column, Datum value);
extern Datum vs_api_value_from_json(CollectionColumn *column, const struct JsonPiece *piece,
									bool *isnull);

#endif							/* VS_API_INTERNAL_H */
