/*-------------------------------------------------------------------------
 * store_write.c
 *	  Writes values into the value store.
 *
 * The address of a chunk is known before the chunk is written: it is the
 * offset that PageAddItem will choose on a page that stays locked.  A chunk
 * with a continuation contains the continuation's address, so the next page is
 * chosen and locked before the current one is written.  At most two pages are
 * locked at a time (store_alloc.c says why that cannot deadlock).  WAL is
 * written in the order of the data, which logical decoding needs.
 *
 * Records are heapam's: XLOG_HEAP_INSERT for one chunk on a page,
 * XLOG_HEAP2_MULTI_INSERT for several.  If the relation is logically logged,
 * each chunk gets a record of its own, because only XLOG_HEAP_INSERT carries
 * XLH_INSERT_ON_TOAST_RELATION, which keeps a streamed transaction from being
 * cut between a chunk and its row.
 *
 * No predicate locks are taken or checked here: queries read the store only
 * through rows, and heapam locks these.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heapam_xlog.h"
#include "access/visibilitymap.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "utils/rel.h"

/* A chunk planned for the current page. */
typedef struct Piece
{
	Oid			value;
	int32		seq;
	const char *data;
	Size		len;
	OffsetNumber offset;
	Oid			next;			/* InvalidOid: the value's last chunk */
} Piece;

typedef struct WriteState
{
	Relation	store;
	TransactionId xid;
	CommandId	cid;
	int			options;
	bool		logical;		/* logically logged: one record per chunk */
	VsStorePage page;
	VsPagePlan	plan;
	int			npieces;
	Piece		pieces[MaxHeapTuplesPerPage];
	int64		nwritten;
} WriteState;

static void page_begin(WriteState *state);
static void page_write(WriteState *state);
static Size chunk_build(const WriteState *state, const Piece *piece, char *image);
static void log_insert(const WriteState *state, const Piece *piece, bool cleared, bool init);
static void log_multi_insert(const WriteState *state, bool cleared, bool init);

static inline Size
chunk_size(Size data_len)
{
	return VS_CHUNK_DATA_OFFSET + data_len;
}

/*
 * Plans the next chunk of a value of which 'done' bytes are planned, on the
 * current page; returns the number of bytes in it.  If the rest does not fit,
 * locks the continuation's page into *next_page and sets the link to it.
 */
static Size
plan_chunk(WriteState *state, VsStoreValue *value, Size done, int32 seq,
		   VsStorePage *next_page)
{
	Piece	   *piece = &state->pieces[state->npieces++];
	Size		rest = value->len - done;
	Size		room = vs_page_plan_space(&state->plan);
	Size		len = rest;

	piece->data = value->data + done;
	piece->seq = seq;
	piece->next = InvalidOid;

	if (MAXALIGN(chunk_size(rest)) > room)
	{
		VsPagePlan	next_plan;

		len = Min(room, MaxHeapTupleSize) - VS_CHUNK_DATA_OFFSET - VS_CHUNK_NEXT_SIZE;
		vs_store_page_choose_next(state->store, chunk_size(rest - len), state->options,
								  next_page);
		vs_page_plan_begin(&next_plan, next_page->page, next_page->block);
		piece->next = vs_address_make(next_page->block, next_plan.next);
		piece->offset = vs_page_plan_add(&state->plan, chunk_size(len) + VS_CHUNK_NEXT_SIZE);
	}
	else
		piece->offset = vs_page_plan_add(&state->plan, chunk_size(len));
	piece->len = len;

	if (seq == 0)
		value->address = vs_address_make(state->page.block, piece->offset);
	piece->value = value->address;
	return len;
}

