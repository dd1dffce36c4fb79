/*-------------------------------------------------------------------------
 * store_reuse.c
 *	  Pages on which this backend has deleted values.
 *
 * A session that upserts batch after batch frees as much as it writes, but the
 * free space map learns of that from VACUUM only.  So the writer also tries
 * pages whose deleted values no snapshot can see any more; trying such a page
 * prunes it.
 *
 * These are hints: a page may have no room (the deletion was rolled back, or
 * other backends were faster), and hints get lost when there are many.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat/compat.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define RINGS 8
#define RING_SIZE 512

typedef struct Hint
{
	BlockNumber block;
	FullTransactionId xid;		/* the transaction that deleted a value there */
} Hint;

/* Hints on one store, oldest first. */
typedef struct Ring
{
	VsRelFileLocator locator;
	uint32		head;			/* next to take */
	uint32		tail;			/* next to fill; tail - head <= RING_SIZE */
	Hint		hints[RING_SIZE];
} Ring;

static Ring rings[RINGS];

/*
 * The ring of the store, or NULL.  With 'claim', another store's ring is
 * cleared and taken.
 */
static Ring *
ring_of(Relation store, bool claim)
{
	Ring	   *ring = &rings[RelationGetRelid(store) % RINGS];

	if (memcmp(&ring->locator, &VS_REL_LOCATOR(store), sizeof(VsRelFileLocator)) == 0)
		return ring;
	if (!claim)
		return NULL;
	ring->locator = VS_REL_LOCATOR(store);
	ring->head = ring->tail = 0;
	return ring;
}

void
vs_store_reuse_note(Relation store, BlockNumber block, FullTransactionId xid)
{
	Ring	   *ring = ring_of(store, true);
	Hint	   *last = &ring->hints[(ring->tail - 1) % RING_SIZE];

	if (ring->tail != ring->head && last->block == block)
	{
		last->xid = xid;
		return;
	}
	if (ring->tail - ring->head == RING_SIZE)
		ring->head++;
	ring->hints[ring->tail++ % RING_SIZE] = (Hint){block, xid};
}

BlockNumber
vs_store_reuse_take(Relation store)
{
	Ring	   *ring = ring_of(store, false);
	Hint	   *hint;

	if (ring == NULL || ring->head == ring->tail)
		return InvalidBlockNumber;
	hint = &ring->hints[ring->head % RING_SIZE];
	if (!GlobalVisCheckRemovableFullXid(store, hint->xid))
		return InvalidBlockNumber;
	ring->head++;

	/* VACUUM may have cut the store meanwhile */
	return hint->block < RelationGetNumberOfBlocks(store) ? hint->block : InvalidBlockNumber;
}
