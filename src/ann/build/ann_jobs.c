/*-------------------------------------------------------------------------
 * ann_jobs.c
 *	  What a participant does in each job of a parallel build.
 *
 *	scan	each scans its share of the table into a part of the spool
 *	read, nearest, clusters
 *			training on a sample in the team's segment
 *	code	each takes pieces of the spool, assigns and codes their rows; what memory
 *			holds is sorted by list and written as a run to a file of its own
 *	lists	each takes lists, gathers their entries from all runs and writes their
 *			pages; a list has one writer, so there is nothing to lock but the
 *			extension of the index
 *
 * Files of a participant: "runs.N", entries of all its runs; "starts.N", for each run
 * where in "runs.N" each list's entries begin, and where the last one's end.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>

#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/base/ann_index.h"
#include "ann/base/ann_memory.h"
#include "ann/base/ann_options.h"
#include "ann/base/ann_progress.h"
#include "ann/base/ann_value.h"
#include "ann/build/ann_team.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_round.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "compat/ann_compat.h"
#include "quant/kmeans.h"
#include "quant/quant.h"
#include "store/store.h"

#define FIRST_SEAL		1
#define READ_PIECE		512
#define CODE_PIECE		1024
/* pieces of a job for each participant, so that all end at about the same time */
#define PIECES_EACH		16
#define MIN_ROWS		480
/* of a training: the square root of the most lists */
#define MAX_CLUSTERS	256
/* entries gathered at once */
#define GATHER			1024

/* The memory of a training, in the team's segment. */
typedef struct Training
{
	VsAnnTeam  *team;
	int			lists;
	int64		rows_room;
	int64		nrows;
	char	   *items;			/* the sample's, as spooled */
	float	   *rows;
	float	   *centroids;
	int32	   *nearest;
	float	   *distance;
	VsKmeansCluster *clusters;
} Training;

static VsAnnParticipant *
my_participant(VsAnnTeam *team)
{
	return &team->shared->parts[team->self];
}

static char *
take_memory(char **next, Size size)
{
	char	   *start = *next;

	*next += TYPEALIGN(64, size);
	return start;
}

/* ---- scan ---- */

static void
job_scan(VsAnnTeam *team)
{
	VsAnnShared *shared = team->shared;
	VsAnnParticipant *part = my_participant(team);
	VsAnnSpool *spool = NULL;
	TableScanDesc scan = table_beginscan_parallel(team->heap, team->scan);
	double		tuples = vs_ann_build_scan(team->ann, team->heap, team->info, scan,
										   &shared->files, team->self, &spool);

	part->ids = spool != NULL ? vs_ann_spool_export(spool) : 0;
	part->dim = team->ann->has_dim ? team->ann->spec.dim : 0;
	SpinLockAcquire(&shared->mutex);
	shared->heap_tuples += tuples;
	shared->broken_hot_chain |= team->info->ii_BrokenHotChain;
	SpinLockRelease(&shared->mutex);
}

static VsAnnSpool *
open_spool(VsAnnTeam *team)
{
	int			n = team->shared->participants;
	int64	   *counts = palloc(sizeof(int64) * n);

	for (int i = 0; i < n; i++)
		counts[i] = team->shared->parts[i].ids;
	return vs_ann_spool_open_parts(team->ann, &team->shared->files, n, counts);
}

/* The ids of all rows, or NULL when there are none. */
VsAnnSpool *
vs_ann_team_scan(VsAnnTeam *team, double *heap_tuples)
{
	VsAnnShared *shared = team->shared;
	VsAnn	   *ann = team->ann;
	VsAnnJob	job = {.kind = VS_ANN_JOB_SCAN};
	int64		rows = 0;

	vs_ann_team_run(team, &job);
	for (int i = 0; i < shared->participants; i++)
	{
		int			dim = shared->parts[i].dim;

		rows += shared->parts[i].ids;
		if (dim > 0 && !ann->has_dim)
			vs_ann_set_shape(ann, dim, vs_ann_option_bits(ann->index), VS_ANN_ROTATION_SEED);
		if (dim > 0)
			vs_ann_check_dim(ann, dim);
	}
	shared->dim = ann->has_dim ? ann->spec.dim : 0;
	*heap_tuples = shared->heap_tuples;
	team->info->ii_BrokenHotChain |= shared->broken_hot_chain;
	return rows > 0 ? open_spool(team) : NULL;
}

/* ---- training ---- */

