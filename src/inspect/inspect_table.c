/*-------------------------------------------------------------------------
 * inspect_table.c
 *	  vecstore.table_info(): size and use of a table and its value store.
 *
 * Reads every page of the value store under a share lock, one at a time.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "compat/compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "inspect/inspect_table.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "store/store.h"
#include "store/store_page.h"
#include "util/inspect_right.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_inspect_table_info);

typedef struct StoreUse
{
	BlockNumber pages;
	int64		used;			/* line pointers with a chunk */
	int64		dead;			/* awaiting VACUUM's second pass */
	int64		unused;
	int64		free_bytes;
} StoreUse;

bool
vs_inspect_is_table(Relation rel)
{
	return rel->rd_tableam != NULL && rel->rd_rel->relkind != RELKIND_TOASTVALUE &&
		rel->rd_tableam->relation_fetch_toast_slice == vs_store_fetch_toast_slice;
}

Relation
vs_inspect_table_open(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (!vs_inspect_is_table(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a vecstore table", RelationGetRelationName(rel))));
	if (RELATION_IS_OTHER_TEMP(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary tables of other sessions")));
	vs_inspect_right_require(rel);
	return rel;
}

static void
count_use(Relation store, StoreUse *use)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);

	memset(use, 0, sizeof(StoreUse));
	use->pages = RelationGetNumberOfBlocks(store);
	for (BlockNumber block = 0; block < use->pages; block++)
	{
		Buffer		buffer;
		Page		page;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(store, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		page = BufferGetPage(buffer);
		if (PageIsNew(page))
			use->free_bytes += BLCKSZ - SizeOfPageHeaderData;
		else
		{
			OffsetNumber last = PageGetMaxOffsetNumber(page);

			for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
			{
				ItemId		item = PageGetItemId(page, offset);

				if (ItemIdIsNormal(item))
					use->used++;
				else if (ItemIdIsDead(item))
					use->dead++;
				else
					use->unused++;
			}
			use->free_bytes += PageGetHeapFreeSpace(page);
		}
		UnlockReleaseBuffer(buffer);
	}
	FreeAccessStrategy(strategy);
}

Datum
vs_inspect_table_info(PG_FUNCTION_ARGS)
{
	Relation	rel = vs_inspect_table_open(PG_GETARG_OID(0));
	PgStat_StatTabEntry *stats = pgstat_fetch_stat_tabentry(RelationGetRelid(rel));
	Oid			storeid = rel->rd_rel->reltoastrelid;
	TupleDesc	desc;
	Datum		values[11];
	bool		isnull[11] = {false};
	int			n = 0;
	StoreUse	use;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	memset(&use, 0, sizeof(use));
	if (OidIsValid(storeid))
	{
		Relation	store = table_open(storeid, AccessShareLock);

		count_use(store, &use);
		table_close(store, AccessShareLock);
	}

	isnull[n] = rel->rd_rel->reltuples < 0;
	values[n++] = Float8GetDatum(rel->rd_rel->reltuples);
	values[n++] = Int64GetDatum(stats ? VS_STAT_LIVE_TUPLES(stats) : 0);
	values[n++] = Int64GetDatum(stats ? VS_STAT_DEAD_TUPLES(stats) : 0);
	isnull[n] = !OidIsValid(storeid);
	values[n++] = ObjectIdGetDatum(storeid);
	values[n++] = Int64GetDatum((int64) use.pages * BLCKSZ);
	values[n++] = Int64GetDatum(use.free_bytes);
	values[n++] = Int64GetDatum(use.used);
	values[n++] = Int64GetDatum(use.dead);
	values[n++] = Int64GetDatum(use.unused);
	values[n++] = Int64GetDatum((int64) VS_STORE_MAX_BLOCKS * BLCKSZ);
	values[n++] = Int32GetDatum(VS_STORE_FORMAT);
	Assert(n == lengthof(values));

	table_close(rel, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}
