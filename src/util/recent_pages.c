/*-------------------------------------------------------------------------
 * recent_pages.c
 *	  Where a backend last met the pages of a relation in shared buffers.
 *
 * A search reads a few hundred pages in no order.  Looking each up in the buffer
 * table costs more than what is then read of it: several cache misses, one
 * after the other.  So each backend remembers buffer numbers by block;
 * ReadRecentBuffer pins the buffer if it still holds the page, and if not the
 * page is looked up as always.  Nothing here can go stale in a way that matters.
 *
 * Relations beyond those that there is room for replace one at random, so that a query that
 * visits many partitions in turn still finds some.
 *
 * A page read in this way is not marked as used, and might be evicted though it is
 * read all the time; so now and then one is read as usual.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat/compat.h"
#include "util/recent_pages.h"

#define RELATIONS		64
#define MOST_PAGES		(1 << 18)	/* of a relation; blocks beyond share slots */
#define MOST_OF_ALL		(1 << 21)	/* of all of them but for FEWEST_PAGES of each */
#define FEWEST_PAGES	256
#define USUAL_EVERY		64			/* a power of two */
#define CACHE_LINE		64

typedef struct RecentPage
{
	BlockNumber block;
	Buffer		buffer;			/* InvalidBuffer: not known */
} RecentPage;

struct VsRecentPages
{
	Oid			relid;
	VsRelFileLocator locator;
	RecentPage *pages;
	uint32		mask;
};

static VsRecentPages relations[RELATIONS];
static uint32 pages_of_all;
static uint32 reads;

VsRecentPages *
vs_recent_pages(Relation rel)
{
	VsRelFileLocator locator = VS_REL_LOCATOR(rel);
	Oid			relid = RelationGetRelid(rel);
	VsRecentPages *recent = NULL;

	if (RelationUsesLocalBuffers(rel))
		return NULL;
	/* an empty one may be followed by none that is not */
	for (int i = 0; i < RELATIONS && recent == NULL; i++)
	{
		if (relations[i].relid == relid || relations[i].relid == InvalidOid)
			recent = &relations[i];
	}
	if (recent != NULL && memcmp(&recent->locator, &locator, sizeof(locator)) == 0)
		return recent;
	if (recent == NULL)
		recent = &relations[pg_prng_uint32(&pg_global_prng_state) % RELATIONS];
	if (recent->pages != NULL)
	{
		pages_of_all -= recent->mask + 1;
		pfree(recent->pages);
	}
	memset(recent, 0, sizeof(*recent));
	recent->relid = relid;
	recent->locator = locator;
	return recent;
}

/* Makes room for the block, as far as there may be room. */
static void
enlarge(VsRecentPages *recent, BlockNumber block)
{
	uint32		size = recent->pages == NULL ? FEWEST_PAGES : recent->mask + 1;
	RecentPage *larger;

	if (recent->pages != NULL && (block <= recent->mask || size == MOST_PAGES))
		return;
	while (size <= block && size < MOST_PAGES && pages_of_all + size <= MOST_OF_ALL)
		size *= 2;
	if (recent->pages != NULL && size == recent->mask + 1)
		return;
	larger = MemoryContextAllocZero(TopMemoryContext, sizeof(RecentPage) * size);
	/* blocks were slots until now */
	if (recent->pages != NULL)
	{
		memcpy(larger, recent->pages, sizeof(RecentPage) * (recent->mask + 1));
		pages_of_all -= recent->mask + 1;
		pfree(recent->pages);
	}
	pages_of_all += size;
	recent->pages = larger;
	recent->mask = size - 1;
}

static Buffer
remembered(const VsRecentPages *recent, Relation rel, BlockNumber block)
{
	const RecentPage *page;

	/* the slot may be another relation's by now */
	if (recent == NULL || recent->pages == NULL || recent->relid != RelationGetRelid(rel))
		return InvalidBuffer;
	page = &recent->pages[block & recent->mask];
	return page->block == block ? page->buffer : InvalidBuffer;
}

Buffer
vs_recent_read(VsRecentPages *recent, Relation rel, BlockNumber block)
{
	Buffer		buffer = remembered(recent, rel, block);

	if (BufferIsValid(buffer) && (++reads & (USUAL_EVERY - 1)) != 0 &&
		ReadRecentBuffer(VS_REL_LOCATOR(rel), MAIN_FORKNUM, block, buffer))
		return buffer;
	buffer = ReadBuffer(rel, block);
	if (recent != NULL && recent->relid == RelationGetRelid(rel))
	{
		enlarge(recent, block);
		recent->pages[block & recent->mask].block = block;
		recent->pages[block & recent->mask].buffer = buffer;
	}
	return buffer;
}

const char *
vs_recent_peek(VsRecentPages *recent, Relation rel, BlockNumber block)
{
	Buffer		buffer = remembered(recent, rel, block);

	return BufferIsValid(buffer) ? (const char *) BufferGetBlock(buffer) : NULL;
}

void
vs_recent_prefetch(VsRecentPages *recent, Relation rel, BlockNumber block, int offset, int bytes)
{
	Buffer		buffer = remembered(recent, rel, block);
	const char *first;
	const char *last;

	if (!BufferIsValid(buffer))
		return;
	first = (const char *) BufferGetBlock(buffer) + offset;
	last = first + bytes - 1;
	__builtin_prefetch(GetBufferDescriptor(buffer - 1));
	for (; first < last; first += CACHE_LINE)
		__builtin_prefetch(first);
	__builtin_prefetch(last);
}
