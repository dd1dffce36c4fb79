/*-------------------------------------------------------------------------
 * ann_build.c
 *	  CREATE INDEX and REINDEX: scan the table, train, assign, code, write.
 *
 * For a large table, parallel workers do the expensive steps (ann_team.c);
 * for a small one this backend does everything.
 *
 * The pages of the new index are written without WAL, and all of them are
 * logged at the end.  After a crash before the commit, the index does not
 * exist.  All rows of the table become segment 1.  Rows that are inserted
 * while CREATE INDEX CONCURRENTLY runs become pending rows.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xloginsert.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ann/base/ann_index.h"
#include "ann/base/ann_memory.h"
#include "ann/base/ann_options.h"
#include "ann/base/ann_progress.h"
#include "ann/base/ann_value.h"
#include "ann/build/ann_build.h"
#include "ann/build/ann_column.h"
#include "ann/build/ann_team.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/insert/ann_insert.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_assign.h"
#include "ann/seal/ann_choose.h"
#include "ann/seal/ann_publish.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "compat/compat.h"
#include "store/store.h"

/* The scan of the table by one participant, or by this backend alone. */
typedef struct SpoolState
{
	VsAnn	   *ann;
	Relation	heap;
	SharedFileSet *files;		/* NULL: the spool is private */
	int			part;			/* number of the spool part in files */
	VsAnnSpool *spool;			/* NULL until there is a row */
	VsAnnCoder	coder;			/* of bits; unused if coder.ann is NULL */
	MemoryContext context;		/* holds the spool and the coder */
	MemoryContext row_context;	/* reset after each row */
} SpoolState;

/*
 * The declared dimension of the column or its domain, or the index option, or
 * 0.  Errors: they contradict each other.
 */
static int
get_declared_dim(Relation index)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(index), 0);
	int32		typmod = att->atttypmod;
	int			option = vs_ann_option_dimensions(index);

	if (typmod < 0)
		(void) getBaseTypeAndTypmod(att->atttypid, &typmod);

	if (typmod > 0 && option > 0 && typmod != option)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option dimensions is %d, but the column has %d dimensions",
						option, typmod)));
	return typmod > 0 ? typmod : option;
}

void
vs_ann_open_new(VsAnn *ann, Relation index)
{
	int			dim;

	memset(ann, 0, sizeof(*ann));
	ann->index = index;
	ann->bulk = true;
	ann->type = *(const VsAnnType *)
		DatumGetPointer(FunctionCall1(index_getprocinfo(index, 1, 1), PointerGetDatum(NULL)));
	dim = get_declared_dim(index);
	if (dim > 0)
		vs_ann_set_shape(ann, dim, vs_ann_option_bits(index), VS_ANN_ROTATION_SEED);
}

/*
 * Checks the dimension of a value; the first value may decide the index's.
 * Codes bits into the coder, since the value store does not hold them.
 */
static void
check_value(SpoolState *state, Datum datum)
{
	VsAnn	   *ann = state->ann;
	MemoryContext old = MemoryContextSwitchTo(state->row_context);
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);
	int			dim = vs_ann_payload_dim(ann->type.kind, VARDATA_ANY(value));

	if (!ann->has_dim)
		vs_ann_set_shape(ann, dim, vs_ann_option_bits(ann->index), VS_ANN_ROTATION_SEED);
	vs_ann_check_dim(ann, dim);
	if (ann->type.kind == VS_ANN_BIT)
	{
		if (state->coder.ann == NULL)
		{
			MemoryContextSwitchTo(state->context);
			vs_ann_coder_init(&state->coder, ann);
			MemoryContextSwitchTo(state->row_context);
		}
		vs_ann_coder_encode(&state->coder, VARDATA_ANY(value), NULL, NULL, false);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->row_context);
}

/* Callback of the table scan: spools the id of a row. */
static void
spool_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		  bool alive, void *arg)
{
	SpoolState *state = (SpoolState *) arg;
	VsAnn	   *ann = state->ann;
	VsAnnId		id;
	Size		len = 0;
	bool		bits = ann->type.kind == VS_ANN_BIT;

	if (isnull[0])
		return;
	memset(&id, 0, sizeof(id));
	id.tid = *tid;
	id.address = vs_ann_value_address(index, state->heap, ann->type.kind, values[0]);
	if (!bits)
		vs_store_datum_address(state->heap, values[0], &id.address, &len);
	if (!ann->has_dim || bits || len != vs_ann_payload_bytes(ann->type.kind, ann->spec.dim))
		check_value(state, values[0]);
	if (state->spool == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->context);

		state->spool = state->files == NULL ?
			vs_ann_spool_begin(ann, vs_ann_work_memory() / 4) :
			vs_ann_spool_begin_part(ann, state->files, state->part);
		MemoryContextSwitchTo(old);
	}
	vs_ann_spool_put(state->spool, &id, bits ? state->coder.code : NULL);
}

double
vs_ann_build_scan(VsAnn *ann, Relation heap, IndexInfo *info, TableScanDesc scan,
				  SharedFileSet *files, int part, VsAnnSpool **spool)
{
	SpoolState	state = {
		.ann = ann,
		.heap = heap,
		.files = files,
		.part = part,
		.context = CurrentMemoryContext,
	};
	double		tuples;

	state.row_context = AllocSetContextCreate(CurrentMemoryContext, "vecann build row",
											  ALLOCSET_DEFAULT_SIZES);
	tuples = table_index_build_scan(heap, ann->index, info, true, part == 0, spool_row,
									&state, scan);
	MemoryContextDelete(state.row_context);
	*spool = state.spool;
	return tuples;
}

