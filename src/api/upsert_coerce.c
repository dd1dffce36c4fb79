/*-------------------------------------------------------------------------
 * upsert_coerce.c
 *	  Conversion of values to a column's type, and columns' defaults.
 *
 * The conversion is that of an INSERT: assignment casts, then the length or
 * dimension of the type, then a domain's checks.  Two more sources are
 * accepted, because drivers send them: text for any type, by its input
 * function, and arrays of numbers for vectors, by the cast from arrays.  A key
 * must not lose anything in it (upsert_exact.c).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "api/api_internal.h"

struct Coercion
{
	ExprState  *expr;			/* NULL: values need no conversion */
	ExactCheck *exact;			/* of a key that may lose something */
};

/* The name of the domain of dynamic columns, in schema vecstore. */
#define DYNAMIC_TYPE_NAME "dynamic_fields"

bool
vs_api_is_dynamic_type(Oid typid)
{
	HeapTuple	tup;
	Form_pg_type type;
	bool		result;

	if (get_typtype(typid) != TYPTYPE_DOMAIN)
		return false;
	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for type %u", typid);
	type = (Form_pg_type) GETSTRUCT(tup);
	result = strcmp(NameStr(type->typname), DYNAMIC_TYPE_NAME) == 0 &&
		type->typnamespace == get_namespace_oid("vecstore", true);
	ReleaseSysCache(tup);
	return result;
}

bool
vs_api_is_text_like(Oid typid)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(getBaseType(typid), &category, &preferred);
	return category == TYPCATEGORY_STRING || typid == UNKNOWNOID;
}

bool
vs_api_coercible(Oid source, const CollectionColumn *target)
{
	return can_coerce_type(1, &source, &target->typid,
						   vs_api_is_text_like(source) ? COERCION_EXPLICIT : COERCION_ASSIGNMENT);
}

Coercion *
vs_api_coercion_begin(EState *estate, Oid source, const CollectionColumn *target)
{
	Coercion   *coercion = palloc0(sizeof(Coercion));
	CaseTestExpr *input = makeNode(CaseTestExpr);
	Node	   *expr;

	input->typeId = source;
	input->typeMod = -1;
	input->collation = get_typcollation(source);
	expr = coerce_to_target_type(NULL, (Node *) input, source, target->typid, target->typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (!expr && vs_api_is_text_like(source))
		expr = coerce_to_target_type(NULL, (Node *) input, source, target->typid, target->typmod,
									 COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);
	if (!expr)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("values of type %s were given, but the column has type %s",
						format_type_be(source),
						format_type_with_typemod(target->typid, target->typmod))));
	if (expr != (Node *) input)
		coercion->expr = ExecPrepareExpr((Expr *) expr, estate);
	if (coercion->expr)
		coercion->exact = vs_api_exact_begin(estate, source, target);
	return coercion;
}

Datum
vs_api_coerce(Coercion *coercion, EState *estate, Datum value, bool *isnull)
{
	ExprContext *econtext = GetPerTupleExprContext(estate);
	bool		given = !*isnull;
	Datum		result;

	if (!coercion->expr)
		return value;
	econtext->caseValue_datum = value;
	econtext->caseValue_isNull = *isnull;
	result = ExecEvalExprSwitchContext(coercion->expr, econtext, isnull);
	if (coercion->exact && given && !*isnull)
		vs_api_exact_check(coercion->exact, estate, value, result);
	return result;
}

ExprState *
vs_api_default_prepare(EState *estate, Relation rel, AttrNumber attno)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attno - 1);
	Node	   *expr = build_column_default(rel, attno);

	if (!expr)
	{
		if (get_typtype(att->atttypid) != TYPTYPE_DOMAIN)
			return NULL;
		expr = coerce_to_target_type(NULL, (Node *) makeNullConst(UNKNOWNOID, -1, InvalidOid),
									 UNKNOWNOID, att->atttypid, att->atttypmod,
									 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	}
	return ExecPrepareExpr((Expr *) expr, estate);
}
