/*-------------------------------------------------------------------------
 * ann_spool.c
 *	  Ids on their way into lists: an array, past its limit a temporary file.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/ann_internal.h"
#include "compat/ann_compat.h"

struct VsAnnSpool
{
	VsAnnId    *ids;
	int			capacity;
	int			limit;			/* of ids in memory */
	int			n;				/* in memory */
	int64		in_file;
	BufFile    *file;
	int			next;			/* read position in memory, after the file */
	int64		file_left;
};

/* Holds about so many bytes in memory, at least a few thousand ids. */
VsAnnSpool *
vs_ann_spool_begin(Size memory)
{
	VsAnnSpool *spool = palloc0(sizeof(VsAnnSpool));

	spool->limit = Max(4096, Min(memory, MaxAllocSize) / sizeof(VsAnnId));
	spool->capacity = 1024;
	spool->ids = palloc(sizeof(VsAnnId) * spool->capacity);
	return spool;
}

static void
spill(VsAnnSpool *spool)
{
	if (spool->file == NULL)
		spool->file = BufFileCreateTemp(false);
	BufFileWrite(spool->file, spool->ids, sizeof(VsAnnId) * spool->n);
	spool->in_file += spool->n;
	spool->n = 0;
}

void
vs_ann_spool_put(VsAnnSpool *spool, const VsAnnId *id)
{
	if (spool->n == spool->limit)
		spill(spool);
	if (spool->n == spool->capacity)
	{
		spool->capacity = Min(spool->capacity * 2, spool->limit);
		spool->ids = repalloc(spool->ids, sizeof(VsAnnId) * spool->capacity);
	}
	spool->ids[spool->n++] = *id;
}

int64
vs_ann_spool_count(const VsAnnSpool *spool)
{
	return spool->in_file + spool->n;
}

/* Reading starts, or starts again, from the first id. */
void
vs_ann_spool_rewind(VsAnnSpool *spool)
{
	if (spool->file != NULL && spool->n > 0)
		spill(spool);
	if (spool->file != NULL && BufFileSeek(spool->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not rewind temporary file of a vecann index")));
	spool->file_left = spool->in_file;
	spool->next = 0;
}

/* Up to max ids; 0 at the end. */
int
vs_ann_spool_get(VsAnnSpool *spool, VsAnnId *ids, int max)
{
	int			n;

	if (spool->file_left > 0)
	{
		n = Min(max, spool->file_left);
		vs_compat_buffile_read(spool->file, ids, sizeof(VsAnnId) * n);
		spool->file_left -= n;
		return n;
	}
	n = Min(max, spool->n - spool->next);
	memcpy(ids, spool->ids + spool->next, sizeof(VsAnnId) * n);
	spool->next += n;
	return n;
}

void
vs_ann_spool_end(VsAnnSpool *spool)
{
	if (spool->file != NULL)
		BufFileClose(spool->file);
	pfree(spool->ids);
	pfree(spool);
}
