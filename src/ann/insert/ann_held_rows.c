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
 * Invariant A10.  Memory: a context for each buffer, below TopTransactionContext.
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

/* A buffer is written when it would fill so many pages, or all together take so much. */
#define MOST_PAGES		8
#define MOST_BYTES		((Size) 8 << 20)
#define FIRST_ROWS		16

struct VsAnnBuffer
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
	VsAnnRun	run;
	SubTransactionId *owners;	/* of each row */
	int			capacity;
	int			most;
};

static dlist_head buffers = DLIST_STATIC_INIT(buffers);
static Size bytes_held;

/* Changes whenever a buffer goes: pointers that were taken before are of no use. */
uint64		vs_ann_buffer_epoch;

/* Past the last chance to write before the commit: rows go to the pages at once. */
static bool committing;

/* Utility commands under way that may change an index's file. */
static int	commands;

static ExecutorRun_hook_type next_executor_run;
static ProcessUtility_hook_type next_process_utility;

static Size
row_bytes(const VsAnnBuffer *buffer)
{
	return sizeof(VsAnnId) + buffer->ann.geo.code_bytes + sizeof(VsQuantFactors) +
		sizeof(SubTransactionId);
}

static void
set_capacity(VsAnnBuffer *buffer, int capacity)
{
	VsAnnRun   *run = &buffer->run;

	if (buffer->capacity > 0)
	{
		run->ids = repalloc(run->ids, sizeof(VsAnnId) * capacity);
		run->codes = repalloc(run->codes, (Size) buffer->ann.geo.code_bytes * capacity);
		run->factors = repalloc(run->factors, sizeof(VsQuantFactors) * capacity);
		buffer->owners = repalloc(buffer->owners, sizeof(SubTransactionId) * capacity);
	}
	else
	{
		MemoryContext context = buffer->context;

		run->ids = MemoryContextAlloc(context, sizeof(VsAnnId) * capacity);
		run->codes = MemoryContextAlloc(context, (Size) buffer->ann.geo.code_bytes * capacity);
		run->factors = MemoryContextAllocZero(context, sizeof(VsQuantFactors) * capacity);
		buffer->owners = MemoryContextAlloc(context, sizeof(SubTransactionId) * capacity);
	}
	bytes_held += row_bytes(buffer) * (capacity - buffer->capacity);
	buffer->capacity = capacity;
}

/* Gives the memory of rows back, unless there are some. */
static void
shrink(VsAnnBuffer *buffer)
{
	if (buffer->capacity == 0 || buffer->run.n > 0)
		return;
	pfree(buffer->run.ids);
	pfree(buffer->run.codes);
	pfree(buffer->run.factors);
	pfree(buffer->owners);
	bytes_held -= row_bytes(buffer) * buffer->capacity;
	buffer->capacity = 0;
}

/* Gives a buffer up, whatever it holds. */
static void
discard(VsAnnBuffer *buffer)
{
	buffer->run.n = 0;
	shrink(buffer);
	dlist_delete(&buffer->node);
	MemoryContextDelete(buffer->context);
	vs_ann_buffer_epoch++;
}

/* Looks where rows go and how they are coded; only while there are none. */
static void
look_at_meta(VsAnnBuffer *buffer)
{
	VsAnnMetaData meta;
	float	   *centre;

	Assert(buffer->run.n == 0);
	vs_ann_meta_read(&buffer->ann, &meta);
	buffer->tail = vs_ann_pending_tail(&meta);
	if (meta.centre == InvalidBlockNumber || buffer->centre != NULL ||
		!buffer->ann.has_dim || !buffer->ann.geo.has_factors)
		return;
	centre = MemoryContextAlloc(buffer->context, sizeof(float) * buffer->ann.geo.padded);
	vs_ann_centre_read(&buffer->ann, meta.centre, centre);
	buffer->centre = centre;
}

/*
 * Puts all rows on pages of the index, which is open.  On an error, those that got there
 * are known.  Returns whether the pending part has more pages now.
 */
static bool
write_rows(VsAnnBuffer *buffer, Relation index)
{
	bool		grown;

	buffer->ann.index = index;
	buffer->run.centred = buffer->centre != NULL;
	grown = vs_ann_pending_append(&buffer->ann, &buffer->tail, &buffer->run);
	buffer->run.n = buffer->run.written = 0;
	CheckForSerializableConflictIn(index, NULL, InvalidBlockNumber);
	return grown;
}

