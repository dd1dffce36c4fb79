/*-------------------------------------------------------------------------
 * ann_directory.c
 *	  The directory: the centroid and the first page of every list.
 *
 * Directory and centroid pages never change on disk.  A seal that changes the
 * set of lists writes a new directory and switches the metapage's root to it
 * (invariant A5).  A scan keeps to the root that it copied.  Pages are
 * written from the last to the first, so that each page can name its
 * successor and is written only once.
 *
 * A backend caches the directories of the indexes that it scans, with
 * centroids packed for ranking, until the generation changes.
 *
 * Locks: one page at a time.
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

/*
 * Writes a stream of floats to a chain of pages, last page first.  Returns
 * the first page.  Each page is one change; a crash leaves unreachable pages
 * for vs_ann_sweep.
 */
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
 * Reads the header on a directory's root page.  Memory is allocated by its
 * numbers, so they are compared with the length of the index first.
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

/* Reads everything except the centroids. */
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

		/*
		 * each page has at least one list, so a cycle of pages cannot go on
		 * forever
		 */
		if (opaque->used == 0 || opaque->used > dir->nlists - n)
			vs_ann_damaged(ann, block, "a page with %d lists, after %d of %d lists", opaque->used, n, dir->nlists);
		memcpy(dir->heads + n, VS_ANN_DIRECTORY_HEADS(page), sizeof(BlockNumber) * opaque->used);
		n += opaque->used;
		block = opaque->next;
		UnlockReleaseBuffer(buffer);
	}
	if (n != dir->nlists)
		vs_ann_damaged(ann, root, "a directory of %d lists, which has %d", dir->nlists, n);
}

/* Reads total floats from a chain of pages, and checks that all are finite. */
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
			vs_ann_damaged(ann, block, used == 0 ? "a centroid page without numbers" : "a number that is not finite");
		if (n < total && VS_ANN_OPAQUE(page)->next == InvalidBlockNumber)
			vs_ann_damaged(ann, block, "centroids end after " INT64_FORMAT " numbers of " INT64_FORMAT,
						   n, total);
		block = VS_ANN_OPAQUE(page)->next;
		UnlockReleaseBuffer(buffer);
	}
}

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
	/* scans and seals subtract the mean without looking at the metric */
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

BlockNumber
vs_ann_centre_write(const VsAnn *ann, const float *centre, uint32 epoch)
{
	return write_floats(ann, centre, ann->geo.padded, epoch);
}

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

/* ---- the backend's cache of directories ---- */

#define CACHE_SLOTS 64
/*
 * The limit for all cached directories together; one directory may exceed it.
 */
#define CACHE_BYTES ((Size) 64 * 1024 * 1024)

typedef struct DirectorySlot
{
	Oid			index;
	Oid			file;			/* relfilenumber: changes with a rebuild */
	VsAnnCache *cache;
	Size		bytes;			/* size of the cache's context */
} DirectorySlot;

static DirectorySlot slots[CACHE_SLOTS];

static VsAnnCache *
load_directory(const VsAnn *ann, const VsAnnMetaData *meta)
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

/*
 * Reads the heads again if the new directory has the centroids of the cached
 * one.  Returns false, and leaves the cache as it was, if it has others.
 */
static bool
reload_heads(const VsAnn *ann, const VsAnnMetaData *meta, VsAnnCache *cache)
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

/*
 * A build may reuse the relfilenumber, so the cached directory could look
 * current.
 */
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

/*
 * Returns an empty slot, or a random one.  Queries on a partitioned table
 * visit the partitions in the same order again and again; evicting the oldest
 * would then evict each directory just before its next use.
 */
static DirectorySlot *
choose_slot(void)
{
	for (int i = 0; i < CACHE_SLOTS; i++)
	{
		if (slots[i].cache == NULL)
			return &slots[i];
	}
	return &slots[pg_prng_uint32(&pg_global_prng_state) % CACHE_SLOTS];
}

/*
 * Evicts random directories, except the one to keep, until the rest is within
 * CACHE_BYTES.
 */
static void
evict_directories(const DirectorySlot *kept)
{
	Size		bytes = 0;
	int			first = pg_prng_uint32(&pg_global_prng_state) % CACHE_SLOTS;

	for (int i = 0; i < CACHE_SLOTS; i++)
		bytes += slots[i].cache != NULL ? slots[i].bytes : 0;
	for (int i = 0; i < CACHE_SLOTS && bytes > CACHE_BYTES; i++)
	{
		DirectorySlot *slot = &slots[(first + i) % CACHE_SLOTS];

		if (slot == kept || slot->cache == NULL)
			continue;
		bytes -= slot->bytes;
		MemoryContextDelete(slot->cache->context);
		slot->cache = NULL;
	}
}

/*
 * The slot is emptied before a directory is loaded, so that an error in
 * between leaves no stale pointer.
 */
const VsAnnCache *
vs_ann_cache_get(const VsAnn *ann, const VsAnnMetaData *meta)
{
	Oid			index = RelationGetRelid(ann->index);
	Oid			file = vs_compat_relfilenumber(ann->index);
	DirectorySlot *slot = NULL;

	for (int i = 0; i < CACHE_SLOTS && slot == NULL; i++)
	{
		if (slots[i].index == index)
			slot = &slots[i];
	}
	if (slot != NULL && slot->cache != NULL && slot->file == file &&
		(slot->cache->generation == meta->generation || reload_heads(ann, meta, slot->cache)))
		return slot->cache;
	if (slot == NULL)
		slot = choose_slot();
	if (slot->cache != NULL)
		MemoryContextDelete(slot->cache->context);
	slot->cache = NULL;
	slot->index = index;
	slot->file = file;
	slot->cache = load_directory(ann, meta);
	slot->bytes = MemoryContextMemAllocated(slot->cache->context, true);
	evict_directories(slot);
	return slot->cache;
}
