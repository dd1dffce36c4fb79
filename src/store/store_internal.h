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
 * A page chosen for writing: pinned, locked exclusively, initialised, and with
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
 * Tuples planned for a page before they are written.  Offsets are those that
 * PageAddItem will choose, as long as the page stays locked.
 */
typedef struct VsPagePlan
{
	OffsetNumber next;			/* offset of the next tuple, or Invalid: full */
	OffsetNumber limit;			/* first offset beyond the line pointer array */
	Size		space;			/* bytes left between line pointers and tuples */
	BlockNumber block;
	Page		page;
} VsPagePlan;

/* store_init.c: vecstore.store_block_limit, for tests of the full store */
extern int	vs_store_block_limit;

/* store_alloc.c */
extern void vs_store_page_choose(Relation store, Size whole, int options,
								 VsStorePage *out);
extern void vs_store_page_choose_next(Relation store, Size want, int options,
									  VsStorePage *out);
extern void vs_store_page_release(VsStorePage *page);

extern void vs_page_plan_begin(VsPagePlan *plan, Page page, BlockNumber block);
extern Size vs_page_plan_space(const VsPagePlan *plan);
extern OffsetNumber vs_page_plan_add(VsPagePlan *plan, Size len);

/* store_read.c */
extern void vs_store_read_chain(Relation store, Buffer *buffer, Oid address, int32 attrsize,
								int32 offset, int32 len, char *dest);
pg_noreturn extern void vs_store_corrupted(Relation store, Oid address, const char *problem);

/* store_reuse.c */
extern void vs_store_reuse_note(Relation store, BlockNumber block, FullTransactionId xid);
extern BlockNumber vs_store_reuse_take(Relation store);

/* store_fetch.c */
extern void vs_store_fetch_init(void);

/*
 * To be called after each pin on a page that is then read without its content
 * lock.  Whoever moves tuples on a page (pruning, VACUUM) makes sure that nobody
 * else has a pin when he begins, but a pin can be taken while he is at it; on a
 * standby, a page whose image replay is restoring is valid but all zeros.  Both
 * hold the content lock exclusively until they are done.  Once we have had it,
 * our pin keeps the tuples in place.
 */
static inline void
vs_store_settle(Buffer buffer)
{
	VS_STOP_POINT("value: page pinned");
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

#endif							/* VS_STORE_INTERNAL_H */
