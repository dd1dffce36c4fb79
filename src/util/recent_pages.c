/*-------------------------------------------------------------------------
 * recent_pages.c
 *	  The shared buffers in which a backend last found pages of relations.
 *
 * A search reads a few hundred pages in no order.  To look one up in the
 * buffer table costs several cache misses, one after the other: more than to
 * read what the search needs of it.  So each backend remembers buffer numbers
 * by block.  ReadRecentBuffer pins a remembered buffer if it still holds the
 * page; otherwise the page is looked up as usual.  A stale buffer number is
 * therefore harmless.
 *
 * If there is no room for another relation, it replaces a random one.  A
 * query that visits many partitions in turn thus still finds some of them.
 *
 * ReadRecentBuffer does not raise the usage count of a buffer, so the buffer
 * could be evicted although it is read all the time.  Therefore every
 * USUAL_EVERY-th page is read by ReadBuffer.
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
/*
 * slots per relation, a power of two; blocks that are equal modulo it share
 * one
 */
#define MIN_PAGES		256
#define MAX_PAGES		(1 << 18)
/* slots of all relations, except that each may have MIN_PAGES */
#define MAX_PAGES_TOTAL (1 << 21)
#define USUAL_EVERY		64			/* a power of two */
#define CACHE_LINE		64

typedef struct RecentPage
{
	BlockNumber block;
	Buffer		buffer;			/* InvalidBuffer: unknown */
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
	/* entries are never freed: no used one follows the first unused one */
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

/* Enlarge the slots to contain the block, as far as the limits allow. */
static void
enlarge(VsRecentPages *recent, BlockNumber block)
{
	uint32		size = recent->pages == NULL ? MIN_PAGES : recent->mask + 1;
	RecentPage *larger;

	if (recent->pages != NULL && (block <= recent->mask || size == MAX_PAGES))
		return;
	while (size <= block && size < MAX_PAGES && pages_of_all + size <= MAX_PAGES_TOTAL)
		size *= 2;
	if (recent->pages != NULL && size == recent->mask + 1)
		return;
	larger = MemoryContextAllocZero(TopMemoryContext, sizeof(RecentPage) * size);
	/* a block below the old size keeps its slot */
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

/* Return the buffer last seen to hold the block, or InvalidBuffer. */
static Buffer
remembered(const VsRecentPages *recent, Relation rel, BlockNumber block)
{
	const RecentPage *page;

	/* the entry may belong to another relation by now */
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
