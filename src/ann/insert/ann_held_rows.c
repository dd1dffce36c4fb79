/*-------------------------------------------------------------------------
 * ann_held_rows.c
 *	  Held rows: rows that this backend has inserted and not yet put on pages.
 *
 * An insert codes its row and keeps the code in memory.  Later many rows go
 * to a pending page with one WAL record.  The rows kept for one index are a
 * *set* (VsAnnHeldRows).
 *
 * When rows are written (invariant A10).  Other backends cannot see a row
 * before its transaction commits.  So it is enough to write all rows before
 *	- the transaction commits or is prepared: pre-commit is the last callback
 *	  that may fail,
 *	- this backend reads the index: a scan, a flush, a check and the functions
 *	  that show an index call vs_ann_held_write first (planning and EXPLAIN do
 *	  not, since they need no rows),
 *	- this backend runs a plan with parallel workers, which read pages only,
 *	- this backend runs a utility command, which may replace the file of the
 *	  index.  Rows that the user's code inserts during such a command (event
 *	  triggers, for example) go to pages at once.
 * docs/decisions/013-buffered-inserts.md lists all other readers and why each
 * finds the rows.  A crash loses only rows of a transaction that did not
 * commit.
 *
 * When rows are dropped.  A held row belongs to a (sub)transaction in
 * progress.  If that aborts, or if a speculative insertion is withdrawn,
 * VACUUM may give the row's TID to another row, so the held row must go at
 * once.  Subtransaction ids only grow.  So the rows inserted since a
 * subtransaction began are its own and its children's: they are the last ones
 * of a set, and the only ones whose owner is at or above its id.
 *
 * Files.  A set is for the file that the index had at the first row.  After a
 * TRUNCATE or REINDEX in the same transaction the set is not written, unless
 * the command is rolled back.  Other backends cannot replace the file,
 * because this transaction keeps its lock on the index.
 *
 * Serializable transactions.  A concurrent one that scanned the index has not
 * read the held rows.  So the conflict check that index_insert makes for each
 * row is made again after rows are written.
 *
 * Locks: RowExclusiveLock on the index from its first row to the end of the
 * transaction; buffer locks only while rows are written (ann_pending.c).
 * Memory: one context per set, below TopTransactionContext.
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

/*
 * A set is written when it would fill MAX_PAGES pages.  All sets are written
 * when together they take MAX_BYTES.
 */
#define MAX_PAGES		8
#define MAX_BYTES		((Size) 8 << 20)
#define FIRST_CAPACITY	16

struct VsAnnHeldRows
{
	dlist_node	node;			/* in all_held */
	MemoryContext context;		/* holds this struct and all it points to */
	Oid			index;
	Oid			file;			/* relfilenumber that the rows are for */
	Oid			heap;
	VsAnn		ann;			/* ann.index is valid only inside a call */
	VsAnnCoder	coder;			/* coder.ann is NULL before the first row */
	float	   *centre;			/* of the codes; NULL: the origin */
	BlockNumber tail;			/* where vs_ann_pending_append tries first */
	VsAnnPendingBatch batch;
	SubTransactionId *owners;	/* of each row */
	int			capacity;		/* rows that fit the arrays */
	int			max_rows;		/* rows at which the set is written */
};

/* The sets of the current transaction, and the bytes of their arrays. */
static dlist_head all_held = DLIST_STATIC_INIT(all_held);
static Size bytes_held;

uint64		vs_ann_held_epoch;

/*
 * Our pre-commit callback has run in this transaction.  Rows that other
 * pre-commit callbacks insert go to pages at once.
 */
static bool committing;

/* Depth of nested utility commands that may replace an index's file. */
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

/* Frees the row arrays of a set if they are empty. */
static void
free_row_arrays(VsAnnHeldRows *held)
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

/* Drops a set with its rows.  Pointers to it dangle, hence the new epoch. */
static void
discard_set(VsAnnHeldRows *held)
{
	held->batch.n = 0;
	free_row_arrays(held);
	dlist_delete(&held->node);
	MemoryContextDelete(held->context);
	vs_ann_held_epoch++;
}

/*
 * Reads from the metapage which page the rows go to and which center they are
 * coded against.  The set must be empty, since all rows of a batch have one
 * center.
 */
static void
read_tail_and_center(VsAnnHeldRows *held)
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
 * Writes the rows of a set to pages of its index, which is open and locked.
 * Returns whether a page was added to the pending part.
 *
 * Each page is one WAL record, after which batch.written counts its rows.  So
 * after an ERROR in between, which only a subtransaction may survive, no row
 * is written twice.
 */
static bool
write_to_index(VsAnnHeldRows *held, Relation index)
{
	bool		grown;

	held->ann.index = index;
	held->batch.centred = held->centre != NULL;
	grown = vs_ann_pending_append(&held->ann, &held->tail, &held->batch);
	held->batch.n = held->batch.written = 0;
	CheckForSerializableConflictIn(index, NULL, InvalidBlockNumber);
	return grown;
}

/*
 * Opens the index of a set and writes the rows, unless the index has a new
 * file.
 */
