/*-------------------------------------------------------------------------
 * api_internal.h
 *	  Shared by the files of the SQL API.
 *
 * A form (JSON, columns, rows, query, view) converts its data to the
 * collection's column types and adds row after row to an UpsertBatch.
 * upsert_batch.c sorts the rows by key, keeps only the last row of each key,
 * and passes them to one INSERT ... ON CONFLICT statement.  upsert_plan.c makes
 * the statement's text; its plan is cached with the collection.
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

/*
 * The conversion of a JSON value to a column's value.
 *
 * TEXT: the type's input function gets the scalar's text, or the raw array.
 * RAW (json, jsonb): the input function gets the raw value.
 * VECTORS (arrays of vectors): each element's input gets the raw array.
 * NESTED (other array and composite types): core's JSON conversion.
 */
typedef enum JsonForm
{
	JSON_FORM_TEXT,
	JSON_FORM_RAW,
	JSON_FORM_VECTORS,
	JSON_FORM_NESTED
} JsonForm;

/* One attribute of a collection; attno - 1 is its place in columns[]. */
typedef struct CollectionColumn
{
	char	   *name;
	AttrNumber	attno;
	Oid			typid;
	int32		typmod;
	bool		writable;		/* not dropped, generated or identity always */
	bool		is_key;
	bool		text_is_exact;	/* nothing of a text can be lost in it */
	bool		has_default;
	bool		default_is_volatile;	/* a row without a value is new */
	bool		must_merge;		/* may refuse its default: NOT NULL, a domain */
	const char *not_writable_why;
	JsonForm	json_form;
	FmgrInfo	input;
	Oid			typioparam;
	Oid			element_type;	/* of JSON_FORM_VECTORS */
	FmgrInfo	element_input;
	Oid			element_ioparam;
	void	   *domain_state;	/* of domain_check(), for a domain */
} CollectionColumn;

/*
 * The description of a table for upserts, cached per backend.  An invalidation
 * clears 'valid'; the structure lives on until its last user releases it.
 */
typedef struct Collection
{
	Oid			relid;
	bool		valid;
	int			users;
	MemoryContext mcxt;
	char	   *name;			/* for messages */
	char	   *qualified_name; /* quoted, with its schema */
	int			natts;
	CollectionColumn *columns;
	CollectionColumn **by_name; /* not dropped ones, in order of strcmp() */
	int			nby_name;
	int			nkeys;
	AttrNumber *keys;
	Oid		   *key_sort_ops;
	Oid		   *key_collations;
	char	  **key_equals;		/* OPERATOR(schema.name), by key column */
	char	  **key_targets;	/* key columns with their index's collation */
	AttrNumber	dynamic;		/* the column of unknown fields; 0: none */
	bool		partitioned;
	bool		auto_id;		/* a key column has a volatile default */
	bool		merge_all;		/* checks, policies, triggers see whole rows */
	TupleDesc	batch_desc;		/* all attributes, then ordinal and pattern */
	List	   *plans;			/* of UpsertPlan, latest first */
} Collection;

/*
 * vs_api_collection_get returns the cached description of rel, which the caller
 * has open and locked; vs_api_collection_release must follow, after an error
 * too.  Errors: rel is not a table, or has no usable primary key.
 *
 * vs_api_collection_column returns the column of that name, or NULL.
 */
extern Collection *vs_api_collection_get(Relation rel);
extern void vs_api_collection_release(Collection *c);
extern CollectionColumn *vs_api_collection_column(Collection *c, const char *name);

/* The caller's options, the same in every form. */
typedef struct UpsertOptions
{
	bool		partial;
	bool		skip_unchanged;
	Oid			partition;		/* InvalidOid: by partition key */
	int			timeout_ms;		/* 0: no limit */
} UpsertOptions;

/*
 * Milliseconds of the caller's timeout; 0 for NULL.  The timeout must be
 * positive.
 *
 * Options from the SQL arguments partial, partition, timeout, skip_unchanged,
 * of which 'first' is the first; or from an object such as {"partial": true,
 * "timeout": "5 s"}.  NULL and JSON's null are the default of each.  Errors:
 * ERRCODE_INVALID_PARAMETER_VALUE.
 */

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
	Bitmapset  *fill;			/* attnos that only the statement gives */
	char	   *sql;
	SPIPlanPtr	plan;
} UpsertPlan;

