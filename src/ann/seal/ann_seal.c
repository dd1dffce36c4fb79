/*-------------------------------------------------------------------------
 * ann_seal.c
 *	  Seals: the pending rows into lists; with it, whatever else is to be done
 *	  to the lists, as one seal with one publication.
 *
 * Steps, each of which may be the last before a crash (README.md, crash table):
 *	1 begin: one change of the metapage gives the seal its number and moves the growing
 *	  chains to the closing ones
 *	2 close: each closing page is marked closed under its lock, and read
 *	3 assign: rows go to lists, numbered with the seal, so no scan counts them yet
 *	4 publish: one change of the metapage makes the number count, forgets the closing
 *	  chains and switches the directory
 *	5 retire the pages that nothing leads to now
 * A seal that was begun and not published is found by its number in the metapage. The
 * next one flags the entries it left in lists dead, and does it again.
 *
 * Locks: the seal lock throughout; buffers one change at a time.
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
#include "ann/seal/ann_dead.h"
#include "ann/seal/ann_list_copy.h"
#include "ann/seal/ann_plan.h"
#include "ann/seal/ann_seal.h"
#include "ann/seal/ann_spool.h"
#include "util/stop_point.h"

/* A growth by this factor makes a flush train the lists anew. */
#define GROWTH_FACTOR	4
/* An automatic seal looks for the dead among so many times the entries that it seals ... */
#define LOOKED_AT		8
/* ... and any but a compaction only if about this share is dead. */
#define WORTH_PRUNING	0.05
/* This share of retired pages makes a seal look for those that can be reused, if some can. */
#define SWEEP_SHARE		0.125