void
vs_store_write(Relation store, VsStoreValue *values, int n, CommandId cid, int options)
{
	WriteState	write;
	WriteState *state = &write;

	if (n == 0)
		return;
	if (IsParallelWorker())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot insert tuples in a parallel worker")));

	state->xid = GetCurrentTransactionId();
	state->store = store;
	state->cid = cid;
	state->options = options;
	state->logical = RelationIsLogicallyLogged(store) &&
		(options & HEAP_INSERT_NO_LOGICAL) == 0;
	state->page.buffer = InvalidBuffer;
	state->page.vmbuffer = InvalidBuffer;
	state->npieces = 0;
	state->nwritten = 0;

	for (int i = 0; i < n; i++)
	{
		VsStoreValue *value = &values[i];
		Size		done = 0;
		int32		seq = 0;

		Assert(value->len > 0);
		if (state->page.buffer != InvalidBuffer &&
			MAXALIGN(chunk_size(value->len)) > vs_page_plan_space(&state->plan))
			page_write(state);
		if (state->page.buffer == InvalidBuffer)
		{
			Size		whole = chunk_size(Min(value->len, VS_CHUNK_MAX_DATA));

			CHECK_FOR_INTERRUPTS();
			vs_store_page_choose(store, whole, options, &state->page);
			page_begin(state);
		}
		for (;;)
		{
			VsStorePage next;

			next.buffer = InvalidBuffer;
			next.vmbuffer = InvalidBuffer;
			done += plan_chunk(state, value, done, seq++, &next);
			if (done == value->len)
				break;
			page_write(state);
			if (state->page.vmbuffer != InvalidBuffer)
				ReleaseBuffer(state->page.vmbuffer);
			state->page = next;
			page_begin(state);
		}
	}
	page_write(state);
	if (state->page.vmbuffer != InvalidBuffer)
		ReleaseBuffer(state->page.vmbuffer);

	pgstat_count_heap_insert(store, state->nwritten);
}

static void
page_begin(WriteState *state)
{
	vs_page_plan_begin(&state->plan, state->page.page, state->page.block);
	state->npieces = 0;
}

/*
 * Adds the planned chunks to the current page, logs them and releases the page.
 */
static void
page_write(WriteState *state)
{
	Buffer		buffer = state->page.buffer;
	Page		page = state->page.page;
	bool		init = PageGetMaxOffsetNumber(page) == 0;
	bool		cleared = false;
	bool		wal = RelationNeedsWAL(state->store);
	union
	{
		char		image[BLCKSZ];
		double		align;
	} chunk;

	/* no ereport(ERROR) until the changes are logged */
	START_CRIT_SECTION();

	if (PageIsAllVisible(page))
	{
		cleared = true;
		PageClearAllVisible(page);
		visibilitymap_clear(state->store, state->page.block, state->page.vmbuffer,
							VISIBILITYMAP_VALID_BITS);
	}
	MarkBufferDirty(buffer);

	for (int i = 0; i < state->npieces; i++)
	{
		Piece	   *piece = &state->pieces[i];
		Size		len = chunk_build(state, piece, chunk.image);

		if (PageAddItem(page, (Item) chunk.image, len, InvalidOffsetNumber, false,
						true) != piece->offset)
			elog(PANIC, "chunk was not added at the offset planned for it");
		if (wal && (state->logical || state->npieces == 1))
			log_insert(state, piece, cleared && i == 0, init && i == 0);
	}
	if (wal && !state->logical && state->npieces > 1)
		log_multi_insert(state, cleared, init);

	END_CRIT_SECTION();

	state->nwritten += state->npieces;
	state->npieces = 0;
	vs_store_page_release(&state->page);
}

/*
 * Builds the chunk's tuple, with the header that heap_insert would write.
 * Returns its length.  Runs in a critical section.
 */
static Size
chunk_build(const WriteState *state, const Piece *piece, char *image)
{
	HeapTupleHeader tuple = (HeapTupleHeader) image;
	Size		len = chunk_size(piece->len);

	memset(image, 0, VS_CHUNK_DATA_OFFSET);
	tuple->t_hoff = VS_CHUNK_ID_OFFSET;
	tuple->t_infomask = HEAP_HASVARWIDTH | HEAP_XMAX_INVALID;
	HeapTupleHeaderSetNatts(tuple, VS_CHUNK_NATTS);
	HeapTupleHeaderSetXmin(tuple, state->xid);
	if (state->options & HEAP_INSERT_FROZEN)
		HeapTupleHeaderSetXminFrozen(tuple);
	HeapTupleHeaderSetCmin(tuple, state->cid);
	HeapTupleHeaderSetXmax(tuple, InvalidTransactionId);
	ItemPointerSet(&tuple->t_ctid, state->page.block, piece->offset);

	memcpy(image + VS_CHUNK_ID_OFFSET, &piece->value, sizeof(Oid));
	memcpy(image + VS_CHUNK_SEQ_OFFSET, &piece->seq, sizeof(int32));
	SET_VARSIZE(image + VS_CHUNK_VARLENA_OFFSET, piece->len + VARHDRSZ);
	memcpy(image + VS_CHUNK_DATA_OFFSET, piece->data, piece->len);

	if (OidIsValid(piece->next))
	{
		Assert(piece->len % VS_CHUNK_NEXT_SIZE == 0);
		HeapTupleHeaderSetNatts(tuple, VS_CHUNK_NATTS_LINKED);
		memcpy(image + len, &piece->next, sizeof(Oid));
		len += VS_CHUNK_NEXT_SIZE;
	}
	return len;
}