/* The name under which the statement reads the batch. */
#define UPSERT_BATCH_NAME "vecstore_batch"

/*
 * vs_api_plan_fill returns the columns that the statement must give although no
 * row does: in a partial upsert, columns that may refuse their own default but
 * not the stored value.
 *
 * vs_api_plan_get returns the plan for a batch in which each row gives the
 * columns 'all' and some rows also give 'some'.  Needs an SPI connection in
 * which the batch is registered.  Errors are those of planning, for example
 * missing privileges.
 */
extern Bitmapset *vs_api_plan_fill(Collection *c, UpsertKind kind, Bitmapset *given);
extern UpsertPlan *vs_api_plan_get(Collection *c, UpsertKind kind, bool skip_unchanged,
								   Bitmapset *all, Bitmapset *some);

/* The counts of a batch. */
typedef struct UpsertCounts
{
	int64		inserted;
	int64		replaced;
	int64		unchanged;
} UpsertCounts;

/* The row (from 1; 0: none) and field of an upsert, for messages. */
typedef struct UpsertPlace
{
	const char *collection;
	int64		row;
	const char *field;
	const char *statement;		/* our own, which messages do not show */
} UpsertPlace;

/*
 * A batch.
 *
 * vs_api_batch_begin begins one for rel, which the caller has open and locked.
 * expected_bytes is the size of the data if it is in memory: the sort may then
 * use that much, whatever work_mem says; else 0.  Error: no INSERT privilege.
 * The caller must call vs_api_batch_end; after an error it calls
 * vs_api_batch_abandon, which does what the transaction's abort does not.
 *
 * vs_api_batch_row_context is reset by each added row.
 *
 * vs_api_batch_add adds a row: values and isnull have an entry per attribute
 * (NULL where the row gives no value), 'given' the attributes that the row
 * gives.  place.row must be set.  It copies everything.  Error: a row gives a
 * column that cannot be written, or has no key.  It is made of two halves:
 *
 * vs_api_batch_complete_key fills the key's missing parts with their defaults,
 * in the current context, and adds them to *given.  If such a default makes a
 * new value each time, the row is new: it returns true, and evaluates that
 * default only with make_new.  Defaults live until the next vs_api_batch_put.
 * vs_api_batch_put adds a row whose key was completed.
 *
 * vs_api_batch_run writes the rows, and returns their counts.  Errors are those
 * of INSERT ... ON CONFLICT.
 */
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
 * vs_api_upsert runs a whole upsert into the table (upsert.c): it locks the
 * table as INSERT does, lets 'feed' add the rows to the batch, and runs the
 * batch; both under the timeout, and with errors that name row and field.
 *
 * vs_api_rethrow raises the current error again, with the place in front of its
 * message.  Call it in PG_CATCH; mcxt is a context that outlives the batch.
 * vs_api_result returns the counts as the SQL type upsert_result.
 */
typedef void (*UpsertFeed) (UpsertBatch *batch, void *arg);

extern UpsertCounts vs_api_upsert(Oid relid, const UpsertOptions *options, Size expected_bytes,
								  UpsertFeed feed, void *arg);
pg_noreturn extern void vs_api_rethrow(MemoryContext mcxt, const UpsertPlace *place);

/*
 * As much of a value as a message shows: its first 200 characters, in the
 * current context.
 */
#define VS_API_CLIP_CHARS 200
extern char *vs_api_clip(const char *value);

extern Datum vs_api_result(FunctionCallInfo fcinfo, UpsertCounts counts);

/*
 * The check that rows belong in the partition that the caller named, at any
 * depth below rel (upsert_partition.c).  It lives in the context current at
 * begin, and holds the partition open until its end.  vs_api_partition_check
 * takes a row by rel's attributes; ERRCODE_CHECK_VIOLATION if it does not
 * belong there.
 */
typedef struct PartitionCheck PartitionCheck;

extern PartitionCheck *vs_api_partition_check_begin(Relation rel, Oid partition, EState *estate);
extern void vs_api_partition_check(PartitionCheck *check, EState *estate,
								   const Datum *values, const bool *isnull);
