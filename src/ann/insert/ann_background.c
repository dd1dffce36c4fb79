/*-------------------------------------------------------------------------
 * ann_background.c
 *	  Automatic seals: an insert starts one when the pending part is too large.
 *
 * The insert starts a background worker, which seals, so that no statement
 * waits for the seal.  The worker is a dynamic one, so the library need not
 * be preloaded.  The inserting backend seals the index itself if a worker
 * cannot:
 *	- no background worker slot is free (max_worker_processes),
 *	- the table is temporary,
 *	- this transaction holds a lock that keeps other backends out of the table
 *	  or the index, for example because it has just created the table.
 *
 * Limit on workers.  On the whole server at most vecann.max_background_seals
 * workers seal at a time.  There are as many places, and a place is a
 * heavyweight lock that a worker holds to the end of its transaction.  An
 * inserting backend that finds all places held leaves the rows pending, until
 * there are OVERDUE_FACTOR times as many as the limit allows.  Backends that
 * look at the same moment may start more workers than there are free places;
 * a worker that gets no place ends at once.
 *
 * Locks.  A worker waits for no lock on the table or the index.  If it cannot
 * get one at once, it ends, and a later insert starts another worker.  Two
 * workers of one index are therefore harmless: the second one finds the seal
 * lock held, or nothing to do.  The only wait is for checks that share the
 * seal lock.  Any reader of the table can run checks one after the other, and
 * a worker that did not queue behind them might never seal.
 *
 * Failures.  A seal that fails leaves its number in the metapage
 * (meta.sealing).  If nothing was published since a backend started a worker,
 * it starts no other one for RETRY_AFTER_MS.  claim_retry() says when a
 * backend retries a failed seal itself.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "ann/ann.h"
#include "ann/base/ann_effort.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_lock.h"
#include "ann/base/ann_options.h"
#include "ann/insert/ann_insert.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_seal.h"

/*
 * An automatic seal trains all lists again only if they hold fewer rows:
 * while a statement waits, and in a worker, for which DDL on the table has to
 * wait.
 */
#define MAX_ROWS_TRAINED_IN_STATEMENT	200000
#define MAX_ROWS_TRAINED_IN_WORKER		1000000

/*
 * A worker tries this often to get a place or the seal lock, which another
 * backend may hold for a moment only.
 */
#define LOCK_TRIES			10
#define LOCK_NAP_US			10000L

/* Bounds of the automatic pending_limit, in rows. */
#define MIN_AUTOMATIC_LIMIT	10000.0
#define MAX_AUTOMATIC_LIMIT	100000.0

/* A backend starts no worker for this long after one that published nothing. */
#define RETRY_AFTER_MS		10000

/*
 * The pending part is overdue when it holds OVERDUE_FACTOR times the rows
 * that its limit allows.  Only then does an inserting backend seal it
 * although all places are held, or although the last seal failed.
 */
#define OVERDUE_FACTOR		2

PGDLLEXPORT void vs_ann_background_main(Datum arg);

/* The argument of a worker, in bgw_extra. */
typedef struct WorkerArgument
{
	Oid			database;
	Oid			index;
} WorkerArgument;

/* The worker that this backend started last. */
static BackgroundWorkerHandle *last_worker;
static Oid	last_worker_index;
static TimestampTz last_worker_started;
static uint32 last_worker_sealed;	/* meta.sealed when it was started */

/*
 * The last retry of a failed seal by this backend that failed too: its index,
 * and the rows that were pending.
 */
static Oid	failed_retry_index;
static int64 failed_retry_rows;

/*
 * The automatic pending_limit, in rows: the number that a scan scores in the
 * lists at least, so that the pending part costs it no more than the lists
 * do.  The lower bound is there because a seal of few rows is expensive per
 * row.  The upper bound keeps a statement that seals the rows itself from
 * waiting long.
 */
static double
compute_automatic_limit(const VsAnnMetaData *meta)
{
	double		share = meta->nlists == 0 ? 0 :
		(double) vs_ann_probes_of(meta->nlists, meta->list_rows) / meta->nlists;

	return Max(MIN_AUTOMATIC_LIMIT, Min(MAX_AUTOMATIC_LIMIT, share * meta->list_rows));
}

/*
 * Returns the rows in the growing chains, divided by pending_limit: 1 means
 * that the limit is reached.  Sets *rows to their number and *meta to a copy
 * of the metapage, unless it returns 0 (the limit is off, or the index has no
 * rows).
 */