/*
 * Logs the chunk that was just added to the page, as heap_insert does.
 */
static void
log_insert(const WriteState *state, const Piece *piece, bool cleared, bool init)
{
	Page		page = state->page.page;
	ItemId		item = PageGetItemId(page, piece->offset);
	HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, item);
	xl_heap_insert record;
	xl_heap_header header;
	uint8		info = XLOG_HEAP_INSERT;
	int			flags = REGBUF_STANDARD;
	XLogRecPtr	lsn;

	record.offnum = piece->offset;
	record.flags = cleared ? XLH_INSERT_ALL_VISIBLE_CLEARED : 0;
	if (init)
	{
		info |= XLOG_HEAP_INIT_PAGE;
		flags |= REGBUF_WILL_INIT;
	}
	if (state->logical)
	{
		record.flags |= XLH_INSERT_CONTAINS_NEW_TUPLE | XLH_INSERT_ON_TOAST_RELATION;
		flags |= REGBUF_KEEP_DATA;
	}
	header.t_infomask2 = tuple->t_infomask2;
	header.t_infomask = tuple->t_infomask;
	header.t_hoff = tuple->t_hoff;

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapInsert);
	XLogRegisterBuffer(0, state->page.buffer, flags);
	XLogRegisterBufData(0, (char *) &header, SizeOfHeapHeader);
	XLogRegisterBufData(0, (char *) tuple + SizeofHeapTupleHeader,
						ItemIdGetLength(item) - SizeofHeapTupleHeader);
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	lsn = XLogInsert(RM_HEAP_ID, info);
	PageSetLSN(page, lsn);
}

/*
 * Logs all chunks planned for the page, as heap_multi_insert does.
 */
static void
log_multi_insert(const WriteState *state, bool cleared, bool init)
{
	Page		page = state->page.page;
	PGAlignedBlock scratch;
	xl_heap_multi_insert *record = (xl_heap_multi_insert *) scratch.data;
	char	   *start = scratch.data + SizeOfHeapMultiInsert;
	char	   *end;
	uint8		info = XLOG_HEAP2_MULTI_INSERT;
	int			flags = REGBUF_STANDARD;
	XLogRecPtr	lsn;

	record->flags = cleared ? XLH_INSERT_ALL_VISIBLE_CLEARED : 0;
	record->ntuples = state->npieces;
	if (init)
	{
		info |= XLOG_HEAP_INIT_PAGE;
		flags |= REGBUF_WILL_INIT;
	}
	else
	{
		for (int i = 0; i < state->npieces; i++)
			record->offsets[i] = state->pieces[i].offset;
		start += state->npieces * sizeof(OffsetNumber);
	}

	end = start;
	for (int i = 0; i < state->npieces; i++)
	{
		ItemId		item = PageGetItemId(page, state->pieces[i].offset);
		HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, item);
		xl_multi_insert_tuple *header = (xl_multi_insert_tuple *) SHORTALIGN(end);

		end = (char *) header + SizeOfMultiInsertTuple;
		header->datalen = ItemIdGetLength(item) - SizeofHeapTupleHeader;
		header->t_infomask2 = tuple->t_infomask2;
		header->t_infomask = tuple->t_infomask;
		header->t_hoff = tuple->t_hoff;
		memcpy(end, (char *) tuple + SizeofHeapTupleHeader, header->datalen);
		end += header->datalen;
	}
	Assert(end - scratch.data < BLCKSZ);

	XLogBeginInsert();
	XLogRegisterData((char *) record, start - scratch.data);
	XLogRegisterBuffer(0, state->page.buffer, flags);
	XLogRegisterBufData(0, start, end - start);
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	lsn = XLogInsert(RM_HEAP2_ID, info);
	PageSetLSN(page, lsn);
}
