/*-------------------------------------------------------------------------
 * store.h
 *	  The value store: where the values of a vecstore table live, out of line.
 *
 * A row holds a value as a standard on-disk TOAST pointer whose va_valueid is
 * the address of the value's first chunk in the table's TOAST relation.  This
 * header is all that the layers above know of it; addresses are opaque to them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STORE_H
#define VS_STORE_H

#include "postgres.h"

#include "compat/compat.h"
#include "storage/itemptr.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/*
 * Reading by address.
 *
 * A reader keeps the store relation open (AccessShareLock, held to the end of
 * the transaction) and the last page pinned.  vs_store_reader_get returns the
 * value's len bytes (the varlena's payload, without its length word), or NULL
 * when the address does not hold a value of that size any more: an index may
 * keep an address whose row is dead and whose slot was reused, and that is no
 * error.  A non-NULL result for such an address may be another value, or one
 * being written: the row's visibility has the last word.  The bytes stay valid
 * until the next call on the reader; they are in the buffer itself when the
 * value lies on one page (8-aligned from byte 4 on, not copied), else in the
 * reader's memory (the context current at open), aligned likewise.
 *
 * A table without a TOAST relation has a reader that never finds anything.
 * The reader must be closed under the resource owner that used it; on error
 * the pin goes with the owner.
 */
typedef struct VsStoreReader VsStoreReader;

extern VsStoreReader *vs_store_reader_open(Relation table);
extern const void *vs_store_reader_get(VsStoreReader *reader, Oid address, Size len);
extern void vs_store_reader_prefetch(VsStoreReader *reader, const Oid *addresses, int n);
extern void vs_store_reader_close(VsStoreReader *reader);

/*
 * Opens the table's TOAST relation, which it must have.  One that is of another access method is
 * no value store (a tool that copied the table has made it): ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE.
 * What lies in such a one can be read by detoasting; nothing can be stored.
 */
extern Relation vs_store_open(Relation table, LOCKMODE lockmode);
extern bool vs_store_is_store(Relation store);
pg_noreturn extern void vs_store_refuse(Relation store);

/*
 * The address and payload length of an out-of-line value of the table, as an
 * index access method's aminsert gets it.  False for any other datum (in-line,
 * compressed, another table's): the caller then has to detoast it.
 */
extern bool vs_store_datum_address(Relation table, Datum value, Oid *address, Size *len);

/*
 * The relation that pointers of this table name: its TOAST relation, or the
 * one whose place it takes during a rewrite.  InvalidOid if it has none.
 */
extern Oid	vs_store_pointer_relid(Relation table);

/*
 * Writing.
 *
 * A value is handed over as flat bytes in memory that no buffer owns.
 * vs_store_write stores n values in order and sets their addresses; options
 * are heap_insert's.  The store relation must be open with RowExclusiveLock.
 * WAL, visibility and statistics are those of heap insertions by the current
 * (sub)transaction at command cid.  Errors: store full.
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
 * lock is what keeps others off the chunks.  With speculative set it undoes an
 * insertion of a row that was withdrawn (heap_abort_speculative).
 */
extern void vs_store_release(Relation store, Oid address, CommandId cid, bool speculative);

/* Copies bytes [offset, offset + len) of a value of attrsize bytes. */
extern void vs_store_read_slice(Relation store, Oid address, int32 attrsize,
								int32 offset, int32 len, char *dest);

/* Whether the address still leads to a value of len bytes. */
extern bool vs_store_value_exists(Relation store, Oid address, Size len);

/* relation_fetch_toast_slice callback of the table access method. */
extern void vs_store_fetch_toast_slice(Relation toastrel, Oid valueid, int32 attrsize,
									   int32 sliceoffset, int32 slicelength,
									   struct varlena *result);

extern void vs_store_init(void);

#endif							/* VS_STORE_H */
