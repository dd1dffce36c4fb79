/*-------------------------------------------------------------------------
 * ann_background.c
 *	  Seals that come by themselves, when an insert finds the pending part too large.
 *
 * A background worker seals, so that no statement waits for it.  The worker is a dynamic one:
 * nothing is preloaded.  The session seals by itself where a worker cannot: no slot is
 * free (max_worker_processes), the table is temporary, or this transaction
 * holds a lock that keeps others out, as one that has just created the table does.
 *
 * There are vecann.max_background_seals workers at most, on the whole server: each holds
 * one of as many locks.  A session that finds all of them held leaves the rows pending,
 * up to twice the limit.  Workers that several sessions start at the same moment may be
 * more, and those that get no lock end at once.
 *
 * Two workers of one index do no harm: the second finds the seal lock taken, or
 * nothing to do.  A worker waits for no lock on the table or the index; if it cannot have one, it ends,
 * and a later insert starts another.  It does wait for a check to end: checks, which any
 * reader of the table can run without end, would otherwise keep seals away.
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

/* More rows than these are not trained on anew while a statement waits. */
#define MAX_ROWS_TRAINED	200000
/* nor than these by a worker, which DDL on the table has to wait for */
#define MAX_ROWS_TRAINED_BY_WORKER	1000000

/* A worker tries so often to get the seal lock, or a place, which others may try at the same moment. */
#define LOCK_TRIES			10
#define LOCK_NAP_US			10000L

/* Bounds of the automatic pending_limit. */
#define MIN_PENDING		10000.0
#define MAX_PENDING		100000.0

/* After a seal that failed the next one is not tried before so long. */
#define RETRY_AFTER_MS		10000

/* A session tries one that failed at so many times pending_limit, then at so many times what it was then. */
#define TRY_AGAIN			2

PGDLLEXPORT void vs_ann_background_main(Datum arg);

/* What a worker is told. */
typedef struct Job
{
	Oid			database;
	Oid			index;
} Job;

/* The worker that this session started last. */
static BackgroundWorkerHandle *started;
static Oid	started_for;
static TimestampTz started_at;
static uint32 started_after;	/* last segment published then */

/* The index for which this session last did again what was broken off, in vain, and the rows pending then. */
static Oid	retried_for;
static int64 retried_at;

/*
 * Pending rows at which they are sealed: as many as a scan scores at least in the lists, so
 * that the pending part never costs it more than these.  A seal of more rows costs less for
 * each; one of too many would make a statement wait long.
 */
static double
automatic_limit(const VsAnnMetaData *meta)
{
	double		share = meta->nlists == 0 ? 0 :
		(double) vs_ann_probes_of(meta->nlists, meta->list_rows) / meta->nlists;

	return Max(MIN_PENDING, Min(MAX_PENDING, share * meta->list_rows));
}

/*
 * How many times the rows that the index option allows the growing chains hold; rows gets
 * their number.
 */
static double
times_too_large(Relation index, VsAnnMetaData *meta, int64 *rows)
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
		limit = automatic_limit(meta);
	for (int i = 0; i < VS_ANN_CHAINS; i++)
		pages += meta->growing[i].npages;
	*rows = (pages - 1) * ann.geo.pending_capacity;
	return (double) *rows / limit;
}

/*
 * The lock that stands for a worker's place.  It is a lock on an object of no database,
 * that does not exist, and that no command locks.
 */
static void
place_locktag(int place, LOCKTAG *tag)
{
	SET_LOCKTAG_OBJECT(*tag, InvalidOid, ExtensionRelationId, InvalidOid, place);
}

/* ---- the session ---- */

/* Whether a worker that is started now would find a place. */
static bool
place_free(void)
{
	for (int place = 1; place <= vs_ann_max_background_seals; place++)
	{
		LOCKTAG		tag;
		int			holders;

		place_locktag(place, &tag);
		pfree(GetLockConflicts(&tag, ExclusiveLock, &holders));
		if (holders == 0)
			return true;
	}
	return false;
}

/* Whether another session could open both. */
static bool
others_can_open(Relation index, Relation heap)
{
	return !RelationUsesLocalBuffers(index) &&
		!CheckRelationLockedByMe(index, AccessExclusiveLock, false) &&
		!CheckRelationLockedByMe(heap, AccessExclusiveLock, false);
}

/* Whether a worker that this session started for the index is on its way or at work. */
static bool
worker_under_way(Relation index)
{
	pid_t		pid;
	BgwHandleStatus status;

	if (started == NULL || started_for != RelationGetRelid(index))
		return false;
	status = GetBackgroundWorkerPid(started, &pid);
	return status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED;
}

/* Whether a worker came to nothing not long ago: whatever it met, the next one would too. */
static bool
just_failed(Relation index, const VsAnnMetaData *meta)
{
	return started_for == RelationGetRelid(index) && started_after == meta->sealed &&
		!TimestampDifferenceExceeds(started_at, GetCurrentTimestamp(), RETRY_AFTER_MS);
}

