/*-------------------------------------------------------------------------
 * ann_publish.c
 *	  Publication: the one change of the metapage that makes a segment count.
 *
 * No scan counts what a seal or a build has written before (invariant A3).
 * The new directory is written first; nothing leads to it until the metapage
 * does.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_publish.h"
#include "util/stop_point.h"

/* The pages of a new directory, and of the center that came with it. */
typedef struct WrittenDirectory
{
	BlockNumber root;
	/* InvalidBlockNumber if the index keeps the center that it has. */
	BlockNumber centre;
} WrittenDirectory;

static WrittenDirectory
write_directory(const VsAnn *ann, const VsAnnPublication *publication)
{
	VsAnnDirectory *dir = publication->dir;
	WrittenDirectory written = {InvalidBlockNumber, InvalidBlockNumber};
	VsAnnMetaData meta;

	vs_ann_meta_read(ann, &meta);
	dir->generation = meta.generation + 1;
	written.root = vs_ann_directory_write(ann, dir, publication->number);
	if (meta.centre == InvalidBlockNumber && dir->centre != NULL)
		written.centre = vs_ann_centre_write(ann, dir->centre, publication->number);
	return written;
}

static void
forget_closing_chains(VsAnnMetaData *meta)
{
	for (int i = 0; i < VS_ANN_CHAINS; i++)
	{
		meta->closing[i].head = meta->closing[i].tail = InvalidBlockNumber;
		meta->closing[i].npages = 0;
	}
}

static void
switch_directory(VsAnnMetaData *meta, const VsAnnDirectory *dir, const WrittenDirectory *written)
{
	meta->directory = written->root;
	meta->nlists = dir->nlists;
	meta->generation = dir->generation;
	if (written->centre != InvalidBlockNumber)
		meta->centre = written->centre;
}

static VsAnnSegment
make_segment(const VsAnnPublication *publication)
{
	VsAnnSegment segment = {0};

	segment.number = publication->number;
	segment.method = publication->method;
	segment.rows = publication->rows;
	segment.created = GetCurrentTimestamp();
	segment.nlists = publication->dir != NULL ? publication->dir->nlists : 0;
	return segment;
}

void
vs_ann_publish(const VsAnn *ann, const VsAnnPublication *publication)
{
	VsAnnSegment segment = make_segment(publication);
	WrittenDirectory written;
	VsAnnChange change;
	VsAnnMetaData *meta;

	if (publication->dir_is_new)
	{
		written = write_directory(ann, publication);
		VS_STOP_POINT("seal: directory written");
	}

	/*
	 * One change locks the metapage and a page of the segment log.  A crash
	 * before its commit leaves the old state; a crash after it, the new one.
	 */
	vs_ann_change_begin(&change, ann);
	meta = vs_ann_meta_change(&change);
	if (meta->dim == 0)
	{
		meta->dim = ann->spec.dim;
		meta->bits = ann->spec.bits;
	}
	meta->sealed = publication->number;
	meta->sealing = 0;
	forget_closing_chains(meta);
	if (publication->dir_is_new)
		switch_directory(meta, publication->dir, &written);
	meta->list_rows += publication->list_rows;
	meta->list_dead += publication->list_dead;
	meta->fresh_rows = publication->trained ? 0 : meta->fresh_rows + publication->fresh_rows;
	vs_ann_segment_append(&change, meta, &segment);
	vs_ann_change_commit(&change);
}
