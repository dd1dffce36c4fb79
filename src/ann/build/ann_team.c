/*-------------------------------------------------------------------------
 * ann_team.c
 *	  Parallel builds: launches workers and hands out jobs.
 *
 * ann_team.h explains the words.  The leader goes through the steps of a
 * build as a serial build does.  It posts each expensive step as a job.  The
 * leader and the workers that are free take one piece after another, and the
 * leader goes on when no piece is left and no worker is busy.  So the leader
 * does not wait for a worker that has not started, and without workers it
 * does all jobs itself.
 *
 * The data of a job lie in a segment of shared memory that the leader makes
 * before it posts the job.  If there is no memory for a segment, the leader
 * does the step alone in private memory.
 *
 * Concurrency.  Shared data that all participants read are written by the
 * leader only, between jobs.  In a job, each piece has one writer.  A spinlock
 * protects the board.  Otherwise participants compete only for the extension
 * lock of the index.
 *
 * Errors.  An ERROR in a worker reaches the leader at its next check for
 * interrupts.  An ERROR in the leader ends the workers with the parallel
 * context.  The segment, the shared files and the new index go with the
 * transaction.
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

/* The leader updates the progress report this often while it waits. */
#define PROGRESS_MS			500L

extern PGDLLEXPORT void vs_ann_worker_main(dsm_segment *seg, shm_toc *toc);

/* ---- beginning and end, by the leader ---- */

static void
init_shared(VsAnnShared *shared, const VsAnnTeam *team, int workers)
{
	memset(shared, 0, offsetof(VsAnnShared, participants) + sizeof(VsAnnParticipant) * (workers + 1));
	shared->heap = RelationGetRelid(team->heap);
	shared->index = RelationGetRelid(team->ann->index);
	shared->concurrent = team->info->ii_Concurrent;
	shared->nparticipants = 1;
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->changed);
	pg_atomic_init_u64(&shared->next, 0);
	pg_atomic_init_u64(&shared->done, 0);
}

static void
estimate_chunk(ParallelContext *pcxt, Size size)
{
	shm_toc_estimate_chunk(&pcxt->estimator, size);
	shm_toc_estimate_keys(&pcxt->estimator, 1);
}

static void *
allocate_chunk(ParallelContext *pcxt, uint64 key, Size size)
{
	void	   *chunk = shm_toc_allocate(pcxt->toc, size);

	shm_toc_insert(pcxt->toc, key, chunk);
	return chunk;
}

/*
 * Lays out the memory of the parallel context and launches the workers.
 * False if there is no shared memory for it.
 */
static bool
launch_workers(VsAnnTeam *team, int workers)
{
	ParallelContext *pcxt = team->pcxt;
	Size		shared_size = offsetof(VsAnnShared, participants) + sizeof(VsAnnParticipant) * (workers + 1);
	Size		scan_size = table_parallelscan_estimate(team->heap, team->snapshot);
	Size		query_size = debug_query_string != NULL ? strlen(debug_query_string) + 1 : 0;

	estimate_chunk(pcxt, shared_size);
	estimate_chunk(pcxt, scan_size);
	estimate_chunk(pcxt, mul_size(sizeof(BufferUsage), workers));
	estimate_chunk(pcxt, mul_size(sizeof(WalUsage), workers));
	if (query_size > 0)
		estimate_chunk(pcxt, query_size);
	InitializeParallelDSM(pcxt);
	if (pcxt->seg == NULL)
		return false;

	team->shared = allocate_chunk(pcxt, KEY_SHARED, shared_size);
	init_shared(team->shared, team, workers);
	SharedFileSetInit(&team->shared->files, pcxt->seg);
	team->scan = allocate_chunk(pcxt, KEY_SCAN, scan_size);
	table_parallelscan_initialize(team->heap, team->scan, team->snapshot);
	team->buffer_usage = allocate_chunk(pcxt, KEY_BUFFER_USAGE, mul_size(sizeof(BufferUsage), workers));
	team->wal_usage = allocate_chunk(pcxt, KEY_WAL_USAGE, mul_size(sizeof(WalUsage), workers));
	if (query_size > 0)
		memcpy(allocate_chunk(pcxt, KEY_QUERY, query_size), debug_query_string, query_size);

	LaunchParallelWorkers(pcxt);
	team->shared->nparticipants = 1 + pcxt->nworkers_launched;
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
	if (launch_workers(team, workers))
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
	for (int i = 0; i < shared->nparticipants; i++)
		ereport(DEBUG1,
				(errmsg_internal("vecann build of index \"%s\": participant %d spooled " INT64_FORMAT
								 " rows, coded " INT64_FORMAT " rows, wrote %d lists",
								 RelationGetRelationName(team->ann->index), i,
								 shared->participants[i].ids, shared->participants[i].coded,
								 shared->participants[i].lists)));
	leave_parallel_mode(team);
	team->ann->team = false;
}

