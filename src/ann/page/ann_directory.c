/*-------------------------------------------------------------------------
 * ann_directory.c
 *	  The directory: every list's centroid and first page.
 *
 * Immutable on disk.  Who changes the set of lists writes a new directory and
 * switches the metapage's root to it (invariant A5); a scan keeps to the root that
 * it copied.  Pages are written from the last to the first, so that each
 * can name its successor.
 *
 * A backend keeps the directories of the indexes it scans, packed for ranking,
 * until the generation changes.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_page.h"
#include "compat/ann_compat.h"
#include "quant/kmeans.h"
#include "quant/quant.h"

/* Writes a stream of floats over pages; returns the first page. */
static BlockNumber
write_floats(const VsAnn *ann, const float *floats, int64 total, uint32 epoch)
{
	int			npages = (total + VS_ANN_FLOATS_PER_PAGE - 1) / VS_ANN_FLOATS_PER_PAGE;
	BlockNumber next = InvalidBlockNumber;

	for (int p = npages - 1; p >= 0; p--)
	{
		int64		first = (int64) p * VS_ANN_FLOATS_PER_PAGE;
		int			n = Min(VS_ANN_FLOATS_PER_PAGE, total - first);
		VsAnnChange change;
		BlockNumber block;
		Page		page;

		CHECK_FOR_INTERRUPTS();
		vs_ann_change_begin(&change, ann);
		page = vs_ann_change_new(&change, VS_ANN_CENTROID, epoch, &block);
		memcpy((char *) page + VS_ANN_CONTENTS, floats + first, sizeof(float) * n);
		VS_ANN_OPAQUE(page)->next = next;
		VS_ANN_OPAQUE(page)->used = n;
		vs_ann_change_commit(&change);
		next = block;
	}
	return next;
}

/*
 * Writes a directory that nothing leads to yet; returns its root.  Centroids that are on disk
 * are not written again.
 */
BlockNumber
vs_ann_directory_write(const VsAnn *ann, const VsAnnDirectory *dir, uint32 epoch)
{
	bool		written = dir->centroids_at != 0;
	BlockNumber centroids = written ? dir->centroids_at :
		write_floats(ann, dir->mean, (int64) (dir->nlists + 1) * ann->geo.padded, epoch);
	int			npages = (dir->nlists + VS_ANN_HEADS_PER_PAGE - 1) / VS_ANN_HEADS_PER_PAGE;
	BlockNumber next = InvalidBlockNumber;

	for (int p = npages - 1; p >= 0; p--)
	{
		int			first = p * VS_ANN_HEADS_PER_PAGE;
		int			n = Min(VS_ANN_HEADS_PER_PAGE, dir->nlists - first);
		VsAnnChange change;
		BlockNumber block;
		Page		page;

		vs_ann_change_begin(&change, ann);
		page = vs_ann_change_new(&change, VS_ANN_DIRECTORY, epoch, &block);
		memcpy(VS_ANN_DIRECTORY_HEADS(page), dir->heads + first, sizeof(BlockNumber) * n);
		VS_ANN_OPAQUE(page)->next = next;
		VS_ANN_OPAQUE(page)->used = n;
		if (p == 0)
		{
			VsAnnDirectoryHeader *header = VS_ANN_DIRECTORY_HEADER(page);

			header->centroids = centroids;
			header->nlists = dir->nlists;
			header->padded_dim = ann->geo.padded;
			header->generation = dir->generation;
			header->centroids_of = written ? dir->centroids_of : dir->generation;
		}
		vs_ann_change_commit(&change);
		next = block;
	}
	return next;
}

/*
 * The head of a directory.  What memory is taken for follows from it, so it is compared with
 * the length of the index.
 */
static void
read_header(const VsAnn *ann, BlockNumber root, Page page, VsAnnDirectory *dir)
{
	const VsAnnDirectoryHeader *header = VS_ANN_DIRECTORY_HEADER(page);
	int64		nblocks = RelationGetNumberOfBlocks(ann->index);

	if (header->nlists < 1 || header->nlists > nblocks || header->nlists >= INT_MAX ||
		((int64) header->nlists + 1) * ann->geo.padded > nblocks * VS_ANN_FLOATS_PER_PAGE ||
		header->padded_dim != ann->geo.padded)
		vs_ann_damaged(ann, root, "a directory of %u lists of %u dimensions", header->nlists,
					   header->padded_dim);
	dir->centroids_at = header->centroids;
	dir->centroids_of = header->centroids_of;
	dir->nlists = header->nlists;
	dir->generation = header->generation;
	dir->heads = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(BlockNumber) * dir->nlists);
}