static void
write_set(VsAnnHeldRows *held)
{
	Relation	index;

	if (held->batch.n == 0)
		return;
	/* locked since the first row; NULL if this transaction dropped it */
	index = try_relation_open(held->index, NoLock);
	if (index == NULL)
		return;
	if (vs_compat_relfilenumber(index) == held->file)
		write_to_index(held, index);
	relation_close(index, NoLock);
}

static void
write_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_held)
		write_set(dlist_container(VsAnnHeldRows, node, iter.cur));
}

/* Returns the set for the index and its present file, or NULL. */
static VsAnnHeldRows *
find_set(Relation index)
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

void
vs_ann_held_write(Relation index)
{
	VsAnnHeldRows *held = dlist_is_empty(&all_held) ? NULL : find_set(index);

	if (held != NULL && held->batch.n > 0)
		write_to_index(held, index);
}

void
vs_ann_held_forget(Relation index)
{
	VsAnnHeldRows *held = find_set(index);

	if (held != NULL)
		discard_set(held);
}

VsAnnHeldRows *
vs_ann_held_get(Relation index, Relation heap, bool *fresh)
{
	VsAnnHeldRows *held = find_set(index);

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

const VsAnn *
vs_ann_held_ann(const VsAnnHeldRows *held)
{
	return &held->ann;
}

/*
 * Refuses a payload of another dimension than the index's, and prepares the
 * coder at the first row.  The first row of an index without a dimension
 * decides it.
 */
static void
prepare_coder(VsAnnHeldRows *held, const void *payload)
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

/*
 * Makes room for another row.  If all sets together are too large, their rows
 * are written and their arrays freed.
 */
static void
reserve_row(VsAnnHeldRows *held)
{
	dlist_iter	iter;

	if (held->batch.n < held->capacity)
		return;
	if (bytes_held > MAX_BYTES)
	{
		write_all();
		dlist_foreach(iter, &all_held)
			free_row_arrays(dlist_container(VsAnnHeldRows, node, iter.cur));
	}
	set_capacity(held, Min(Max(2 * held->capacity, FIRST_CAPACITY), held->max_rows));
}

bool
vs_ann_held_put(VsAnnHeldRows *held, Relation index, const VsAnnId *id, const void *payload)
{
	VsAnnPendingBatch *batch = &held->batch;
	VsAnnCoder *coder = &held->coder;

	held->ann.index = index;
	prepare_coder(held, payload);
	reserve_row(held);
	if (batch->n == 0)
		read_tail_and_center(held);
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
	return write_to_index(held, index) && !committing;
}

/*
 * Drops the rows of a subtransaction and its children, which are the last
 * ones of each set.
 */
static void
drop_rows_of_subtransaction(SubTransactionId subxact)
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

/*
 * Drops a row whose speculative insertion is withdrawn.  If the row is on a
 * page already, VACUUM removes its entry.
 */
static void
drop_withdrawn_row(Oid heap, ItemPointer tid)
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

/*
 * Writes all rows before a commit.  The sets end with the transaction's
 * memory.
 */
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
		drop_rows_of_subtransaction(mine);
}

/*
 * ExecutorRun hook.  Parallel workers are launched while the plan runs, and
 * read pages only, so all rows are written first.  ExecutorStart would be too
 * early: a client may insert between Bind and Execute.
 */
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

/*
 * The effect of a utility command on index files, by which it affects held
 * rows.
 */
typedef enum FileEffect
{
	READS_NO_INDEX,				/* reads indexes only through the executor */
	KEEPS_FILES,				/* replaces no file of an existing index */
	MAY_REPLACE_FILES			/* all other commands */
} FileEffect;

static FileEffect
get_file_effect(const Node *statement)
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

/*
 * Writes all rows and discards the sets, because their indexes may get other
 * files soon.  A set whose rows were not written stays: its index has another
 * file now, which a rollback to a savepoint may undo.
 */
static void
write_and_discard_all(void)
{
	dlist_mutable_iter iter;

	write_all();
	dlist_foreach_modify(iter, &all_held)
	{
		VsAnnHeldRows *held = dlist_container(VsAnnHeldRows, node, iter.cur);

		if (held->batch.n == 0)
			discard_set(held);
	}
}

static void
call_next_utility(PlannedStmt *statement, const char *text, bool read_only_tree,
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

/*
 * ProcessUtility hook: writes the held rows before a command that may need
 * them.
 */
static void
process_utility(PlannedStmt *statement, const char *text, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	FileEffect	effect = get_file_effect(statement->utilityStmt);

	if (!dlist_is_empty(&all_held) && effect != READS_NO_INDEX)
		write_and_discard_all();
	if (effect != MAY_REPLACE_FILES)
	{
		call_next_utility(statement, text, read_only_tree, context, params, environment, dest,
						  completion);
		return;
	}
	replacing_commands++;
	PG_TRY();
	{
		call_next_utility(statement, text, read_only_tree, context, params, environment, dest,
						  completion);
	}
	PG_FINALLY();
	{
		replacing_commands--;
	}
	PG_END_TRY();
}

void
vs_ann_held_init(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
	RegisterSubXactCallback(at_subtransaction_event, NULL);
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	vs_withdrawn_row = drop_withdrawn_row;
}
