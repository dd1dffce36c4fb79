/*-------------------------------------------------------------------------
 * collection_create.c
 *	  vecstore.create_collection() and create_partition().
 *
 * Both write a statement and run it by SPI as the caller, so privileges, event
 * triggers and errors are those of the statement.  The caller's pieces have
 * been parsed (sql_piece.h).  All other names are qualified: the caller's
 * search_path resolves only names that the caller wrote.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "api/api_internal.h"
#include "api/sql_piece.h"

#define MAX_DIMENSION 16000

/* Parameters of create_collection, in their order. */
enum CreateParameter
{
	CREATE_NAME,
	CREATE_DIMENSION,
	CREATE_METRIC,
	CREATE_ID_TYPE,
	CREATE_AUTO_ID,
	CREATE_VECTOR_FIELD,
	CREATE_FIELDS,
	CREATE_DYNAMIC,
	CREATE_PARTITION_BY,
	CREATE_VECTOR_TYPE
};

/* ---- arguments ---- */

static void
require_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
}

static char *
text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	require_argument(fcinfo, number, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

static bool
bool_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	require_argument(fcinfo, number, name);
	return PG_GETARG_BOOL(number);
}

static int
dimension_argument(FunctionCallInfo fcinfo)
{
	int			dimension;

	require_argument(fcinfo, CREATE_DIMENSION, "dimension");
	dimension = PG_GETARG_INT32(CREATE_DIMENSION);
	if (dimension < 1 || dimension > MAX_DIMENSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimension must be between 1 and %d, not %d", MAX_DIMENSION, dimension)));
	return dimension;
}

static char *
vector_type_argument(FunctionCallInfo fcinfo)
{
	char	   *type = text_argument(fcinfo, CREATE_VECTOR_TYPE, "vector_type");

	if (strcmp(type, "vector") != 0 && strcmp(type, "halfvec") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("vector_type must be vector or halfvec, not \"%s\"",
						vs_api_clip(type))));
	return type;
}

/* The metric's name in operator classes. */
static const char *
metric_argument(FunctionCallInfo fcinfo)
{
	static const char *const names[][2] = {
		{"cosine", "cosine"},
		{"l2", "l2"},
		{"euclidean", "l2"},
		{"ip", "ip"},
		{"inner_product", "ip"},
		{"dot", "ip"},
	};
	char	   *metric = text_argument(fcinfo, CREATE_METRIC, "metric");
	int			i;

	for (i = 0; i < lengthof(names); i++)
	{
		if (pg_strcasecmp(metric, names[i][0]) == 0)
			return names[i][1];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown metric \"%s\"", vs_api_clip(metric)),
			 errhint("Metrics are cosine, l2 (euclidean) and ip (inner_product).")));
}

/* ---- names ---- */

/* The schema that CREATE TABLE would use; an error if there is none. */
static char *
current_schema_name(const char *table)
{
	List	   *path = fetch_search_path(false);
	char	   *schema = path == NIL ? NULL : get_namespace_name(linitial_oid(path));

	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("no schema has been selected to create \"%s\" in", table)));
	return schema;
}

/*
 * The table that a call names.  A name without a schema is in default_schema,
 * or in the current schema if that is NULL.
 */
static RangeVar *
table_argument(char *text, char *default_schema)
{
	SqlPiece	piece = {"name", text, ""};
	char	   *schema;
	char	   *name;

	vs_api_piece_name(&piece, &schema, &name);
	if (schema == NULL)
		schema = default_schema ? default_schema : current_schema_name(name);
	return makeRangeVar(schema, name, -1);
}

static const char *
quoted(const RangeVar *table)
{
	return quote_qualified_identifier(table->schemaname, table->relname);
}

/* The quoted schema of the vector types and operator classes. */
static const char *
extension_schema(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid			schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("vecstore"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (!OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", "vecstore")));
	return quote_identifier(get_namespace_name(schema));
}

/* ---- columns ---- */

static void
add_id(StringInfo sql, FunctionCallInfo fcinfo)
{
	SqlPiece	piece = {"id_type", text_argument(fcinfo, CREATE_ID_TYPE, "id_type"),
						 "Write a type, such as bigint, text or uuid."
	};
	bool		auto_id = bool_argument(fcinfo, CREATE_AUTO_ID, "auto_id");
	Type		type;
	Oid			typid;

	type = LookupTypeName(NULL, vs_api_piece_type(&piece), NULL, true);
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("id_type \"%s\" does not exist", vs_api_clip(piece.text))));
	typid = typeTypeId(type);
	ReleaseSysCache(type);
	appendStringInfo(sql, "id %s\n", piece.text);
	if (!auto_id)
		return;
	if (typid == UUIDOID)
		appendStringInfoString(sql, " DEFAULT pg_catalog.gen_random_uuid()");
	else if (typid == INT2OID || typid == INT4OID || typid == INT8OID)
		appendStringInfoString(sql, " GENERATED BY DEFAULT AS IDENTITY");
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("auto_id needs an id_type of smallint, integer, bigint or uuid, not \"%s\"",
						vs_api_clip(piece.text))));
}

