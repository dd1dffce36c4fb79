/*-------------------------------------------------------------------------
 * upsert_exact.c
 *	  A key is stored as it was given, or not at all.
 *
 * An assignment may lose information: 11.5 becomes the bigint 12, a timestamp
 * the date of its day.  Other columns accept that, but if two keys become one,
 * one of two rows is lost.  So the given value and the stored value are
 * compared in a type that has both.  That is the given value's type, to which
 * the stored value is converted back; or, for text that the key's input
 * function has read, the key's type without its modifier, as which the text is
 * read once more.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/primnodes.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "api/api_internal.h"

struct ExactCheck
{
	ExprState  *given;			/* given value to common type, or NULL */
	ExprState  *stored;			/* the same for the stored value */
	FmgrInfo   *equal;
	Oid			collation;
	Oid			source;
	const CollectionColumn *target;
};

/*
 * The type in which given and stored values can be compared, or InvalidOid if
 * nothing can be lost.
 */
static Oid
common_type(Oid source, const CollectionColumn *target)
{
	int32		typmod = target->typmod;
	Oid			base = getBaseTypeAndTypmod(target->typid, &typmod);

	if (vs_api_is_text_like(source) && !vs_api_is_text_like(base))
	{
		if (base == DATEOID)	/* its input ignores a time of day */
			return TIMESTAMPOID;
		if (base == CHAROID)	/* its input ignores all but the first byte */
			return TEXTOID;
		return typmod >= 0 ? base : InvalidOid;
	}
	/* char(n) cuts off only blanks at the end, which have no meaning there */
	if (base == BPCHAROID || (getBaseType(source) == base && typmod < 0))
		return InvalidOid;
	return getBaseType(source);
}

/* Can nothing be lost in the conversion of values of type source? */
bool
vs_api_exact_is_certain(Oid source, const CollectionColumn *target)
{
	return !OidIsValid(common_type(source, target));
}

/*
 * Sets *result to the conversion of values of one type to another, or to NULL
 * if none is needed; returns false if there is none.
 */
static bool
prepare(EState *estate, Oid from, int32 typmod, Oid to, ExprState **result)
{
	CaseTestExpr *input = makeNode(CaseTestExpr);
	Node	   *expr;

	*result = NULL;
	input->typeId = from;
	input->typeMod = typmod;
	input->collation = get_typcollation(from);
	expr = coerce_to_target_type(NULL, (Node *) input, from, to, -1,
								 COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);
	if (!expr)
		return false;
	if (expr != (Node *) input)
		*result = ExecPrepareExpr((Expr *) expr, estate);
	return true;
}

ExactCheck *
vs_api_exact_begin(EState *estate, Oid source, const CollectionColumn *target)
{
	ExactCheck *check;
	Oid			common;
	TypeCacheEntry *type;

	if (!target->is_key)
		return NULL;
	common = common_type(source, target);
	if (!OidIsValid(common))
		return NULL;
	type = lookup_type_cache(common, TYPECACHE_EQ_OPR_FINFO);
	if (!OidIsValid(type->eq_opr))
		return NULL;
	check = palloc0(sizeof(ExactCheck));
	check->equal = &type->eq_opr_finfo;
	check->collation = get_typcollation(common);
	check->source = source;
	check->target = target;
	if (!prepare(estate, source, -1, common, &check->given) ||
		!prepare(estate, target->typid, target->typmod, common, &check->stored))
		return NULL;
	return check;
}

static Datum
converted(ExprState *expr, EState *estate, Datum value, bool *isnull)
{
	ExprContext *econtext = GetPerTupleExprContext(estate);

	*isnull = false;
	if (!expr)
		return value;
	econtext->caseValue_datum = value;
	econtext->caseValue_isNull = false;
	return ExecEvalExprSwitchContext(expr, econtext, isnull);
}

void
vs_api_exact_check(ExactCheck *check, EState *estate, Datum given, Datum stored)
{
	bool		null_a;
	bool		null_b;
	Datum		a = converted(check->given, estate, given, &null_a);
	Datum		b = converted(check->stored, estate, stored, &null_b);
	Oid			output;
	bool		varlena;

	if (null_a || null_b || DatumGetBool(FunctionCall2Coll(check->equal, check->collation, a, b)))
		return;
	getTypeOutputInfo(check->source, &output, &varlena);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("key \"%s\" cannot be stored as type %s without loss",
					vs_api_clip(OidOutputFunctionCall(output, given)),
					format_type_with_typemod(check->target->typid, check->target->typmod)),
			 errdetail("Different keys could become one.")));
}
