/*-------------------------------------------------------------------------
 * withdrawn_row.h
 *	  Hook for rows whose speculative insertion the table access method undoes.
 *-------------------------------------------------------------------------
 */
#ifndef VS_WITHDRAWN_ROW_H
#define VS_WITHDRAWN_ROW_H

#include "postgres.h"

#include "storage/itemptr.h"

/*
 * INSERT ... ON CONFLICT inserts a row speculatively and withdraws it if
 * another row then turns out to conflict.  A withdrawn row is dead at once,
 * not only when the transaction ends, so its TID may soon be that of another
 * row.  Before it withdraws a row, the table access method calls this hook,
 * so that a module that remembers TIDs of the transaction can forget this
 * one.
 */
typedef void (*VsWithdrawnRow) (Oid table, ItemPointer tid);

/* the hook, or NULL */
extern VsWithdrawnRow vs_withdrawn_row;

#endif							/* VS_WITHDRAWN_ROW_H */
