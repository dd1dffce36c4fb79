/*-------------------------------------------------------------------------
 * ann_seal.c
 *	  Seals: the pending rows go into lists.  The same seal can rearrange the
 *	  lists; both take effect with one publication.
 *
 * A seal has five steps:
 *	1 begin     one change of the metapage gives the seal its number and makes
 *				the growing chains the closing chains (begin_seal)
 *	2 close     each page of the closing chains is marked closed under its
 *				lock, and its live rows are put into a spool (close_chains)
 *	3 assign    the rows of the spool go to lists, as entries with the seal's
 *				number; no scan counts them yet (assign_rows)
 *	4 publish   one change of the metapage makes the number count, forgets the
 *				closing chains and switches the directory (publish_seal)
 *	5 retire    pages that became unreachable are retired (vs_ann_page_retire)
 *
 * If the server crashes or an error is raised before step 4, nothing is lost.
 * Scans read the closing chains as before, and ignore the entries in lists.
 * The metapage keeps the number of the seal (sealing).  The next seal flags
 * those entries as dead and repeats the steps with the same chains
 * (seal_index).  After step 4, a crash only leaves unreachable pages for
 * vs_ann_sweep.  README.md has the table of crashes.
 *
 * Locks: the seal lock from beginning to end; page locks for one change at a
 * time.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "ann/ann.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_lock.h"
#include "ann/base/ann_memory.h"
#include "ann/base/ann_progress.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/seal/ann_assign.h"
#include "ann/seal/ann_choose.h"
#include "ann/seal/ann_dead.h"
#include "ann/seal/ann_list_copy.h"
#include "ann/seal/ann_plan.h"
#include "ann/seal/ann_publish.h"
#include "ann/seal/ann_seal.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "util/stop_point.h"

/*
 * A seal may train all lists again if their number should be larger by this
 * factor.
 */
#define OUTGROWN_FACTOR			4
/*
 * An automatic seal searches for dead entries among this multiple of its
 * rows.
 */
#define SEARCHED_PER_SEALED		8
/*
 * A seal other than a compaction acts on dead entries if their share reaches
 * this.
 */
#define MIN_DEAD_SHARE			0.05
/* A seal sweeps the index if this share of its pages was retired. */
#define SWEEP_SHARE				0.125

/* The state of a seal. */
typedef struct Seal
{
	const VsAnn *ann;
	Relation	heap;
	VsAnnMetaData meta;			/* as of step 1 */
	uint32		number;
	/* NULL: end a seal that failed, and do nothing else. */
	const VsAnnSealRequest *request;
	VsAnnSpool *spool;

	/*
	 * Scratch: a copy of a pending page, a code of it, its rows, and which
	 * are dead.
	 */
	char	   *page;
	uint8	   *code;
	VsAnnSuspect *suspects;
	bool	   *dead;
	VsAnnBlocks to_retire;		/* pages to retire in step 5 */
	VsAnnDirectory *old;		/* NULL if the index has no lists */
	VsAnnDirectory *dir;		/* to be published; can be old */
	VsAnnPlan  *plan;			/* NULL if the lists stay */
} Seal;

static bool
has_chain(const VsAnnChain *chains)
{
	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		if (chains[i].head != InvalidBlockNumber)
			return true;
	}
	return false;
}

/*
 * Step 1.  One change moves the chains and sets the number, so that a crash
 * leaves both or neither.  If a seal failed, its number and its closing
 * chains are used again, and the growing chains stay.
 */
static void
begin_seal(Seal *seal)
{
	VsAnnChange change;
	VsAnnMetaData *meta;

	vs_ann_change_begin(&change, seal->ann);
	meta = vs_ann_meta_change(&change);
	if (meta->sealing == 0)
	{
		meta->sealing = meta->sealed + 1;
		for (int i = 0; i < VS_ANN_CHAINS && seal->request != NULL; i++)
		{
			meta->closing[i] = meta->growing[i];
			meta->growing[i].head = meta->growing[i].tail = InvalidBlockNumber;
			meta->growing[i].npages = 0;
		}
	}
	seal->meta = *meta;
	seal->number = meta->sealing;
	vs_ann_change_commit(&change);
}

