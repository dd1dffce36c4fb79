/*-------------------------------------------------------------------------
 * store_release.c
 *	  Marks values deleted.
 *
 * heap_delete deletes a chunk, so that its space comes back by the usual
 * horizon.  Chunks belong to one row's versions, and the caller holds the
 * row's lock: no other backend can be deleting them, and any result except for
 * TM_Ok means that two rows share a value.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
vs_store_release(Relation store, Oid address, CommandId cid, bool speculative)
{
	Oid			at = address;

	for (int32 seq = 0; OidIsValid(at); seq++)
	{
		Buffer		buffer = ReadBuffer(store, vs_address_block(at));
		VsChunk		chunk;
		ItemPointerData tid;
		bool		found;

		vs_store_settle(buffer);
		found = vs_chunk_locate(BufferGetPage(buffer), vs_address_offset(at), address,
								seq, &chunk);
		ReleaseBuffer(buffer);
		if (!found)
			vs_store_corrupted(store, address, "missing chunk");

		ItemPointerSet(&tid, vs_address_block(at), vs_address_offset(at));
		if (speculative)
			heap_abort_speculative(store, &tid);
		else
		{
			TM_FailureData failure;

			if (heap_delete(store, &tid, cid, InvalidSnapshot, true, &failure, false) != TM_Ok)
				vs_store_corrupted(store, address, "value deleted already");
			vs_store_reuse_note(store, vs_address_block(at), GetCurrentFullTransactionId());
		}
		at = chunk.next;
	}
}
