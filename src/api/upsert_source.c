/*-------------------------------------------------------------------------
 * upsert_source.c
 *	  Rows that come as values of fixed fields and types.
 *
 * Shared by the column-wise form and the query form: fields are found by name
 * once, their conversions are prepared once, then row after row is converted.
 * Fields that a dynamic collection does not know are collected in its jsonb
 * column.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "api/api_internal.h"
#include "api/upsert_dynamic.h"

typedef struct SourceField
{
	const char *name;
	CollectionColumn *column;	/* NULL: a dynamic field */
	Coercion   *coercion;
	FmgrInfo	to_jsonb;		/* of a dynamic field */
} SourceField;

struct RowSource
{
	UpsertBatch *batch;
	Collection *c;
	int			nfields;
	SourceField *fields;
	Bitmapset  *given;
	bool		has_dynamic;
	Datum	   *values;			/* by the collection's attributes */
	bool	   *isnull;
};

RowSource *
vs_api_source_begin(UpsertBatch *batch, int nfields)
{
	RowSource  *source = palloc0(sizeof(RowSource));

	source->batch = batch;
	source->c = vs_api_batch_collection(batch);
	source->fields = palloc0(nfields * sizeof(SourceField));
	source->values = palloc(source->c->natts * sizeof(Datum));
	source->isnull = palloc(source->c->natts * sizeof(bool));
	return source;
}

CollectionColumn *
vs_api_source_find(UpsertBatch *batch, const char *name)
{
	Collection *c = vs_api_batch_collection(batch);
	CollectionColumn *column = vs_api_collection_column(c, name);

	if (!column && !c->dynamic)
	{
		vs_api_batch_place(batch)->field = name;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("there is no such field in \"%s\"", c->name)));
	}
	return column;
}

static void
prepare_to_jsonb(SourceField *field, Oid type)
{
	CaseTestExpr *arg = makeNode(CaseTestExpr);

	arg->typeId = type;
	arg->typeMod = -1;
	fmgr_info(F_TO_JSONB, &field->to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(arg), InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   &field->to_jsonb);
}

void
vs_api_source_field(RowSource *source, const char *name, Oid type)
{
	SourceField *field = &source->fields[source->nfields++];
	EState	   *estate = vs_api_batch_estate(source->batch);
	int			i;

	vs_api_batch_place(source->batch)->field = name;
	for (i = 0; i < source->nfields - 1; i++)
	{
		if (strcmp(source->fields[i].name, name) != 0)
			continue;
		vs_api_batch_place(source->batch)->field = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("field \"%s\" is specified more than once", vs_api_clip(name))));
	}
	field->name = name;
	field->column = vs_api_source_find(source->batch, name);
	if (field->column)
	{
		field->coercion = vs_api_coercion_begin(estate, type, field->column);
		source->given = bms_add_member(source->given, field->column->attno);
	}
	else
	{
		prepare_to_jsonb(field, type);
		source->has_dynamic = true;
		source->given = bms_add_member(source->given, source->c->dynamic);
	}
	vs_api_batch_place(source->batch)->field = NULL;
}

static void
add_dynamic(DynamicFields *fields, SourceField *field, Datum value, bool isnull)
{
	vs_api_dynamic_add(fields, field->name, strlen(field->name),
					   isnull ? NULL : DatumGetJsonbP(FunctionCall1(&field->to_jsonb, value)));
}

/* Adds the other fields to the dynamic column's own value, if one is given. */
static void
store_dynamic(RowSource *source, DynamicFields *fields)
{
	CollectionColumn *column = &source->c->columns[source->c->dynamic - 1];
	int			at = column->attno - 1;
	Datum		value = vs_api_dynamic_value(fields, column);

	if (!source->isnull[at])
		value = DirectFunctionCall2(jsonb_concat, source->values[at], value);
	source->values[at] = value;
	source->isnull[at] = false;
}

void
vs_api_source_add(RowSource *source, Datum *values, bool *isnull)
{
	EState	   *estate = vs_api_batch_estate(source->batch);
	UpsertPlace *place = vs_api_batch_place(source->batch);
	MemoryContext old = MemoryContextSwitchTo(vs_api_batch_row_context(source->batch));
	DynamicFields dynamic = {NULL};
	int			i;

	memset(source->isnull, true, source->c->natts * sizeof(bool));
	for (i = 0; i < source->nfields; i++)
	{
		SourceField *field = &source->fields[i];

		place->field = field->name;
		if (field->column)
		{
			int			at = field->column->attno - 1;

			source->isnull[at] = isnull[i];
			source->values[at] = vs_api_coerce(field->coercion, estate, values[i],
											   &source->isnull[at]);
		}
		else
			add_dynamic(&dynamic, field, values[i], isnull[i]);
	}
	place->field = NULL;
	if (source->has_dynamic)
		store_dynamic(source, &dynamic);
	vs_api_batch_add(source->batch, source->values, source->isnull, source->given);
	MemoryContextSwitchTo(old);
}