/* Marks the dead rows of the copied page, whose block number is block. */
static void
mark_dead_rows(Seal *seal, BlockNumber block)
{
	VsAnnId    *ids = vs_ann_pending_ids(seal->page);
	int			used = VS_ANN_OPAQUE(seal->page)->used;
	int64		n = 0;

	memset(seal->dead, 0, sizeof(bool) * used);
	for (int i = 0; i < used; i++)
	{
		if ((ids[i].flags & VS_ANN_DEAD) != 0)
		{
			seal->dead[i] = true;
			continue;
		}
		vs_ann_id_check(seal->ann, block, &ids[i]);
		vs_ann_suspect(&ids[i], i, &seal->suspects[n++]);
	}
	n = vs_ann_find_dead(seal->ann, seal->heap, seal->suspects, n);
	for (int64 i = 0; i < n; i++)
		seal->dead[seal->suspects[i].place] = true;
}

/*
 * Marks a pending page closed, puts its live rows into the spool, and returns
 * the next page.
 *
 * The page is copied under its exclusive lock in the change that closes it.
 * So no backend can append a row that the copy lacks (invariant A1).  The
 * table is asked about dead rows after the lock is released.  Closing a page
 * again after a crash changes nothing.
 */
static BlockNumber
close_page(Seal *seal, BlockNumber block)
{
	VsAnnChange change;
	Page		page;
	VsAnnPageOpaque opaque;

	vs_ann_change_begin(&change, seal->ann);
	page = vs_ann_change_read(&change, block, VS_ANN_PENDING);
	VS_ANN_OPAQUE(page)->flags |= VS_ANN_CLOSED;
	memcpy(seal->page, page, BLCKSZ);
	vs_ann_change_commit(&change);

	mark_dead_rows(seal, block);
	opaque = VS_ANN_OPAQUE(seal->page);
	for (int i = 0; i < opaque->used; i++)
	{
		if (seal->dead[i])
			continue;
		if (vs_ann_spooled_code_bytes(seal->ann) > 0)
			vs_ann_pending_code(seal->ann, seal->page, i, seal->code);
		vs_ann_spool_put(seal->spool, vs_ann_pending_ids(seal->page) + i, seal->code);
	}
	vs_ann_blocks_add(block, &seal->to_retire);
	return opaque->next;
}

/* Step 2.  We hold no page lock between two pages. */
static void
close_chains(Seal *seal)
{
	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		BlockNumber block = seal->meta.closing[i].head;
		VsAnnWalk	walk = {0};

		while (block != InvalidBlockNumber)
		{
			vs_ann_walk_step(seal->ann, &walk, block);
			block = close_page(seal, block);
			VS_STOP_POINT("seal: page closed");
		}
	}
}

/*
 * Puts the live rows of the lists that the plan changes into the spool,
 * except those of lists that are copied.  Remembers the pages of all these
 * lists, to retire them.
 */
static void
collect_lists(Seal *seal)
{
	for (int i = 0; i < seal->plan->nlists; i++)
	{
		if (seal->plan->actions[i] == VS_ANN_KEEP)
			continue;
		if (seal->plan->actions[i] != VS_ANN_COPY)
			vs_ann_list_collect(seal->ann, seal->old->heads[i], seal->spool);
		vs_ann_list_pages(seal->ann, seal->old->heads[i], vs_ann_blocks_add, &seal->to_retire);
	}
}

/*
 * Trains a directory on the rows of the spool, and makes an empty list for
 * each centroid.
 */
