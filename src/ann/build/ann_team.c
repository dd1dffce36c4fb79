/*-------------------------------------------------------------------------
 * ann_team.c
 *	  Parallel builds: launches workers, hands out jobs.
 *
 * The leader goes through the steps of a build as it would alone.  What is much
 * work it posts as a job, which falls into pieces; it and the workers that
 * happen to be free take piece after piece, and the leader goes on when no piece
 * is left and nobody is busy.  So it never waits for a worker that did not start,
 * and with none it does everything itself.
 *
 * A job's data lie in a segment of shared memory that the leader makes for it.
 * Where there is no room for one, a step is done by the leader in private memory.
 *
 * Only the leader writes to what all read, between jobs; in a job each piece has one
 * writer.  An ERROR in a worker reaches the leader at its next check for interrupts;
 * one in the leader ends the workers with the parallel context.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "ann/base/ann_index.h"
#include "ann/base/ann_options.h"
#include "ann/base/ann_progress.h"
#include "ann/build/ann_team.h"
#include "ann/page/ann_change.h"
#include "compat/ann_compat.h"

#define KEY_SHARED			UINT64CONST(0x7665630000000001)
#define KEY_SCAN			UINT64CONST(0x7665630000000002)
#define KEY_BUFFER_USAGE	UINT64CONST(0x7665630000000003)
#define KEY_WAL_USAGE		UINT64CONST(0x7665630000000004)
#define KEY_QUERY			UINT64CONST(0x7665630000000005)

#define LIBRARY				"vecstore"
#define PROGRESS_MS			500L

extern PGDLLEXPORT void vs_ann_worker_main(dsm_segment *seg, shm_toc *toc);

/* ---- beginning and end, by the leader ---- */

static void
shared_init(VsAnnShared *shared, const VsAnnTeam *team, int workers)
{
	memset(shared, 0, offsetof(VsAnnShared, parts) + sizeof(VsAnnParticipant) * (workers + 1));
	shared->heap = RelationGetRelid(team->heap);
	shared->index = RelationGetRelid(team->ann->index);
	shared->concurrent = team->info->ii_Concurrent;
	shared->participants = 1;
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->changed);
	pg_atomic_init_u64(&shared->next, 0);
	pg_atomic_init_u64(&shared->done, 0);
}

static void
estimate(ParallelContext *pcxt, Size size)
{
	shm_toc_estimate_chunk(&pcxt->estimator, size);
	shm_toc_estimate_keys(&pcxt->estimator, 1);
}

static void *
allocate(ParallelContext *pcxt, uint64 key, Size size)
{
	void	   *chunk = shm_toc_allocate(pcxt->toc, size);

	shm_toc_insert(pcxt->toc, key, chunk);
	return chunk;
}

/* Lays out the context's memory, launches; false if there is no shared memory. */
static bool
launch(VsAnnTeam *team, int workers)
{
	ParallelContext *pcxt = team->pcxt;
	Size		shared_size = offsetof(VsAnnShared, parts) + sizeof(VsAnnParticipant) * (workers + 1);
	Size		scan_size = table_parallelscan_estimate(team->heap, team->snapshot);
	Size		query_size = debug_query_string != NULL ? strlen(debug_query_string) + 1 : 0;

	estimate(pcxt, shared_size);
	estimate(pcxt, scan_size);
	estimate(pcxt, mul_size(sizeof(BufferUsage), workers));
	estimate(pcxt, mul_size(sizeof(WalUsage), workers));
	if (query_size > 0)
		estimate(pcxt, query_size);
	InitializeParallelDSM(pcxt);
	if (pcxt->seg == NULL)
		return false;

	team->shared = allocate(pcxt, KEY_SHARED, shared_size);
	shared_init(team->shared, team, workers);
	SharedFileSetInit(&team->shared->files, pcxt->seg);
	team->scan = allocate(pcxt, KEY_SCAN, scan_size);
	table_parallelscan_initialize(team->heap, team->scan, team->snapshot);
	team->buffer_usage = allocate(pcxt, KEY_BUFFER_USAGE, mul_size(sizeof(BufferUsage), workers));
	team->wal_usage = allocate(pcxt, KEY_WAL_USAGE, mul_size(sizeof(WalUsage), workers));
	if (query_size > 0)
		memcpy(allocate(pcxt, KEY_QUERY, query_size), debug_query_string, query_size);

	LaunchParallelWorkers(pcxt);
	team->shared->participants = 1 + pcxt->nworkers_launched;
	ereport(DEBUG1,
			(errmsg_internal("vecann build of index \"%s\": %d of %d parallel workers launched",
							 RelationGetRelationName(team->ann->index),
							 pcxt->nworkers_launched, workers)));
	return true;
}

