/*-------------------------------------------------------------------------
 * withdrawn_row.h
 *	  Tells who keeps a row's TID in memory that a speculative insertion of it was withdrawn.
 *-------------------------------------------------------------------------
 */
#ifndef VS_WITHDRAWN_ROW_H
#define VS_WITHDRAWN_ROW_H

#include "postgres.h"

#include "storage/itemptr.h"

/*
 * Called by the table access method before it withdraws a row (INSERT ... ON CONFLICT
 * that met the conflict late): the row is dead at once, not only when the transaction
 * ends, so its TID may soon be another row's.  NULL if nobody wants to know.
 */
typedef void (*VsWithdrawnRow) (Oid table, ItemPointer tid);

extern VsWithdrawnRow vs_withdrawn_row;

#endif							/* VS_WITHDRAWN_ROW_H */
