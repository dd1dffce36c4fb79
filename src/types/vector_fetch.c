/*-------------------------------------------------------------------------
 * vector_fetch.c
 *	  The hook by which the types' functions read vectors of the value store.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "types/vector.h"

struct varlena *(*vs_vector_fetch_hook) (struct varlena *pointer) = NULL;

void
vs_vector_damaged(const struct varlena *value)
{
	Size		size = VARSIZE(value);

	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 size < offsetof(Vector, x) ? errmsg("vector of %zu bytes", size) :
			 errmsg("vector of %zu bytes says to have %d dimensions", size,
					((const Vector *) value)->dim)));
}