/* Everything but the centroids. */
static void
read_heads(const VsAnn *ann, BlockNumber root, VsAnnDirectory *dir)
{
	BlockNumber block = root;
	int			n = 0;

	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		Page		page;
		VsAnnPageOpaque opaque;

		CHECK_FOR_INTERRUPTS();
		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_DIRECTORY);
		page = BufferGetPage(buffer);
		opaque = VS_ANN_OPAQUE(page);
		if (block == root)
			read_header(ann, root, page, dir);
		/* no page is empty, so a chain cannot go round for ever */
		if (opaque->used == 0 || opaque->used > dir->nlists - n)
			vs_ann_damaged(ann, block, "%d lists after %d of %d", opaque->used, n, dir->nlists);
		memcpy(dir->heads + n, VS_ANN_DIRECTORY_HEADS(page), sizeof(BlockNumber) * opaque->used);
		n += opaque->used;
		block = opaque->next;
		UnlockReleaseBuffer(buffer);
	}
	if (n != dir->nlists)
		vs_ann_damaged(ann, root, "a directory of %d lists, which has %d", dir->nlists, n);
}

/* Reads total floats from a chain of pages.  All of them are finite. */
static void
read_floats(const VsAnn *ann, BlockNumber block, float *out, int64 total)
{
	int64		n = 0;

	while (n < total)
	{
		Buffer		buffer;
		Page		page;
		int			used;
		bool		finite = true;

		CHECK_FOR_INTERRUPTS();
		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_CENTROID);
		page = BufferGetPage(buffer);
		used = Min(VS_ANN_OPAQUE(page)->used, total - n);
		memcpy(out + n, (char *) page + VS_ANN_CONTENTS, sizeof(float) * used);
		for (int i = 0; i < used; i++)
			finite &= isfinite(out[n + i]) != 0;
		n += used;
		if (used == 0 || !finite)
			vs_ann_damaged(ann, block, used == 0 ? "no numbers" : "a number that is not finite");
		if (n < total && VS_ANN_OPAQUE(page)->next == InvalidBlockNumber)
			vs_ann_damaged(ann, block, "centroids end after " INT64_FORMAT " numbers of " INT64_FORMAT,
						   n, total);
		block = VS_ANN_OPAQUE(page)->next;
		UnlockReleaseBuffer(buffer);
	}
}

/* Reads a directory into the current memory context. */
VsAnnDirectory *
vs_ann_directory_read(const VsAnn *ann, BlockNumber root)
{
	VsAnnDirectory *dir = palloc0(sizeof(VsAnnDirectory));
	int64		total;

	read_heads(ann, root, dir);
	total = (int64) (dir->nlists + 1) * ann->geo.padded;
	dir->mean = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * total);
	dir->centroids = dir->mean + ann->geo.padded;
	read_floats(ann, dir->centroids_at, dir->mean, total);
	for (int i = 0; i < ann->geo.padded; i++)
		dir->has_mean = dir->has_mean || dir->mean[i] != 0;
	/* scans and seals move rows by it without asking for the metric */
	if (dir->has_mean && ann->type.metric != VS_QUANT_L2)
		vs_ann_damaged(ann, dir->centroids_at, "a mean that is not zero");
	return dir;
}

static void
visit_chain(const VsAnn *ann, BlockNumber block, VsAnnPageKind kind,
			void (*visit) (BlockNumber block, void *arg), void *arg)
{
	VsAnnWalk	walk = {0};

	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		BlockNumber next;

		vs_ann_walk_step(ann, &walk, block);
		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, kind);
		next = VS_ANN_OPAQUE(BufferGetPage(buffer))->next;
		UnlockReleaseBuffer(buffer);
		visit(block, arg);
		block = next;
	}
}

/* Calls visit for each directory page and, with centroids, for each centroid page. */
void
vs_ann_directory_pages(const VsAnn *ann, BlockNumber root, bool with_centroids,
					   void (*visit) (BlockNumber block, void *arg), void *arg)
{
	Buffer		buffer = vs_ann_page_read(ann, root, BUFFER_LOCK_SHARE, VS_ANN_DIRECTORY);
	BlockNumber centroids = VS_ANN_DIRECTORY_HEADER(BufferGetPage(buffer))->centroids;

	UnlockReleaseBuffer(buffer);
	visit_chain(ann, root, VS_ANN_DIRECTORY, visit, arg);
	if (with_centroids)
		visit_chain(ann, centroids, VS_ANN_CENTROID, visit, arg);
}

/* Writes a centre; returns its first page. */
BlockNumber
vs_ann_centre_write(const VsAnn *ann, const float *centre, uint32 epoch)
{
	return write_floats(ann, centre, ann->geo.padded, epoch);
}

/* Reads the centre that begins at block: padded floats. */
void
vs_ann_centre_read(const VsAnn *ann, BlockNumber block, float *centre)
{
	read_floats(ann, block, centre, ann->geo.padded);
}

void
vs_ann_centre_pages(const VsAnn *ann, BlockNumber block,
					void (*visit) (BlockNumber block, void *arg), void *arg)
{
	visit_chain(ann, block, VS_ANN_CENTROID, visit, arg);
}

