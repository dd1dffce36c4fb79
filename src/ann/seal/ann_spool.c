/*-------------------------------------------------------------------------
 * ann_spool.c
 *	  Ids on their way into lists: an array, and beyond its limit a temporary
 *	  file.
 *
 * A code of bits travels with its id: tables do not keep bits in the value
 * store, and the code is all that the index needs.
 *
 * The participants of a parallel build spool into shared files, one part
 * each.  When all have exported their parts, each participant can open the
 * parts and read them as one spool, from any item on.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_spool.h"
#include "compat/ann_compat.h"
#include "quant/quant.h"

struct VsAnnSpool
{
	char	   *items;			/* items in memory: id, code */
	Size		code_bytes;
	Size		item_size;
	int			capacity;
	int			limit;			/* of items in memory */
	int			n;				/* items in memory */
	int64		in_file;
	BufFile    *file;
	int			next;			/* next item in memory, read after the file */
	int64		file_left;

	/* opened parts, read only */
	int			nparts;
	BufFile   **parts;			/* NULL if the part is empty */
	int64	   *counts;
	int64		position;		/* of the next item */
};

Size
vs_ann_spooled_code_bytes(const VsAnn *ann)
{
	return ann->type.metric == VS_QUANT_HAMMING ? ann->geo.code_bytes : 0;
}

/* At least a few thousand ids are held in memory. */
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
spill_items(VsAnnSpool *spool)
{
	if (spool->file == NULL)
		spool->file = BufFileCreateTemp(false);
	BufFileWrite(spool->file, spool->items, spool->item_size * spool->n);
	spool->in_file += spool->n;
	spool->n = 0;
}

int64
vs_ann_spool_count(const VsAnnSpool *spool)
{
	return spool->in_file + spool->n;
}

static void
format_part_name(char *name, int part)
{
	snprintf(name, MAXPGPATH, "ids.%d", part);
}

VsAnnSpool *
vs_ann_spool_begin_part(const VsAnn *ann, SharedFileSet *files, int part)
{
	VsAnnSpool *spool = vs_ann_spool_begin(ann, 0);
	char		name[MAXPGPATH];

	format_part_name(name, part);
	spool->file = BufFileCreateFileSet(&files->fs, name);
	return spool;
}

int64
vs_ann_spool_export(VsAnnSpool *spool)
{
	int64		count = vs_ann_spool_count(spool);

	if (spool->n > 0)
		spill_items(spool);
	BufFileExportFileSet(spool->file);
	vs_ann_spool_end(spool);
	return count;
}

VsAnnSpool *
vs_ann_spool_open_parts(const VsAnn *ann, SharedFileSet *files, int nparts, const int64 *counts)
{
	VsAnnSpool *spool = palloc0(sizeof(VsAnnSpool));
	char		name[MAXPGPATH];

	spool->code_bytes = vs_ann_spooled_code_bytes(ann);
	spool->item_size = sizeof(VsAnnId) + spool->code_bytes;
	spool->nparts = nparts;
	spool->parts = palloc0(sizeof(BufFile *) * nparts);
	spool->counts = palloc(sizeof(int64) * nparts);
	for (int i = 0; i < nparts; i++)
	{
		format_part_name(name, i);
		spool->counts[i] = counts[i];
		spool->in_file += counts[i];
		if (counts[i] > 0)
			spool->parts[i] = BufFileOpenFileSet(&files->fs, name, O_RDONLY, false);
	}
	return spool;
}

void
vs_ann_spool_seek(VsAnnSpool *spool, int64 item)
{
	Assert(spool->nparts > 0);
	spool->position = item;
}

/* Reads from the part that holds the position, at most to its end. */
static int
read_parts(VsAnnSpool *spool, char *items, int max)
{
	int64		from = spool->position;
	int			part = 0;
	int			n;

	while (part < spool->nparts && from >= spool->counts[part])
		from -= spool->counts[part++];
	if (part == spool->nparts)
		return 0;
	n = Min(max, spool->counts[part] - from);
	if (BufFileSeek(spool->parts[part], 0, from * spool->item_size, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not seek in temporary file of a vecann index")));
	vs_compat_buffile_read(spool->parts[part], items, spool->item_size * n);
	spool->position += n;
	return n;
}

void
vs_ann_spool_put(VsAnnSpool *spool, const VsAnnId *id, const uint8 *code)
{
	char	   *item;

	if (spool->n == spool->limit)
		spill_items(spool);
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

void
vs_ann_spool_rewind(VsAnnSpool *spool)
{
	spool->position = 0;
	if (spool->file != NULL && spool->n > 0)
		spill_items(spool);
	if (spool->file != NULL && BufFileSeek(spool->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not rewind temporary file of a vecann index")));
	spool->file_left = spool->in_file;
	spool->next = 0;
}

/* Items in the file come before those in memory. */
int
vs_ann_spool_get(VsAnnSpool *spool, char *items, int max)
{
	int			n;

	if (spool->nparts > 0)
		return read_parts(spool, items, max);
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
	for (int i = 0; i < spool->nparts; i++)
	{
		if (spool->parts[i] != NULL)
			BufFileClose(spool->parts[i]);
	}
	if (spool->items != NULL)
		pfree(spool->items);
	pfree(spool);
}
