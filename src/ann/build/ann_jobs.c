/*-------------------------------------------------------------------------
 * ann_jobs.c
 *	  A participant's share of each job of a parallel build.
 *
 * ann_team.h explains the words.  The jobs, in order:
 *
 * Scan.  Each participant scans its share of the table into its spool part.
 *
 * Read, nearest, clusters.  They train centroids on a sample, whose rows lie
 * in the team's segment.
 *
 * Code.  A piece is some ids of the spool.  The participant reads, assigns
 * and codes their rows.  When its memory is full it sorts them by list and
 * writes them as a sorted run to its own files.
 *
 * Lists.  A piece is some lists.  The participant gathers their entries from
 * the sorted runs of all participants and writes the pages.  A list has one
 * writer, so the only lock that participants compete for is the one for
 * extending the index.
 *
 * Files of participant N: "runs.N" has the entries of all its sorted runs.
 * "starts.N" has nlists + 1 numbers per run: where the entries of each list
 * begin in "runs.N", and where those of the last list end.
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

/* a build is segment 1 of the index */
#define FIRST_SEAL		1
/* rows per piece of the jobs read and code */
#define READ_PIECE_ROWS	512
#define CODE_PIECE_ROWS	1024
/* rows per piece of the job nearest, at least */
#define NEAREST_PIECE_MIN_ROWS	480
/*
 * Pieces of the jobs nearest and lists, per participant.  With many pieces
 * all participants end at about the same time.
 */
#define PIECES_PER_PARTICIPANT	16
/* coarse clusters of a training: the square root of the most lists */
#define MAX_CLUSTERS	256
/* entries of a list that are gathered at a time */
#define GATHER_ENTRIES	1024

/* Pointers into the team's segment while it holds a training. */
typedef struct Training
{
	VsAnnTeam  *team;
	int			lists;			/* room for centroids */
	int64		rows_room;		/* room for rows */
	int64		nrows;			/* rows of the sample */
	char	   *items;			/* the sample, as spooled */
	float	   *rows;			/* rotated values, padded floats each */
	float	   *centroids;
	int32	   *nearest;		/* of each row, its centroid */
	float	   *distance;		/* of each row, to that centroid */
	VsKmeansCluster *clusters;
} Training;

static VsAnnParticipant *
get_own_record(VsAnnTeam *team)
{
	return &team->shared->participants[team->self];
}

/* Returns *next and moves it past size bytes, to the next cache line. */
static char *
carve(char **next, Size size)
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
	VsAnnParticipant *own = get_own_record(team);
	VsAnnSpool *spool = NULL;
	TableScanDesc scan = table_beginscan_parallel(team->heap, team->scan);
	double		tuples = vs_ann_build_scan(team->ann, team->heap, team->info, scan,
										   &shared->files, team->self, &spool);

	own->ids = spool != NULL ? vs_ann_spool_export(spool) : 0;
	own->dim = team->ann->has_dim ? team->ann->spec.dim : 0;
	SpinLockAcquire(&shared->mutex);
	shared->heap_tuples += tuples;
	shared->broken_hot_chain |= team->info->ii_BrokenHotChain;
	SpinLockRelease(&shared->mutex);
}

/*
 * Opens the parts of all participants as one spool.  Needs the end of the
 * scan.
 */
static VsAnnSpool *
open_spool(VsAnnTeam *team)
{
	int			n = team->shared->nparticipants;
	int64	   *counts = palloc(sizeof(int64) * n);

	for (int i = 0; i < n; i++)
		counts[i] = team->shared->participants[i].ids;
	return vs_ann_spool_open_parts(team->ann, &team->shared->files, n, counts);
}

