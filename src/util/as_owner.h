/*-------------------------------------------------------------------------
 * as_owner.h
 *	  Running a user's expressions with the rights of their table's owner.
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
 * Predicates and expressions of an index were written by the table's owner.
 * From here to vs_as_owner_end() they run as the owner, in a
 * security-restricted operation, and with a search_path that the caller does
 * not control.  Settings that are changed in between with GUC_ACTION_SAVE end
 * there too.  After an error, the end of the (sub)transaction restores all of
 * it.
 */
extern void vs_as_owner_begin(Oid owner, VsCaller *caller);
extern void vs_as_owner_end(const VsCaller *caller);

#endif							/* VS_AS_OWNER_H */
