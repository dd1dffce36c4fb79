/*-------------------------------------------------------------------------
 * ann_column.c
 *	  What a vecann index can be on, asked when it is made.
 *
 * An entry leads to its row's value by the address in the value store of the table, so
 * the indexed column or expression must hand out values as the store has them.  One that
 * cannot is refused here, on an empty table too: otherwise each INSERT would fail later.
 * Bits are carried along as codes and may come from any expression, but all values of
 * an index are of one length, which bit varying is not.
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

static bool hands_out_stored(Node *node);

static bool
all_hand_out_stored(List *nodes)
{
	ListCell   *cell;

	foreach(cell, nodes)
	{
		if (!hands_out_stored(lfirst(cell)))
			return false;
	}
	return true;
}

static bool
case_hands_out_stored(CaseExpr *expr)
{
	ListCell   *cell;

	foreach(cell, expr->args)
	{
		if (!hands_out_stored((Node *) lfirst_node(CaseWhen, cell)->result))
			return false;
	}
	return hands_out_stored((Node *) expr->defresult);
}

/*
 * Whether the value of an expression is always that of a column as it lies in the row,
 * or NULL.  A function may hand out its argument too, but nothing says so.
 */
static bool
hands_out_stored(Node *node)
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
			return hands_out_stored((Node *) ((RelabelType *) node)->arg);
		case T_CoerceToDomain:
			return hands_out_stored((Node *) ((CoerceToDomain *) node)->arg);
		case T_CoalesceExpr:
			return all_hand_out_stored(((CoalesceExpr *) node)->args);
		case T_CaseExpr:
			return case_hands_out_stored((CaseExpr *) node);
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

	/* values that were stored before it was set are found: an index on them can be rebuilt */
	if (att->attstorage != TYPSTORAGE_PLAIN || ReindexIsProcessingIndex(RelationGetRelid(index)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("index \"%s\" cannot be on column \"%s\", whose values do not lie in the value store of table \"%s\"",
					RelationGetRelationName(index), NameStr(att->attname),
					RelationGetRelationName(heap)),
			 errhint("The column has STORAGE PLAIN. Use ALTER TABLE ... ALTER COLUMN ... SET STORAGE EXTERNAL, and VACUUM FULL if rows are there.")));
}

/*
 * Refuses to build an index on what it could not hold: bits of varying length, a column
 * with STORAGE PLAIN, an expression whose values the table does not hold.
 */
void
vs_ann_refuse_column(Relation index, Relation heap, VsAnnValueKind kind, const IndexInfo *info)
{
	if (kind == VS_ANN_BIT)
		refuse_varying(index);
	else if (info->ii_Expressions == NIL)
		refuse_plain(index, heap, info->ii_IndexAttrNumbers[0]);
	else if (!all_hand_out_stored(info->ii_Expressions))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" is on an expression, whose values table \"%s\" does not hold",
						RelationGetRelationName(index), RelationGetRelationName(heap)),
				 errhint("Add a generated column with the expression, and index that.")));
}
