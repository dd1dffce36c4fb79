/*-------------------------------------------------------------------------
 * ann_held_rows.h
 *	  Rows that a session holds back from the pending pages.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_HELD_ROWS_H
#define VS_ANN_HELD_ROWS_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"

typedef struct VsAnnHeldRows VsAnnHeldRows;

/* Incremented whenever a buffer is freed; pointers got under an older epoch dangle. */
extern uint64 vs_ann_held_epoch;

/* Registers the transaction callbacks; once, at load. */
extern void vs_ann_held_init(void);

/* The session's buffer for the index, made now if there is none (*fresh). */
extern VsAnnHeldRows *vs_ann_held_get(Relation index, Relation heap, bool *fresh);
extern const VsAnn *vs_ann_held_ann(const VsAnnHeldRows *buffer);

/* Holds a row back.  Returns whether rows were written, because memory was full. */
extern bool vs_ann_held_put(VsAnnHeldRows *buffer, Relation index, const VsAnnId *id,
							const void *payload);

/* Writes the rows held back for the index to its pending pages. */
extern void vs_ann_held_write(Relation index);

/* Drops them, when the index gets a new file. */
extern void vs_ann_held_forget(Relation index);

#endif							/* VS_ANN_HELD_ROWS_H */
