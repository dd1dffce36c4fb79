/*-------------------------------------------------------------------------
 * store.h
 *	  The value store, which holds the values of a vecstore table out of line.
 *
 * A row holds a value as a standard on-disk TOAST pointer whose va_valueid is
 * the address of the value's first chunk in the table's TOAST relation.  The
 * layers above know only this header; addresses are opaque to them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STORE_H
#define VS_STORE_H

#include "postgres.h"

#include "compat/compat.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/*
 * Reading by address.
 *
 * A reader keeps the store relation open (AccessShareLock, held to the end of
 * the transaction) and the last page pinned.
 *
 * vs_store_reader_get returns the value's len bytes (the varlena's payload,
 * without its length word), or NULL if the address does not hold a value of
 * that size any more.  The latter is no error: an index may keep an address
 * whose row is dead and whose slot was reused.  A non-NULL result for such an
 * address may be another value, or one being written; the visibility of the
 * row decides.  The bytes stay valid until the next call on the reader.  They
 * are in the buffer itself if the value lies on one page (8-aligned from byte
 * 4 on, not copied), else in the reader's memory (the context current at
 * open), with the same alignment.
 *
 * vs_store_reader_prefetch starts reading the values' first chunks, for later
 * calls of vs_store_reader_get; an address of 0 is skipped.
 *
 * For a table without a TOAST relation the reader never finds a value.  The
 * reader must be closed under the resource owner that used it; on error the
 * owner releases the pin.
 */
typedef struct VsStoreReader VsStoreReader;

extern VsStoreReader *vs_store_reader_open(Relation table);
extern const void *vs_store_reader_get(VsStoreReader *reader, Oid address, Size len);
extern void vs_store_reader_prefetch(VsStoreReader *reader, const Oid *addresses, int n);
extern void vs_store_reader_close(VsStoreReader *reader);

/*
 * vs_store_open opens the table's TOAST relation, which must exist, with the
 * given lock.  A TOAST relation of another access method is no value store (a
 * tool that copied the table made it): vs_store_is_store is false for it, and
 * vs_store_open raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, as
 * vs_store_refuse does.  Detoasting can read its values; nothing can be stored.
 */
extern Relation vs_store_open(Relation table, LOCKMODE lockmode);
extern bool vs_store_is_store(Relation store);
pg_noreturn extern void vs_store_refuse(Relation store);

/*
 * Returns the address and payload length of an out-of-line value of the table,
 * as an index access method's aminsert gets it.  False for any other datum
 * (in-line, compressed, another table's): the caller then has to detoast it.
 */
extern bool vs_store_datum_address(Relation table, Datum value, Oid *address, Size *len);

/*
 * The relation that pointers of this table name: its TOAST relation, or during
 * a rewrite the one that this replaces.  InvalidOid if it has none.
 */
extern Oid	vs_store_pointer_relid(Relation table);

/*
 * Writing.
 *
 * A value is flat bytes in memory that no buffer owns.  vs_store_write stores
 * n values in order and sets their addresses; options are heap_insert's.  The
 * store relation must be open with RowExclusiveLock, and the caller must hold
 * no page lock.  WAL, visibility and statistics are those of heap insertions
 * by the current (sub)transaction at command cid.  Errors: the store is full
 * (ERRCODE_PROGRAM_LIMIT_EXCEEDED); not allowed in a parallel worker.
 */
typedef struct VsStoreValue
{
	const char *data;
	Size		len;			/* > 0 */
	Oid			address;		/* out */
} VsStoreValue;

extern void vs_store_write(Relation store, VsStoreValue *values, int n,
						   CommandId cid, int options);

/*
 * Marks the value deleted by the current transaction, as heap_delete does.
 * Call it only after the row's own update or delete has succeeded: the row's
 * lock keeps other backends off the chunks.  With 'speculative' it undoes the
 * insertion of a row that was withdrawn (heap_abort_speculative).  The store
 * must be open with RowExclusiveLock.  A missing chunk, or one deleted
 * already, is ERRCODE_DATA_CORRUPTED.
 */
extern void vs_store_release(Relation store, Oid address, CommandId cid, bool speculative);

/*
 * Reclaiming values that no row names (store_reclaim.c).
 *
 * vs_store_block_count returns how many values that the snapshot sees begin in
 * the block.
 *
 * vs_store_candidates_next collects the next candidates: values that the
 * snapshot sees, in portions of at most 'memory' bytes.  It returns false after
 * the last portion.  vs_store_candidate_named notes that a row has the address,
 * which may be any number.  vs_store_candidates_unnamed tells whether
 * candidates are left that no row was reported to have, and
 * vs_store_candidates_delete marks these deleted by the current transaction and
 * returns how many there were.  It skips what another transaction is deleting
 * or has deleted.
 *
 * The store must be open with RowExclusiveLock, and the snapshot must hold back
 * the horizon until the end.  The caller must know that no transaction needs or
 * will need a value that is deleted.
 */
typedef struct VsCandidates VsCandidates;

extern int	vs_store_block_count(Relation store, BlockNumber block, Snapshot snapshot,
								 BufferAccessStrategy strategy);
extern VsCandidates *vs_store_candidates_begin(Relation store, Snapshot snapshot,
											   BufferAccessStrategy strategy, Size memory);
extern bool vs_store_candidates_next(VsCandidates *candidates);
extern void vs_store_candidate_named(VsCandidates *candidates, Oid address);
extern bool vs_store_candidates_unnamed(const VsCandidates *candidates);
extern int64 vs_store_candidates_delete(VsCandidates *candidates, CommandId cid);
extern void vs_store_candidates_end(VsCandidates *candidates);

/*
 * Copies bytes [offset, offset + len) of a value of attrsize bytes to dest.
 * The store must be open with AccessShareLock; a missing chunk is
 * ERRCODE_DATA_CORRUPTED.
 */
extern void vs_store_read_slice(Relation store, Oid address, int32 attrsize,
								int32 offset, int32 len, char *dest);

/* Whether the address still leads to a value of len bytes; locks as above. */
extern bool vs_store_value_exists(Relation store, Oid address, Size len);

/* relation_fetch_toast_slice callback of the table access method. */
extern void vs_store_fetch_toast_slice(Relation toastrel, Oid valueid, int32 attrsize,
									   int32 sliceoffset, int32 slicelength,
									   struct varlena *result);

/* Defines the setting of the store and the types' fast path; called at load. */
extern void vs_store_init(void);

#endif							/* VS_STORE_H */