static void
leave_parallel_mode(VsAnnTeam *team)
{
	if (IsMVCCSnapshot(team->snapshot))
		UnregisterSnapshot(team->snapshot);
	DestroyParallelContext(team->pcxt);
	ExitParallelMode();
}

/*
 * Launches as many workers as the table's size and the settings allow; NULL if that is
 * none.  The caller must end the team, at the latest before it writes WAL.
 */
VsAnnTeam *
vs_ann_team_begin(VsAnn *ann, Relation heap, IndexInfo *info)
{
	int			workers = plan_create_index_workers(RelationGetRelid(heap),
													RelationGetRelid(ann->index));
	VsAnnTeam  *team;

	if (workers == 0)
		return NULL;
	team = palloc0(sizeof(VsAnnTeam));
	team->ann = ann;
	team->heap = heap;
	team->info = info;
	EnterParallelMode();
	team->pcxt = CreateParallelContext(LIBRARY, "vs_ann_worker_main", workers);
	team->snapshot = info->ii_Concurrent ? RegisterSnapshot(GetTransactionSnapshot()) :
		SnapshotAny;
	if (launch(team, workers))
	{
		ann->team = true;
		return team;
	}
	leave_parallel_mode(team);
	pfree(team);
	return NULL;
}

void
vs_ann_team_end(VsAnnTeam *team)
{
	VsAnnShared *shared = team->shared;

	vs_ann_team_drop_segment(team);
	SpinLockAcquire(&shared->mutex);
	shared->finished = true;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
	WaitForParallelWorkersToFinish(team->pcxt);
	for (int i = 0; i < team->pcxt->nworkers_launched; i++)
		InstrAccumParallelQuery(&team->buffer_usage[i], &team->wal_usage[i]);
	for (int i = 0; i < shared->participants; i++)
		ereport(DEBUG1,
				(errmsg_internal("vecann build of index \"%s\": participant %d spooled " INT64_FORMAT
								 " rows, coded " INT64_FORMAT " rows, wrote %d lists",
								 RelationGetRelationName(team->ann->index), i,
								 shared->parts[i].ids, shared->parts[i].coded,
								 shared->parts[i].lists)));
	leave_parallel_mode(team);
	team->ann->team = false;
}

/* ---- segments ---- */

static void
release_owner(ResourceOwner owner)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	ResourceOwnerDelete(owner);
}

/*
 * A segment for the next jobs, in place of the one before; NULL if there is no room
 * for it, as in containers with little shared memory.  It has a resource owner of
 * its own, which takes away what a failed attempt leaves.
 */
void *
vs_ann_team_segment(VsAnnTeam *team, Size size)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner parent = CurrentResourceOwner;
	ResourceOwner owner = ResourceOwnerCreate(parent, "vecann segment");
	dsm_segment *volatile segment = NULL;

	vs_ann_team_drop_segment(team);
	CurrentResourceOwner = owner;
	PG_TRY();
	{
		segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	}
	PG_CATCH();
	{
		int			code = geterrcode();

		if (code != ERRCODE_OUT_OF_MEMORY && code != ERRCODE_DISK_FULL)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	CurrentResourceOwner = parent;
	if (segment == NULL)
	{
		release_owner(owner);
		ereport(DEBUG1,
				(errmsg_internal("vecann build: no shared memory for %zu bytes", size)));
		return NULL;
	}
	team->data = segment;
	team->data_owner = owner;
	return dsm_segment_address(segment);
}

void
vs_ann_team_drop_segment(VsAnnTeam *team)
{
	if (team->data != NULL)
		dsm_detach(team->data);
	if (team->data_owner != NULL)
		release_owner(team->data_owner);
	team->data = NULL;
	team->data_owner = NULL;
}

/* ---- jobs ---- */

/* A participant's share of a job, in memory of its own. */
static void
do_job(VsAnnTeam *team, const VsAnnJob *job)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann job",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	vs_ann_job_do(team, job);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The next piece of the job, or -1. */
int64
vs_ann_team_take(VsAnnTeam *team, const VsAnnJob *job)
{
	uint64		piece;

	CHECK_FOR_INTERRUPTS();
	piece = pg_atomic_fetch_add_u64(&team->shared->next, 1);
	if (team->self == 0 && job->kind == VS_ANN_JOB_CODE)
		vs_ann_progress_done(pg_atomic_read_u64(&team->shared->done));
	return piece < (uint64) job->pieces ? (int64) piece : -1;
}