/* False if there is no slot. */
static bool
start_worker(Relation index, const VsAnnMetaData *meta)
{
	BackgroundWorker worker = {0};
	Job			job = {MyDatabaseId, RelationGetRelid(index)};
	BackgroundWorkerHandle *handle;
	MemoryContext old;
	bool		registered;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "vecstore", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "vs_ann_background_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "vecstore seal of index %u", job.index);
	strlcpy(worker.bgw_type, "vecstore seal", BGW_MAXLEN);
	memcpy(worker.bgw_extra, &job, sizeof(job));

	old = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &handle);
	MemoryContextSwitchTo(old);
	if (!registered)
		return false;
	if (started != NULL)
		pfree(started);
	started = handle;
	started_for = job.index;
	started_at = GetCurrentTimestamp();
	started_after = meta->sealed;
	return true;
}

/*
 * Whether this session does what was broken off, before the statement goes on.  It would
 * fail the statement too if it fails again, but if nobody tried, the pending part would
 * grow for good: of a temporary table nobody else can.
 */
static bool
tries_again(Relation index, double times, int64 rows)
{
	if (times < TRY_AGAIN || (retried_for == RelationGetRelid(index) && rows < TRY_AGAIN * retried_at))
		return false;
	retried_for = RelationGetRelid(index);
	retried_at = rows;
	return true;
}

/*
 * Has the pending part sealed when it is over the limit.  Nobody waits for a seal that is
 * under way.  This session holds no rows back now.
 */
void
vs_ann_seal_if_large(Relation index, Relation heap)
{
	VsAnnSealRequest request = {.caller = VS_ANN_SEAL_AUTOMATIC};
	VsAnnMetaData meta;
	VsAnnSealResult result;
	int64		rows;
	double		times = times_too_large(index, &meta, &rows);

	if (times < 1)
		return;
	if (vs_ann_background_seals && vs_ann_max_background_seals > 0 &&
		others_can_open(index, heap))
	{
		if (worker_under_way(index) || just_failed(index, &meta) || vs_ann_seal_under_way(index))
			return;
		if (place_free() ? start_worker(index, &meta) : times < TRY_AGAIN)
			return;
	}
	if (meta.sealing != 0 && !tries_again(index, times, rows))
		return;
	/* training all lists is left to others when it would take long */
	request.may_train = meta.list_rows < MAX_ROWS_TRAINED;
	vs_ann_seal(index, heap, VS_ANN_NOWAIT, &request, &result);
	if (retried_for == RelationGetRelid(index))
		retried_for = InvalidOid;
}

/* ---- the worker ---- */

/* Opens a relation unless that would have to wait; NULL if so, or if it is gone. */
static Relation
open_now(Oid relid, LOCKMODE lockmode)
{
	Relation	rel;

	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, lockmode))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, lockmode);
	return rel;
}

/* Takes one of the places for workers, to the end of the transaction; false if all are taken. */
static bool
take_place(void)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		for (int place = 1; place <= vs_ann_max_background_seals; place++)
		{
			LOCKTAG		tag;

			place_locktag(place, &tag);
			if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
				return true;
		}
		pg_usleep(LOCK_NAP_US);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

static void
seal_opened(Relation index, Relation heap)
{
	VsAnnMetaData meta;
	VsAnnSealResult result;
	int64		rows;
	VsAnnSealRequest request = {.caller = VS_ANN_SEAL_AUTOMATIC};

	if (!vs_ann_is_vecann(index) || !index->rd_index->indisready ||
		index->rd_index->indrelid != RelationGetRelid(heap) || times_too_large(index, &meta, &rows) < 1)
		return;
	request.may_train = meta.list_rows < MAX_ROWS_TRAINED_BY_WORKER;
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		/* if a check is all that keeps us from sealing, we are next */
		VsAnnWait	wait = vs_ann_seal_under_way(index) ? VS_ANN_NOWAIT : VS_ANN_WAIT;

		if (vs_ann_seal(index, heap, wait, &request, &result))
			break;
		pg_usleep(LOCK_NAP_US);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
seal_index(Oid indexoid)
{
	Relation	heap = open_now(IndexGetRelation(indexoid, true), AccessShareLock);
	Relation	index;

	if (heap == NULL)
		return;
	index = open_now(indexoid, RowExclusiveLock);
	if (index != NULL)
	{
		seal_opened(index, heap);
		relation_close(index, RowExclusiveLock);
	}
	relation_close(heap, AccessShareLock);
}

/* As in autovacuum workers, a seal does not depend on what a database's or role's settings say of time. */
static void
set_up(void)
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

/* Seals the index named in the worker's entry, unless there is nothing to do any more. */
void
vs_ann_background_main(Datum arg)
{
	Job			job;

	memcpy(&job, MyBgworkerEntry->bgw_extra, sizeof(job));
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(job.database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	set_up();

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, MyBgworkerEntry->bgw_name);
	if (take_place())
		seal_index(job.index);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
}
