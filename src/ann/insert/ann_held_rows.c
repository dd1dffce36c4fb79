/*-------------------------------------------------------------------------
 * ann_held_rows.c
 *	  Rows that this session has inserted and not yet put on pending pages.
 *
 * A row is coded when it is inserted, and kept; many go to a page as one WAL record.
 * Until its transaction commits nobody else can see it, so it is enough that it is on a
 * page before
 *	- the transaction commits or is prepared (the last thing it does that can fail),
 *	- this session opens the index for anything (vs_ann_open),
 *	- this session runs a plan with parallel workers, which look at pages only,
 *	- a utility command, which may give the index another file or lose its own.  What code
 *	  of users inserts while one is under way (an event trigger) goes to pages at once.
 * docs/decisions/013-buffered-inserts.md goes through what else might look.
 *
 * What is kept belongs to transactions in progress: a subtransaction that aborts takes its
 * rows with it, and so does a speculative insertion that is withdrawn (VACUUM may give
 * their TIDs to other rows at once).  All rows that came since a subtransaction began are its own
 * or its children's, and no others have an id at or above its own: they are the last ones.
 *
 * Rows are for the file that the index had when they came: after a TRUNCATE or
 * REINDEX of the same transaction they are of no use, unless it is rolled back.  Other sessions
 * cannot replace the file, for the index stays locked to the end of the transaction.
 *
 * A serializable transaction that searched meanwhile has not met the rows: whether
 * there was one is asked when they are on pages, as index_insert asks for other indexes.
 *
 * Invariant A10.  Memory: a context per index, below TopTransactionContext.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/predicate.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/base/ann_index.h"
#include "ann/base/ann_value.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "compat/ann_compat.h"
#include "quant/quant.h"
#include "util/withdrawn_row.h"

/* Rows are written when those of an index would fill MAX_PAGES, or all take MAX_BYTES. */
#define MAX_PAGES		8
#define MAX_BYTES		((Size) 8 << 20)
#define FIRST_ROWS		16

struct VsAnnHeldRows
{
	dlist_node	node;
	MemoryContext context;		/* that it lies in */
	Oid			index;
	Oid			file;			/* relfilenumber the rows are for */
	Oid			heap;
	VsAnn		ann;			/* ann.index: only while an insert or write is at it */
	VsAnnCoder	coder;			/* coder.ann is NULL before the first row */
	float	   *centre;			/* what rows are coded against; NULL: the origin */
	BlockNumber tail;
	VsAnnPendingBatch batch;
	SubTransactionId *owners;	/* of each row */
	int			capacity;
	int			max_rows;
};

static dlist_head all_held = DLIST_STATIC_INIT(all_held);
static Size bytes_held;

/* Incremented when the rows of an index are discarded: older pointers dangle. */
uint64		vs_ann_held_epoch;

/* Past the last chance to write before the commit: rows go to the pages at once. */
static bool committing;

/* Utility commands under way that may change an index's file. */
static int	replacing_commands;

static ExecutorRun_hook_type next_executor_run;
static ProcessUtility_hook_type next_process_utility;

static Size
row_bytes(const VsAnnHeldRows *held)
{
	return sizeof(VsAnnId) + held->ann.geo.code_bytes + sizeof(VsQuantFactors) +
		sizeof(SubTransactionId);
}

static void
set_capacity(VsAnnHeldRows *held, int capacity)
{
	VsAnnPendingBatch *batch = &held->batch;

	if (held->capacity > 0)
	{
		batch->ids = repalloc(batch->ids, sizeof(VsAnnId) * capacity);
		batch->codes = repalloc(batch->codes, (Size) held->ann.geo.code_bytes * capacity);
		batch->factors = repalloc(batch->factors, sizeof(VsQuantFactors) * capacity);
		held->owners = repalloc(held->owners, sizeof(SubTransactionId) * capacity);
	}
	else
	{
		MemoryContext context = held->context;

		batch->ids = MemoryContextAlloc(context, sizeof(VsAnnId) * capacity);
		batch->codes = MemoryContextAlloc(context, (Size) held->ann.geo.code_bytes * capacity);
		batch->factors = MemoryContextAllocZero(context, sizeof(VsQuantFactors) * capacity);
		held->owners = MemoryContextAlloc(context, sizeof(SubTransactionId) * capacity);
	}
	bytes_held += row_bytes(held) * (capacity - held->capacity);
	held->capacity = capacity;
}

