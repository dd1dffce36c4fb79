/*-------------------------------------------------------------------------
 * store.h
 *	  The value store: where the values of a vecstore table live, out of line.
 *
 * A row holds a value as a standard on-disk TOAST pointer whose va_valueid is
 * the address of the value's first chunk in the table's TOAST relation:
 * block << slot_bits | offset.  This header is all that the layers above know
 * of it; addresses are opaque to them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STORE_H
#define VS_STORE_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * Reading by address.
 *
 * A reader keeps the store relation open (AccessShareLock) and the last page
 * pinned.  vs_store_reader_get returns the value's len bytes (the varlena's
 * payload, without its length word), or NULL when the address does not hold a
 * value of that size any more: an index may keep an address whose row is dead
 * and whose slot was reused, and that is no error.  The bytes stay valid until
 * the next call on the reader; they are in the buffer itself when the value
 * lies on one page (float-aligned, not copied), else in the reader's memory.
 */
typedef struct VsStoreReader VsStoreReader;

extern VsStoreReader *vs_store_reader_open(Relation table);
extern const void *vs_store_reader_get(VsStoreReader *reader, Oid address, Size len);
extern void vs_store_reader_prefetch(VsStoreReader *reader, const Oid *addresses, int n);
extern void vs_store_reader_close(VsStoreReader *reader);

/*
 * The address and payload length of an out-of-line value of the table, as an
 * index access method's aminsert gets it.  False for any other datum (in-line,
 * compressed, another table's): the caller then has to detoast it.
 */
extern bool vs_store_datum_address(Relation table, Datum value, Oid *address, Size *len);

#endif							/* VS_STORE_H */