/* Writes the metapage's first version to block 0. */
static void
write_meta(const VsAnn *ann)
{
	VsAnnChange change;
	BlockNumber block;
	Page		page;

	vs_ann_change_begin(&change, ann);
	page = vs_ann_change_new(&change, VS_ANN_META, 0, &block);
	if (block != VS_ANN_META_BLKNO)
		elog(ERROR, "index \"%s\" is not empty", RelationGetRelationName(ann->index));
	vs_ann_meta_init(page, ann, VS_ANN_ROTATION_SEED);
	vs_ann_change_commit(&change);
}

/*
 * Trains centroids and writes the spooled rows to lists.  Returns the number
 * of rows and sets *result to the directory, with the heads of the lists.
 */
static int64
build_lists(const VsAnn *ann, Relation heap, VsAnnSpool *spool, VsAnnTeam *team,
			VsAnnDirectory **result)
{
	int64		rows = vs_ann_spool_count(spool);
	VsAnnTrainTeam trainers;
	VsAnnDirectory *dir;

	if (team != NULL)
		trainers = vs_ann_team_trainers(team);
	vs_ann_progress_phase(VS_ANN_PHASE_TRAIN, rows);
	dir = vs_ann_train(ann, heap, spool, vs_ann_target_lists(rows), NULL,
					   team != NULL ? &trainers : NULL);
	vs_ann_progress_phase(VS_ANN_PHASE_ASSIGN, rows);
	*result = dir;
	if (team != NULL && vs_ann_team_assign(team, dir, spool, &rows))
		return rows;
	for (int i = 0; i < dir->nlists; i++)
		dir->heads[i] = vs_ann_list_create(ann, i, 0, 1);
	return vs_ann_assign(ann, heap, dir, spool, 1, vs_ann_progress_done);
}

/* Publishes the lists as segment 1. */
static void
publish(const VsAnn *ann, VsAnnDirectory *dir, int64 rows)
{
	VsAnnPublication publication = {
		.number = 1,
		.method = VS_ANN_SEALED_BUILD,
		.rows = rows,
		.dir = dir,
		.dir_is_new = true,
		.trained = true,
		.list_rows = rows,
	};

	vs_ann_publish(ann, &publication);
}

/*
 * An error unless the index still has its metapage alone.  The predicate may
 * have called a function that says to be immutable and changes the table; its
 * rows may even have another dimension than those that the build has met.
 */
static void
require_untouched(Relation index)
{
	vs_ann_held_write(index);
	if (RelationGetNumberOfBlocks(index) != VS_ANN_META_BLKNO + 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("index \"%s\" was changed while it was being built",
						RelationGetRelationName(index)),
				 errhint("The functions in an index's predicate and expressions must not change its table.")));
}

/*
 * Builds the index after its metapage, without WAL.  Parallel mode ends before
 * the publication.
 */
static void
build_index(VsAnn *ann, Relation heap, IndexInfo *info, IndexBuildResult *result)
{
	VsAnnTeam  *team = vs_ann_team_begin(ann, heap, info);
	VsAnnSpool *spool = NULL;
	VsAnnDirectory *dir = NULL;

	vs_ann_progress_phase(VS_ANN_PHASE_SCAN, 0);
	if (team != NULL)
		spool = vs_ann_team_scan(team, &result->heap_tuples);
	else
		result->heap_tuples = vs_ann_build_scan(ann, heap, info, NULL, NULL, 0, &spool);
	require_untouched(ann->index);
	if (spool != NULL)
	{
		result->index_tuples = build_lists(ann, heap, spool, team, &dir);
		vs_ann_spool_end(spool);
	}
	if (team != NULL)
		vs_ann_team_end(team);
	if (dir != NULL)
		publish(ann, dir, result->index_tuples);
}

IndexBuildResult *
vs_ann_build(Relation heap, Relation index, IndexInfo *info)
{
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	VsAnn		ann;

	if (heap->rd_tableam->relation_fetch_toast_slice != vs_store_fetch_toast_slice)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method vecann does not support table \"%s\"",
						RelationGetRelationName(heap)),
				 errdetail("vecann indexes tables of access method vecstore."),
				 errhint("Use CREATE TABLE ... USING vecstore, for partitions and copies with LIKE too, or set default_table_access_method to vecstore. For a table that exists, use ALTER TABLE %s SET ACCESS METHOD vecstore.",
						 quote_identifier(RelationGetRelationName(heap)))));

	vs_ann_held_forget(index);
	vs_ann_cache_forget(index);
	old = MemoryContextSwitchTo(context);
	vs_ann_open_new(&ann, index);
	vs_ann_refuse_column(index, heap, ann.type.kind, info);
	write_meta(&ann);
	build_index(&ann, heap, info, result);
	vs_ann_progress_phase(VS_ANN_PHASE_WRITE, 0);
	if (RelationNeedsWAL(index))
		log_newpage_range(index, MAIN_FORKNUM, 0, RelationGetNumberOfBlocks(index), true);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

void
vs_ann_buildempty(Relation index)
{
	Buffer		buffer;
	VsAnn		ann;

	vs_ann_open_new(&ann, index);
	LockRelationForExtension(index, ExclusiveLock);
	buffer = ReadBufferExtended(index, INIT_FORKNUM, P_NEW, RBM_NORMAL, NULL);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	UnlockRelationForExtension(index, ExclusiveLock);
	START_CRIT_SECTION();
	vs_ann_meta_init(BufferGetPage(buffer), &ann, VS_ANN_ROTATION_SEED);
	MarkBufferDirty(buffer);
	log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
}