static void
write_buffer(VsAnnBuffer *buffer)
{
	Relation	index;

	if (buffer->run.n == 0)
		return;
	/* locked since the first row; gone if this transaction dropped it */
	index = try_relation_open(buffer->index, NoLock);
	if (index == NULL)
		return;
	if (vs_compat_relfilenumber(index) == buffer->file)
		write_rows(buffer, index);
	relation_close(index, NoLock);
}

static void
write_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &buffers)
		write_buffer(dlist_container(VsAnnBuffer, node, iter.cur));
}

static VsAnnBuffer *
find(Relation index)
{
	Oid			file = vs_compat_relfilenumber(index);
	dlist_iter	iter;

	dlist_foreach(iter, &buffers)
	{
		VsAnnBuffer *buffer = dlist_container(VsAnnBuffer, node, iter.cur);

		if (buffer->index == RelationGetRelid(index) && buffer->file == file)
			return buffer;
	}
	return NULL;
}

/* Puts what this session holds back of the index on its pages. */
void
vs_ann_buffer_write(Relation index)
{
	VsAnnBuffer *buffer = dlist_is_empty(&buffers) ? NULL : find(index);

	if (buffer != NULL && buffer->run.n > 0)
		write_rows(buffer, index);
}

/* The index is being built, from the rows of the table: what is held back is not needed. */
void
vs_ann_buffer_forget(Relation index)
{
	VsAnnBuffer *buffer = find(index);

	if (buffer != NULL)
		discard(buffer);
}

/*
 * The session's buffer for the index, good until vs_ann_buffer_epoch changes, which it does at
 * the end of the transaction at the latest; the index is locked for as long as the transaction.
 * *fresh: there was none.
 */
VsAnnBuffer *
vs_ann_buffer_get(Relation index, Relation heap, bool *fresh)
{
	VsAnnBuffer *buffer = find(index);

	LockRelationOid(RelationGetRelid(index), RowExclusiveLock);
	*fresh = buffer == NULL;
	if (buffer == NULL)
	{
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "vecann rows held back",
													  ALLOCSET_SMALL_SIZES);

		buffer = MemoryContextAllocZero(context, sizeof(VsAnnBuffer));
		buffer->context = context;
		buffer->index = RelationGetRelid(index);
		buffer->file = vs_compat_relfilenumber(index);
		buffer->heap = RelationGetRelid(heap);
		vs_ann_open(&buffer->ann, index);
		dlist_push_head(&buffers, &buffer->node);
	}
	return buffer;
}

/* The index as the buffer knows it, but for the relation. */
const VsAnn *
vs_ann_buffer_ann(const VsAnnBuffer *buffer)
{
	return &buffer->ann;
}

/* Refuses a payload of another dimension; makes ready to code it. */
static void
check_shape(VsAnnBuffer *buffer, const void *payload)
{
	int			dim = vs_ann_payload_dim(buffer->ann.type.kind, payload);
	MemoryContext old;

	if (!buffer->ann.has_dim || buffer->ann.spec.dim != dim)
		vs_ann_check_dim(&buffer->ann, dim);
	if (buffer->coder.ann != NULL)
		return;
	old = MemoryContextSwitchTo(buffer->context);
	vs_ann_coder_init(&buffer->coder, &buffer->ann);
	MemoryContextSwitchTo(old);
	buffer->most = MOST_PAGES * buffer->ann.geo.pending_capacity;
}

/* Makes room for a row more. */
static void
make_room(VsAnnBuffer *buffer)
{
	dlist_iter	iter;

	if (buffer->run.n < buffer->capacity)
		return;
	if (bytes_held > MOST_BYTES)
	{
		write_all();
		dlist_foreach(iter, &buffers)
			shrink(dlist_container(VsAnnBuffer, node, iter.cur));
	}
	set_capacity(buffer, Min(Max(2 * buffer->capacity, FIRST_ROWS), buffer->most));
}

/*
 * Adds a row of the index that is inserted into.  Returns whether rows were written and
 * the pending part grew, which is when the caller may want to look at its size.
 */
bool
vs_ann_buffer_put(VsAnnBuffer *buffer, Relation index, const VsAnnId *id, const void *payload)
{
	VsAnnRun   *run = &buffer->run;
	VsAnnCoder *coder = &buffer->coder;

	buffer->ann.index = index;
	check_shape(buffer, payload);
	make_room(buffer);
	if (run->n == 0)
		look_at_meta(buffer);
	vs_ann_coder_rotate(coder, payload, coder->rotated);
	vs_ann_coder_encode(coder, payload, coder->rotated,
						buffer->centre != NULL ? buffer->centre : coder->origin, false);
	memcpy(run->codes + (Size) run->n * buffer->ann.geo.code_bytes, coder->code,
		   buffer->ann.geo.code_bytes);
	run->factors[run->n] = coder->factors;
	run->ids[run->n] = *id;
	buffer->owners[run->n] = GetCurrentSubTransactionId();
	run->n++;
	if (run->n < buffer->most && !committing && commands == 0)
		return false;
	return write_rows(buffer, index) && !committing;
}

