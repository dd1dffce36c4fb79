/*-------------------------------------------------------------------------
 * ann_list_copy.h
 *	  Taking entries out of a list.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_LIST_COPY_H
#define VS_ANN_LIST_COPY_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_spool.h"

/*
 * Puts the ids (and the codes, if values are bits) of the list's live entries
 * into the spool.  Needs the seal lock.
 */
extern void vs_ann_list_collect(const VsAnn *ann, BlockNumber head, VsAnnSpool *spool);

/*
 * Calls visit for each live entry of a list, with its 1-bit code.  No lock is
 * held during the calls.  Needs the seal lock.
 */
extern void vs_ann_list_codes(const VsAnn *ann, BlockNumber head,
							  void (*visit) (const VsAnnId *id, const uint8 *code, void *arg),
							  void *arg);

/*
 * Copies the live entries of one list, codes included, to an empty list with
 * the same centroid.  Returns their number.  The epoch marks the pages made
 * on the way.  Needs the seal lock.
 */
extern int64 vs_ann_list_copy(const VsAnn *ann, BlockNumber from, BlockNumber to, uint32 epoch);

#endif							/* VS_ANN_LIST_COPY_H */
