/*-------------------------------------------------------------------------
 * ann_held_rows.h
 *	  Rows that a backend holds back from the pending pages.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_HELD_ROWS_H
#define VS_ANN_HELD_ROWS_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"

/* The set of rows held back for one index. */
typedef struct VsAnnHeldRows VsAnnHeldRows;

/*
 * Incremented whenever a set is freed, at the latest when the transaction
 * ends.  Pointers to sets that were obtained under an older epoch dangle.
 */
extern uint64 vs_ann_held_epoch;

/* Registers hooks and transaction callbacks.  Called once, by _PG_init. */
extern void vs_ann_held_init(void);

/*
 * Returns the set for the index; if there is none, makes an empty one.
 * *fresh says which.  Takes RowExclusiveLock on the index, to the end of the
 * transaction.
 */
extern VsAnnHeldRows *vs_ann_held_get(Relation index, Relation heap, bool *fresh);

/* The index as the set knows it; its field index is not valid. */
extern const VsAnn *vs_ann_held_ann(const VsAnnHeldRows *held);

/*
 * Codes a row and adds it to the set.  If the set is full, its rows are
 * written.  Returns whether that added a page to the pending part, which is
 * when the caller may want to check its size.  Never true after the
 * pre-commit callback.  Errors: a payload of another dimension than the
 * index's.
 */
extern bool vs_ann_held_put(VsAnnHeldRows *held, Relation index, const VsAnnId *id,
							const void *payload);

/*
 * Writes the rows held back for the index to its pending pages.  Needs
 * RowExclusiveLock on the index if there are any, which vs_ann_held_get has
 * taken.
 */
extern void vs_ann_held_write(Relation index);

/*
 * Drops the rows held back for the index.  For a build, which reads them from
 * the table.
 */
extern void vs_ann_held_forget(Relation index);

#endif							/* VS_ANN_HELD_ROWS_H */
