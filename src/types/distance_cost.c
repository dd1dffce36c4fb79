/*-------------------------------------------------------------------------
 * distance_cost.c
 *	  Planner support: the cost of a distance.
 *
 * The cost grows with the dimension.  With a fixed COST the estimate for a
 * plan that computes the distance of every row would be several times too
 * high at 100 dimensions or too low at 3,072.  The dimension is that of a
 * column or of a constant.  The constants were measured on rows of a vecstore
 * table and include the reading of the value (bench/LOG.md).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"

#include "types/vector.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_distance_cost);

/* in units of cpu_operator_cost */
#define COST_OF_VALUE		20.0
#define COST_OF_DIMENSION	0.07

/* assumed if the dimension is unknown */
#define USUAL_DIM			768

/* Return the dimension of an argument, or 0 if it is unknown. */
static int
dimension_of(Node *argument)
{
	Vector	   *value;

	if (exprTypmod(argument) > 0)
		return exprTypmod(argument);
	if (!IsA(argument, Const) || ((Const *) argument)->constisnull)
		return 0;
	value = (Vector *) DatumGetPointer(((Const *) argument)->constvalue);
	return VARATT_IS_EXTENDED(value) ? 0 : value->dim;
}

static int
dimension_of_call(Node *call)
{
	List	   *arguments = NIL;
	ListCell   *cell;

	if (call != NULL && IsA(call, OpExpr))
		arguments = ((OpExpr *) call)->args;
	else if (call != NULL && IsA(call, FuncExpr))
		arguments = ((FuncExpr *) call)->args;
	foreach(cell, arguments)
	{
		int			dim = dimension_of(lfirst(cell));

		if (dim > 0)
			return dim;
	}
	return USUAL_DIM;
}

/* The support function of the distances of vector and halfvec. */
Datum
vs_distance_cost(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestCost *cost;

	if (!IsA(request, SupportRequestCost))
		PG_RETURN_POINTER(NULL);
	cost = (SupportRequestCost *) request;
	cost->startup = 0;
	cost->per_tuple = cpu_operator_cost *
		(COST_OF_VALUE + COST_OF_DIMENSION * dimension_of_call(cost->node));
	PG_RETURN_POINTER(cost);
}