static double
compute_load(Relation index, VsAnnMetaData *meta, int64 *rows)
{
	int			limit = vs_ann_option_pending_limit(index);
	int64		pages = 0;
	VsAnn		ann;

	if (limit == 0)
		return 0;
	vs_ann_open(&ann, index);
	if (!ann.has_dim)
		return 0;
	vs_ann_meta_read(&ann, meta);
	if (limit == VS_ANN_PENDING_AUTO)
		limit = compute_automatic_limit(meta);
	for (int i = 0; i < VS_ANN_CHAINS; i++)
		pages += meta->growing[i].npages;
	*rows = (pages - 1) * ann.geo.pending_capacity;
	return (double) *rows / limit;
}

/*
 * Sets *tag to the lock of a place.  It names an object of no database that
 * does not exist, so that no command locks it.
 */
static void
set_place_locktag(int place, LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, InvalidOid, ExtensionRelationId, InvalidOid, place);
}

/* ---- the inserting backend ---- */

/* Whether a worker that is started now would find a free place. */
static bool
has_free_place(void)
{
	for (int place = 1; place <= vs_ann_max_background_seals; place++)
	{
		LOCKTAG		tag;
		int			holders;

		set_place_locktag(place, &tag);
		pfree(GetLockConflicts(&tag, ExclusiveLock, &holders));
		if (holders == 0)
			return true;
	}
	return false;
}

/*
 * Whether the locks of this backend let a worker open the table and the
 * index.
 */
static bool
worker_can_open(Relation index, Relation heap)
{
	return !RelationUsesLocalBuffers(index) &&
		!CheckRelationLockedByMe(index, AccessExclusiveLock, false) &&
		!CheckRelationLockedByMe(heap, AccessExclusiveLock, false);
}

/*
 * Whether the last worker of this backend is for the index and has not ended.
 * It may not have started yet.
 */
static bool
last_worker_is_active(Relation index)
{
	pid_t		pid;
	BgwHandleStatus status;

	if (last_worker == NULL || last_worker_index != RelationGetRelid(index))
		return false;
	status = GetBackgroundWorkerPid(last_worker, &pid);
	return status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED;
}

/*
 * Whether the last worker of this backend was started for the index within
 * RETRY_AFTER_MS and nothing was published since.  The next worker would
 * probably fail for the same reason.
 */
static bool
last_worker_failed(Relation index, const VsAnnMetaData *meta)
{
	return last_worker_index == RelationGetRelid(index) && last_worker_sealed == meta->sealed &&
		!TimestampDifferenceExceeds(last_worker_started, GetCurrentTimestamp(), RETRY_AFTER_MS);
}

/*
 * Starts a worker for the index.  False if no background worker slot is free.
 */
static bool
start_worker(Relation index, const VsAnnMetaData *meta)
{
	BackgroundWorker worker = {0};
	WorkerArgument argument = {MyDatabaseId, RelationGetRelid(index)};
	BackgroundWorkerHandle *handle;
	MemoryContext old;
	bool		registered;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "vecstore", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "vs_ann_background_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "vecstore seal of index %u", argument.index);
	strlcpy(worker.bgw_type, "vecstore seal", BGW_MAXLEN);
	memcpy(worker.bgw_extra, &argument, sizeof(argument));

	old = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &handle);
	MemoryContextSwitchTo(old);
	if (!registered)
		return false;
	if (last_worker != NULL)
		pfree(last_worker);
	last_worker = handle;
	last_worker_index = argument.index;
	last_worker_started = GetCurrentTimestamp();
	last_worker_sealed = meta->sealed;
	return true;
}

/*
 * Whether this backend retries a failed seal before its statement goes on.
 * The first retry comes when the pending part is overdue.  Each retry that
 * fails doubles the number of rows at which the next one comes.
 *
 * A retry that fails makes the statement fail too.  But without retries the
 * pending part might grow forever: no worker can seal a temporary table, for
 * example.
 *
 * The retry is noted as failed here, and vs_ann_seal_if_large() clears the
 * note after success, since an ERROR does not return to it.
 */
static bool
claim_retry(Relation index, double load, int64 rows)
{
	if (load < OVERDUE_FACTOR ||
		(failed_retry_index == RelationGetRelid(index) && rows < OVERDUE_FACTOR * failed_retry_rows))
		return false;
	failed_retry_index = RelationGetRelid(index);
	failed_retry_rows = rows;
	return true;
}

