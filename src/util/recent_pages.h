/*-------------------------------------------------------------------------
 * recent_pages.h
 *	  Where a backend last met the pages of a relation in shared buffers.
 *-------------------------------------------------------------------------
 */
#ifndef VS_RECENT_PAGES_H
#define VS_RECENT_PAGES_H

#include "postgres.h"

#include "storage/block.h"
#include "storage/buf.h"
#include "utils/relcache.h"

typedef struct VsRecentPages VsRecentPages;

/* What is remembered of a relation; NULL: nothing ever is. */
extern VsRecentPages *vs_recent_pages(Relation rel);

/* As ReadBuffer.  pages may be NULL. */
extern Buffer vs_recent_read(VsRecentPages *pages, Relation rel, BlockNumber block);

/*
 * Brings bytes of the page into the processor's cache, and what pinning it
 * needs; nothing happens if the page is not remembered.
 */
extern void vs_recent_prefetch(VsRecentPages *pages, Relation rel, BlockNumber block,
							   int offset, int bytes);

/*
 * Where the page was, not pinned: any page's bytes may be there by now, so only
 * for guesses.  NULL if it is not remembered.
 */
extern const char *vs_recent_peek(VsRecentPages *pages, Relation rel, BlockNumber block);

#endif							/* VS_RECENT_PAGES_H */
