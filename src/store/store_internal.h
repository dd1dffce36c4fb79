/*-------------------------------------------------------------------------
 * store_internal.h
 *	  Shared by the files of store/ only.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STORE_INTERNAL_H
#define VS_STORE_INTERNAL_H

#include "postgres.h"

#include "compat/compat.h"
#include "storage/block.h"
#include "storage/buf.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "store/store_page.h"
#include "util/stop_point.h"
#include "utils/relcache.h"

/*
 * A page chosen for writing: pinned, locked exclusively, initialized, and with
 * its visibility map page pinned if it is marked all-visible.
 */
typedef struct VsStorePage
{
	Buffer		buffer;
	Buffer		vmbuffer;		/* kept across pages, may be InvalidBuffer */
	BlockNumber block;
	Page		page;
} VsStorePage;

/*
 * Tuples that are planned for a page before they are written.  As long as the
 * page stays locked, PageAddItem will choose the planned offsets.
 */
typedef struct VsPagePlan
{
	OffsetNumber next;			/* of the next tuple; Invalid if full */
	OffsetNumber limit;			/* first one beyond the line pointers */
	Size		space;			/* bytes between line pointers and tuples */
	BlockNumber block;
	Page		page;
} VsPagePlan;

/* store_init.c: vecstore.store_block_limit, to test a full store */
extern int	vs_store_block_limit;

/*
 * store_alloc.c
 *
 * vs_store_page_choose finds a page for a value that takes a tuple of 'whole'
 * bytes, or for the value's first part.  The caller must hold no page lock.
 * vs_store_page_choose_next finds a page with room for 'want' bytes of the
 * value's continuation, while the caller holds one page locked; it never waits
 * for a page lock.  out->vmbuffer must be valid or InvalidBuffer on entry.
 * Error: the store is full (ERRCODE_PROGRAM_LIMIT_EXCEEDED).
 *
 * vs_store_page_release unlocks and unpins the page, and keeps vmbuffer.
 */
extern void vs_store_page_choose(Relation store, Size whole, int options,
								 VsStorePage *out);
extern void vs_store_page_choose_next(Relation store, Size want, int options,
									  VsStorePage *out);
extern void vs_store_page_release(VsStorePage *page);

/*
 * Plans what PageAddItem will do on a page that the caller keeps locked:
 * vs_page_plan_space is the size of the largest tuple that fits, MAXALIGNed
 * down; vs_page_plan_add adds a tuple of len bytes, which must fit, and returns
 * its offset.
 */
extern void vs_page_plan_begin(VsPagePlan *plan, Page page, BlockNumber block);
extern Size vs_page_plan_space(const VsPagePlan *plan);
extern OffsetNumber vs_page_plan_add(VsPagePlan *plan, Size len);

/*
 * store_read.c
 *
 * vs_store_read_chain copies bytes [offset, offset + len) of the value.
 * *buffer may be InvalidBuffer or a pin on any page of the store; on return it
 * is a pin on the last page read.  A missing chunk is ERRCODE_DATA_CORRUPTED,
 * the error that vs_store_corrupted raises.
 */
extern void vs_store_read_chain(Relation store, Buffer *buffer, Oid address, int32 attrsize,
								int32 offset, int32 len, char *dest);
pg_noreturn extern void vs_store_corrupted(Relation store, Oid address, const char *problem);

/*
 * store_reuse.c
 *
 * vs_store_reuse_note notes that transaction xid deleted a value on the block.
 * vs_store_reuse_take takes the oldest note whose deletion is past the horizon
 * of all snapshots, or returns InvalidBlockNumber.  Both are hints: the block
 * may have no room, and notes may be lost.
 */
extern void vs_store_reuse_note(Relation store, BlockNumber block, FullTransactionId xid);
extern BlockNumber vs_store_reuse_take(Relation store);

/* store_fetch.c */
extern void vs_store_fetch_init(void);

/*
 * Call this after each pin on a page that is then read without its content
 * lock.  A backend that moves tuples on a page (pruning, VACUUM) makes sure
 * that no other backend has a pin when it begins, but a pin can be taken while
 * it moves them.  On a standby, a page whose image replay is restoring is
 * valid but all zeros.  Both hold the content lock exclusively until they are
 * done.  Once we have held that lock, our pin keeps the tuples in place.
 */
static inline void
vs_store_settle(Buffer buffer)
{
	VS_STOP_POINT("value: page pinned");
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

#endif							/* VS_STORE_INTERNAL_H */