/* Where things are in a training's segment; returns its size. */
static Size
training_layout(Training *training, const VsAnn *ann, char *memory, int lists, int64 rows)
{
	Size		row_bytes = sizeof(float) * ann->geo.padded;
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	char	   *next = memory;

	training->lists = lists;
	training->rows_room = rows;
	training->centroids = (float *) take_memory(&next, row_bytes * lists);
	training->clusters = (VsKmeansCluster *)
		take_memory(&next, sizeof(VsKmeansCluster) * Min(lists, MAX_CLUSTERS));
	training->nearest = (int32 *) take_memory(&next, sizeof(int32) * rows);
	training->distance = (float *) take_memory(&next, sizeof(float) * rows);
	training->items = take_memory(&next, item_size * rows);
	training->rows = (float *) take_memory(&next, row_bytes * rows);
	return next - memory;
}

/* Bytes of the segment for a training on so many rows. */
static Size
training_bytes(const VsAnn *ann, int lists, int64 rows)
{
	Training	training;

	return training_layout(&training, ann, NULL, lists, rows);
}

static void
training_attach(Training *training, VsAnnTeam *team, const VsAnnJob *job)
{
	training->team = team;
	training->nrows = job->rows;
	training_layout(training, team->ann, dsm_segment_address(team->data), job->lists,
					job->rows_room);
}

/* Makes the segment; false if it is not to be had. */
static bool
training_begin(Training *training, VsAnnTeam *team, int lists, int64 rows)
{
	char	   *memory = vs_ann_team_segment(team, training_bytes(team->ann, lists, rows));

	memset(training, 0, sizeof(*training));
	if (memory == NULL)
		return false;
	training->team = team;
	training_layout(training, team->ann, memory, lists, rows);
	return true;
}

static void
training_end(Training *training)
{
	vs_ann_team_drop_segment(training->team);
}

/* Runs a job on the training's first nrows rows. */
static void
training_run(Training *training, VsAnnJobKind kind, int count, int64 pieces, int piece_size)
{
	VsAnnJob	job = {
		.kind = kind,
		.pieces = pieces,
		.piece_size = piece_size,
		.lists = training->lists,
		.rows_room = training->rows_room,
		.rows = training->nrows,
		.count = count,
	};

	vs_ann_team_run(training->team, &job);
}

/* Rotated values of a piece of the sample; nearest tells which are still there. */
static void
job_read(VsAnnTeam *team, const VsAnnJob *job)
{
	const VsAnn *ann = team->ann;
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	VsStoreReader *reader = vs_store_reader_open(team->heap);
	Training	training;
	VsAnnCoder	coder;
	int64		piece;

	training_attach(&training, team, job);
	vs_ann_coder_init(&coder, ann);
	while ((piece = vs_ann_team_take(team, job)) >= 0)
	{
		int64		first = piece * job->piece_size;
		int			n = Min(job->piece_size, job->rows - first);

		vs_ann_read_items(ann, reader, &coder, training.items + item_size * first, n,
						  training.rows + first * ann->geo.padded, training.nearest + first);
	}
	vs_store_reader_close(reader);
}

/* Reads the first n items' rows; returns how many are still there, now the first ones. */
static int64
training_read(Training *training, int64 n)
{
	int			padded = training->team->ann->geo.padded;
	int64		found = 0;

	training->nrows = n;
	training_run(training, VS_ANN_JOB_READ, 0, (n + READ_PIECE - 1) / READ_PIECE, READ_PIECE);
	for (int64 i = 0; i < n; i++)
	{
		if (training->nearest[i] == 0)
			continue;
		if (found < i)
			memcpy(training->rows + found * padded, training->rows + i * padded,
				   sizeof(float) * padded);
		found++;
	}
	training->nrows = found;
	return found;
}

static void
job_nearest(VsAnnTeam *team, const VsAnnJob *job)
{
	int			padded = team->ann->geo.padded;
	VsQuantInterrupt interrupt = vs_ann_interrupt();
	Training	training;
	void	   *memory = NULL;
	VsAssign   *assign = NULL;
	int64		piece;

	training_attach(&training, team, job);
	while ((piece = vs_ann_team_take(team, job)) >= 0)
	{
		int64		first = piece * job->piece_size;
		int64		n = Min(job->piece_size, job->rows - first);

		if (memory == NULL)
		{
			memory = MemoryContextAllocHuge(CurrentMemoryContext,
											vs_assign_bytes(job->count, padded));
			assign = vs_assign_init(memory, job->count, padded, training.centroids);
		}
		vs_assign_rows(assign, n, training.rows + first * padded, training.nearest + first,
					   training.distance + first, NULL, NULL, &interrupt);
	}
	if (memory != NULL)
		pfree(memory);
}

