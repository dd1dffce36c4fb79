/*-------------------------------------------------------------------------
 * table_row.h
 *	  A row that is being written, and its values that go to the value store.
 *-------------------------------------------------------------------------
 */
#ifndef VS_TABLE_ROW_H
#define VS_TABLE_ROW_H

#include "postgres.h"

#include "access/htup.h"
#include "executor/tuptable.h"
#include "compat/compat.h"
#include "store/store.h"
#include "utils/relcache.h"

typedef struct VsCarrier VsCarrier;

/*
 * values and isnull describe the row as it will be on the page.  For a value
 * that is to be stored they have its carrier's pointer; the address in it is
 * valid once the value is stored (table_carrier.c).
 */
typedef struct VsRow
{
	Relation	rel;
	MemoryContext context;		/* of all allocations; the caller deletes it */
	int			natts;
	Datum	   *values;
	bool	   *isnull;
	bool		changed;		/* values differ from those given */
	int			nstored;
	int		   *stored_attrs;	/* indexes of the values to be stored */
	VsStoreValue *stored;		/* their bytes */
	VsCarrier **carriers;
	int			nreleased;
	Oid		   *released;		/* addresses of old values that are not kept */
} VsRow;

/* table_row.c */

/*
 * Raises ERRCODE_DATA_CORRUPTED: a row points to another table's value store.
 */
pg_noreturn extern void vs_row_foreign_pointer(Relation rel);

/* Whether rows of the table can have values that are stored apart. */
extern bool vs_row_may_store(Relation rel);

/*
 * Prepare *row from a slot, or from natts values of the table's row type.
 * row->context is created as a child of the current context; the caller deletes
 * it.  'old' is the row version being replaced, or NULL; the new row keeps its
 * pointers where the values are the same.  Pointers to other values are
 * fetched, which may read any value store.  Values and slot must outlive the
 * row.  No page lock may be held.
 */
extern void vs_row_prepare(VsRow *row, Relation rel, TupleTableSlot *slot, HeapTuple old);
extern void vs_row_prepare_values(VsRow *row, Relation rel, const Datum *values,
								  const bool *isnull, int natts, HeapTuple old);

/*
 * Form the row in row->context: vs_row_form for heapam, with a carrier for each
 * value to be stored; vs_row_form_final with pointers, after all values were
 * stored.
 */
extern HeapTuple vs_row_form(VsRow *row);
extern HeapTuple vs_row_form_final(VsRow *row);

/*
 * vs_row_stamp copies the transaction fields that heapam left in 'stamped' to
 * the tuple, so that it equals the tuple on the page.  vs_row_to_slot puts the
 * row, stamped, into the slot.
 */
extern void vs_row_stamp(HeapTuple tuple, HeapTuple stamped);
extern void vs_row_to_slot(VsRow *row, HeapTuple stamped, TupleTableSlot *slot);

/* table_carrier.c */

/*
 * vs_carrier_make makes a carrier in the current memory context, which must
 * outlive the tuples formed from its datums; *value must live until the value
 * is stored.  vs_carrier_copy copies a carrier whose value is stored.
 */
extern VsCarrier *vs_carrier_make(VsStoreValue *value, uint32 rawsize, uint32 extinfo,
								  Oid store_relid);
extern VsCarrier *vs_carrier_copy(const VsCarrier *carrier);

/* The datum for the tuple that heapam gets. */
extern Datum vs_carrier_datum(VsCarrier *carrier);

/*
 * Lets the carrier store its value when it is flattened: in 'store', which must
 * be open with RowExclusiveLock until then, at command cid.
 */
extern void vs_carrier_arm(VsCarrier *carrier, Relation store, CommandId cid);

/* Call it when the carrier's value has its address. */
extern void vs_carrier_stored(VsCarrier *carrier);

/* The pointer to the value; its address is valid once the value is stored. */
extern Datum vs_carrier_pointer(VsCarrier *carrier);

#endif							/* VS_TABLE_ROW_H */