static VsAnnDirectory *
train_directory(Seal *seal)
{
	int64		rows = vs_ann_spool_count(seal->spool);
	int			lists = vs_ann_target_lists(rows);
	VsAnnDirectory *dir = vs_ann_train(seal->ann, seal->heap, seal->spool, lists, NULL, NULL);
	/* far fewer lists than wanted: most rows are alike */
	uint32		unsplit = dir->nlists < lists / 2 ? rows / dir->nlists : 0;

	dir->divided = palloc(sizeof(int64) * dir->nlists);
	for (int i = 0; i < dir->nlists; i++)
	{
		CHECK_FOR_INTERRUPTS();
		dir->heads[i] = vs_ann_list_create(seal->ann, i, unsplit, seal->number);
		dir->divided[i] = rows;
	}
	return dir;
}

/*
 * Chooses the directory whose lists get the rows: the old one, one that the
 * plan changes, or a newly trained one.  There is none if the index has no
 * lists and the spool is empty.
 */
static void
choose_directory(Seal *seal)
{
	if (seal->plan != NULL)
		collect_lists(seal);
	if (seal->plan != NULL && !seal->plan->all)
		seal->dir = vs_ann_plan_directory(seal->ann, seal->heap, seal->old, seal->plan,
										  seal->number);
	else if (seal->plan == NULL && seal->old != NULL)
		seal->dir = seal->old;
	else if (seal->plan != NULL || vs_ann_spool_count(seal->spool) > 0)
		seal->dir = train_directory(seal);
}

/*
 * Subtracts from the counts what the replaced lists held, and adds what was
 * copied.
 */
static void
subtract_replaced(const VsAnnPlan *plan, VsAnnPublication *publication)
{
	for (int i = 0; i < plan->nlists; i++)
	{
		if (plan->actions[i] == VS_ANN_KEEP)
			continue;
		publication->list_rows -= plan->entries[i];
		publication->list_dead -= plan->dead[i];
	}
	publication->list_rows += plan->copied;
	publication->fresh_rows -= vs_ann_plan_moved(plan);
}

/*
 * Step 4, after the given number of rows was put into lists.  If the
 * directory is new, the pages of the old one are retired afterwards, and its
 * centroid pages too unless the new one leads to them.
 */
static void
publish_seal(Seal *seal, int64 rows)
{
	const VsAnnPlan *plan = seal->plan;
	VsAnnPublication publication = {
		.number = seal->number,
		.method = VS_ANN_SEALED_FLUSH,
		.rows = rows,
		.dir = seal->dir,
		.dir_is_new = seal->dir != seal->old,
		.list_rows = rows,
		.fresh_rows = rows,
	};

	if (plan != NULL)
	{
		if (plan->all || vs_ann_seal_rearranges(seal->request))
			publication.method = VS_ANN_SEALED_COMPACT;
		subtract_replaced(plan, &publication);
	}
	publication.fresh_rows = Max(0, publication.fresh_rows);
	publication.trained = seal->dir != NULL &&
		(seal->old == NULL || (plan != NULL && plan->all));
	if (publication.dir_is_new && seal->old != NULL)
		vs_ann_directory_pages(seal->ann, seal->meta.directory, seal->dir->centroids_at == 0,
							   vs_ann_blocks_add, &seal->to_retire);
	vs_ann_publish(seal->ann, &publication);
}

/* Returns whether lists are so few for the rows that scans are slow. */
static bool
lists_are_outgrown(const VsAnnMetaData *meta, int64 pending)
{
	return meta->directory != InvalidBlockNumber &&
		vs_ann_target_lists(Max(meta->list_rows - meta->list_dead, 0) + pending) >
		(int64) OUTGROWN_FACTOR * meta->nlists;
}

/*
 * Searches lists for entries of dead rows and flags them.  Returns whether
 * there are enough dead entries, flagged now or before, to make a plan that
 * copies lists.
 *
 * A flush and a compaction search all lists.  VACUUM searches none, because
 * ambulkdelete has flagged the dead entries.  An automatic seal searches some
 * lists, each time others, so that its cost is in proportion to the rows that
 * it seals.
 */