static void
team_nearest(void *arg, int lists, const float *centroids, int32_t *nearest, float *distance)
{
	Training   *training = (Training *) arg;
	int			participants = training->team->shared->participants;
	int64		rows = training->nrows;
	int			piece_size = Max(MIN_ROWS, Min(MIN_ROWS * 16,
											   rows / (participants * PIECES_EACH)));

	memcpy(training->centroids, centroids,
		   sizeof(float) * training->team->ann->geo.padded * lists);
	training_run(training, VS_ANN_JOB_NEAREST, lists, (rows + piece_size - 1) / piece_size,
				 piece_size);
	memcpy(nearest, training->nearest, sizeof(int32) * rows);
	memcpy(distance, training->distance, sizeof(float) * rows);
}

static void
job_clusters(VsAnnTeam *team, const VsAnnJob *job)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann training",
												  ALLOCSET_DEFAULT_SIZES);
	VsKmeansOptions options = vs_ann_kmeans_options(team->ann, job->lists, context);
	Training	training;
	int64		piece;

	training_attach(&training, team, job);
	while ((piece = vs_ann_team_take(team, job)) >= 0)
		vs_kmeans_train_cluster(&options, training.rows, &training.clusters[piece],
								training.centroids);
	MemoryContextDelete(context);
}

static void
team_clusters(void *arg, int n, VsKmeansCluster *clusters, float *centroids)
{
	Training   *training = (Training *) arg;

	Assert(n <= Min(training->lists, MAX_CLUSTERS));
	memcpy(training->clusters, clusters, sizeof(VsKmeansCluster) * n);
	training_run(training, VS_ANN_JOB_CLUSTERS, n, n, 1);
	memcpy(clusters, training->clusters, sizeof(VsKmeansCluster) * n);
	memcpy(centroids, training->centroids,
		   sizeof(float) * training->team->ann->geo.padded * training->lists);
}

/* What vs_kmeans_train needs to use the team. */
static VsKmeansTeam
training_team(Training *training)
{
	VsKmeansTeam team = {team_nearest, team_clusters, training};

	return team;
}

/* Trains on n rows of the spool in shared memory; see VsAnnTrainTeam. */
static bool
train(void *arg, VsAnnDirectory *dir, const VsKmeansOptions *options, VsAnnSpool *spool, int64 n,
	  const float *mean)
{
	VsAnnTeam  *team = (VsAnnTeam *) arg;
	VsKmeansOptions together = *options;
	Training	training;
	VsKmeansTeam helpers;

	if (!training_begin(&training, team, options->lists, n))
		return false;
	n = vs_ann_pick_sample(team->ann, spool, n, training.items);
	n = training_read(&training, n);
	helpers = training_team(&training);
	together.team = &helpers;
	vs_ann_train_sample(team->ann, dir, &together, training.rows, n, mean);
	training_end(&training);
	return true;
}

VsAnnTrainTeam
vs_ann_team_trainers(VsAnnTeam *team)
{
	VsAnnTrainTeam trainers = {
		.arg = team,
		.participants = team->shared->participants,
		.bytes = training_bytes,
		.train = train,
	};

	return trainers;
}

/* ---- coding ---- */

/* The directory in the segment of the jobs below; returns the size. */
static Size
directory_layout(VsAnnDirectory *dir, const VsAnn *ann, char *memory, int lists)
{
	Size		row_bytes = sizeof(float) * ann->geo.padded;
	char	   *next = memory;

	memset(dir, 0, sizeof(*dir));
	dir->nlists = lists;
	dir->heads = (BlockNumber *) take_memory(&next, sizeof(BlockNumber) * lists);
	dir->mean = (float *) take_memory(&next, row_bytes);
	dir->centroids = (float *) take_memory(&next, row_bytes * lists);
	return next - memory;
}

static void
directory_attach(VsAnnDirectory *dir, VsAnnTeam *team, const VsAnnJob *job)
{
	directory_layout(dir, team->ann, dsm_segment_address(team->data), job->lists);
	dir->has_mean = job->has_mean;
}

typedef struct RunFiles
{
	BufFile    *runs;
	BufFile    *starts;
	int64		entries;		/* written or, of a reader, unused */
} RunFiles;

static BufFile *
run_file(VsAnnTeam *team, const char *what, int part, bool create)
{
	FileSet    *files = &team->shared->files.fs;
	char		name[MAXPGPATH];

	snprintf(name, sizeof(name), "%s.%d", what, part);
	return create ? BufFileCreateFileSet(files, name) :
		BufFileOpenFileSet(files, name, O_RDONLY, false);
}

