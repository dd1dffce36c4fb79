/*-------------------------------------------------------------------------
 * table_row.h
 *	  A row on its way into the table: which values go to the value store.
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
 * values and isnull describe the row as it will be on the page.  A value to be
 * stored is its carrier's pointer there, whose address is known once it is
 * stored (table_carrier.c).
 */
typedef struct VsRow
{
	Relation	rel;
	MemoryContext context;		/* all that the row allocates; the caller's to delete */
	int			natts;
	Datum	   *values;
	bool	   *isnull;
	bool		changed;		/* values differ from those given */
	int			nstored;
	int		   *stored_attrs;	/* indexes of the values to be stored, and */
	VsStoreValue *stored;		/* the bytes of each */
	VsCarrier **carriers;
	int			nreleased;		/* addresses of the old row's values that the row */
	Oid		   *released;		/* does not keep */
} VsRow;

/* table_row.c */
pg_noreturn extern void vs_row_foreign_pointer(Relation rel);
extern bool vs_row_may_store(Relation rel);
extern void vs_row_prepare(VsRow *row, Relation rel, TupleTableSlot *slot, HeapTuple old);
extern void vs_row_prepare_values(VsRow *row, Relation rel, const Datum *values,
								  const bool *isnull, int natts, HeapTuple old);
extern HeapTuple vs_row_form(VsRow *row);
extern HeapTuple vs_row_form_final(VsRow *row);
extern void vs_row_stamp(HeapTuple tuple, HeapTuple stamped);
extern void vs_row_to_slot(VsRow *row, HeapTuple stamped, TupleTableSlot *slot);

/* table_carrier.c */
extern VsCarrier *vs_carrier_make(VsStoreValue *value, uint32 rawsize, uint32 extinfo,
								  Oid store_relid);
extern VsCarrier *vs_carrier_copy(const VsCarrier *carrier);
extern Datum vs_carrier_datum(VsCarrier *carrier);
extern void vs_carrier_arm(VsCarrier *carrier, Relation store, CommandId cid);
extern void vs_carrier_stored(VsCarrier *carrier);
extern Datum vs_carrier_pointer(VsCarrier *carrier);

#endif							/* VS_TABLE_ROW_H */
