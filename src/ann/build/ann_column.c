/*-------------------------------------------------------------------------
 * ann_column.c
 *	  Columns and expressions that a vecann index can be on.
 *
 * An entry of the index has the address of its row's value in the table's
 * value store.  So the indexed column or expression must yield values as they
 * are stored.  A build refuses others, on an empty table too: otherwise each
 * INSERT would fail later.  Bits are different, because their code is the
 * value.  They may come from any expression, but all must have one length, so
 * bit varying is refused.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "nodes/primnodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "ann/build/ann_column.h"
#include "ann/page/ann_change.h"

static bool yields_stored_value(Node *node);

static bool
all_yield_stored_values(List *nodes)
{
	ListCell   *cell;

	foreach(cell, nodes)
	{
		if (!yields_stored_value(lfirst(cell)))
			return false;
	}
	return true;
}

static bool
case_yields_stored_value(CaseExpr *expr)
{
	ListCell   *cell;

	foreach(cell, expr->args)
	{
		if (!yields_stored_value((Node *) lfirst_node(CaseWhen, cell)->result))
			return false;
	}
	return yields_stored_value((Node *) expr->defresult);
}

/*
 * Whether an expression always yields NULL or a column's value as it lies in
 * the row.  A function might return its argument unchanged, but the catalogs
 * do not say so.
 */
static bool
yields_stored_value(Node *node)
{
	if (node == NULL)
		return true;
	switch (nodeTag(node))
	{
		case T_Var:
			return true;
		case T_Const:
			return ((Const *) node)->constisnull;
		case T_RelabelType:
			return yields_stored_value((Node *) ((RelabelType *) node)->arg);
		case T_CoerceToDomain:
			return yields_stored_value((Node *) ((CoerceToDomain *) node)->arg);
		case T_CoalesceExpr:
			return all_yield_stored_values(((CoalesceExpr *) node)->args);
		case T_CaseExpr:
			return case_yields_stored_value((CaseExpr *) node);
		default:
			return false;
	}
}

static void
refuse_varying(Relation index)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(index), 0);

	if (getBaseType(att->atttypid) != VARBITOID)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("index \"%s\" cannot be on values of type bit varying, whose lengths differ",
					RelationGetRelationName(index)),
			 errhint("Index an expression of type bit, such as (code::bit(n)) for a column code.")));
}

static void
refuse_plain(Relation index, Relation heap, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(heap), attnum - 1);

	/* values stored before STORAGE was changed have addresses: REINDEX works */
	if (att->attstorage != TYPSTORAGE_PLAIN || ReindexIsProcessingIndex(RelationGetRelid(index)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("index \"%s\" cannot be on column \"%s\", whose values do not lie in the value store of table \"%s\"",
					RelationGetRelationName(index), NameStr(att->attname),
					RelationGetRelationName(heap)),
			 errhint("The column has STORAGE PLAIN. Use ALTER TABLE ... ALTER COLUMN ... SET STORAGE EXTERNAL, and VACUUM FULL if rows are there.")));
}

void
vs_ann_refuse_column(Relation index, Relation heap, VsAnnValueKind kind, const IndexInfo *info)
{
	if (kind == VS_ANN_BIT)
		refuse_varying(index);
	else if (info->ii_Expressions == NIL)
		refuse_plain(index, heap, info->ii_IndexAttrNumbers[0]);
	else if (!all_yield_stored_values(info->ii_Expressions))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" is on an expression, whose values table \"%s\" does not hold",
						RelationGetRelationName(index), RelationGetRelationName(heap)),
				 errhint("Add a generated column with the expression, and index that.")));
}