/* A seal at work. */
typedef struct Seal
{
	const VsAnn *ann;
	Relation	heap;
	VsAnnMetaData meta;			/* as of the beginning */
	uint32		number;
	int			what;			/* VS_ANN_DO_* */
	VsAnnSpool *spool;
	char	   *page;			/* scratch: copy of a pending page, ... */
	uint8	   *code;			/* ... a code of it, */
	VsAnnSuspect *suspects;		/* and its rows */
	bool	   *dead;
	VsAnnBlocks unused;			/* pages that nothing leads to after publication */
	VsAnnDirectory *old;		/* NULL if there was none */
	VsAnnDirectory *dir;		/* to be published; may be old */
	VsAnnPlan  *plan;			/* NULL if lists stay */
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

/* Step 1.  Chains left closing by a seal that failed are taken as they are. */
static void
begin_seal(Seal *seal, bool flush)
{
	VsAnnChange change;
	VsAnnMetaData *meta;

	vs_ann_change_begin(&change, seal->ann);
	meta = vs_ann_meta_change(&change);
	if (meta->sealing == 0)
	{
		meta->sealing = meta->sealed + 1;
		for (int i = 0; i < VS_ANN_CHAINS && flush; i++)
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

/* Marks the rows of the copied page, whose number is block, that are dead to everybody. */
static void
mark_dead(Seal *seal, BlockNumber block)
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

/* Marks a pending page closed and takes its live ids; returns the next page. */
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

	mark_dead(seal, block);
	opaque = VS_ANN_OPAQUE(seal->page);
	for (int i = 0; i < opaque->used; i++)
	{
		if (seal->dead[i])
			continue;
		if (vs_ann_spooled_code_bytes(seal->ann) > 0)
			vs_ann_pending_code(seal->ann, seal->page, i, seal->code);
		vs_ann_spool_put(seal->spool, vs_ann_pending_ids(seal->page) + i, seal->code);
	}
	vs_ann_blocks_add(block, &seal->unused);
	return opaque->next;
}

/* Step 2. */
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

/* Adds the rows of lists that the plan changes, unless copied, and remembers their pages. */
static void
collect_lists(Seal *seal)
{
	for (int i = 0; i < seal->plan->nlists; i++)
	{
		if (seal->plan->fates[i] == VS_ANN_KEEP)
			continue;
		if (seal->plan->fates[i] != VS_ANN_COPY)
			vs_ann_list_collect(seal->ann, seal->old->heads[i], seal->spool);
		vs_ann_list_pages(seal->ann, seal->old->heads[i], vs_ann_blocks_add, &seal->unused);
	}
}

/* Trains a directory from the spooled rows, with empty lists. */
static VsAnnDirectory *
train_anew(Seal *seal)
{
	int64		rows = vs_ann_spool_count(seal->spool);
	int			lists = vs_ann_target_lists(rows);
	VsAnnDirectory *dir = vs_ann_train(seal->ann, seal->heap, seal->spool, lists, NULL);
	/* far fewer came of it: most rows are alike */
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
 * The directory to seal into: the old one, a changed one, or a new one; none
 * when there was none and there are no rows.
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
		seal->dir = train_anew(seal);
}

/* Step 4. */
static void
publish(Seal *seal, int64 rows)
{
	const VsAnn *ann = seal->ann;
	BlockNumber root = seal->meta.directory;
	BlockNumber centre = seal->meta.centre;
	VsAnnSegment segment = {0};
	VsAnnChange change;
	VsAnnMetaData *meta;

	if (seal->dir != seal->old)
	{
		if (seal->old != NULL)
			vs_ann_directory_pages(ann, root, seal->dir->centroids_at == 0,
								   vs_ann_blocks_add, &seal->unused);
		seal->dir->generation = seal->meta.generation + 1;
		root = vs_ann_directory_write(ann, seal->dir, seal->number);
		if (centre == InvalidBlockNumber && seal->dir->centre != NULL)
			centre = vs_ann_centre_write(ann, seal->dir->centre, seal->number);
		VS_STOP_POINT("seal: directory written");
	}
	segment.number = seal->number;
	segment.method = seal->plan != NULL &&
		(seal->plan->all || (seal->what & VS_ANN_DO_COMPACT) != 0) ?
		VS_ANN_SEALED_COMPACT :
						 VS_ANN_SEALED_FLUSH;
	segment.rows = rows;
	segment.created = GetCurrentTimestamp();
	segment.nlists = seal->dir != NULL ? seal->dir->nlists : 0;

	vs_ann_change_begin(&change, ann);
	meta = vs_ann_meta_change(&change);
	meta->sealed = seal->number;
	meta->sealing = 0;
	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		meta->closing[i].head = meta->closing[i].tail = InvalidBlockNumber;
		meta->closing[i].npages = 0;
	}
	if (seal->dir != seal->old)
	{
		meta->directory = root;
		meta->centre = centre;
		meta->nlists = seal->dir->nlists;
		meta->generation = seal->dir->generation;
	}
	for (int i = 0; seal->plan != NULL && i < seal->plan->nlists; i++)
	{
		if (seal->plan->fates[i] != VS_ANN_KEEP)
		{
			meta->list_rows -= seal->plan->entries[i];
			meta->list_dead -= seal->plan->dead[i];
		}
	}
	meta->list_rows += rows + (seal->plan != NULL ? seal->plan->copied : 0);
	if (seal->dir != NULL && (seal->old == NULL || (seal->plan != NULL && seal->plan->all)))
		meta->fresh_rows = 0;
	else
		meta->fresh_rows += Max(0, rows - (seal->plan != NULL ? vs_ann_plan_moved(seal->plan) : 0));
	vs_ann_segment_append(&change, meta, &segment);
	vs_ann_change_commit(&change);
}

/* Whether lists are too few for the rows by so much that scans suffer. */
static bool
outgrown(const VsAnnMetaData *meta, int64 pending)
{
	return meta->directory != InvalidBlockNumber &&
		vs_ann_target_lists(Max(meta->list_rows - meta->list_dead, 0) + pending) >
		(int64) GROWTH_FACTOR * meta->nlists;
}

/*
 * Flags dead entries of lists: in all lists if it is asked for and worth it.  An automatic
 * seal looks at some lists, each time at others, so that what it
 * costs is in proportion to the rows sealed.  Returns whether it found any.
 */
static bool
prune_lists(Seal *seal, int64 pending)
{
	const VsAnn *ann = seal->ann;
	int			nlists = seal->old->nlists;
	int			first = 0;
	int			n = nlists;

	if ((seal->what & VS_ANN_DO_PRUNE) == 0)
	{
		double		share = (double) LOOKED_AT * pending / Max(seal->meta.list_rows, 1);

		if ((seal->what & VS_ANN_DO_COMPACT) != 0)
			return false;
		n = Min(nlists, ceil(nlists * share));
		first = (uint64) seal->meta.sealed * n % nlists;
	}
	if ((seal->what & VS_ANN_DO_COMPACT) == 0 &&
		vs_ann_dead_share(ann, seal->heap, seal->old) < WORTH_PRUNING)
		return false;
	return vs_ann_prune(ann, seal->heap, seal->old, first, n) > 0;
}

/* A plan has counted all lists, and publication subtracts what it counted. */
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

/* What becomes of the lists: the seal's plan. */
static void
make_plan(Seal *seal)
{
	const VsAnn *ann = seal->ann;
	int64		pending = vs_ann_pending_rows(ann, &seal->meta);
	bool		dead;

	seal->old = vs_ann_directory_read(ann, seal->meta.directory);
	dead = prune_lists(seal, pending);
	/* a flush also drops those that were known before */
	if ((seal->what & VS_ANN_DO_PRUNE) != 0 &&
		seal->meta.list_dead > WORTH_PRUNING * seal->meta.list_rows)
		dead = true;
	if (dead || (seal->what & VS_ANN_DO_COMPACT) != 0 ||
		((seal->what & VS_ANN_DO_GROW) != 0 && outgrown(&seal->meta, pending)))
	{
		seal->plan = vs_ann_plan(ann, seal->old, pending, seal->meta.fresh_rows, seal->what);
		count_planned(ann, seal->plan);
	}
	if (seal->plan != NULL && !seal->plan->any)
		seal->plan = NULL;
}

/* One seal; false when there was nothing to do. */
static bool
seal_once(const VsAnn *ann, Relation heap, int what, VsAnnSealResult *result)
{
	Seal		seal = {0};
	bool		flush = (what & VS_ANN_DO_FLUSH) != 0;
	bool		report = (what & VS_ANN_DO_REPORT) != 0;
	int64		rows;

	seal.ann = ann;
	seal.heap = heap;
	seal.what = what;
	vs_ann_meta_read(ann, &seal.meta);
	if (flush && seal.meta.directory != InvalidBlockNumber)
		make_plan(&seal);
	else if (seal.meta.directory != InvalidBlockNumber)
		seal.old = vs_ann_directory_read(ann, seal.meta.directory);
	if (seal.plan == NULL && seal.meta.sealing == 0 &&
		!(flush && has_chain(seal.meta.growing)))
		return false;

	begin_seal(&seal, flush);
	VS_STOP_POINT("seal: begun");
	seal.spool = vs_ann_spool_begin(ann, vs_ann_work_memory() / 4);
	seal.page = palloc(BLCKSZ);
	seal.code = palloc(ann->geo.code_bytes);
	seal.suspects = palloc(sizeof(VsAnnSuspect) * ann->geo.pending_capacity);
	seal.dead = palloc(sizeof(bool) * ann->geo.pending_capacity);
	close_chains(&seal);
	VS_STOP_POINT("seal: closed");
	if (report)
		vs_ann_progress_phase(VS_ANN_PHASE_TRAIN, 0);
	choose_directory(&seal);
	if (report)
		vs_ann_progress_phase(VS_ANN_PHASE_ASSIGN, vs_ann_spool_count(seal.spool));
	rows = 0;
	if (seal.dir != NULL)
		rows = vs_ann_assign(ann, heap, seal.dir, seal.spool, seal.number,
							 report ? vs_ann_progress_done : NULL);
	VS_STOP_POINT("seal: assigned");
	if (seal.dir != NULL && seal.dir != seal.old)
		vs_ann_note_unsplit(ann, seal.dir);
	publish(&seal, rows);
	VS_STOP_POINT("seal: published");
	vs_ann_page_retire(ann, seal.unused.blocks, seal.unused.n);
	VS_STOP_POINT("seal: retired");
	vs_ann_spool_end(seal.spool);

	result->rows_sealed += rows;
	result->segment = seal.number;
	return true;
}

/*
 * Whether enough pages were retired to look for those that can be reused: since the last sweep, or at
 * all if nobody can be reading any of those that it left.  Else an old snapshot would make each
 * seal look at the whole index, in vain.
 */
static bool
worth_sweeping(const VsAnn *ann, const VsAnnMetaData *meta)
{
	double		enough = SWEEP_SHARE * RelationGetNumberOfBlocks(ann->index);

	if ((double) meta->pages_retired - meta->pages_waiting > enough)
		return true;
	return meta->pages_retired > enough &&
		vs_ann_past_horizon(meta->waiting_xid);
}

/*
 * Does what is asked; needs the seal lock.  First brings to an end what a seal
 * left that was begun and failed, and finds the pages that it left: if what is asked fails
 * again and again, for lack of time say, each attempt reuses those of the last ones.
 */
static void
maintain_opened(const VsAnn *ann, Relation heap, int what, VsAnnSealResult *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann seal",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VsAnnMetaData meta;

	memset(result, 0, sizeof(*result));
	vs_ann_meta_read(ann, &meta);
	if (meta.sealing != 0)
	{
		vs_ann_kill_unpublished(ann, &meta);
		/* one that trained the first lists left their pages, and may do so again */
		if (meta.directory == InvalidBlockNumber)
			vs_ann_sweep(ann);
		seal_once(ann, heap, 0, result);
		vs_ann_sweep(ann);
	}
	seal_once(ann, heap, what, result);
	vs_ann_meta_read(ann, &meta);
	if ((what & VS_ANN_DO_SWEEP) != 0 || worth_sweeping(ann, &meta))
		vs_ann_sweep(ann);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Takes the seal lock and does what is asked, as bits of VS_ANN_DO_*; see vs_ann_flush. */
bool
vs_ann_maintain(Relation index, Relation heap, VsAnnWait wait, int what,
				VsAnnSealResult *result)
{
	VsAnn		ann;

	memset(result, 0, sizeof(*result));
	if (!vs_ann_seal_lock(index, wait))
		return false;
	vs_ann_open(&ann, index);
	if (ann.has_dim)
		maintain_opened(&ann, heap, what, result);
	vs_ann_seal_unlock(index);
	return true;
}

bool
vs_ann_flush(Relation index, Relation heap, VsAnnWait wait, VsAnnSealResult *result)
{
	return vs_ann_maintain(index, heap, wait, VS_ANN_FLUSH, result);
}

bool
vs_ann_compact(Relation index, Relation heap, VsAnnWait wait, VsAnnSealResult *result)
{
	return vs_ann_maintain(index, heap, wait, VS_ANN_COMPACT, result);
}
