/*-------------------------------------------------------------------------
 * recent_pages.h
 *	  The shared buffers in which a backend last found pages of relations.
 *-------------------------------------------------------------------------
 */
#ifndef VS_RECENT_PAGES_H
#define VS_RECENT_PAGES_H

#include "postgres.h"

#include "storage/block.h"
#include "storage/buf.h"
#include "utils/relcache.h"

/*
 * What the backend remembers about a relation.  It may be reused for another
 * relation at any call of vs_recent_pages; the functions below then do as if
 * no page was remembered.
 */
typedef struct VsRecentPages VsRecentPages;

/*
 * Return the entry of a relation, which is emptied if the relation got a new
 * file, or NULL for a temporary relation.  Entries are never freed.
 */
extern VsRecentPages *vs_recent_pages(Relation rel);

/*
 * Return the block's buffer, pinned, as ReadBuffer does, and remember it.
 * pages is the relation's entry or NULL.  May allocate in TopMemoryContext.
 */
extern Buffer vs_recent_read(VsRecentPages *pages, Relation rel, BlockNumber block);

/*
 * Return the address at which the page was, without a pin, or NULL if the
 * page is not remembered.  The buffer may hold another page, or be changing:
 * what is read there is only a hint.
 */
extern const char *vs_recent_peek(VsRecentPages *pages, Relation rel, BlockNumber block);

/*
 * Prefetch some bytes of the page, and the buffer descriptor that pinning
 * needs, into the processor's cache.  Does nothing if the page is not
 * remembered.
 */
extern void vs_recent_prefetch(VsRecentPages *pages, Relation rel, BlockNumber block,
							   int offset, int bytes);

#endif							/* VS_RECENT_PAGES_H */
