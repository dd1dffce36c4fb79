/*-------------------------------------------------------------------------
 * ann_seal.c
 *	  Seals: the pending rows go into lists; whatever else is to be done to the
 *	  lists is done by the same seal, with one publication.
 *
 * Steps, each of which may be the last before a crash (README.md, crash table):
 *	1 begin: one change of the metapage gives the seal its number and moves the
 *	  growing chains to the closing ones
 *	2 close: each closing page is marked closed under its lock, and read
 *	3 assign: rows go to lists, numbered with the seal, so that no scan counts
 *	  them yet
 *	4 publish: one change of the metapage makes the number count, forgets the
 *	  closing chains and switches the directory (ann_publish.c)
 *	5 retire the pages that nothing leads to now
 * A seal that was begun and not published is found by its number in the metapage.
 * The next one flags the entries that it left in lists as dead, and seals its rows
 * again.
 *
 * Locks: the seal lock throughout; buffers for one change at a time.
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
#include "ann/seal/ann_publish.h"
#include "ann/seal/ann_seal.h"
#include "ann/seal/ann_spool.h"
#include "ann/seal/ann_train.h"
#include "util/stop_point.h"

/* When the lists should be more by this factor, a seal may train all of them again. */
#define GROWTH_FACTOR	4
/* An automatic seal looks for dead entries among this multiple of the rows that it seals. */
#define LOOKED_AT		8
/* A seal that is no compaction flags dead entries if about this share is dead. */
#define WORTH_FLAGGING	0.05
/* This share of retired pages makes a seal look for those that can be reused. */
#define SWEEP_SHARE		0.125

/* A seal at work. */
typedef struct Seal
{
	const VsAnn *ann;
	Relation	heap;
	VsAnnMetaData meta;			/* as of the beginning */
	uint32		number;
	const VsAnnSealRequest *request;	/* NULL: only end a seal that failed */
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
		if (seal->plan->actions[i] == VS_ANN_KEEP)
			continue;
		if (seal->plan->actions[i] != VS_ANN_COPY)
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
	VsAnnDirectory *dir = vs_ann_train(seal->ann, seal->heap, seal->spool, lists, NULL, NULL);
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

/* What the lists that the plan replaces held is no longer counted. */
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

/* Step 4.  rows were put into lists. */
static void
publish(Seal *seal, int64 rows)
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
							   vs_ann_blocks_add, &seal->unused);
	vs_ann_publish(seal->ann, &publication);
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
 * Looks for entries of dead rows in lists and flags them.  Returns whether there are
 * enough dead entries, found now or flagged before, to copy lists without them.
 *
 * A flush and a compaction look at all lists.  VACUUM looks at none, because
 * ambulkdelete has flagged them.  An automatic seal looks at some lists, each time
 * at others, so that its cost is in proportion to the rows that it seals.
 */
static bool
flag_dead(Seal *seal, int64 pending)
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
		n = Min(nlists, ceil(nlists * ((double) LOOKED_AT * pending / Max(seal->meta.list_rows, 1))));
		first = (uint64) seal->meta.sealed * n % nlists;
	}
	found = (caller == VS_ANN_SEAL_COMPACT ||
			 vs_ann_dead_share(ann, seal->heap, seal->old) >= WORTH_FLAGGING) &&
		vs_ann_flag_dead(ann, seal->heap, seal->old, first, n) > 0;
	return found || (caller != VS_ANN_SEAL_AUTOMATIC &&
					 seal->meta.list_dead > WORTH_FLAGGING * seal->meta.list_rows);
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

/* Decides what becomes of the lists: seal->plan, which stays NULL if nothing does. */
static void
make_plan(Seal *seal)
{
	const VsAnn *ann = seal->ann;
	const VsAnnSealRequest *request = seal->request;
	int64		pending = vs_ann_pending_rows(ann, &seal->meta);
	bool		dead = flag_dead(seal, pending);
	VsAnnPlan  *plan;

	if (!dead && !vs_ann_seal_rearranges(request) &&
		!(request->may_train && outgrown(&seal->meta, pending)))
		return;
	plan = vs_ann_plan(ann, seal->old, pending, seal->meta.fresh_rows, request);
	count_planned(ann, plan);
	if (plan->any)
		seal->plan = plan;
}

/* Reads the metapage and the lists, and decides; false if there is nothing to do. */
static bool
prepare(Seal *seal)
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

/* Step 3: chooses the directory and puts the rows into its lists; returns how many. */
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
 * One seal, from beginning to end; does nothing if there is nothing to do.  Without
 * a request it ends a seal that was begun and not published: with that one's chains,
 * and the lists as they are.
 */
static void
seal_once(const VsAnn *ann, Relation heap, const VsAnnSealRequest *request, VsAnnSealResult *result)
{
	Seal		seal = {.ann = ann, .heap = heap, .request = request};
	int64		rows;

	if (!prepare(&seal))
		return;
	begin_seal(&seal);
	VS_STOP_POINT("seal: begun");
	allocate_scratch(&seal);
	close_chains(&seal);
	VS_STOP_POINT("seal: closed");
	rows = assign_rows(&seal);
	publish(&seal, rows);
	VS_STOP_POINT("seal: published");
	vs_ann_page_retire(ann, seal.unused.blocks, seal.unused.n);
	VS_STOP_POINT("seal: retired");
	vs_ann_spool_end(seal.spool);

	result->rows_sealed += rows;
	result->segment = seal.number;
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
 * Does what is asked for.  Needs the seal lock.
 *
 * A seal that was begun and failed comes to its end first, and the pages that it
 * left are found: if requests fail again and again, for lack of time say, each
 * attempt reuses the pages of the last ones.
 */
static void
seal_opened(const VsAnn *ann, Relation heap, const VsAnnSealRequest *request, VsAnnSealResult *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann seal",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VsAnnMetaData meta;

	vs_ann_meta_read(ann, &meta);
	if (meta.sealing != 0)
	{
		vs_ann_flag_unpublished(ann, &meta);
		/* one that trained the first lists left their pages, and may do so again */
		if (meta.directory == InvalidBlockNumber)
			vs_ann_sweep(ann);
		seal_once(ann, heap, NULL, result);
		vs_ann_sweep(ann);
	}
	seal_once(ann, heap, request, result);
	vs_ann_meta_read(ann, &meta);
	if (vs_ann_seal_rearranges(request) || worth_sweeping(ann, &meta))
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
		seal_opened(&ann, heap, request, result);
	vs_ann_seal_unlock(index);
	return true;
}