extern void vs_api_partition_check_end(PartitionCheck *check);

/*
 * The timeout (upsert_timeout.c).  vs_api_timeout_start starts the timer, or
 * returns false if an outer upsert's timer is running, which then stays.
 * vs_api_timeout_stop stops the timer that was started, and returns true if it
 * had run out.
 */
extern bool vs_api_timeout_start(int ms);
extern bool vs_api_timeout_stop(void);

/*
 * The check that a key is stored as it was given (upsert_exact.c).
 * vs_api_exact_begin prepares it for keys of type 'source'; NULL if the column
 * is no key, or its values cannot lose anything, or no type can compare them.
 * It lives as long as estate.  vs_api_exact_check takes values that are not
 * NULL; ERRCODE_INVALID_TEXT_REPRESENTATION if the stored one differs.
 */
typedef struct ExactCheck ExactCheck;

extern bool vs_api_exact_is_certain(Oid source, const CollectionColumn *target);
extern ExactCheck *vs_api_exact_begin(EState *estate, Oid source, const CollectionColumn *target);
extern void vs_api_exact_check(ExactCheck *check, EState *estate, Datum given, Datum stored);

/*
 * Conversion of values to a column's type (upsert_coerce.c).
 *
 * vs_api_coercible returns whether values of type 'source' can be converted.
 * vs_api_coercion_begin prepares the conversion, which lives as long as estate;
 * ERRCODE_DATATYPE_MISMATCH if there is none.  vs_api_coerce converts a value;
 * the result is the value itself or lives in estate's per-tuple context.
 *
 * vs_api_is_text_like is true for strings and for literals of unknown type.
 * vs_api_default_prepare returns a column's default expression, or NULL if the
 * default is NULL.
 */
typedef struct Coercion Coercion;

extern bool vs_api_coercible(Oid source, const CollectionColumn *target);
extern Coercion *vs_api_coercion_begin(EState *estate, Oid source, const CollectionColumn *target);
extern Datum vs_api_coerce(Coercion *coercion, EState *estate, Datum value, bool *isnull);
extern bool vs_api_is_text_like(Oid typid);
extern ExprState *vs_api_default_prepare(EState *estate, Relation rel, AttrNumber attno);

/*
 * Rows that come as values of fixed fields and types (upsert_source.c).  Each
 * field is a column, or in a dynamic collection an unknown field.
 *
 * vs_api_source_begin allocates in the current context, which must live as
 * long as the batch.  vs_api_source_find returns the column of that name, or
 * NULL for a dynamic field; ERRCODE_UNDEFINED_COLUMN if the collection takes
 * none.  vs_api_source_field adds the next field of the rows; it must be
 * known, new, and of a type that can be converted.  vs_api_source_add converts
 * the values of one row and adds it to the batch; place.row must be set.
 */
typedef struct RowSource RowSource;

extern RowSource *vs_api_source_begin(UpsertBatch *batch, int nfields);
extern CollectionColumn *vs_api_source_find(UpsertBatch *batch, const char *name);
extern void vs_api_source_field(RowSource *source, const char *name, Oid type);
extern void vs_api_source_add(RowSource *source, Datum *values, bool *isnull);

/*
 * The columns that a row gives that has a value for each column of 'writable':
 * all of them, except for NULL key columns that the database fills
 * (upsert_rows.c).
 */
extern Bitmapset *vs_api_given_columns(Collection *c, Bitmapset *writable, const bool *isnull);

/* Whether the type is vecstore.dynamic_fields, which takes unknown fields. */
extern bool vs_api_is_dynamic_type(Oid typid);

/*
 * A column's value (upsert_value.c).  vs_api_value_from_json converts a piece
 * of JSON to the column's type, in the current context; errors are those of
 * the type's input function.  vs_api_checked checks a value that was made
 * without the input function, and is not NULL, by the column's domain.
 */
struct JsonPiece;
extern Datum vs_api_checked(CollectionColumn *column, Datum value);
extern Datum vs_api_value_from_json(CollectionColumn *column, const struct JsonPiece *piece,
									bool *isnull);

#endif							/* VS_API_INTERNAL_H */
