/*-------------------------------------------------------------------------
 * vector_fetch.c
 *	  The hook by which the value store gives vectors to the types' functions.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "types/vector.h"

struct varlena *(*vs_vector_fetch_hook) (struct varlena *pointer) = NULL;
