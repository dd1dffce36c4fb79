/*-------------------------------------------------------------------------
 * store_reclaim.c
 *	  Finds and deletes values that no row names.
 *
 * The caller (table/table_vacuum.c) decides which values these are.  It gets
 * the candidates, reports every address that a row has, and then has the others
 * deleted.  Candidates come in portions of bounded memory, in the order of
 * their pages; the caller reads its rows once for each portion.
 *
 * A candidate is a value whose first chunk the snapshot sees.  It stays where
 * it is as long as the snapshot holds back the horizon: its chunks can be
 * deleted meanwhile, but not removed, so that their line pointers hold no other
 * value.  A chunk that heapam's own toaster wrote is no candidate, because its
 * chunk_id is no address.
 *
 * Locks: one page at a time, share-locked.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "compat/compat.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define INITIAL_CANDIDATES	4096

/*
 * The addresses ascend by block, then by offset.
 */
struct VsCandidates
{
	Relation	store;
	Snapshot	snapshot;
	BufferAccessStrategy strategy;
	BlockNumber next;			/* first block not read */
	BlockNumber nblocks;
	Size		max;			/* of a portion */
	Size		size;			/* of the arrays */
	Size		n;
	Oid		   *addresses;
	bool	   *named;
};

/*
 * Looks for values that the snapshot sees and whose first chunk lies in the
 * block.  Returns how many there are, and puts their addresses into an array of
 * MaxHeapTuplesPerPage, unless it is NULL.
 */
static int
block_values(Relation store, BlockNumber block, Snapshot snapshot,
			 BufferAccessStrategy strategy, Oid *addresses)
{
	Buffer		buffer = ReadBufferExtended(store, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	Page		page = BufferGetPage(buffer);
	OffsetNumber last;
	int			n = 0;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	last = PageIsNew(page) ? 0 : Min(PageGetMaxOffsetNumber(page), vs_address_max_offset(block));
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		Oid			address = vs_address_make(block, offset);
		HeapTupleData tuple;
		VsChunk		chunk;

		if (!vs_chunk_locate(page, offset, address, 0, &chunk))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, offset));
		tuple.t_len = ItemIdGetLength(PageGetItemId(page, offset));
		tuple.t_tableOid = RelationGetRelid(store);
		ItemPointerSet(&tuple.t_self, block, offset);
		if (!HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer))
			continue;
		if (addresses != NULL)
			addresses[n] = address;
		n++;
	}
	UnlockReleaseBuffer(buffer);
	return n;
}

int
vs_store_block_count(Relation store, BlockNumber block, Snapshot snapshot,
					 BufferAccessStrategy strategy)
{
	return block_values(store, block, snapshot, strategy, NULL);
}

VsCandidates *
vs_store_candidates_begin(Relation store, Snapshot snapshot, BufferAccessStrategy strategy,
						  Size memory)
{
	VsCandidates *result = palloc0(sizeof(VsCandidates));

	result->store = store;
	result->snapshot = snapshot;
	result->strategy = strategy;
	result->nblocks = RelationGetNumberOfBlocks(store);
	result->max = Max(memory / (sizeof(Oid) + sizeof(bool)), INITIAL_CANDIDATES);
	result->size = INITIAL_CANDIDATES;
	result->addresses = palloc(result->size * sizeof(Oid));
	result->named = palloc(result->size * sizeof(bool));
	return result;
}

static void
candidates_grow(VsCandidates *candidates)
{
	candidates->size = Min(candidates->size * 2, candidates->max);
	candidates->addresses = repalloc_huge(candidates->addresses, candidates->size * sizeof(Oid));
	candidates->named = repalloc_huge(candidates->named, candidates->size * sizeof(bool));
}

bool
vs_store_candidates_next(VsCandidates *candidates)
{
	candidates->n = 0;
	while (candidates->next < candidates->nblocks)
	{
		if (candidates->n + MaxHeapTuplesPerPage > candidates->size)
		{
			if (candidates->size == candidates->max)
				break;
			candidates_grow(candidates);
			continue;
		}
		VS_VACUUM_DELAY_POINT();
		candidates->n += block_values(candidates->store, candidates->next++,
									  candidates->snapshot, candidates->strategy,
									  candidates->addresses + candidates->n);
	}
	memset(candidates->named, 0, candidates->n * sizeof(bool));
	return candidates->n > 0;
}

/* Key by which candidates are in order. */
static inline uint64
address_key(Oid address)
{
	return (uint64) vs_address_block(address) << 16 | vs_address_offset(address);
}

void
vs_store_candidate_named(VsCandidates *candidates, Oid address)
{
	uint64		key = address_key(address);
	Size		low = 0;
	Size		high = candidates->n;

	while (low < high)
	{
		Size		middle = low + (high - low) / 2;

		if (address_key(candidates->addresses[middle]) < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < candidates->n && candidates->addresses[low] == address)
		candidates->named[low] = true;
}

/*
 * Marks the chunks of a value deleted, until one is missing or was deleted by
 * another transaction.  Returns whether the first chunk was deleted.
 */
static bool
delete_value(VsCandidates *candidates, Oid address, CommandId cid)
{
	Relation	store = candidates->store;
	Oid			at = address;
	int32		seq = 0;

	while (OidIsValid(at) && vs_address_block(at) < candidates->nblocks)
	{
		Buffer		buffer = ReadBuffer(store, vs_address_block(at));
		TM_FailureData failure;
		ItemPointerData tid;
		VsChunk		chunk;
		bool		found;

		vs_store_settle(buffer);
		found = vs_chunk_locate(BufferGetPage(buffer), vs_address_offset(at), address,
								seq, &chunk);
		ReleaseBuffer(buffer);
		ItemPointerSet(&tid, vs_address_block(at), vs_address_offset(at));
		if (!found ||
			heap_delete(store, &tid, cid, InvalidSnapshot, false, &failure, false) != TM_Ok)
			break;
		at = chunk.next;
		seq++;
	}
	return seq > 0;
}

bool
vs_store_candidates_unnamed(const VsCandidates *candidates)
{
	return memchr(candidates->named, 0, candidates->n) != NULL;
}

int64
vs_store_candidates_delete(VsCandidates *candidates, CommandId cid)
{
	int64		deleted = 0;

	for (Size i = 0; i < candidates->n; i++)
	{
		if (candidates->named[i])
			continue;
		VS_VACUUM_DELAY_POINT();
		if (delete_value(candidates, candidates->addresses[i], cid))
			deleted++;
	}
	return deleted;
}

void
vs_store_candidates_end(VsCandidates *candidates)
{
	pfree(candidates->addresses);
	pfree(candidates->named);
	pfree(candidates);
}