static bool
search_dead_entries(Seal *seal, int64 pending)
{
	const VsAnn *ann = seal->ann;
	VsAnnSealCaller caller = seal->request->caller;
	int			nlists = seal->old->nlists;
	int			first = 0;
	int			n = nlists;
	bool		found;

	if (caller == VS_ANN_SEAL_VACUUM)
		return false;
	if (caller == VS_ANN_SEAL_AUTOMATIC)
	{
		n = Min(nlists, ceil(nlists * ((double) SEARCHED_PER_SEALED * pending / Max(seal->meta.list_rows, 1))));
		first = (uint64) seal->meta.sealed * n % nlists;
	}
	found = (caller == VS_ANN_SEAL_COMPACT ||
			 vs_ann_dead_share(ann, seal->heap, seal->old) >= MIN_DEAD_SHARE) &&
		vs_ann_flag_dead(ann, seal->heap, seal->old, first, n) > 0;
	return found || (caller != VS_ANN_SEAL_AUTOMATIC &&
					 seal->meta.list_dead > MIN_DEAD_SHARE * seal->meta.list_rows);
}

/*
 * Sets the metapage's counts to what the plan has counted.  Publication
 * subtracts the replaced lists from them.
 */
static void
count_planned(const VsAnn *ann, const VsAnnPlan *plan)
{
	int64		rows = 0;
	int64		dead = 0;

	for (int i = 0; i < plan->nlists; i++)
	{
		rows += plan->entries[i];
		dead += plan->dead[i];
	}
	vs_ann_meta_count(ann, rows, dead);
}

/*
 * Searches for dead entries and plans changes to the lists.  seal->plan stays
 * NULL if no list changes.
 */
static void
make_plan(Seal *seal)
{
	const VsAnn *ann = seal->ann;
	const VsAnnSealRequest *request = seal->request;
	int64		pending = vs_ann_pending_rows(ann, &seal->meta);
	bool		dead = search_dead_entries(seal, pending);
	VsAnnPlan  *plan;

	if (!dead && !vs_ann_seal_rearranges(request) &&
		!(request->may_train && lists_are_outgrown(&seal->meta, pending)))
		return;
	plan = vs_ann_plan(ann, seal->old, pending, seal->meta.fresh_rows, request);
	count_planned(ann, plan);
	if (plan->any)
		seal->plan = plan;
}

/*
 * Reads the metapage and the directory, and makes the plan.  Returns false if
 * there is nothing to seal and nothing to change.
 */
static bool
prepare_seal(Seal *seal)
{
	const VsAnn *ann = seal->ann;

	vs_ann_meta_read(ann, &seal->meta);
	if (seal->meta.directory != InvalidBlockNumber)
	{
		seal->old = vs_ann_directory_read(ann, seal->meta.directory);
		if (seal->request != NULL)
			make_plan(seal);
	}
	return seal->plan != NULL || seal->meta.sealing != 0 ||
		(seal->request != NULL && has_chain(seal->meta.growing));
}

static void
allocate_scratch(Seal *seal)
{
	const VsAnn *ann = seal->ann;

	seal->spool = vs_ann_spool_begin(ann, vs_ann_work_memory() / 4);
	seal->page = palloc(BLCKSZ);
	seal->code = palloc(ann->geo.code_bytes);
	seal->suspects = palloc(sizeof(VsAnnSuspect) * ann->geo.pending_capacity);
	seal->dead = palloc(sizeof(bool) * ann->geo.pending_capacity);
}

/*
 * Step 3: chooses the directory, puts the rows into its lists and returns
 * their number.
 */
static int64
assign_rows(Seal *seal)
{
	bool		report = seal->request != NULL && seal->request->report;
	int64		rows = 0;

	if (report)
		vs_ann_progress_phase(VS_ANN_PHASE_TRAIN, 0);
	choose_directory(seal);
	if (report)
		vs_ann_progress_phase(VS_ANN_PHASE_ASSIGN, vs_ann_spool_count(seal->spool));
	if (seal->dir != NULL)
		rows = vs_ann_assign(seal->ann, seal->heap, seal->dir, seal->spool, seal->number,
							 report ? vs_ann_progress_done : NULL);
	VS_STOP_POINT("seal: assigned");
	if (seal->dir != NULL && seal->dir != seal->old)
		vs_ann_note_unsplit(seal->ann, seal->dir);
	return rows;
}

