/*-------------------------------------------------------------------------
 * store_fetch.c
 *	  Fast path from a pointer to its vector, for the types' functions.
 *
 * The general detoasting opens and closes the TOAST relation with its lock for
 * each value.  Here the lock, once taken, is kept to the end of the
 * transaction, so that the next request finds it in the local lock table, and a
 * value on one page is copied from the page at once, length word included.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "types/vector.h"
#include "utils/rel.h"

static struct varlena *fetch_vector(struct varlena *value);

void
vs_store_fetch_init(void)
{
	vs_vector_fetch_hook = fetch_vector;
}

/*
 * The value in palloc'd memory; NULL if the pointer is not to a value store or
 * the value is compressed.
 */
static struct varlena *
fetch_vector(struct varlena *value)
{
	struct varatt_external pointer;
	struct varlena *result;
	Relation	store;
	Buffer		buffer;
	VsChunk		chunk;
	Size		len;

	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	if (VARATT_EXTERNAL_IS_COMPRESSED(pointer))
		return NULL;

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

	len = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	result = (struct varlena *) palloc(len + VARHDRSZ);
	buffer = ReadBuffer(store, vs_address_block(pointer.va_valueid));
	if (vs_chunk_locate(BufferGetPage(buffer), vs_address_offset(pointer.va_valueid),
						pointer.va_valueid, 0, &chunk) &&
		chunk.len == len && !OidIsValid(chunk.next))
	{
		memcpy(result, chunk.data - VARHDRSZ, len + VARHDRSZ);
		ReleaseBuffer(buffer);
	}
	else
	{
		/* several chunks, or corrupted: the general way finds out */
		ReleaseBuffer(buffer);
		SET_VARSIZE(result, len + VARHDRSZ);
		vs_store_read_slice(store, pointer.va_valueid, len, 0, len, VARDATA(result));
	}
	RelationClose(store);
	return result;
}
