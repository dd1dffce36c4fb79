/*-------------------------------------------------------------------------
 * ann_meta.c
 *	  The metapage: shape, publication, pending chains, segment log, seal lock.
 *
 * A scan copies the metapage once and works on the copy.  Everything that
 * changes what a scan finds is one change of the metapage.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/autovacuum.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ann/am/ann_am.h"
#include "ann/ann.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_lock.h"
#include "ann/base/ann_options.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "compat/compat.h"
#include "quant/quant.h"

/* What rd_amcache keeps of an index whose dimension is known. */
typedef struct ShapeCache
{
	VsAnnType	type;
	VsQuantSpec spec;
	VsAnnGeometry geo;
} ShapeCache;

void
vs_ann_meta_init(Page page, const VsAnn *ann, uint64 seed)
{
	VsAnnMetaData *meta;

	vs_ann_page_init(page, VS_ANN_META, 0);
	meta = VS_ANN_META_DATA(page);
	memset(meta, 0, sizeof(*meta));
	meta->magic = VS_ANN_MAGIC;
	meta->version = VS_ANN_VERSION;
	meta->metric = ann->type.metric;
	meta->value_kind = ann->type.kind;
	meta->seed = seed;
	meta->generation = 1;
	meta->directory = InvalidBlockNumber;
	meta->segments = InvalidBlockNumber;
	meta->centre = InvalidBlockNumber;
	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		meta->growing[i].head = meta->growing[i].tail = InvalidBlockNumber;
		meta->closing[i].head = meta->closing[i].tail = InvalidBlockNumber;
	}
	if (ann->has_dim)
	{
		meta->dim = ann->spec.dim;
		meta->bits = ann->spec.bits;
	}
}

/* The metapage's shape is one that the operator class can have, and the one known of it. */
static void
check_shape(const VsAnn *ann, const VsAnnMetaData *meta)
{
	if (meta->metric != ann->type.metric || meta->value_kind != ann->type.kind)
		vs_ann_damaged(ann, VS_ANN_META_BLKNO, "metric %d of values of kind %d, not %d of %d",
					   meta->metric, meta->value_kind, ann->type.metric, ann->type.kind);
	if (meta->dim > ann->type.max_dim ||
		(ann->has_dim && !ann->bulk && meta->dim != ann->spec.dim))
		vs_ann_damaged(ann, VS_ANN_META_BLKNO, "values of %u dimensions", meta->dim);
	if (meta->dim > 0 && (meta->bits < 1 || meta->bits > vs_ann_max_bits(meta->dim)))
		vs_ann_damaged(ann, VS_ANN_META_BLKNO, "codes of %d bits per dimension", meta->bits);
}

/*
 * What the metapage says of lists and chains holds together.  Every list has a page, so a
 * number of lists beyond that of pages is refused before memory is taken for them.
 */
static void
check_content(const VsAnn *ann, const VsAnnMetaData *meta)
{
	bool		has_lists = meta->directory != InvalidBlockNumber;

	if (has_lists != (meta->nlists > 0) ||
		(has_lists && meta->nlists > RelationGetNumberOfBlocks(ann->index)))
		vs_ann_damaged(ann, VS_ANN_META_BLKNO, "the metapage says %u lists", meta->nlists);
	if (meta->sealing != 0 && meta->sealing != meta->sealed + 1)
		vs_ann_damaged(ann, VS_ANN_META_BLKNO, "seal %u is under way after %u", meta->sealing,
					   meta->sealed);
	for (int i = 0; i < 2 * VS_ANN_CHAINS; i++)
	{
		const VsAnnChain *chain = i < VS_ANN_CHAINS ? &meta->growing[i] :
			&meta->closing[i - VS_ANN_CHAINS];
		bool		empty = chain->head == InvalidBlockNumber;

		if (empty != (chain->tail == InvalidBlockNumber) || empty != (chain->npages == 0))
			vs_ann_damaged(ann, VS_ANN_META_BLKNO, "a pending chain of %u pages from %u to %u",
						   chain->npages, chain->head, chain->tail);
	}
}

static void
check_meta(const VsAnn *ann, const VsAnnMetaData *meta)
{
	if (meta->magic != VS_ANN_MAGIC)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("\"%s\" is not a vecann index",
						RelationGetRelationName(ann->index))));
	if (meta->version != VS_ANN_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has format version %u, this vecstore reads %d",
						RelationGetRelationName(ann->index), meta->version, VS_ANN_VERSION),
				 errhint("Please REINDEX it.")));
	check_shape(ann, meta);
	check_content(ann, meta);
}

