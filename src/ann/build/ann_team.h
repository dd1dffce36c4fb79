/*-------------------------------------------------------------------------
 * ann_team.h
 *	  The leader and workers that build an index together.
 *
 * ann_team.c hands out jobs; ann_jobs.c does them.
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
	VS_ANN_JOB_READ,			/* read the sample's rows */
	VS_ANN_JOB_NEAREST,			/* nearest centroids of the sample's rows */
	VS_ANN_JOB_CLUSTERS,		/* divide clusters of the sample */
	VS_ANN_JOB_CODE,			/* assign and code rows, write runs */
	VS_ANN_JOB_LISTS			/* gather runs into lists */
} VsAnnJobKind;

/* A job falls into pieces, which participants take one after the other. */
typedef struct VsAnnJob
{
	VsAnnJobKind kind;
	dsm_handle	data;			/* the segment that it works on, 0 if none */
	int64		pieces;
	int			piece_size;		/* rows or lists of a piece */
	int			lists;			/* with rows_room, what the segment is laid out for */
	int64		rows_room;
	int64		rows;			/* to work on */
	int			count;			/* of centroids or clusters to work on */
	bool		has_mean;
} VsAnnJob;

/* What a participant has done. */
typedef struct VsAnnParticipant
{
	int64		ids;			/* spooled */
	int			dim;			/* of its rows, 0 if it does not know */
	int			runs;			/* written */
	int64		coded;			/* rows in them */
	int			lists;			/* gathered */
} VsAnnParticipant;

/* In the parallel context's memory. */
typedef struct VsAnnShared
{
	/* fixed */
	Oid			heap;
	Oid			index;
	bool		concurrent;
	SharedFileSet files;

	/* set by the leader between jobs */
	int			participants;	/* leader and launched workers */
	int			dim;			/* 0: not known */

	/* the board, under mutex */
	slock_t		mutex;
	ConditionVariable changed;	/* a new job, the end, or nobody busy any more */
	bool		finished;
	bool		open;			/* the job may be joined */
	uint32		number;			/* of the job */
	int			joined;			/* workers that ever joined it */
	int			busy;			/* workers in it now */
	VsAnnJob	job;
	double		heap_tuples;	/* sum of the scan's */
	bool		broken_hot_chain;

	pg_atomic_uint64 next;		/* piece to take */
	pg_atomic_uint64 done;		/* rows, for progress */
	VsAnnParticipant parts[FLEXIBLE_ARRAY_MEMBER];	/* leader, workers */
} VsAnnShared;

/* A participant's view. */
typedef struct VsAnnTeam
{
	VsAnnShared *shared;
	ParallelTableScanDesc scan;
	int			self;			/* 0: leader */
	VsAnn	   *ann;
	Relation	heap;
	IndexInfo  *info;
	dsm_segment *data;			/* attached */

	/* the leader's */
	ParallelContext *pcxt;
	ResourceOwner data_owner;	/* of data */
	Snapshot	snapshot;
	BufferUsage *buffer_usage;
	WalUsage   *wal_usage;
} VsAnnTeam;

/* ann_team.c; for the leader */
extern VsAnnTeam *vs_ann_team_begin(VsAnn *ann, Relation heap, IndexInfo *info);
extern void *vs_ann_team_segment(VsAnnTeam *team, Size size);
extern void vs_ann_team_drop_segment(VsAnnTeam *team);
extern void vs_ann_team_run(VsAnnTeam *team, const VsAnnJob *job);
extern void vs_ann_team_end(VsAnnTeam *team);

/* for all */
extern int64 vs_ann_team_take(VsAnnTeam *team, const VsAnnJob *job);

/* ann_jobs.c: a participant's share of a job */
extern void vs_ann_job_do(VsAnnTeam *team, const VsAnnJob *job);

/* The build's steps, by the leader; false or NULL when they must be done alone. */
extern VsAnnSpool *vs_ann_team_scan(VsAnnTeam *team, double *heap_tuples);
extern bool vs_ann_team_assign(VsAnnTeam *team, VsAnnDirectory *dir, VsAnnSpool *spool,
							   int64 *rows);

/* The team as a training needs it. */
extern VsAnnTrainTeam vs_ann_team_trainers(VsAnnTeam *team);

/* ann_build.c */
extern void vs_ann_open_new(VsAnn *ann, Relation index);
extern double vs_ann_build_scan(VsAnn *ann, Relation heap, IndexInfo *info,
								TableScanDesc scan, SharedFileSet *files, int part,
								VsAnnSpool **spool);

#endif							/* VS_ANN_TEAM_H */