/* Gives the memory of rows back, unless there are some. */
static void
shrink(VsAnnHeldRows *held)
{
	if (held->capacity == 0 || held->batch.n > 0)
		return;
	pfree(held->batch.ids);
	pfree(held->batch.codes);
	pfree(held->batch.factors);
	pfree(held->owners);
	bytes_held -= row_bytes(held) * held->capacity;
	held->capacity = 0;
}

/* Gives a held up, whatever it holds. */
static void
discard(VsAnnHeldRows *held)
{
	held->batch.n = 0;
	shrink(held);
	dlist_delete(&held->node);
	MemoryContextDelete(held->context);
	vs_ann_held_epoch++;
}

/* Looks where rows go and how they are coded; only while there are none. */
static void
look_at_meta(VsAnnHeldRows *held)
{
	VsAnnMetaData meta;
	float	   *centre;

	Assert(held->batch.n == 0);
	vs_ann_meta_read(&held->ann, &meta);
	held->tail = vs_ann_pending_tail(&meta);
	if (meta.centre == InvalidBlockNumber || held->centre != NULL ||
		!held->ann.has_dim || !held->ann.geo.has_factors)
		return;
	centre = MemoryContextAlloc(held->context, sizeof(float) * held->ann.geo.padded);
	vs_ann_centre_read(&held->ann, meta.centre, centre);
	held->centre = centre;
}

/*
 * Puts all rows on pages of the index, which is open.  On an error, those that got there
 * are known.  Returns whether the pending part has more pages now.
 */
static bool
write_rows(VsAnnHeldRows *held, Relation index)
{
	bool		grown;

	held->ann.index = index;
	held->batch.centred = held->centre != NULL;
	grown = vs_ann_pending_append(&held->ann, &held->tail, &held->batch);
	held->batch.n = held->batch.written = 0;
	CheckForSerializableConflictIn(index, NULL, InvalidBlockNumber);
	return grown;
}

static void
write_held(VsAnnHeldRows *held)
{
	Relation	index;

	if (held->batch.n == 0)
		return;
	/* locked since the first row; gone if this transaction dropped it */
	index = try_relation_open(held->index, NoLock);
	if (index == NULL)
		return;
	if (vs_compat_relfilenumber(index) == held->file)
		write_rows(held, index);
	relation_close(index, NoLock);
}

static void
write_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_held)
		write_held(dlist_container(VsAnnHeldRows, node, iter.cur));
}

static VsAnnHeldRows *
find(Relation index)
{
	Oid			file = vs_compat_relfilenumber(index);
	dlist_iter	iter;

	dlist_foreach(iter, &all_held)
	{
		VsAnnHeldRows *held = dlist_container(VsAnnHeldRows, node, iter.cur);

		if (held->index == RelationGetRelid(index) && held->file == file)
			return held;
	}
	return NULL;
}

/* Puts what this session holds back of the index on its pages. */
void
vs_ann_held_write(Relation index)
{
	VsAnnHeldRows *held = dlist_is_empty(&all_held) ? NULL : find(index);

	if (held != NULL && held->batch.n > 0)
		write_rows(held, index);
}

/* The index is being built, from the rows of the table: what is held back is not needed. */
void
vs_ann_held_forget(Relation index)
{
	VsAnnHeldRows *held = find(index);

	if (held != NULL)
		discard(held);
}

/*
 * The session's held for the index, good until vs_ann_held_epoch changes, which it does at
 * the end of the transaction at the latest; the index is locked for as long as the transaction.
 * *fresh: there was none.
 */