void
vs_ann_meta_read(const VsAnn *ann, VsAnnMetaData *meta)
{
	Buffer		buffer = vs_ann_page_read(ann, VS_ANN_META_BLKNO, BUFFER_LOCK_SHARE, VS_ANN_META);

	*meta = *VS_ANN_META_DATA(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	check_meta(ann, meta);
}

/* The metapage, added to a change. */
VsAnnMetaData *
vs_ann_meta_change(VsAnnChange *change)
{
	return VS_ANN_META_DATA(vs_ann_change_read(change, VS_ANN_META_BLKNO, VS_ANN_META));
}

/*
 * Sets the counts of entries in lists, and of the dead among them, to what somebody counted
 * under the seal lock.
 */
void
vs_ann_meta_count(const VsAnn *ann, int64 rows, int64 dead)
{
	VsAnnMetaData known;
	VsAnnChange change;
	VsAnnMetaData *meta;

	vs_ann_meta_read(ann, &known);
	if (known.list_rows == rows && known.list_dead == dead)
		return;
	vs_ann_change_begin(&change, ann);
	meta = vs_ann_meta_change(&change);
	meta->list_rows = rows;
	meta->list_dead = dead;
	vs_ann_change_commit(&change);
}

/* Fills spec and geometry.  bits is cut to what the dimension allows. */
void
vs_ann_set_shape(VsAnn *ann, int dim, int bits, uint64 seed)
{
	if (dim < 1 || dim > ann->type.max_dim)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" cannot hold values of %d dimensions, at most %d",
						RelationGetRelationName(ann->index), dim, ann->type.max_dim)));
	if (ann->type.metric == VS_QUANT_HAMMING)
		bits = 1;
	if (!vs_quant_spec(&ann->spec, ann->type.metric, dim, Min(bits, vs_ann_max_bits(dim)), seed))
		elog(ERROR, "no quantizer for %d dimensions of %d bits", dim, bits);
	vs_ann_geometry(&ann->geo, &ann->spec);
	ann->has_dim = true;
}

static const VsAnnType *
opclass_type(Relation index)
{
	FmgrInfo   *support = index_getprocinfo(index, 1, 1);

	return (const VsAnnType *) DatumGetPointer(FunctionCall1(support, PointerGetDatum(NULL)));
}

/* Reads the shape from the metapage, unless it is known; false if there is none yet. */
bool
vs_ann_load_shape(VsAnn *ann)
{
	VsAnnMetaData meta;
	ShapeCache *cache;

	if (ann->has_dim)
		return true;
	vs_ann_meta_read(ann, &meta);
	if (meta.dim == 0)
		return false;
	vs_ann_set_shape(ann, meta.dim, meta.bits, meta.seed);
	cache = MemoryContextAlloc(ann->index->rd_indexcxt, sizeof(ShapeCache));
	cache->type = ann->type;
	cache->spec = ann->spec;
	cache->geo = ann->geo;
	if (ann->index->rd_amcache != NULL)
		pfree(ann->index->rd_amcache);
	ann->index->rd_amcache = cache;
	return true;
}

/* Opens an index that exists on disk, with all that this session has put into it. */
void
vs_ann_open(VsAnn *ann, Relation index)
{
	vs_ann_buffer_write(index);
	memset(ann, 0, sizeof(*ann));
	ann->index = index;
	if (index->rd_amcache != NULL)
	{
		ShapeCache *cache = (ShapeCache *) index->rd_amcache;

		ann->type = cache->type;
		ann->spec = cache->spec;
		ann->geo = cache->geo;
		ann->has_dim = true;
		return;
	}
	ann->type = *opclass_type(index);
	vs_ann_load_shape(ann);
}

/*
 * Refuses a value of another dimension than the index's; the first value of
 * an index without one decides it.
 */
void
vs_ann_check_dim(VsAnn *ann, int dim)
{
	if (!vs_ann_load_shape(ann))
	{
		VsAnnChange change;
		VsAnnMetaData *meta;
		VsAnn		shaped = *ann;

		vs_ann_set_shape(&shaped, dim, vs_ann_option_bits(ann->index), 1);
		vs_ann_change_begin(&change, ann);
		meta = vs_ann_meta_change(&change);
		if (meta->dim == 0)
		{
			meta->dim = dim;
			meta->bits = shaped.spec.bits;
			vs_ann_change_commit(&change);
		}
		else
			vs_ann_change_abort(&change);
		vs_ann_load_shape(ann);
	}
	if (dim != ann->spec.dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", ann->spec.dim, dim),
				 errdetail("Index \"%s\" holds values of %d dimensions.",
						   RelationGetRelationName(ann->index), ann->spec.dim)));
}

