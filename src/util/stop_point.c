/*-------------------------------------------------------------------------
 * stop_point.c
 *	  Stop points for tests of races; empty in builds without assertions.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "util/stop_point.h"

#ifdef USE_ASSERT_CHECKING

#include "access/heapam.h"
#include "access/table.h"
#include "access/xloginsert.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/guc.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_stop_vacuum_page);

char	   *vs_stop_at = NULL;

void
vs_stop_point_init(void)
{
	DefineCustomStringVariable("vecstore.stop_at",
							   "Name of the stop point at which the session waits.",
							   "For tests.  The session waits while another one holds the advisory "
							   "lock of the hashtext() of this name.",
							   &vs_stop_at, "", PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}

void
vs_stop_point_reached(const char *name)
{
	int64		key;
	LOCKTAG		tag;

	if (strcmp(name, vs_stop_at) != 0)
		return;
	/* the lock that pg_advisory_lock(hashtext(name)) takes */
	key = (int32) DatumGetUInt32(hash_any((const unsigned char *) name, strlen(name)));
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, 1);
	LockAcquire(&tag, ExclusiveLock, false, false);
	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * vs_stop_vacuum_page(regclass, block): remove the dead tuples of a heap page
 * as pruning does, and overwrite the space that becomes free.  Returns how
 * many there were.  Its stop point ("page to be vacuumed") lies after the
 * cleanup lock was granted, when no other backend had a pin, and before
 * tuples are moved.
 */
Datum
vs_stop_vacuum_page(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	Buffer		buffer = ReadBuffer(rel, PG_GETARG_INT32(1));
	Page		page = BufferGetPage(buffer);
	TransactionId horizon = GetOldestNonRemovableTransactionId(rel);
	int			removed = 0;

	LockBufferForCleanup(buffer);
	VS_STOP_POINT("page to be vacuumed");
	START_CRIT_SECTION();
	for (OffsetNumber i = FirstOffsetNumber; i <= PageGetMaxOffsetNumber(page); i++)
	{
		ItemId		item = PageGetItemId(page, i);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(rel);
		ItemPointerSet(&tuple.t_self, BufferGetBlockNumber(buffer), i);
		if (HeapTupleSatisfiesVacuum(&tuple, horizon, buffer) == HEAPTUPLE_DEAD)
		{
			ItemIdSetDead(item);
			removed++;
		}
	}
	PageRepairFragmentation(page);
	/* no backend may read the free space any more */
	memset((char *) page + ((PageHeader) page)->pd_lower, 0x7f,
		   ((PageHeader) page)->pd_upper - ((PageHeader) page)->pd_lower);
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(rel))
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
	table_close(rel, NoLock);
	PG_RETURN_INT32(removed);
}

#endif							/* USE_ASSERT_CHECKING */