VsAnnHeldRows *
vs_ann_held_get(Relation index, Relation heap, bool *fresh)
{
	VsAnnHeldRows *held = find(index);

	LockRelationOid(RelationGetRelid(index), RowExclusiveLock);
	*fresh = held == NULL;
	if (held == NULL)
	{
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "vecann rows held back",
													  ALLOCSET_SMALL_SIZES);

		held = MemoryContextAllocZero(context, sizeof(VsAnnHeldRows));
		held->context = context;
		held->index = RelationGetRelid(index);
		held->file = vs_compat_relfilenumber(index);
		held->heap = RelationGetRelid(heap);
		vs_ann_open(&held->ann, index);
		dlist_push_head(&all_held, &held->node);
	}
	return held;
}

/* The index as the held knows it, but for the relation. */
const VsAnn *
vs_ann_held_ann(const VsAnnHeldRows *held)
{
	return &held->ann;
}

/* Refuses a payload of another dimension; makes ready to code it. */
static void
check_shape(VsAnnHeldRows *held, const void *payload)
{
	int			dim = vs_ann_payload_dim(held->ann.type.kind, payload);
	MemoryContext old;

	if (!held->ann.has_dim || held->ann.spec.dim != dim)
		vs_ann_check_dim(&held->ann, dim);
	if (held->coder.ann != NULL)
		return;
	old = MemoryContextSwitchTo(held->context);
	vs_ann_coder_init(&held->coder, &held->ann);
	MemoryContextSwitchTo(old);
	held->max_rows = MAX_PAGES * held->ann.geo.pending_capacity;
}

/* Makes room for a row more. */
static void
make_room(VsAnnHeldRows *held)
{
	dlist_iter	iter;

	if (held->batch.n < held->capacity)
		return;
	if (bytes_held > MAX_BYTES)
	{
		write_all();
		dlist_foreach(iter, &all_held)
			shrink(dlist_container(VsAnnHeldRows, node, iter.cur));
	}
	set_capacity(held, Min(Max(2 * held->capacity, FIRST_ROWS), held->max_rows));
}

/*
 * Adds a row of the index that is inserted into.  Returns whether rows were written and
 * the pending part grew, which is when the caller may want to look at its size.
 */
bool
vs_ann_held_put(VsAnnHeldRows *held, Relation index, const VsAnnId *id, const void *payload)
{
	VsAnnPendingBatch *batch = &held->batch;
	VsAnnCoder *coder = &held->coder;

	held->ann.index = index;
	check_shape(held, payload);
	make_room(held);
	if (batch->n == 0)
		look_at_meta(held);
	vs_ann_coder_rotate(coder, payload, coder->rotated);
	vs_ann_coder_encode(coder, payload, coder->rotated,
						held->centre != NULL ? held->centre : coder->origin, false);
	memcpy(batch->codes + (Size) batch->n * held->ann.geo.code_bytes, coder->code,
		   held->ann.geo.code_bytes);
	batch->factors[batch->n] = coder->factors;
	batch->ids[batch->n] = *id;
	held->owners[batch->n] = GetCurrentSubTransactionId();
	batch->n++;
	if (batch->n < held->max_rows && !committing && replacing_commands == 0)
		return false;
	return write_rows(held, index) && !committing;
}

/* Drops the rows of a subtransaction and its children. */
static void
drop_rows_since(SubTransactionId subxact)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_held)
	{
		VsAnnHeldRows *held = dlist_container(VsAnnHeldRows, node, iter.cur);
		VsAnnPendingBatch *batch = &held->batch;

		while (batch->n > 0 && held->owners[batch->n - 1] >= subxact)
			batch->n--;
		batch->written = Min(batch->written, batch->n);
	}
}

