/*-------------------------------------------------------------------------
 * table_carrier.c
 *	  Carriers bring a pointer into the value store past heapam's toaster.
 *
 * heapam runs its toaster on every tuple that has external values.  The toaster
 * fetches each external value that the old row does not have, in order to store
 * it again in its own way.  A carrier is a value that the toaster may fetch: an
 * indirect pointer to an expanded object whose flat form is our 18-byte on-disk
 * pointer.  The toaster flattens it, finds an external value of 18 bytes, which
 * it leaves alone, and forms the tuple with it.  So heap_insert,
 * heap_multi_insert, heap_update and rewriteheap are used as they are, and
 * tuples on disk are those that heapam would have written, HEAP_HASEXTERNAL
 * included.
 *
 * (heap_form_tuple flattens expanded objects itself, but copies indirect
 * pointers; hence the indirection.)
 *
 * An armed carrier stores its value when it is flattened.  heap_update flattens
 * it when heapam itself would toast: the old row is locked, and only an error
 * can stop the update, so an update that loses a race has stored nothing.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "table/table_row.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

struct VsCarrier
{
	ExpandedObjectHeader header;
	char		indirect[INDIRECT_POINTER_SIZE];
	char		pointer[TOAST_POINTER_SIZE];
	struct varatt_external external;
	VsStoreValue *value;
	bool		stored;			/* pointer has its address */
	Relation	store;			/* if armed: the store to write to */
	CommandId	cid;			/* if armed: the command that writes */
};

static Size carrier_flat_size(ExpandedObjectHeader *header);
static void carrier_flatten(ExpandedObjectHeader *header, void *result, Size size);

static const ExpandedObjectMethods carrier_methods = {
	carrier_flat_size,
	carrier_flatten
};

/*
 * Sets the fields that depend on the carrier's own place in memory.
 */
static void
carrier_link(VsCarrier *carrier)
{
	struct varatt_indirect indirect;

	EOH_init_header(&carrier->header, &carrier_methods, CurrentMemoryContext);
	indirect.pointer = (struct varlena *) carrier->header.eoh_ro_ptr;
	SET_VARTAG_EXTERNAL(carrier->indirect, VARTAG_INDIRECT);
	memcpy(VARDATA_EXTERNAL(carrier->indirect), &indirect, sizeof(indirect));
}

VsCarrier *
vs_carrier_make(VsStoreValue *value, uint32 rawsize, uint32 extinfo, Oid store_relid)
{
	VsCarrier  *result = palloc0(sizeof(VsCarrier));

	result->value = value;
	result->external.va_rawsize = rawsize;
	result->external.va_extinfo = extinfo;
	result->external.va_toastrelid = store_relid;
	carrier_link(result);
	SET_VARTAG_EXTERNAL(result->pointer, VARTAG_ONDISK);
	memcpy(VARDATA_EXTERNAL(result->pointer), &result->external, sizeof(result->external));
	return result;
}

VsCarrier *
vs_carrier_copy(const VsCarrier *carrier)
{
	VsCarrier  *result = palloc(sizeof(VsCarrier));

	Assert(carrier->stored);
	*result = *carrier;
	result->value = NULL;
	carrier_link(result);
	return result;
}

void
vs_carrier_arm(VsCarrier *carrier, Relation store, CommandId cid)
{
	carrier->store = store;
	carrier->cid = cid;
}

void
vs_carrier_stored(VsCarrier *carrier)
{
	carrier->external.va_valueid = carrier->value->address;
	memcpy(VARDATA_EXTERNAL(carrier->pointer), &carrier->external,
		   sizeof(carrier->external));
	carrier->stored = true;
}

Datum
vs_carrier_datum(VsCarrier *carrier)
{
	return PointerGetDatum(carrier->indirect);
}

Datum
vs_carrier_pointer(VsCarrier *carrier)
{
	return PointerGetDatum(carrier->pointer);
}

static Size
carrier_flat_size(ExpandedObjectHeader *header)
{
	return TOAST_POINTER_SIZE;
}

static void
carrier_flatten(ExpandedObjectHeader *header, void *result, Size size)
{
	VsCarrier  *carrier = (VsCarrier *) header;

	Assert(size == TOAST_POINTER_SIZE);
	if (!carrier->stored)
	{
		if (carrier->store == NULL)
			elog(ERROR, "value of a vecstore row was not stored");
		vs_store_write(carrier->store, carrier->value, 1, carrier->cid, 0);
		vs_carrier_stored(carrier);
	}
	memcpy(result, carrier->pointer, TOAST_POINTER_SIZE);
}
