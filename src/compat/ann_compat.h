/*-------------------------------------------------------------------------
 * ann_compat.h
 *	  Differences between PostgreSQL 15, 16, 17 and 18 that only vecann meets.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_COMPAT_H
#define VS_ANN_COMPAT_H

#include "postgres.h"

#include "access/nbtxlog.h"
#include "access/transam.h"
#include "access/xloginsert.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/block.h"
#include "storage/buffile.h"
#include "storage/proc.h"
#include "utils/rel.h"

/*
 * Return a small number, at least 0, that differs between running backends.
 * It serves to distribute backends over a few places.
 */
static inline int
vs_compat_backend_number(void)
{
#if PG_VERSION_NUM >= 170000
	return Max(MyProcNumber, 0);
#else
	return Max(MyBackendId, 0);
#endif
}

/* Return the number of the relation's file; every rewrite changes it. */
static inline Oid
vs_compat_relfilenumber(Relation rel)
{
#if PG_VERSION_NUM >= 160000
	return rel->rd_locator.relNumber;
#else
	return rel->rd_node.relNode;
#endif
}

/* Parameters of ExecutorRun; 18 removed the last one. */
#if PG_VERSION_NUM >= 180000
#define VS_EXECUTOR_RUN_PARAMETERS QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define VS_EXECUTOR_RUN_ARGUMENTS queryDesc, direction, count
#else
#define VS_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, bool once
#define VS_EXECUTOR_RUN_ARGUMENTS queryDesc, direction, count, once
#endif

/* Return the full id of a transaction at most 2^32 transactions ago. */
static inline FullTransactionId
vs_compat_full_xid(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		ago = XidFromFullTransactionId(next) - xid;

	return FullTransactionIdFromU64(U64FromFullTransactionId(next) - ago);
}

/*
 * Write a WAL record that a page, unreachable since xid, is about to be
 * reused.  It is a record of nbtree, whose redo on a standby cancels queries
 * with snapshots that do not see xid as finished, and does nothing else.
 */
static inline void
vs_compat_log_reuse_page(Relation rel, BlockNumber block, FullTransactionId xid)
{
	xl_btree_reuse_page record;

	memset(&record, 0, sizeof(record));
#if PG_VERSION_NUM >= 160000
	record.locator = rel->rd_locator;
	record.snapshotConflictHorizon = xid;
	record.isCatalogRel = false;
#else
	record.node = rel->rd_node;
	record.latestRemovedFullXid = xid;
#endif
	record.block = block;
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfBtreeReusePage);
	XLogInsert(RM_BTREE_ID, XLOG_BTREE_REUSE_PAGE);
}

/*
 * Whether VACUUM may cut off the end of the table, as far as its storage
 * parameter says.
 */
static inline bool
vs_compat_vacuum_truncate(Relation heap)
{
	const StdRdOptions *options = (const StdRdOptions *) heap->rd_options;

#if PG_VERSION_NUM >= 180000
	if (options == NULL || !options->vacuum_truncate_set)
		return vacuum_truncate;
	return options->vacuum_truncate;
#else
	return options == NULL || options->vacuum_truncate;
#endif
}

/* Check for interrupts; sleep if the cost-based vacuum delay is due. */
static inline void
vs_compat_vacuum_delay(void)
{
#if PG_VERSION_NUM >= 180000
	vacuum_delay_point(false);
#else
	vacuum_delay_point();
#endif
}

/* Read exactly size bytes of a temporary file; throw if there are fewer. */
static inline void
vs_compat_buffile_read(BufFile *file, void *to, size_t size)
{
#if PG_VERSION_NUM >= 160000
	BufFileReadExact(file, to, size);
#else
	if (BufFileRead(file, to, size) != size)
		elog(ERROR, "could not read temporary file");
#endif
}

#endif							/* VS_ANN_COMPAT_H */
