/*-------------------------------------------------------------------------
 * as_owner.h
 *	  Runs expressions of an index with the rights of the table's owner.
 *-------------------------------------------------------------------------
 */
#ifndef VS_AS_OWNER_H
#define VS_AS_OWNER_H

#include "postgres.h"

typedef struct VsCaller
{
	Oid			user;
	int			security;		/* flags of the security context */
	int			nest;			/* level of settings */
} VsCaller;

/*
 * The table's owner wrote the predicate and the expressions of an index.
 * From here to vs_as_owner_end() they run as the owner, in a
 * security-restricted operation, and with a search_path that the caller does
 * not control. vs_as_owner_end() also restores settings that were changed in
 * between with GUC_ACTION_SAVE.  After an ERROR, the end of the
 * (sub)transaction restores all of that.
 */
extern void vs_as_owner_begin(Oid owner, VsCaller *caller);
extern void vs_as_owner_end(const VsCaller *caller);

#endif							/* VS_AS_OWNER_H */
