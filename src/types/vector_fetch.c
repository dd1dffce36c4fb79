/*-------------------------------------------------------------------------
 * vector_fetch.c
 *	  The hook by which the types' functions read vectors of the value store.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "types/vector.h"

struct varlena *(*vs_vector_fetch_hook) (struct varlena *pointer) = NULL;