/* Writes the round as a run and forgets its entries. */
static void
write_run(VsAnnTeam *team, VsAnnRound *round, RunFiles *files)
{
	VsAnnParticipant *part = my_participant(team);

	if (files->runs == NULL)
	{
		files->runs = run_file(team, "runs", team->self, true);
		files->starts = run_file(team, "starts", team->self, true);
	}
	vs_ann_round_sort(round);
	for (int i = 0; i < round->n; i++)
		BufFileWrite(files->runs, round->sorted[i], round->entry_bytes);
	for (int list = 0; list <= round->dir->nlists; list++)
	{
		int64		start = files->entries + round->starts[list];

		BufFileWrite(files->starts, &start, sizeof(start));
	}
	files->entries += round->n;
	part->runs++;
	part->coded += round->n;
	round->n = 0;
}

/* Adds the rows of a piece of the spool to the round. */
static void
code_piece(VsAnnTeam *team, VsAnnRound *round, VsAnnSpool *spool, int n, RunFiles *files)
{
	while (n > 0)
	{
		int			got = vs_ann_spool_get(spool, round->items, Min(n, round->rows_at_once));

		if (got == 0)
			elog(ERROR, "unexpected end of the ids of a vecann build");
		if (vs_ann_round_full(round))
			write_run(team, round, files);
		vs_ann_round_add(round, got, FIRST_SEAL);
		n -= got;
	}
}

static void
job_code(VsAnnTeam *team, const VsAnnJob *job)
{
	VsAnnSpool *spool = open_spool(team);
	RunFiles	files = {0};
	VsAnnDirectory dir;
	VsAnnRound	round;
	int64		piece;

	directory_attach(&dir, team, job);
	vs_ann_round_begin(&round, team->ann, team->heap, &dir, job->rows,
					   vs_ann_work_memory() / team->shared->participants);
	while ((piece = vs_ann_team_take(team, job)) >= 0)
	{
		int64		first = piece * job->piece_size;
		int			n = Min(job->piece_size, job->rows - first);

		vs_ann_spool_seek(spool, first);
		code_piece(team, &round, spool, n, &files);
		pg_atomic_fetch_add_u64(&team->shared->done, n);
	}
	if (round.n > 0)
		write_run(team, &round, &files);
	if (files.runs != NULL)
	{
		BufFileExportFileSet(files.runs);
		BufFileClose(files.runs);
		BufFileExportFileSet(files.starts);
		BufFileClose(files.starts);
	}
	vs_ann_round_end(&round);
	vs_ann_spool_end(spool);
}

/* ---- lists ---- */

/* Entries on their way from runs to a list. */
typedef struct ListGather
{
	const VsAnn *ann;
	int			nparts;
	RunFiles   *files;			/* of each part */
	int		   *runs;			/* of each part */
	Size		entry_bytes;
	char	   *entries;		/* GATHER of them */
	VsAnnCoded **pointers;
	int			n;
} ListGather;

static void
gather_begin(ListGather *gather, VsAnnTeam *team)
{
	int			n = team->shared->participants;

	gather->ann = team->ann;
	gather->nparts = n;
	gather->files = palloc0(sizeof(RunFiles) * n);
	gather->runs = palloc(sizeof(int) * n);
	gather->entry_bytes = vs_ann_coded_bytes(team->ann);
	gather->entries = MemoryContextAllocHuge(CurrentMemoryContext, gather->entry_bytes * GATHER);
	gather->pointers = palloc(sizeof(VsAnnCoded *) * GATHER);
	gather->n = 0;
	for (int i = 0; i < GATHER; i++)
		gather->pointers[i] = (VsAnnCoded *) (gather->entries + gather->entry_bytes * i);
	for (int i = 0; i < n; i++)
	{
		gather->runs[i] = team->shared->parts[i].runs;
		if (gather->runs[i] == 0)
			continue;
		gather->files[i].runs = run_file(team, "runs", i, false);
		gather->files[i].starts = run_file(team, "starts", i, false);
	}
}

static void
gather_end(ListGather *gather)
{
	for (int i = 0; i < gather->nparts; i++)
	{
		if (gather->runs[i] == 0)
			continue;
		BufFileClose(gather->files[i].runs);
		BufFileClose(gather->files[i].starts);
	}
}