VsAnnSpool *
vs_ann_team_scan(VsAnnTeam *team, double *heap_tuples)
{
	VsAnnShared *shared = team->shared;
	VsAnn	   *ann = team->ann;
	VsAnnJob	job = {.kind = VS_ANN_JOB_SCAN};
	int64		rows = 0;

	vs_ann_team_do_job(team, &job);
	for (int i = 0; i < shared->nparticipants; i++)
	{
		int			dim = shared->participants[i].dim;

		rows += shared->participants[i].ids;
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

/*
 * Sets the pointers of a training into memory.  Returns the bytes that it
 * takes, which do not depend on memory.
 */
static Size
training_layout(Training *training, const VsAnn *ann, char *memory, int lists, int64 rows)
{
	Size		row_bytes = sizeof(float) * ann->geo.padded;
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	char	   *next = memory;

	training->lists = lists;
	training->rows_room = rows;
	training->centroids = (float *) carve(&next, row_bytes * lists);
	training->clusters = (VsKmeansCluster *)
		carve(&next, sizeof(VsKmeansCluster) * Min(lists, MAX_CLUSTERS));
	training->nearest = (int32 *) carve(&next, sizeof(int32) * rows);
	training->distance = (float *) carve(&next, sizeof(float) * rows);
	training->items = carve(&next, item_size * rows);
	training->rows = (float *) carve(&next, row_bytes * rows);
	return next - memory;
}

/* Bytes of the segment for a training on the given number of rows. */
static Size
training_bytes(const VsAnn *ann, int lists, int64 rows)
{
	Training	training;

	return training_layout(&training, ann, NULL, lists, rows);
}

/* Sets the pointers into the segment that the leader has made for the job. */
static void
training_attach(Training *training, VsAnnTeam *team, const VsAnnJob *job)
{
	training->team = team;
	training->nrows = job->rows;
	training_layout(training, team->ann, dsm_segment_address(team->data), job->lists,
					job->rows_room);
}

/* Makes the segment.  False if there is no shared memory for it. */
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

/*
 * Posts a job on the first nrows rows of the sample, and returns when it is
 * done.
 */
static void
training_do_job(Training *training, VsAnnJobKind kind, int count, int64 pieces, int piece_size)
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

	vs_ann_team_do_job(training->team, &job);
}

/*
 * Reads and rotates the values of the sample.  nearest[] serves as a flag: 0
 * if the row's value is gone.
 */
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
	while ((piece = vs_ann_team_take_piece(team, job)) >= 0)
	{
		int64		first = piece * job->piece_size;
		int			n = Min(job->piece_size, job->rows - first);

		vs_ann_read_items(ann, reader, &coder, training.items + item_size * first, n,
						  training.rows + first * ann->geo.padded, training.nearest + first);
	}
	vs_store_reader_close(reader);
}

/*
 * Reads the rows of the first n items.  Moves the rows whose values are still
 * there to the front, and returns their number.
 */
static int64
training_read(Training *training, int64 n)
{
	int			padded = training->team->ann->geo.padded;
	int64		found = 0;

	training->nrows = n;
	training_do_job(training, VS_ANN_JOB_READ, 0, (n + READ_PIECE_ROWS - 1) / READ_PIECE_ROWS,
					READ_PIECE_ROWS);
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

/*
 * Finds the nearest of the job's first count centroids for rows of the
 * sample.
 */
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
	while ((piece = vs_ann_team_take_piece(team, job)) >= 0)
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

/* VsKmeansTeam callback: nearest centroids of all rows of the sample. */
static void
find_nearest_by_team(void *arg, int lists, const float *centroids, int32_t *nearest, float *distance)
{
	Training   *training = (Training *) arg;
	int			participants = training->team->shared->nparticipants;
	int64		rows = training->nrows;
	int			piece_size = Max(NEAREST_PIECE_MIN_ROWS,
								 Min(NEAREST_PIECE_MIN_ROWS * 16,
									 rows / (participants * PIECES_PER_PARTICIPANT)));

	memcpy(training->centroids, centroids,
		   sizeof(float) * training->team->ann->geo.padded * lists);
	training_do_job(training, VS_ANN_JOB_NEAREST, lists, (rows + piece_size - 1) / piece_size,
					piece_size);
	memcpy(nearest, training->nearest, sizeof(int32) * rows);
	memcpy(distance, training->distance, sizeof(float) * rows);
}

/* Divides coarse clusters into lists; a piece is one cluster. */
static void
job_clusters(VsAnnTeam *team, const VsAnnJob *job)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann training",
												  ALLOCSET_DEFAULT_SIZES);
	VsKmeansOptions options = vs_ann_kmeans_options(team->ann, job->lists, context);
	Training	training;
	int64		piece;

	training_attach(&training, team, job);
	while ((piece = vs_ann_team_take_piece(team, job)) >= 0)
		vs_kmeans_train_cluster(&options, training.rows, &training.clusters[piece],
								training.centroids);
	MemoryContextDelete(context);
}

