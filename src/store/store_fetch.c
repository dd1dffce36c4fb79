/*-------------------------------------------------------------------------
 * store_fetch.c
 *	  Fast path from a pointer to its vector, for the types' functions.
 *
 * The general detoasting opens and closes the TOAST relation with its lock for
 * each value.  The fast path keeps the lock to the end of the transaction, so
 * that the next request finds it in the local lock table.  It also looks for
 * the last page in the buffer in which it was, because a scan reads values in
 * the order of their pages.
 *
 * That shortcut skips the lock manager and the relation cache.  It is used
 * only in the (sub)transaction that holds the lock, and not after an
 * invalidation of the relation (a TRUNCATE, for example, gives it a new file).
 * The buffer may hold another page by then: ReadRecentBuffer checks that.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "compat/compat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "types/vector.h"
#include "utils/inval.h"
#include "utils/rel.h"

/* The page that the last value was read from. */
typedef struct LastPage
{
	Oid			store;			/* InvalidOid: none */
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	VsRelFileLocator locator;
	BlockNumber block;
	Buffer		buffer;			/* not pinned */
} LastPage;

static LastPage last_page;

static struct varlena *fetch_vector(struct varlena *value);
static void forget_page(Datum arg, Oid relid);

void
vs_store_fetch_init(void)
{
	CacheRegisterRelcacheCallback(forget_page, (Datum) 0);
	vs_vector_fetch_hook = fetch_vector;
}

static void
forget_page(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == last_page.store)
		last_page.store = InvalidOid;
}

/*
 * Pins the block if it is the last page and still in the same buffer.
 */
static bool
recent_page(Oid store, BlockNumber block)
{
	return last_page.store == store && last_page.block == block &&
		last_page.transaction == VS_MY_LXID &&
		last_page.subtransaction == GetCurrentSubTransactionId() &&
		ReadRecentBuffer(last_page.locator, MAIN_FORKNUM, block, last_page.buffer);
}

/*
 * Copies the value from the pinned page if all of it lies there.  Prefetches
 * the memory of its neighbor, which a scan reads next.
 */
static struct varlena *
copy_from_page(Buffer buffer, const struct varatt_external *pointer)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber offset = vs_address_offset(pointer->va_valueid);
	Size		len = VARATT_EXTERNAL_GET_EXTSIZE(*pointer);
	struct varlena *result;
	VsChunk		chunk;

	if (!vs_chunk_locate(page, offset, pointer->va_valueid, 0, &chunk) ||
		chunk.len != len || OidIsValid(chunk.next))
		return NULL;
	VS_STOP_POINT("value: located");
	if (offset < PageGetMaxOffsetNumber(page))
	{
		const char *next = (const char *) page +
			ItemIdGetOffset(PageGetItemId(page, OffsetNumberNext(offset)));

		for (int i = 0; i < 8; i++)
			__builtin_prefetch(next + i * 64);
	}
	result = (struct varlena *) palloc(len + VARHDRSZ);
	memcpy(result, chunk.data - VARHDRSZ, len + VARHDRSZ);
	return result;
}

/*
 * The value in palloc'd memory; NULL if the pointer is not to a value store.
 */
static struct varlena *
fetch_vector(struct varlena *value)
{
	struct varatt_external pointer;
	struct varlena *result;
	BlockNumber block;
	Relation	store;
	Buffer		buffer;

	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	block = vs_address_block(pointer.va_valueid);

	if (!VS_SNAPSHOTS_GROW_OLD() && !VARATT_EXTERNAL_IS_COMPRESSED(pointer) &&
		recent_page(pointer.va_toastrelid, block))
	{
		vs_store_settle(last_page.buffer);
		result = copy_from_page(last_page.buffer, &pointer);
		ReleaseBuffer(last_page.buffer);
		if (result != NULL)
			return result;
	}

	LockRelationOid(pointer.va_toastrelid, AccessShareLock);
	store = RelationIdGetRelation(pointer.va_toastrelid);
	if (!RelationIsValid(store))
		return NULL;
	if (store->rd_tableam == NULL ||
		store->rd_tableam->relation_fetch_toast_slice != vs_store_fetch_toast_slice)
	{
		RelationClose(store);
		return NULL;
	}

	/* values of these types are never compressed in a value store */
	if (VARATT_EXTERNAL_IS_COMPRESSED(pointer))
		vs_store_corrupted(store, pointer.va_valueid, "vector that its row takes for compressed");
	buffer = ReadBuffer(store, block);
	vs_store_settle(buffer);
	vs_compat_test_old_snapshot(store, BufferGetPage(buffer));
	result = copy_from_page(buffer, &pointer);
	if (result == NULL)
	{
		/* several chunks, or damaged: leave both to general detoasting */
		Size		len = VARATT_EXTERNAL_GET_EXTSIZE(pointer);

		result = (struct varlena *) palloc(len + VARHDRSZ);
		SET_VARSIZE(result, len + VARHDRSZ);
		vs_store_read_chain(store, &buffer, pointer.va_valueid, len, 0, len,
							VARDATA(result));
	}
	last_page.store = pointer.va_toastrelid;
	last_page.transaction = VS_MY_LXID;
	last_page.subtransaction = GetCurrentSubTransactionId();
	last_page.locator = VS_REL_LOCATOR(store);
	last_page.block = BufferGetBlockNumber(buffer);
	last_page.buffer = buffer;
	ReleaseBuffer(buffer);
	RelationClose(store);
	return result;
}