static void
read_at(BufFile *file, int64 offset, void *to, Size size)
{
	if (BufFileSeek(file, 0, offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file of a vecann index")));
	vs_compat_buffile_read(file, to, size);
}

static void
gather_flush(ListGather *gather, BlockNumber head)
{
	CHECK_FOR_INTERRUPTS();
	if (gather->n > 0)
		vs_ann_list_append(gather->ann, head, gather->pointers, gather->n, FIRST_SEAL);
	gather->n = 0;
}

/* Appends a run's entries number from to end - 1. */
static void
gather_run(ListGather *gather, BufFile *file, int64 from, int64 end, BlockNumber head)
{
	while (from < end)
	{
		int			n = Min(end - from, GATHER - gather->n);

		read_at(file, from * gather->entry_bytes,
				gather->entries + gather->entry_bytes * gather->n, gather->entry_bytes * n);
		gather->n += n;
		from += n;
		if (gather->n == GATHER)
			gather_flush(gather, head);
	}
}

static BlockNumber
gather_list(ListGather *gather, int nlists, int list)
{
	BlockNumber head = vs_ann_list_create(gather->ann, list, 0, FIRST_SEAL);

	for (int i = 0; i < gather->nparts; i++)
	{
		for (int run = 0; run < gather->runs[i]; run++)
		{
			int64		bounds[2];

			read_at(gather->files[i].starts,
					((int64) run * (nlists + 1) + list) * sizeof(int64), bounds, sizeof(bounds));
			gather_run(gather, gather->files[i].runs, bounds[0], bounds[1], head);
		}
	}
	gather_flush(gather, head);
	return head;
}

static void
job_lists(VsAnnTeam *team, const VsAnnJob *job)
{
	VsAnnDirectory dir;
	ListGather	gather;
	int64		piece;

	directory_attach(&dir, team, job);
	gather_begin(&gather, team);
	while ((piece = vs_ann_team_take(team, job)) >= 0)
	{
		int			first = piece * job->piece_size;
		int			end = Min(first + job->piece_size, job->lists);

		for (int list = first; list < end; list++)
			dir.heads[list] = gather_list(&gather, job->lists, list);
		my_participant(team)->lists += end - first;
	}
	gather_end(&gather);
}

/*
 * Puts all rows into the directory's lists, which it makes.  False if there is no
 * memory for the team: then nothing has happened.
 */
bool
vs_ann_team_assign(VsAnnTeam *team, VsAnnDirectory *dir, VsAnnSpool *spool, int64 *rows)
{
	VsAnnShared *shared = team->shared;
	int			padded = team->ann->geo.padded;
	VsAnnDirectory copy;
	char	   *memory = vs_ann_team_segment(team, directory_layout(&copy, team->ann, NULL,
																	dir->nlists));
	VsAnnJob	job = {
		.kind = VS_ANN_JOB_CODE,
		.lists = dir->nlists,
		.rows = vs_ann_spool_count(spool),
		.has_mean = dir->has_mean,
	};

	if (memory == NULL)
		return false;
	directory_layout(&copy, team->ann, memory, dir->nlists);
	memcpy(copy.mean, dir->mean, sizeof(float) * padded);
	memcpy(copy.centroids, dir->centroids, sizeof(float) * padded * dir->nlists);

	job.piece_size = CODE_PIECE;
	job.pieces = (job.rows + CODE_PIECE - 1) / CODE_PIECE;
	vs_ann_team_run(team, &job);

	vs_ann_progress_phase(VS_ANN_PHASE_LISTS, job.rows);
	job.kind = VS_ANN_JOB_LISTS;
	job.piece_size = Max(1, dir->nlists / (shared->participants * PIECES_EACH));
	job.pieces = (dir->nlists + job.piece_size - 1) / job.piece_size;
	vs_ann_team_run(team, &job);

	memcpy(dir->heads, copy.heads, sizeof(BlockNumber) * dir->nlists);
	*rows = 0;
	for (int i = 0; i < shared->participants; i++)
		*rows += shared->parts[i].coded;
	vs_ann_team_drop_segment(team);
	return true;
}

/* In a memory context that ends with the job. */
void
vs_ann_job_do(VsAnnTeam *team, const VsAnnJob *job)
{
	switch (job->kind)
	{
		case VS_ANN_JOB_SCAN:
			job_scan(team);
			break;
		case VS_ANN_JOB_READ:
			job_read(team, job);
			break;
		case VS_ANN_JOB_NEAREST:
			job_nearest(team, job);
			break;
		case VS_ANN_JOB_CLUSTERS:
			job_clusters(team, job);
			break;
		case VS_ANN_JOB_CODE:
			job_code(team, job);
			break;
		case VS_ANN_JOB_LISTS:
			job_lists(team, job);
			break;
	}
}
