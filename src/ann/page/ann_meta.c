/*-------------------------------------------------------------------------
 * ann_meta.c
 *	  The metapage: shape, published seal, pending chains, segment log.
 *
 * A scan copies the metapage once and works on the copy.  Every step that
 * changes the rows a scan finds is one change of the metapage.
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

#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "compat/compat.h"

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

/*
 * Checks that the operator class allows the metapage's shape, and that the
 * shape is the one already known.
 */
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
 * Checks that the metapage's lists and chains are consistent.  Every list has
 * a page, so a number of lists above the number of pages is refused before
 * memory is allocated for them.
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

VsAnnMetaData *
vs_ann_meta_change(VsAnnChange *change)
{
	return VS_ANN_META_DATA(vs_ann_change_read(change, VS_ANN_META_BLKNO, VS_ANN_META));
}

/* Writes nothing if the counts are already right. */
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

/*
 * Locks the newest segment page after the metapage.  If it is full, a new one
 * becomes the head of the log in the same change.
 */
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
