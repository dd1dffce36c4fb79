/*-------------------------------------------------------------------------
 * withdrawn_row.c
 *	  See withdrawn_row.h.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "util/withdrawn_row.h"

VsWithdrawnRow vs_withdrawn_row = NULL;
