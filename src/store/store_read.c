/*-------------------------------------------------------------------------
 * store_read.c
 *	  Reads values by address.
 *
 * Pages are read with a pin; the content lock is taken for a moment after
 * pinning (vs_store_settle) and not kept.  That is safe for a value that some
 * snapshot of ours can see: its line pointer and its bytes change only under a
 * cleanup lock, which our pin keeps away, and other backends add tuples
 * elsewhere on the page.  heapgettup_pagemode does the same.  A stale address
 * may lead to any bytes, half-written tuples included.  vs_chunk_locate uses a
 * private copy of the line pointer and stays within the page, so the worst
 * outcome is the bytes of another value.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "commands/defrem.h"
#include "compat/compat.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "util/recent_pages.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Bytes of a value to prefetch; the processor then prefetches the rest. */
#define PREFETCH_BYTES	512

struct VsStoreReader
{
	Relation	store;			/* NULL: the table has none */
	VsRecentPages *recent;
	BlockNumber nblocks;		/* known to exist: our lock stops truncation */
	Buffer		buffer;			/* last page, pinned */
	char	   *copy;			/* a value of several chunks, as a varlena */
	Size		copy_size;
	MemoryContext context;
};

bool
vs_chunk_locate(Page page, OffsetNumber offset, Oid value, int32 seq, VsChunk *chunk)
{
	ItemIdData	item;
	const char *tuple;
	Size		size;
	Size		length;
	Oid			found_value;
	int32		found_seq;

	if (offset < FirstOffsetNumber || offset > PageGetMaxOffsetNumber(page))
		return false;
	item = *PageGetItemId(page, offset);
	if (!ItemIdIsNormal(&item))
		return false;
	length = ItemIdGetLength(&item);
	if (length < VS_CHUNK_DATA_OFFSET || ItemIdGetOffset(&item) + length > BLCKSZ ||
		ItemIdGetOffset(&item) < SizeOfPageHeaderData ||
		ItemIdGetOffset(&item) != MAXALIGN(ItemIdGetOffset(&item)))
		return false;

	tuple = (const char *) page + ItemIdGetOffset(&item);
	memcpy(&found_value, tuple + VS_CHUNK_ID_OFFSET, sizeof(Oid));
	memcpy(&found_seq, tuple + VS_CHUNK_SEQ_OFFSET, sizeof(int32));
	if (found_value != value || found_seq != seq || !VARATT_IS_4B_U(tuple + VS_CHUNK_VARLENA_OFFSET))
		return false;
	size = VARSIZE_4B(tuple + VS_CHUNK_VARLENA_OFFSET);
	if (size <= VARHDRSZ)
		return false;
	size -= VARHDRSZ;

	chunk->data = tuple + VS_CHUNK_DATA_OFFSET;
	chunk->len = size;
	chunk->next = InvalidOid;
	if (vs_chunk_is_linked((HeapTupleHeader) tuple))
	{
		if (VS_CHUNK_DATA_OFFSET + size + VS_CHUNK_NEXT_SIZE > length)
			return false;
		memcpy(&chunk->next, chunk->data + size, sizeof(Oid));
	}
	return VS_CHUNK_DATA_OFFSET + size <= length;
}

void
vs_store_corrupted(Relation store, Oid address, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("%s in value store \"%s\"", problem, RelationGetRelationName(store)),
			 errdetail("Value address %u, block %u, line pointer %u.", address,
					   vs_address_block(address), vs_address_offset(address))));
}

/*
 * Pins the block, or keeps the pin if the block is pinned already.  False if
 * the store does not have the block.
 */
static bool
reader_page(VsStoreReader *reader, BlockNumber block)
{
	if (BufferIsValid(reader->buffer) && BufferGetBlockNumber(reader->buffer) == block)
		return true;
	if (block >= reader->nblocks)
	{
		reader->nblocks = RelationGetNumberOfBlocks(reader->store);
		if (block >= reader->nblocks)
			return false;
	}
	if (BufferIsValid(reader->buffer))
		ReleaseBuffer(reader->buffer);
	reader->buffer = InvalidBuffer;
	reader->buffer = vs_recent_read(reader->recent, reader->store, block);
	vs_store_settle(reader->buffer);
	return true;
}

