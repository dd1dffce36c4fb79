/*-------------------------------------------------------------------------
 * ann_spool.c
 *	  Ids on their way into lists: an array, past its limit a temporary file.
 *
 * Bits travel with their id, as a code: tables do not keep them in the value
 * store, and the code is all there is of them.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/ann_internal.h"
#include "compat/ann_compat.h"

struct VsAnnSpool
{
	char	   *items;			/* an id, and its code */
	Size		code_bytes;
	Size		item_size;
	int			capacity;
	int			limit;			/* of items in memory */
	int			n;				/* in memory */
	int64		in_file;
	BufFile    *file;
	int			next;			/* read position in memory, after the file */
	int64		file_left;
};

/* Bytes of code that go with an id. */
Size
vs_ann_spooled_code_bytes(const VsAnn *ann)
{
	return ann->type.metric == VS_QUANT_HAMMING ? ann->geo.code_bytes : 0;
}

/* Holds about so many bytes in memory, at least a few thousand ids. */
VsAnnSpool *
vs_ann_spool_begin(const VsAnn *ann, Size memory)
{
	VsAnnSpool *spool = palloc0(sizeof(VsAnnSpool));

	spool->code_bytes = vs_ann_spooled_code_bytes(ann);
	spool->item_size = sizeof(VsAnnId) + spool->code_bytes;
	spool->limit = Max(4096, Min(memory, MaxAllocSize) / spool->item_size);
	spool->capacity = 1024;
	spool->items = palloc(spool->item_size * spool->capacity);
	return spool;
}

static void
spill(VsAnnSpool *spool)
{
	if (spool->file == NULL)
		spool->file = BufFileCreateTemp(false);
	BufFileWrite(spool->file, spool->items, spool->item_size * spool->n);
	spool->in_file += spool->n;
	spool->n = 0;
}

/* code: of bits, else NULL */
void
vs_ann_spool_put(VsAnnSpool *spool, const VsAnnId *id, const uint8 *code)
{
	char	   *item;

	if (spool->n == spool->limit)
		spill(spool);
	if (spool->n == spool->capacity)
	{
		spool->capacity = Min(spool->capacity * 2, spool->limit);
		spool->items = repalloc(spool->items, spool->item_size * spool->capacity);
	}
	item = spool->items + spool->item_size * spool->n++;
	memcpy(item, id, sizeof(VsAnnId));
	if (spool->code_bytes > 0)
		memcpy(item + sizeof(VsAnnId), code, spool->code_bytes);
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

/* Up to max items, each an id and its code, into items; 0 at the end. */
int
vs_ann_spool_get(VsAnnSpool *spool, char *items, int max)
{
	int			n;

	if (spool->file_left > 0)
	{
		n = Min(max, spool->file_left);
		vs_compat_buffile_read(spool->file, items, spool->item_size * n);
		spool->file_left -= n;
		return n;
	}
	n = Min(max, spool->n - spool->next);
	memcpy(items, spool->items + spool->item_size * spool->next, spool->item_size * n);
	spool->next += n;
	return n;
}

void
vs_ann_spool_end(VsAnnSpool *spool)
{
	if (spool->file != NULL)
		BufFileClose(spool->file);
	pfree(spool->items);
	pfree(spool);
}