/* VsKmeansTeam callback: divides the n coarse clusters. */
static void
divide_clusters_by_team(void *arg, int n, VsKmeansCluster *clusters, float *centroids)
{
	Training   *training = (Training *) arg;

	Assert(n <= Min(training->lists, MAX_CLUSTERS));
	memcpy(training->clusters, clusters, sizeof(VsKmeansCluster) * n);
	training_do_job(training, VS_ANN_JOB_CLUSTERS, n, n, 1);
	memcpy(clusters, training->clusters, sizeof(VsKmeansCluster) * n);
	memcpy(centroids, training->centroids,
		   sizeof(float) * training->team->ann->geo.padded * training->lists);
}

/* The callbacks by which vs_kmeans_train uses the team. */
static VsKmeansTeam
make_kmeans_team(Training *training)
{
	VsKmeansTeam team = {find_nearest_by_team, divide_clusters_by_team, training};

	return team;
}

/* VsAnnTrainTeam callback: trains on about n rows of the spool. */
static bool
train_by_team(void *arg, VsAnnDirectory *dir, const VsKmeansOptions *options, VsAnnSpool *spool,
			  int64 n, const float *mean)
{
	VsAnnTeam  *team = (VsAnnTeam *) arg;
	VsKmeansOptions together = *options;
	Training	training;
	VsKmeansTeam helpers;

	if (!training_begin(&training, team, options->lists, n))
		return false;
	n = vs_ann_pick_sample(team->ann, spool, n, training.items);
	n = training_read(&training, n);
	helpers = make_kmeans_team(&training);
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
		.participants = team->shared->nparticipants,
		.bytes = training_bytes,
		.train = train_by_team,
	};

	return trainers;
}

/* ---- coding ---- */

/*
 * Sets the pointers of a directory into memory: that of the segment, in the
 * jobs code and lists.  Returns the bytes that it takes.
 */
static Size
directory_layout(VsAnnDirectory *dir, const VsAnn *ann, char *memory, int lists)
{
	Size		row_bytes = sizeof(float) * ann->geo.padded;
	char	   *next = memory;

	memset(dir, 0, sizeof(*dir));
	dir->nlists = lists;
	dir->heads = (BlockNumber *) carve(&next, sizeof(BlockNumber) * lists);
	dir->mean = (float *) carve(&next, row_bytes);
	dir->centroids = (float *) carve(&next, row_bytes * lists);
	return next - memory;
}

/* Sets the pointers into the segment that the leader has made for the job. */
static void
directory_attach(VsAnnDirectory *dir, VsAnnTeam *team, const VsAnnJob *job)
{
	directory_layout(dir, team->ann, dsm_segment_address(team->data), job->lists);
	dir->has_mean = job->has_mean;
}

/* The files with the sorted runs of one participant. */
typedef struct RunFiles
{
	BufFile    *runs;
	BufFile    *starts;
	int64		entries;		/* written; not used by a reader */
} RunFiles;

static BufFile *
open_run_file(VsAnnTeam *team, const char *prefix, int participant, bool create)
{
	FileSet    *files = &team->shared->files.fs;
	char		name[MAXPGPATH];

	snprintf(name, sizeof(name), "%s.%d", prefix, participant);
	return create ? BufFileCreateFileSet(files, name) :
		BufFileOpenFileSet(files, name, O_RDONLY, false);
}

