/*-------------------------------------------------------------------------
 * inspect_right.c
 *	  See inspect_right.h.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "compat/compat.h"
#include "util/inspect_right.h"

/*
 * Whether the current user can read all rows of the table.  Sets *hidden if
 * the user has SELECT but row security applies.
 */
static bool
reads_all(Oid tableoid, bool *hidden)
{
	if (pg_class_aclcheck(tableoid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;
	if (check_enable_rls(tableoid, InvalidOid, true) != RLS_ENABLED)
		return true;
	*hidden = true;
	return false;
}

static bool
is_held(Oid tableoid, bool *hidden)
{
	ListCell   *cell;

	*hidden = false;
	if (reads_all(tableoid, hidden) ||
		VS_OWNS_RELATION(tableoid, GetUserId()) ||
		has_privs_of_role(GetUserId(), ROLE_PG_STAT_SCAN_TABLES))
		return true;
	if (!get_rel_relispartition(tableoid))
		return false;
	foreach(cell, get_partition_ancestors(tableoid))
	{
		if (reads_all(lfirst_oid(cell), hidden))
			return true;
	}
	return false;
}

bool
vs_inspect_right_held(Oid tableoid)
{
	bool		hidden;

	return is_held(tableoid, &hidden);
}

void
vs_inspect_right_require(Relation table)
{
	bool		hidden;

	if (is_held(RelationGetRelid(table), &hidden))
		return;
	if (!hidden)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(table->rd_rel->relkind),
					   RelationGetRelationName(table));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row security applies to table \"%s\"", RelationGetRelationName(table)),
			 errdetail("The answer would depend on rows that its policies may hide."),
			 errhint("The table's owner and members of pg_stat_scan_tables may ask.")));
}