/* Drops a row that is withdrawn; one that is on a page already is VACUUM's. */
static void
drop_row(Oid heap, ItemPointer tid)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_held)
	{
		VsAnnHeldRows *held = dlist_container(VsAnnHeldRows, node, iter.cur);
		VsAnnPendingBatch *batch = &held->batch;
		Size		code_bytes = held->ann.geo.code_bytes;
		int			i = batch->n - 1;
		int			after;

		if (held->heap != heap)
			continue;
		while (i >= batch->written && !ItemPointerEquals(&batch->ids[i].tid, tid))
			i--;
		if (i < batch->written)
			continue;
		after = --batch->n - i;
		memmove(batch->ids + i, batch->ids + i + 1, sizeof(VsAnnId) * after);
		memmove(batch->codes + i * code_bytes, batch->codes + (i + 1) * code_bytes, code_bytes * after);
		memmove(batch->factors + i, batch->factors + i + 1, sizeof(VsQuantFactors) * after);
		memmove(held->owners + i, held->owners + i + 1, sizeof(SubTransactionId) * after);
	}
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			write_all();
			committing = true;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			dlist_init(&all_held);
			vs_ann_held_epoch++;
			bytes_held = 0;
			committing = false;
			break;
	}
}

static void
at_subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
						void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		drop_rows_since(mine);
}

/* Workers are launched while the plan runs, and may look at whatever is there by then. */
static void
executor_run(VS_EXECUTOR_RUN_PARAMETERS)
{
	if (!dlist_is_empty(&all_held) && queryDesc->plannedstmt->parallelModeNeeded)
		write_all();
	if (next_executor_run != NULL)
		next_executor_run(VS_EXECUTOR_RUN_ARGUMENTS);
	else
		standard_ExecutorRun(VS_EXECUTOR_RUN_ARGUMENTS);
}

/* What a utility command means for rows held back. */
typedef enum FileEffect
{
	READS_NO_INDEX,				/* looks at no index, but by the executor */
	KEEPS_FILES,				/* keeps the files of indexes that were there before */
	MAY_REPLACE_FILES			/* anything else */
} FileEffect;

static FileEffect
file_effect(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_TransactionStmt:
		case T_FetchStmt:
		case T_ExecuteStmt:
		case T_VariableSetStmt:
		case T_CallStmt:
		case T_DoStmt:
			return READS_NO_INDEX;
		case T_CopyStmt:
		case T_ExplainStmt:
		case T_CreateTableAsStmt:
		case T_ConstraintsSetStmt:
		case T_LockStmt:
		case T_PrepareStmt:
		case T_DeallocateStmt:
		case T_NotifyStmt:
			return KEEPS_FILES;
		case T_RefreshMatViewStmt:
			return ((const RefreshMatViewStmt *) statement)->concurrent ? KEEPS_FILES : MAY_REPLACE_FILES;
		default:
			return MAY_REPLACE_FILES;
	}
}

/* Puts all rows on pages, and gives up the all_held: their files may be others soon. */
static void
empty_all(void)
{
	dlist_mutable_iter iter;

	write_all();
	dlist_foreach_modify(iter, &all_held)
	{
		VsAnnHeldRows *held = dlist_container(VsAnnHeldRows, node, iter.cur);

		if (held->batch.n == 0)
			discard(held);
	}
}

static void
next_utility(PlannedStmt *statement, const char *text, bool read_only_tree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	if (next_process_utility != NULL)
		next_process_utility(statement, text, read_only_tree, context, params, environment,
							 dest, completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment,
								dest, completion);
}

static void
process_utility(PlannedStmt *statement, const char *text, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	FileEffect	effect = file_effect(statement->utilityStmt);

	if (!dlist_is_empty(&all_held) && effect != READS_NO_INDEX)
		empty_all();
	if (effect != MAY_REPLACE_FILES)
	{
		next_utility(statement, text, read_only_tree, context, params, environment, dest,
					 completion);
		return;
	}
	replacing_commands++;
	PG_TRY();
	{
		next_utility(statement, text, read_only_tree, context, params, environment, dest,
					 completion);
	}
	PG_FINALLY();
	{
		replacing_commands--;
	}
	PG_END_TRY();
}

/* Once, at load. */
void
vs_ann_held_init(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
	RegisterSubXactCallback(at_subtransaction_event, NULL);
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	vs_withdrawn_row = drop_row;
}
