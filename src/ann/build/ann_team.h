/*-------------------------------------------------------------------------
 * ann_team.h
 *	  The processes of a parallel build.
 *
 * ann_team.c hands out jobs; ann_jobs.c does them.
 *
 * Participant: a process of the build, that is, the leader (number 0, the
 * backend that runs CREATE INDEX) or a parallel worker (1 and up).
 *
 * Job: one step of the build.  The leader posts it on the board
 * (VsAnnShared), and all participants may work on it at the same time.  There
 * is one job at a time.
 *
 * Piece: a part of a job that one participant does alone: rows of the sample,
 * ids, clusters or lists.  Participants take pieces by number until none is
 * left.
 *
 * Spool part: the ids that one participant has spooled in the scan, in a
 * shared temporary file.  All parts together are read as one spool.
 *
 * Sorted run: coded rows sorted by list, as many as the memory of a
 * participant holds.  A participant writes its runs one after the other to
 * its own files (ann_jobs.c).
 *
 * Segment: shared memory that the leader makes for the data of some jobs.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_TEAM_H
#define VS_ANN_TEAM_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"

#include "access/parallel.h"
#include "access/relscan.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/sharedfileset.h"
#include "storage/spin.h"

typedef enum VsAnnJobKind
{
	VS_ANN_JOB_SCAN = 1,		/* scan the table, spool ids */
	VS_ANN_JOB_READ,			/* read the rows of the sample */
	VS_ANN_JOB_NEAREST,			/* find the nearest centroids of the sample */
	VS_ANN_JOB_CLUSTERS,		/* divide clusters of the sample into lists */
	VS_ANN_JOB_CODE,			/* assign and code rows, write sorted runs */
	VS_ANN_JOB_LISTS			/* gather sorted runs into lists */
} VsAnnJobKind;

/* A job as the leader posts it.  A scan has no pieces of its own. */
typedef struct VsAnnJob
{
	VsAnnJobKind kind;
	dsm_handle	data;			/* the segment that it works on, 0 if none */
	int64		pieces;
	int			piece_size;		/* rows or lists per piece */
	int			lists;			/* lists that the segment is laid out for */
	int64		rows_room;		/* rows that the segment is laid out for */
	int64		rows;			/* rows to work on */
	int			count;			/* centroids or clusters to work on */
	bool		has_mean;
} VsAnnJob;

/* The work of one participant so far.  Only that participant writes it. */
typedef struct VsAnnParticipant
{
	int64		ids;			/* in its spool part */
	int			dim;			/* of its rows, 0: it has met none */
	int			runs;			/* sorted runs written */
	int64		coded;			/* rows in them */
	int			lists;			/* gathered */
} VsAnnParticipant;

/* In the memory of the parallel context. */
typedef struct VsAnnShared
{
	/* fixed */
	Oid			heap;
	Oid			index;
	bool		concurrent;
	SharedFileSet files;

	/* set by the leader between jobs */
	int			nparticipants;	/* leader and launched workers */
	int			dim;			/* 0: not known */

	/* the board, under mutex */
	slock_t		mutex;
	ConditionVariable changed;	/* a job is posted or over, or all are */
	bool		finished;		/* there will be no further job */
	bool		open;			/* workers may join the job */
	uint32		number;			/* of the job */
	int			joined;			/* workers that ever joined it */
	int			busy;			/* workers in it now */
	VsAnnJob	job;
	double		heap_tuples;	/* of all participants' scans */
	bool		broken_hot_chain;

	pg_atomic_uint64 next;		/* number of the next piece to take */
	pg_atomic_uint64 done;		/* rows, for the progress report */
	VsAnnParticipant participants[FLEXIBLE_ARRAY_MEMBER];
} VsAnnShared;

/* The team as one participant sees it, in private memory. */
typedef struct VsAnnTeam
{
	VsAnnShared *shared;
	ParallelTableScanDesc scan;
	int			self;			/* number of this participant, 0: leader */
	VsAnn	   *ann;
	Relation	heap;
	IndexInfo  *info;
	dsm_segment *data;			/* the segment attached now, or NULL */

	/* set in the leader only */
	ParallelContext *pcxt;
	ResourceOwner data_owner;	/* of data */
	Snapshot	snapshot;
	BufferUsage *buffer_usage;
	WalUsage   *wal_usage;
} VsAnnTeam;

/*
 * Enters parallel mode and launches as many workers as
 * plan_create_index_workers allows; NULL if that is none.  For the leader, as
 * are the next functions.  The leader must end the team before it writes WAL.
 */
extern VsAnnTeam *vs_ann_team_begin(VsAnn *ann, Relation heap, IndexInfo *info);

/* Waits for the workers to end, adds up their usage, leaves parallel mode. */
extern void vs_ann_team_end(VsAnnTeam *team);

/*
 * Makes a segment of the size for the next jobs, in place of the one before.
 * NULL if there is not enough shared memory, as in some containers.
 */
extern void *vs_ann_team_segment(VsAnnTeam *team, Size size);
extern void vs_ann_team_drop_segment(VsAnnTeam *team);

/*
 * Posts a job on the team's segment, and returns when all its pieces are
 * done.  The leader takes part, unless parallel_leader_participation is off
 * and there are workers.
 */
extern void vs_ann_team_do_job(VsAnnTeam *team, const VsAnnJob *job);

/*
 * Returns the number of the next piece of the job, or -1 if none is left.
 * Checks for interrupts.  For all participants.
 */
extern int64 vs_ann_team_take_piece(VsAnnTeam *team, const VsAnnJob *job);

/*
 * Does a participant's share of a job: takes pieces until none is left.  The
 * current memory context must end with the job.
 */
extern void vs_ann_job_work(VsAnnTeam *team, const VsAnnJob *job);

/*
 * Scans the table.  Returns the ids of all rows as one spool, or NULL if
 * there are none.  For the leader.
 */
extern VsAnnSpool *vs_ann_team_scan(VsAnnTeam *team, double *heap_tuples);

/*
 * Writes all rows of the spool to the lists of the directory, and sets their
 * heads and *rows.  False, with nothing done, if there is no shared memory
 * for it.  For the leader.
 */
extern bool vs_ann_team_assign(VsAnnTeam *team, VsAnnDirectory *dir, VsAnnSpool *spool,
							   int64 *rows);

/* The callbacks by which vs_ann_train uses the team. */
extern VsAnnTrainTeam vs_ann_team_trainers(VsAnnTeam *team);

/* Fills *ann for an index that has no metapage yet (ann_build.c). */
extern void vs_ann_open_new(VsAnn *ann, Relation index);

/*
 * Scans the table, or with scan this participant's share of it, and spools
 * the ids: as a part in files, or if files is NULL privately.  Returns the
 * number of live rows.  *spool is NULL if there is no row to index.  The
 * first row decides ann's shape if nothing else did.
 */
extern double vs_ann_build_scan(VsAnn *ann, Relation heap, IndexInfo *info,
								TableScanDesc scan, SharedFileSet *files, int part,
								VsAnnSpool **spool);

#endif							/* VS_ANN_TEAM_H */