/* ---- directories kept by the backend ---- */

#define CACHE_SLOTS 64
#define CACHE_BYTES ((Size) 64 * 1024 * 1024)	/* of all of them, unless one takes more */

typedef struct CacheSlot
{
	Oid			index;
	Oid			file;			/* so that a rebuilt index is another one */
	VsAnnCache *cache;
	Size		bytes;			/* of the cache */
} CacheSlot;

static CacheSlot slots[CACHE_SLOTS];

static VsAnnCache *
load_cache(const VsAnn *ann, const VsAnnMetaData *meta)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecann directory",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VsAnnDirectory *dir = vs_ann_directory_read(ann, meta->directory);
	VsAnnCache *cache = palloc0(sizeof(VsAnnCache));
	Size		bytes = vs_assign_bytes(dir->nlists, ann->geo.padded);

	cache->context = context;
	cache->generation = meta->generation;
	cache->centroids_of = dir->centroids_of;
	cache->nlists = dir->nlists;
	cache->heads = dir->heads;
	cache->has_mean = dir->has_mean;
	cache->mean = palloc(sizeof(float) * ann->geo.padded);
	memcpy(cache->mean, dir->mean, sizeof(float) * ann->geo.padded);
	cache->assign = vs_assign_init(MemoryContextAllocHuge(context, bytes), dir->nlists,
								   ann->geo.padded, dir->centroids);
	pfree(dir->mean);
	pfree(dir);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, TopMemoryContext);
	return cache;
}

/* Reads the heads again, of a directory with the centroids of the cache; false if it has others. */
static bool
load_heads(const VsAnn *ann, const VsAnnMetaData *meta, VsAnnCache *cache)
{
	MemoryContext old = MemoryContextSwitchTo(cache->context);
	VsAnnDirectory dir = {0};
	bool		same;

	read_heads(ann, meta->directory, &dir);
	MemoryContextSwitchTo(old);
	same = dir.centroids_of == cache->centroids_of && dir.nlists == cache->nlists;
	pfree(same ? cache->heads : dir.heads);
	if (same)
	{
		cache->heads = dir.heads;
		cache->generation = meta->generation;
	}
	return same;
}

/* The index is being built, perhaps in the file that it had: what is cached of it is of no use. */
void
vs_ann_cache_forget(Relation index)
{
	for (int i = 0; i < CACHE_SLOTS; i++)
	{
		VsAnnCache *cache = slots[i].cache;

		if (slots[i].index != RelationGetRelid(index) || cache == NULL)
			continue;
		slots[i].cache = NULL;
		MemoryContextDelete(cache->context);
	}
}

/* A slot that is empty, or one at random: partitions are visited in turn, again and again. */
static CacheSlot *
choose_slot(void)
{
	for (int i = 0; i < CACHE_SLOTS; i++)
	{
		if (slots[i].cache == NULL)
			return &slots[i];
	}
	return &slots[pg_prng_uint32(&pg_global_prng_state) % CACHE_SLOTS];
}

/* Drops others at random until all are within CACHE_BYTES. */
static void
limit_bytes(const CacheSlot *kept)
{
	Size		bytes = 0;
	int			first = pg_prng_uint32(&pg_global_prng_state) % CACHE_SLOTS;

	for (int i = 0; i < CACHE_SLOTS; i++)
		bytes += slots[i].cache != NULL ? slots[i].bytes : 0;
	for (int i = 0; i < CACHE_SLOTS && bytes > CACHE_BYTES; i++)
	{
		CacheSlot  *slot = &slots[(first + i) % CACHE_SLOTS];

		if (slot == kept || slot->cache == NULL)
			continue;
		bytes -= slot->bytes;
		MemoryContextDelete(slot->cache->context);
		slot->cache = NULL;
	}
}

/*
 * The directory that meta names, which must have one.  Good until the next call;
 * an error while it is loaded leaves the slot empty.
 */
const VsAnnCache *
vs_ann_cache_get(const VsAnn *ann, const VsAnnMetaData *meta)
{
	Oid			index = RelationGetRelid(ann->index);
	Oid			file = vs_compat_relfilenumber(ann->index);
	CacheSlot  *slot = NULL;

	for (int i = 0; i < CACHE_SLOTS && slot == NULL; i++)
	{
		if (slots[i].index == index)
			slot = &slots[i];
	}
	if (slot != NULL && slot->cache != NULL && slot->file == file &&
		(slot->cache->generation == meta->generation || load_heads(ann, meta, slot->cache)))
		return slot->cache;
	if (slot == NULL)
		slot = choose_slot();
	if (slot->cache != NULL)
		MemoryContextDelete(slot->cache->context);
	slot->cache = NULL;
	slot->index = index;
	slot->file = file;
	slot->cache = load_cache(ann, meta);
	slot->bytes = MemoryContextMemAllocated(slot->cache->context, true);
	limit_bytes(slot);
	return slot->cache;
}