/* Waits until nobody is in the job; unless the leader took part, at least one must have been. */
static void
wait_for_workers(VsAnnTeam *team, const VsAnnJob *job, bool took_part)
{
	VsAnnShared *shared = team->shared;

	/* an error for those that never start, which would be waited for in vain */
	if (!took_part)
		WaitForParallelWorkersToAttach(team->pcxt);
	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;)
	{
		bool		over;

		SpinLockAcquire(&shared->mutex);
		over = shared->busy == 0 && (took_part || shared->joined > 0);
		if (over)
			shared->open = false;
		SpinLockRelease(&shared->mutex);
		if (over)
			break;
		if (job->kind == VS_ANN_JOB_CODE)
			vs_ann_progress_done(pg_atomic_read_u64(&shared->done));
		ConditionVariableTimedSleep(&shared->changed, PROGRESS_MS,
									WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
}

/*
 * Has a job done, on the team's segment.  The leader takes part, unless
 * parallel_leader_participation is off and there are workers.
 */
void
vs_ann_team_run(VsAnnTeam *team, const VsAnnJob *job)
{
	VsAnnShared *shared = team->shared;
	bool		take_part = parallel_leader_participation || shared->participants == 1;

	pg_atomic_write_u64(&shared->next, 0);
	pg_atomic_write_u64(&shared->done, 0);
	SpinLockAcquire(&shared->mutex);
	shared->job = *job;
	shared->job.data = team->data != NULL ? dsm_segment_handle(team->data) : 0;
	shared->number++;
	shared->joined = 0;
	shared->open = true;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
	if (take_part)
		do_job(team, job);
	wait_for_workers(team, job, take_part);
}

/* ---- workers ---- */

/* Waits for a job that this worker has not been in; false at the end. */
static bool
join_job(VsAnnTeam *team, uint32 *seen, VsAnnJob *job)
{
	VsAnnShared *shared = team->shared;
	bool		joined = false;
	bool		finished = false;

	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;)
	{
		SpinLockAcquire(&shared->mutex);
		finished = shared->finished;
		if (!finished && shared->open && shared->number != *seen)
		{
			*seen = shared->number;
			*job = shared->job;
			shared->joined++;
			shared->busy++;
			joined = true;
		}
		SpinLockRelease(&shared->mutex);
		if (finished || joined)
			break;
		ConditionVariableSleep(&shared->changed, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
	return joined;
}

static void
leave_job(VsAnnTeam *team)
{
	bool		last;

	SpinLockAcquire(&team->shared->mutex);
	last = --team->shared->busy == 0;
	SpinLockRelease(&team->shared->mutex);
	if (last)
		ConditionVariableBroadcast(&team->shared->changed);
}

/* Attaches the segment that the job works on. */
static void
attach_data(VsAnnTeam *team, const VsAnnJob *job)
{
	if (team->data != NULL && dsm_segment_handle(team->data) == job->data)
		return;
	vs_ann_team_drop_segment(team);
	if (job->data == 0)
		return;
	team->data = dsm_attach(job->data);
	if (team->data == NULL)
		elog(ERROR, "could not attach the memory of a vecann build");
}

static void
work(VsAnnTeam *team)
{
	uint32		seen = 0;
	VsAnnJob	job;

	while (join_job(team, &seen, &job))
	{
		attach_data(team, &job);
		if (!team->ann->has_dim && team->shared->dim > 0)
			vs_ann_set_shape(team->ann, team->shared->dim,
							 vs_ann_option_bits(team->ann->index), VS_ANN_ROTATION_SEED);
		do_job(team, &job);
		leave_job(team);
	}
	vs_ann_team_drop_segment(team);
}

void
vs_ann_worker_main(dsm_segment *seg, shm_toc *toc)
{
	VsAnnTeam	team = {0};
	VsAnn		ann;
	Relation	index;
	BufferUsage *buffer_usage;
	WalUsage   *wal_usage;

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);

	team.shared = shm_toc_lookup(toc, KEY_SHARED, false);
	team.scan = shm_toc_lookup(toc, KEY_SCAN, false);
	team.self = ParallelWorkerNumber + 1;
	SharedFileSetAttach(&team.shared->files, seg);

	/* the locks that the leader's command holds */
	team.heap = table_open(team.shared->heap, team.shared->concurrent ?
						   ShareUpdateExclusiveLock :
						   ShareLock);
	index = index_open(team.shared->index, team.shared->concurrent ?
					   RowExclusiveLock :
					   AccessExclusiveLock);
	team.info = BuildIndexInfo(index);
	team.info->ii_Concurrent = team.shared->concurrent;
	vs_ann_open_new(&ann, index);
	ann.team = true;
	team.ann = &ann;

	InstrStartParallelQuery();
	work(&team);
	buffer_usage = shm_toc_lookup(toc, KEY_BUFFER_USAGE, false);
	wal_usage = shm_toc_lookup(toc, KEY_WAL_USAGE, false);
	InstrEndParallelQuery(&buffer_usage[ParallelWorkerNumber], &wal_usage[ParallelWorkerNumber]);

	index_close(index, NoLock);
	table_close(team.heap, NoLock);
}