void
vs_store_read_chain(Relation store, Buffer *buffer, Oid address, int32 attrsize,
					int32 offset, int32 len, char *dest)
{
	Oid			at = address;
	Size		from = offset;
	Size		to = (Size) offset + len;
	Size		start = 0;		/* of the current chunk in the value */

	Assert(offset >= 0 && len >= 0 && offset + len <= attrsize);
	for (int32 seq = 0; start < to; seq++)
	{
		BlockNumber block = vs_address_block(at);
		VsChunk		chunk;

		CHECK_FOR_INTERRUPTS();
		if (!OidIsValid(at))
			vs_store_corrupted(store, address, "missing chunk");
		*buffer = ReleaseAndReadBuffer(*buffer, store, block);
		vs_store_settle(*buffer);
		vs_compat_test_old_snapshot(store, BufferGetPage(*buffer));
		if (!vs_chunk_locate(BufferGetPage(*buffer), vs_address_offset(at), address, seq,
							 &chunk))
			vs_store_corrupted(store, address, "missing chunk");
		VS_STOP_POINT("value: located");
		if (start + chunk.len > (Size) attrsize ||
			(start + chunk.len < (Size) attrsize) != OidIsValid(chunk.next))
			vs_store_corrupted(store, address, "value of unexpected size");

		if (start + chunk.len > from)
		{
			Size		skip = from > start ? from - start : 0;
			Size		take = Min(start + chunk.len, to) - (start + skip);

			memcpy(dest, chunk.data + skip, take);
			dest += take;
		}
		start += chunk.len;
		at = chunk.next;
	}
}

void
vs_store_read_slice(Relation store, Oid address, int32 attrsize, int32 offset,
					int32 len, char *dest)
{
	Buffer		buffer = InvalidBuffer;

	vs_store_read_chain(store, &buffer, address, attrsize, offset, len, dest);
	if (BufferIsValid(buffer))
		ReleaseBuffer(buffer);
}

bool
vs_store_value_exists(Relation store, Oid address, Size len)
{
	VsStoreReader reader;
	Oid			at = address;
	Size		done = 0;

	memset(&reader, 0, sizeof(reader));
	reader.store = store;
	for (int32 seq = 0; OidIsValid(at) && done < len; seq++)
	{
		VsChunk		chunk;

		if (!reader_page(&reader, vs_address_block(at)) ||
			!vs_chunk_locate(BufferGetPage(reader.buffer), vs_address_offset(at),
							 address, seq, &chunk))
			break;
		done += chunk.len;
		at = chunk.next;
	}
	if (BufferIsValid(reader.buffer))
		ReleaseBuffer(reader.buffer);
	return done == len && !OidIsValid(at);
}

void
vs_store_fetch_toast_slice(Relation toastrel, Oid valueid, int32 attrsize,
						   int32 sliceoffset, int32 slicelength, struct varlena *result)
{
	vs_store_read_slice(toastrel, valueid, attrsize, sliceoffset, slicelength,
						VARDATA(result));
}

Oid
vs_store_pointer_relid(Relation table)
{
	return OidIsValid(table->rd_toastoid) ? table->rd_toastoid : table->rd_rel->reltoastrelid;
}

bool
vs_store_is_store(Relation store)
{
	return store->rd_tableam != NULL &&
		store->rd_tableam->relation_fetch_toast_slice == vs_store_fetch_toast_slice;
}

void
vs_store_refuse(Relation store)
{
	char	   *am = get_am_name(store->rd_rel->relam);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("\"%s\" is not a value store of access method vecstore",
					RelationGetRelationName(store)),
			 errdetail("It has access method \"%s\". A tool that copies tables may have made it under another default_table_access_method.",
					   am != NULL ? am : "none"),
			 errhint("Drop the vecann indexes of its table, ALTER the table SET ACCESS METHOD heap and then vecstore, and create them again.")));
}

Relation
vs_store_open(Relation table, LOCKMODE lockmode)
{
	Relation	store = table_open(table->rd_rel->reltoastrelid, lockmode);

	if (unlikely(!vs_store_is_store(store)))
		vs_store_refuse(store);
	return store;
}

bool
vs_store_datum_address(Relation table, Datum value, Oid *address, Size *len)
{
	struct varlena *attr = (struct varlena *) DatumGetPointer(value);
	struct varatt_external pointer;

	if (!VARATT_IS_EXTERNAL_ONDISK(attr))
		return false;
	VARATT_EXTERNAL_GET_POINTER(pointer, attr);
	if (pointer.va_toastrelid != vs_store_pointer_relid(table) ||
		VARATT_EXTERNAL_IS_COMPRESSED(pointer))
		return false;
	*address = pointer.va_valueid;
	*len = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	return true;
}