/* Appends the primary key, and the table's partitioning or access method. */
static void
add_key_and_storage(StringInfo sql, char *partition_by)
{
	SqlPiece	piece = {"partition_by", partition_by,
						 "Write list (field), range (field) or hash (field)."
	};
	ListCell   *lc;

	appendStringInfoString(sql, ", PRIMARY KEY (id");
	if (partition_by == NULL)
	{
		appendStringInfoString(sql, ")) USING vecstore");
		return;
	}
	foreach(lc, vs_api_piece_partition_by(&piece)->partParams)
	{
		const char *name = lfirst_node(PartitionElem, lc)->name;

		if (strcmp(name, "id") != 0)
			appendStringInfo(sql, ", %s", quote_identifier(name));
	}
	appendStringInfo(sql, ")) PARTITION BY %s\n", partition_by);
}

/* ---- statements ---- */

static void
execute(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result != SPI_OK_UTILITY)
		elog(ERROR, "SPI_execute of \"%s\" gave %s", sql, SPI_result_code_string(result));
}

static void
create_table(FunctionCallInfo fcinfo, const RangeVar *table, const char *vector_column)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", quoted(table));
	add_id(&sql, fcinfo);
	appendStringInfo(&sql, ", %s %s.%s(%d) NOT NULL\n", vector_column, extension_schema(),
					 vector_type_argument(fcinfo), dimension_argument(fcinfo));
	if (!PG_ARGISNULL(CREATE_FIELDS))
		vs_api_piece_fields(&sql, PG_GETARG_TEXT_PP(CREATE_FIELDS));
	if (bool_argument(fcinfo, CREATE_DYNAMIC, "dynamic"))
		appendStringInfoString(&sql, ", dynamic vecstore.dynamic_fields NOT NULL DEFAULT '{}'\n");
	add_key_and_storage(&sql, PG_ARGISNULL(CREATE_PARTITION_BY)
						? NULL
						: text_argument(fcinfo, CREATE_PARTITION_BY, "partition_by"));
	execute(sql.data);
	pfree(sql.data);
}

/*
 * create_collection(name text, dimension int, metric text, id_type text,
 *		auto_id bool, vector_field text, fields json, dynamic bool,
 *		partition_by text, vector_type text) returns regclass
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_create_collection);
Datum
vs_api_create_collection(PG_FUNCTION_ARGS)
{
	RangeVar   *table = table_argument(text_argument(fcinfo, CREATE_NAME, "name"), NULL);
	const char *metric = metric_argument(fcinfo);
	const char *vector_column =
		vs_api_piece_column_name("vector_field", text_argument(fcinfo, CREATE_VECTOR_FIELD, "vector_field"));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	create_table(fcinfo, table, vector_column);
	execute(psprintf("CREATE INDEX ON %s USING vecann (%s %s.%s_%s_ops)", quoted(table),
					 vector_column, extension_schema(), vector_type_argument(fcinfo), metric));
	SPI_finish();
	PG_RETURN_OID(RangeVarGetRelid(table, NoLock, false));
}

static const char *
bounds_clause(FunctionCallInfo fcinfo)
{
	SqlPiece	piece = {"bounds", text_argument(fcinfo, 2, "bounds"),
						 "Write in (values), from (value) to (value), with (modulus m, remainder r) or default."
	};

	return vs_api_piece_bounds(&piece);
}

/* The partitioned table's name; locks the table against a change of it. */
static RangeVar *
partitioned_table(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	RangeVar   *table;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("collection \"%s\" is not partitioned", RelationGetRelationName(rel)),
				 errhint("Create it with partition_by.")));
	table = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
						 pstrdup(RelationGetRelationName(rel)), -1);
	relation_close(rel, NoLock);
	return table;
}

/*
 * create_partition(collection regclass, name text, bounds text) returns
 * regclass
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_api_create_partition);
Datum
vs_api_create_partition(PG_FUNCTION_ARGS)
{
	RangeVar   *collection;
	RangeVar   *partition;
	const char *bounds;

	require_argument(fcinfo, 0, "collection");
	collection = partitioned_table(PG_GETARG_OID(0));
	bounds = bounds_clause(fcinfo);
	partition = table_argument(text_argument(fcinfo, 1, "name"), collection->schemaname);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	execute(psprintf("CREATE TABLE %s PARTITION OF %s %s\n USING vecstore", quoted(partition),
					 quoted(collection), bounds));
	SPI_finish();
	PG_RETURN_OID(RangeVarGetRelid(partition, NoLock, false));
}