/* Writes a segment to the log, in the change that publishes it. */
void
vs_ann_segment_append(VsAnnChange *change, VsAnnMetaData *meta, const VsAnnSegment *segment)
{
	Page		page;
	VsAnnPageOpaque opaque;

	if (meta->segments != InvalidBlockNumber)
	{
		page = vs_ann_change_read(change, meta->segments, VS_ANN_SEGMENT);
		opaque = VS_ANN_OPAQUE(page);
		if (opaque->used < VS_ANN_SEGMENTS_PER_PAGE)
		{
			VS_ANN_SEGMENTS(page)[opaque->used++] = *segment;
			return;
		}
	}
	{
		BlockNumber older = meta->segments;

		page = vs_ann_change_new(change, VS_ANN_SEGMENT, segment->number, &meta->segments);
		opaque = VS_ANN_OPAQUE(page);
		opaque->next = older;
		VS_ANN_SEGMENTS(page)[opaque->used++] = *segment;
	}
}

/* Like gin's locks, these are locks on page numbers; page 0 is the metapage. */
#define SEAL_PAGE			VS_ANN_META_BLKNO
#define QUEUE_PAGE			1

/* An autovacuum worker is looked after so often, at first and at last. */
#define FIRST_NAP_MS		10
#define LAST_NAP_MS			100

/* The session's lock_timeout, which knows nothing of this wait. */
static void
check_lock_timeout(TimestampTz begun)
{
	if (LockTimeout > 0 && TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), LockTimeout))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("canceling statement due to lock timeout")));
}

/*
 * Waits for the seal lock in the mode, with the queue in hand: only an autovacuum worker
 * can have it.  To wait for it by LockPage would cancel the worker after deadlock_timeout,
 * and a table that is flushed again and again would never be vacuumed.
 */
static void
await_autovacuum(Relation index, LOCKMODE mode)
{
	TimestampTz begun = GetCurrentTimestamp();
	long		nap_ms = FIRST_NAP_MS;

	while (!ConditionalLockPage(index, SEAL_PAGE, mode))
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, nap_ms,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		check_lock_timeout(begun);
		nap_ms = Min(2 * nap_ms, LAST_NAP_MS);
	}
}

/* Takes queue and seal lock in the mode; false if wait does not allow to wait for them. */
static bool
lock_seals(Relation index, VsAnnWait wait, LOCKMODE mode)
{
	if (wait == VS_ANN_WAIT)
	{
		LockPage(index, QUEUE_PAGE, mode);
		await_autovacuum(index, mode);
		return true;
	}
	if (!ConditionalLockPage(index, QUEUE_PAGE, mode))
		return false;
	if (ConditionalLockPage(index, SEAL_PAGE, mode))
		return true;
	UnlockPage(index, QUEUE_PAGE, mode);
	return false;
}

static void
unlock_seals(Relation index, LOCKMODE mode)
{
	UnlockPage(index, SEAL_PAGE, mode);
	UnlockPage(index, QUEUE_PAGE, mode);
}

/*
 * The lock by which seal, compaction and vacuum exclude each other; scans and
 * inserts do not take it.  It is taken by way of a queue, which all but autovacuum workers hold as
 * long as the lock: who waits in the queue never waits for an autovacuum worker.
 */
bool
vs_ann_seal_lock(Relation index, VsAnnWait wait)
{
	if (!lock_seals(index, wait, ExclusiveLock))
		return false;
	if (VS_IS_AUTOVACUUM_WORKER())
		UnlockPage(index, QUEUE_PAGE, ExclusiveLock);
	return true;
}

void
vs_ann_seal_unlock(Relation index)
{
	UnlockPage(index, SEAL_PAGE, ExclusiveLock);
	if (!VS_IS_AUTOVACUUM_WORKER())
		UnlockPage(index, QUEUE_PAGE, ExclusiveLock);
}

/*
 * The same lock for a check, which only keeps lists from changing: checks share it.  Any
 * role may check again and again, so a seal that waits is before all checks that come
 * later, and waits for those that are at it and no others.
 */
void
vs_ann_check_lock(Relation index)
{
	lock_seals(index, VS_ANN_WAIT, ShareLock);
}

void
vs_ann_check_unlock(Relation index)
{
	unlock_seals(index, ShareLock);
}

/* Whether someone has the seal lock for more than a check, or waits for it. */
bool
vs_ann_seal_under_way(Relation index)
{
	if (!lock_seals(index, VS_ANN_NOWAIT, ShareLock))
		return true;
	unlock_seals(index, ShareLock);
	return false;
}

bool
vs_ann_is_vecann(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_INDEX && rel->rd_indam != NULL &&
		rel->rd_indam->ambuild == vs_ann_build;
}