VsStoreReader *
vs_store_reader_open(Relation table)
{
	VsStoreReader *reader = palloc0(sizeof(VsStoreReader));

	if (OidIsValid(table->rd_rel->reltoastrelid))
	{
		reader->store = vs_store_open(table, AccessShareLock);
		reader->recent = vs_recent_pages(reader->store);
	}
	reader->buffer = InvalidBuffer;
	reader->context = CurrentMemoryContext;
	return reader;
}

/*
 * Copies a value of several chunks into the reader's memory.
 */
static const void *
reader_assemble(VsStoreReader *reader, Oid address, Size len)
{
	Oid			at = address;
	Size		done = 0;

	if (reader->copy_size < len)
	{
		if (reader->copy)
			pfree(reader->copy);
		reader->copy = NULL;
		reader->copy = MemoryContextAlloc(reader->context, len + VARHDRSZ);
		reader->copy_size = len;
	}
	for (int32 seq = 0; done < len; seq++)
	{
		VsChunk		chunk;

		if (!OidIsValid(at) || !reader_page(reader, vs_address_block(at)) ||
			!vs_chunk_locate(BufferGetPage(reader->buffer), vs_address_offset(at),
							 address, seq, &chunk) ||
			done + chunk.len > len)
			return NULL;
		memcpy(reader->copy + VARHDRSZ + done, chunk.data, chunk.len);
		done += chunk.len;
		at = chunk.next;
	}
	return OidIsValid(at) ? NULL : reader->copy + VARHDRSZ;
}

const void *
vs_store_reader_get(VsStoreReader *reader, Oid address, Size len)
{
	VsChunk		chunk;

	if (reader->store == NULL || !OidIsValid(address) ||
		!reader_page(reader, vs_address_block(address)) ||
		!vs_chunk_locate(BufferGetPage(reader->buffer), vs_address_offset(address),
						 address, 0, &chunk))
		return NULL;
	VS_STOP_POINT("value: located");
	if (!OidIsValid(chunk.next))
		return chunk.len == len ? chunk.data : NULL;
	if (chunk.len >= len)
		return NULL;
	return reader_assemble(reader, address, len);
}

/*
 * Prefetches the chunk's tuple into the processor's cache.  The page is not
 * pinned, so its place is a guess.
 */
static void
prefetch_tuple(VsStoreReader *reader, Oid address)
{
	BlockNumber block = vs_address_block(address);
	const char *page = vs_recent_peek(reader->recent, reader->store, block);
	ItemIdData	item;
	int			offset;

	if (page == NULL)
		return;
#ifdef USE_VALGRIND
	/* valgrind would report the access to a page that is not pinned */
	return;
#endif
	item = *PageGetItemId((Page) page, vs_address_offset(address));
	offset = ItemIdGetOffset(&item);
	if (offset < BLCKSZ)
		vs_recent_prefetch(reader->recent, reader->store, block, offset,
						   Min(BLCKSZ - offset, Min(PREFETCH_BYTES, (int) ItemIdGetLength(&item) + 1)));
}

/*
 * Reads from disk, or from memory if the page is remembered to be in a buffer.
 */
void
vs_store_reader_prefetch(VsStoreReader *reader, const Oid *addresses, int n)
{
	BlockNumber previous = InvalidBlockNumber;

	if (reader->store == NULL)
		return;
	for (int i = 0; i < n; i++)
	{
		BlockNumber block = vs_address_block(addresses[i]);

		if (!OidIsValid(addresses[i]))
			continue;
		if (vs_recent_peek(reader->recent, reader->store, block) != NULL)
			vs_recent_prefetch(reader->recent, reader->store, block,
							   SizeOfPageHeaderData + (vs_address_offset(addresses[i]) - 1) * sizeof(ItemIdData),
							   sizeof(ItemIdData));
		else if (block != previous && block < reader->nblocks)
			PrefetchBuffer(reader->store, MAIN_FORKNUM, block);
		previous = block;
	}
	for (int i = 0; i < n; i++)
	{
		if (OidIsValid(addresses[i]))
			prefetch_tuple(reader, addresses[i]);
	}
}

void
vs_store_reader_close(VsStoreReader *reader)
{
	if (BufferIsValid(reader->buffer))
		ReleaseBuffer(reader->buffer);
	if (reader->store)
		table_close(reader->store, NoLock);
	if (reader->copy)
		pfree(reader->copy);
	pfree(reader);
}