/* Writes the entries of a round as a sorted run, and empties the round. */
static void
write_run(VsAnnTeam *team, VsAnnRound *round, RunFiles *files)
{
	VsAnnParticipant *own = get_own_record(team);

	if (files->runs == NULL)
	{
		files->runs = open_run_file(team, "runs", team->self, true);
		files->starts = open_run_file(team, "starts", team->self, true);
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
	own->runs++;
	own->coded += round->n;
	round->n = 0;
}

/*
 * Assigns and codes the next n rows of the spool into the round.  Writes a
 * sorted run whenever the round is full.
 */
static void
code_piece(VsAnnTeam *team, VsAnnRound *round, VsAnnSpool *spool, int n, RunFiles *files)
{
	while (n > 0)
	{
		int			got = vs_ann_spool_get(spool, round->items, Min(n, round->rows_at_once));

		if (got == 0)
			elog(ERROR, "unexpected end of the spool of a vecann build");
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
					   vs_ann_work_memory() / team->shared->nparticipants);
	while ((piece = vs_ann_team_take_piece(team, job)) >= 0)
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

/* Entries on their way from sorted runs to a list. */
typedef struct ListGather
{
	const VsAnn *ann;
	int			nparticipants;
	RunFiles   *files;			/* of each participant */
	int		   *runs;			/* number of runs of each participant */
	Size		entry_bytes;
	char	   *entries;		/* room for GATHER_ENTRIES */
	VsAnnCoded **pointers;		/* to each of entries */
	int			n;				/* entries not yet appended */
} ListGather;

static void
gather_begin(ListGather *gather, VsAnnTeam *team)
{
	int			n = team->shared->nparticipants;

	gather->ann = team->ann;
	gather->nparticipants = n;
	gather->files = palloc0(sizeof(RunFiles) * n);
	gather->runs = palloc(sizeof(int) * n);
	gather->entry_bytes = vs_ann_coded_bytes(team->ann);
	gather->entries = MemoryContextAllocHuge(CurrentMemoryContext, gather->entry_bytes * GATHER_ENTRIES);
	gather->pointers = palloc(sizeof(VsAnnCoded *) * GATHER_ENTRIES);
	gather->n = 0;
	for (int i = 0; i < GATHER_ENTRIES; i++)
		gather->pointers[i] = (VsAnnCoded *) (gather->entries + gather->entry_bytes * i);
	for (int i = 0; i < n; i++)
	{
		gather->runs[i] = team->shared->participants[i].runs;
		if (gather->runs[i] == 0)
			continue;
		gather->files[i].runs = open_run_file(team, "runs", i, false);
		gather->files[i].starts = open_run_file(team, "starts", i, false);
	}
}

static void
gather_end(ListGather *gather)
{
	for (int i = 0; i < gather->nparticipants; i++)
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

/* Appends the gathered entries to the list. */
static void
gather_append(ListGather *gather, BlockNumber head)
{
	CHECK_FOR_INTERRUPTS();
	if (gather->n > 0)
		vs_ann_list_append(gather->ann, head, gather->pointers, gather->n, FIRST_SEAL);
	gather->n = 0;
}

/* Gathers the entries of a sorted run numbered from to end - 1. */
static void
gather_run(ListGather *gather, BufFile *file, int64 from, int64 end, BlockNumber head)
{
	while (from < end)
	{
		int			n = Min(end - from, GATHER_ENTRIES - gather->n);

		read_at(file, from * gather->entry_bytes,
				gather->entries + gather->entry_bytes * gather->n, gather->entry_bytes * n);
		gather->n += n;
		from += n;
		if (gather->n == GATHER_ENTRIES)
			gather_append(gather, head);
	}
}

/* Creates a list and fills it from all sorted runs.  Returns its head. */
static BlockNumber
gather_list(ListGather *gather, int nlists, int list)
{
	BlockNumber head = vs_ann_list_create(gather->ann, list, 0, FIRST_SEAL);

	for (int i = 0; i < gather->nparticipants; i++)
	{
		for (int run = 0; run < gather->runs[i]; run++)
		{
			int64		bounds[2];

			read_at(gather->files[i].starts,
					((int64) run * (nlists + 1) + list) * sizeof(int64), bounds, sizeof(bounds));
			gather_run(gather, gather->files[i].runs, bounds[0], bounds[1], head);
		}
	}
	gather_append(gather, head);
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
	while ((piece = vs_ann_team_take_piece(team, job)) >= 0)
	{
		int			first = piece * job->piece_size;
		int			end = Min(first + job->piece_size, job->lists);

		for (int list = first; list < end; list++)
			dir.heads[list] = gather_list(&gather, job->lists, list);
		get_own_record(team)->lists += end - first;
	}
	gather_end(&gather);
}

/*
 * Posts the jobs code and lists.  The segment holds a copy of the directory,
 * since the participants need the centroids and set the heads.
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

	job.piece_size = CODE_PIECE_ROWS;
	job.pieces = (job.rows + CODE_PIECE_ROWS - 1) / CODE_PIECE_ROWS;
	vs_ann_team_do_job(team, &job);

	vs_ann_progress_phase(VS_ANN_PHASE_LISTS, job.rows);
	job.kind = VS_ANN_JOB_LISTS;
	job.piece_size = Max(1, dir->nlists / (shared->nparticipants * PIECES_PER_PARTICIPANT));
	job.pieces = (dir->nlists + job.piece_size - 1) / job.piece_size;
	vs_ann_team_do_job(team, &job);

	memcpy(dir->heads, copy.heads, sizeof(BlockNumber) * dir->nlists);
	*rows = 0;
	for (int i = 0; i < shared->nparticipants; i++)
		*rows += shared->participants[i].coded;
	vs_ann_team_drop_segment(team);
	return true;
}

void
vs_ann_job_work(VsAnnTeam *team, const VsAnnJob *job)
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