void
vs_ann_seal_if_large(Relation index, Relation heap)
{
	VsAnnSealRequest request = {.caller = VS_ANN_SEAL_AUTOMATIC};
	VsAnnMetaData meta;
	VsAnnSealResult result;
	int64		rows;
	double		load = compute_load(index, &meta, &rows);

	if (load < 1)
		return;
	if (vs_ann_background_seals && vs_ann_max_background_seals > 0 &&
		worker_can_open(index, heap))
	{
		if (last_worker_is_active(index) || last_worker_failed(index, &meta) ||
			vs_ann_seal_under_way(index))
			return;
		if (has_free_place() ? start_worker(index, &meta) : load < OVERDUE_FACTOR)
			return;
	}
	/* an earlier seal was begun and not published */
	if (meta.sealing != 0 && !claim_retry(index, load, rows))
		return;
	/* a training that would take long is left to flush, compact and VACUUM */
	request.may_train = meta.list_rows < MAX_ROWS_TRAINED_IN_STATEMENT;
	vs_ann_seal(index, heap, VS_ANN_NOWAIT, &request, &result);
	if (failed_retry_index == RelationGetRelid(index))
		failed_retry_index = InvalidOid;
}

/* ---- the worker ---- */

/*
 * Locks and opens a relation.  NULL if the lock is not available at once, or
 * if the relation does not exist any more.
 */
static Relation
open_without_waiting(Oid relid, LOCKMODE lockmode)
{
	Relation	rel;

	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, lockmode))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, lockmode);
	return rel;
}

/*
 * Locks one of the places, to the end of the transaction.  False if other
 * workers hold all of them.
 */
static bool
lock_place(void)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		for (int place = 1; place <= vs_ann_max_background_seals; place++)
		{
			LOCKTAG		tag;

			set_place_locktag(place, &tag);
			if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
				return true;
		}
		pg_usleep(LOCK_NAP_US);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * Seals an index that the worker has open.  The relations may have changed
 * since the worker was started: another index may have the OID, or the table
 * may have been sealed.
 */
static void
seal_open_index(Relation index, Relation heap)
{
	VsAnnMetaData meta;
	VsAnnSealResult result;
	int64		rows;
	VsAnnSealRequest request = {.caller = VS_ANN_SEAL_AUTOMATIC};

	if (!vs_ann_is_vecann(index) || !index->rd_index->indisready ||
		index->rd_index->indrelid != RelationGetRelid(heap) || compute_load(index, &meta, &rows) < 1)
		return;
	request.may_train = meta.list_rows < MAX_ROWS_TRAINED_IN_WORKER;
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		/* queue for the seal lock if only checks hold it */
		VsAnnWait	wait = vs_ann_seal_under_way(index) ? VS_ANN_NOWAIT : VS_ANN_WAIT;

		if (vs_ann_seal(index, heap, wait, &request, &result))
			break;
		pg_usleep(LOCK_NAP_US);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Opens the table and then the index, as every command does, and seals the
 * index.
 */
static void
seal_index(Oid indexoid)
{
	Relation	heap = open_without_waiting(IndexGetRelation(indexoid, true), AccessShareLock);
	Relation	index;

	if (heap == NULL)
		return;
	index = open_without_waiting(indexoid, RowExclusiveLock);
	if (index != NULL)
	{
		seal_open_index(index, heap);
		relation_close(index, RowExclusiveLock);
	}
	relation_close(heap, AccessShareLock);
}

/*
 * Overrides the isolation level and the timeouts that settings of the
 * database or the role may give, as autovacuum workers do.
 */
static void
override_settings(void)
{
	static const char *const timeouts[] = {
		"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
		"transaction_timeout"	/* since 17 */
	};

	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	for (int i = 0; i < lengthof(timeouts); i++)
	{
		if (GetConfigOption(timeouts[i], true, false) != NULL)
			SetConfigOption(timeouts[i], "0", PGC_SUSET, PGC_S_OVERRIDE);
	}
}

/* Main function of a worker: one transaction seals the index of bgw_extra. */
void
vs_ann_background_main(Datum arg)
{
	WorkerArgument argument;

	memcpy(&argument, MyBgworkerEntry->bgw_extra, sizeof(argument));
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(argument.database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	override_settings();

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, MyBgworkerEntry->bgw_name);
	if (lock_place())
		seal_index(argument.index);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
}