/* Drops the rows of a subtransaction and its children. */
static void
drop_rows_since(SubTransactionId subxact)
{
	dlist_iter	iter;

	dlist_foreach(iter, &buffers)
	{
		VsAnnBuffer *buffer = dlist_container(VsAnnBuffer, node, iter.cur);
		VsAnnRun   *run = &buffer->run;

		while (run->n > 0 && buffer->owners[run->n - 1] >= subxact)
			run->n--;
		run->written = Min(run->written, run->n);
	}
}

/* Drops a row that is withdrawn; one that is on a page already is VACUUM's. */
static void
drop_row(Oid heap, ItemPointer tid)
{
	dlist_iter	iter;

	dlist_foreach(iter, &buffers)
	{
		VsAnnBuffer *buffer = dlist_container(VsAnnBuffer, node, iter.cur);
		VsAnnRun   *run = &buffer->run;
		Size		code_bytes = buffer->ann.geo.code_bytes;
		int			i = run->n - 1;
		int			after;

		if (buffer->heap != heap)
			continue;
		while (i >= run->written && !ItemPointerEquals(&run->ids[i].tid, tid))
			i--;
		if (i < run->written)
			continue;
		after = --run->n - i;
		memmove(run->ids + i, run->ids + i + 1, sizeof(VsAnnId) * after);
		memmove(run->codes + i * code_bytes, run->codes + (i + 1) * code_bytes, code_bytes * after);
		memmove(run->factors + i, run->factors + i + 1, sizeof(VsQuantFactors) * after);
		memmove(buffer->owners + i, buffer->owners + i + 1, sizeof(SubTransactionId) * after);
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
			dlist_init(&buffers);
			vs_ann_buffer_epoch++;
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
	if (!dlist_is_empty(&buffers) && queryDesc->plannedstmt->parallelModeNeeded)
		write_all();
	if (next_executor_run != NULL)
		next_executor_run(VS_EXECUTOR_RUN_ARGUMENTS);
	else
		standard_ExecutorRun(VS_EXECUTOR_RUN_ARGUMENTS);
}

/* What a utility command means for rows held back. */
typedef enum Harm
{
	HARMLESS,					/* looks at no index, but by the executor */
	LOOKS,						/* keeps the files of indexes that were there before */
	REPLACES					/* anything else */
} Harm;

static Harm
harm_of(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_TransactionStmt:
		case T_FetchStmt:
		case T_ExecuteStmt:
		case T_VariableSetStmt:
		case T_CallStmt:
		case T_DoStmt:
			return HARMLESS;
		case T_CopyStmt:
		case T_ExplainStmt:
		case T_CreateTableAsStmt:
		case T_ConstraintsSetStmt:
		case T_LockStmt:
		case T_PrepareStmt:
		case T_DeallocateStmt:
		case T_NotifyStmt:
			return LOOKS;
		case T_RefreshMatViewStmt:
			return ((const RefreshMatViewStmt *) statement)->concurrent ? LOOKS : REPLACES;
		default:
			return REPLACES;
	}
}

/* Puts all rows on pages, and gives up the buffers: their files may be others soon. */
static void
empty_buffers(void)
{
	dlist_mutable_iter iter;

	write_all();
	dlist_foreach_modify(iter, &buffers)
	{
		VsAnnBuffer *buffer = dlist_container(VsAnnBuffer, node, iter.cur);

		if (buffer->run.n == 0)
			discard(buffer);
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
	Harm		harm = harm_of(statement->utilityStmt);

	if (!dlist_is_empty(&buffers) && harm != HARMLESS)
		empty_buffers();
	if (harm != REPLACES)
	{
		next_utility(statement, text, read_only_tree, context, params, environment, dest,
					 completion);
		return;
	}
	commands++;
	PG_TRY();
	{
		next_utility(statement, text, read_only_tree, context, params, environment, dest,
					 completion);
	}
	PG_FINALLY();
	{
		commands--;
	}
	PG_END_TRY();
}

/* Once, at load. */
void
vs_ann_buffer_init(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
	RegisterSubXactCallback(at_subtransaction_event, NULL);
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	vs_withdrawn_row = drop_row;
}
