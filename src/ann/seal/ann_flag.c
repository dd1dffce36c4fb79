/*-------------------------------------------------------------------------
 * ann_flag.c
 *	  Flagging entries in lists as dead: by VACUUM, and after a failed seal.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_dead.h"
#include "compat/ann_compat.h"
#include "util/stop_point.h"

/*
 * Lists are walked one after another; each walk holds one page lock at a
 * time.  The metapage's counts are set last.  A crash before that leaves the
 * flags and the extents' counts in place, and the metapage's counts wrong.
 */
int64
vs_ann_flag_lists(const VsAnn *ann, const VsAnnMetaData *meta, VsAnnIdVisit visit, void *arg)
{
	VsAnnListCounts counts = {0};
	VsAnnDirectory *dir;

	if (meta->directory == InvalidBlockNumber)
		return 0;
	dir = vs_ann_directory_read(ann, meta->directory);
	for (int i = 0; i < dir->nlists; i++)
	{
		vs_compat_vacuum_delay();
		vs_ann_list_walk(ann, dir->heads[i], true, visit, arg, &counts);
		VS_STOP_POINT("lists: one walked");
	}
	vs_ann_meta_count(ann, counts.entries, counts.dead);
	return counts.changed;
}

static bool
flag_if_unpublished(VsAnnId *id, void *arg)
{
	if ((id->flags & VS_ANN_DEAD) != 0 || id->seal <= *(uint32 *) arg)
		return false;
	id->flags |= VS_ANN_DEAD;
	return true;
}

/*
 * The seal numbers of such entries are above the last published one.  A crash
 * leaves some without a flag; they are still not counted, and the next seal
 * flags them.
 */
void
vs_ann_flag_unpublished(const VsAnn *ann, const VsAnnMetaData *meta)
{
	uint32		sealed = meta->sealed;

	vs_ann_flag_lists(ann, meta, flag_if_unpublished, &sealed);
}