/* ---- segments ---- */

/* Releases what a resource owner holds, and the owner. */
static void
release_owner(ResourceOwner owner)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	ResourceOwnerDelete(owner);
}

/*
 * The segment has a resource owner of its own.  If dsm_create fails halfway,
 * its ERROR is caught here, and the owner releases the descriptor that is
 * left.
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

/* Does this participant's share of a job, in a memory context of its own. */
static void
work_on_job(VsAnnTeam *team, const VsAnnJob *job)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann job",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	vs_ann_job_work(team, job);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

int64
vs_ann_team_take_piece(VsAnnTeam *team, const VsAnnJob *job)
{
	uint64		piece;

	CHECK_FOR_INTERRUPTS();
	piece = pg_atomic_fetch_add_u64(&team->shared->next, 1);
	if (team->self == 0 && job->kind == VS_ANN_JOB_CODE)
		vs_ann_progress_done(pg_atomic_read_u64(&team->shared->done));
	return piece < (uint64) job->pieces ? (int64) piece : -1;
}

/*
 * Waits until no worker is in the job, and closes it.  If the leader took part,
 * it found no piece left.  If it did not, it waits until a worker has joined
 * the job, because a worker leaves only when no piece is left.
 */
static void
close_job(VsAnnTeam *team, const VsAnnJob *job, bool took_part)
{
	VsAnnShared *shared = team->shared;

	/*
	 * throws an error if a worker cannot start, rather than wait for it
	 * forever
	 */
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

void
vs_ann_team_do_job(VsAnnTeam *team, const VsAnnJob *job)
{
	VsAnnShared *shared = team->shared;
	bool		take_part = parallel_leader_participation || shared->nparticipants == 1;

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
		work_on_job(team, job);
	close_job(team, job, take_part);
}

/* ---- workers ---- */

/*
 * Waits for a job that this worker has not joined yet, joins it and copies it
 * to *job.  *seen is the number of the job that the worker joined last.
 * False if there will be no further job.
 */
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

/* The last worker that leaves a job wakes the leader. */
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

/* Attaches the segment that the job works on, in place of the one before. */
static void
attach_segment(VsAnnTeam *team, const VsAnnJob *job)
{
	if (team->data != NULL && dsm_segment_handle(team->data) == job->data)
		return;
	vs_ann_team_drop_segment(team);
	if (job->data == 0)
		return;
	team->data = dsm_attach(job->data);
	if (team->data == NULL)
		elog(ERROR, "could not attach to shared memory of a vecann build");
}

/*
 * A worker's loop.  The shape of the codes is known after the scan at the
 * latest.
 */
static void
work_on_jobs(VsAnnTeam *team)
{
	uint32		seen = 0;
	VsAnnJob	job;

	while (join_job(team, &seen, &job))
	{
		attach_segment(team, &job);
		if (!team->ann->has_dim && team->shared->dim > 0)
			vs_ann_set_shape(team->ann, team->shared->dim,
							 vs_ann_option_bits(team->ann->index), VS_ANN_ROTATION_SEED);
		work_on_job(team, &job);
		leave_job(team);
	}
	vs_ann_team_drop_segment(team);
}

/*
 * Main function of a worker.  It opens the relations and works on jobs to the
 * end.
 */
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

	/* the same locks as the leader's command holds */
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
	work_on_jobs(&team);
	buffer_usage = shm_toc_lookup(toc, KEY_BUFFER_USAGE, false);
	wal_usage = shm_toc_lookup(toc, KEY_WAL_USAGE, false);
	InstrEndParallelQuery(&buffer_usage[ParallelWorkerNumber], &wal_usage[ParallelWorkerNumber]);

	index_close(index, NoLock);
	table_close(team.heap, NoLock);
}