/*
 * One seal: the steps above in order.  Does nothing if there are no pending
 * rows and no changes to make.
 *
 * Without a request, it ends a seal that was begun and not published: with
 * that seal's number and closing chains, and with the lists as they are.
 *
 * We hold the seal lock.  So no other backend changes lists, closes chains or
 * publishes meanwhile, and the metapage's seal numbers are ours.  Inserts go
 * on in the growing chains, and scans go on with the copy of the metapage
 * that they have.
 */
static void
seal_once(const VsAnn *ann, Relation heap, const VsAnnSealRequest *request, VsAnnSealResult *result)
{
	Seal		seal = {.ann = ann, .heap = heap, .request = request};
	int64		rows;

	if (!prepare_seal(&seal))
		return;

	/* from here to the publication, a crash leaves a seal for seal_index */
	begin_seal(&seal);
	VS_STOP_POINT("seal: begun");
	allocate_scratch(&seal);
	close_chains(&seal);
	VS_STOP_POINT("seal: closed");
	rows = assign_rows(&seal);

	/* one change: a crash leaves all rows pending, or all in lists */
	publish_seal(&seal, rows);
	VS_STOP_POINT("seal: published");

	/* a crash during this leaves unreachable pages for vs_ann_sweep */
	vs_ann_page_retire(ann, seal.to_retire.blocks, seal.to_retire.n);
	VS_STOP_POINT("seal: retired");
	vs_ann_spool_end(seal.spool);

	result->rows_sealed += rows;
	result->segment = seal.number;
}

/*
 * Returns whether enough pages were retired for a sweep: since the last
 * sweep, or in total if no snapshot is old enough to keep those that the last
 * sweep left.  The second condition matters: otherwise an old snapshot would
 * make each seal read the whole index without freeing a page.
 */
static bool
sweep_is_due(const VsAnn *ann, const VsAnnMetaData *meta)
{
	double		enough = SWEEP_SHARE * RelationGetNumberOfBlocks(ann->index);

	if ((double) meta->pages_retired - meta->pages_waiting > enough)
		return true;
	return meta->pages_retired > enough &&
		vs_ann_past_horizon(meta->waiting_xid);
}

/*
 * Executes a request.  Needs the seal lock.
 *
 * A seal that was begun and not published is ended first, and a sweep frees
 * the pages that it left.  If requests fail again and again, because of a
 * timeout for example, each attempt reuses the pages of the previous ones.
 */
static void
seal_index(const VsAnn *ann, Relation heap, const VsAnnSealRequest *request, VsAnnSealResult *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann seal",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VsAnnMetaData meta;

	vs_ann_meta_read(ann, &meta);
	if (meta.sealing != 0)
	{
		/*
		 * The rows of these entries are still on pending pages, so the
		 * entries must not count when their number is published.
		 */
		vs_ann_flag_unpublished(ann, &meta);

		/*
		 * if the failed seal trained the first lists, their pages are
		 * orphans, and the next attempt may fail too
		 */
		if (meta.directory == InvalidBlockNumber)
			vs_ann_sweep(ann);
		seal_once(ann, heap, NULL, result);
		vs_ann_sweep(ann);
	}
	seal_once(ann, heap, request, result);
	vs_ann_meta_read(ann, &meta);
	if (vs_ann_seal_rearranges(request) || sweep_is_due(ann, &meta))
		vs_ann_sweep(ann);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

bool
vs_ann_seal(Relation index, Relation heap, VsAnnWait wait, const VsAnnSealRequest *request,
			VsAnnSealResult *result)
{
	VsAnn		ann;

	memset(result, 0, sizeof(*result));
	if (!vs_ann_seal_lock(index, wait))
		return false;
	vs_ann_open(&ann, index);
	if (ann.has_dim)
		seal_index(&ann, heap, request, result);
	vs_ann_seal_unlock(index);
	return true;
}
