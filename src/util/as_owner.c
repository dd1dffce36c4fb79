/*-------------------------------------------------------------------------
 * as_owner.c
 *	  See as_owner.h.
 *
 * REINDEX and amcheck do the same.  The search_path matters more here,
 * because a role that may only read a table can check its indexes.  Otherwise
 * an unqualified name in a function of the owner would resolve to the
 * caller's objects.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "util/as_owner.h"

void
vs_as_owner_begin(Oid owner, VsCaller *caller)
{
	GetUserIdAndSecContext(&caller->user, &caller->security);
	SetUserIdAndSecContext(owner, caller->security | SECURITY_RESTRICTED_OPERATION);
	caller->nest = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
vs_as_owner_end(const VsCaller *caller)
{
	AtEOXact_GUC(false, caller->nest);
	SetUserIdAndSecContext(caller->user, caller->security);
}
