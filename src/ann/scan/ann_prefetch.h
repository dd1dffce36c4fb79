/*-------------------------------------------------------------------------
 * ann_prefetch.h
 *	  Codes of the next list, brought into the processor's cache.
 *
 * While a scan scores the blocks of a list, it prefetches those of the next
 * list, about a block at a time.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_PREFETCH_H
#define VS_ANN_PREFETCH_H

#include "ann/page/ann_change.h"

#define VS_ANN_CACHE_LINE		64
#define VS_ANN_PREFETCH_RANGES	4

/* Ranges of memory that are not yet prefetched; the last one comes first. */
typedef struct VsAnnPrefetch
{
	int			nranges;
	const char *at[VS_ANN_PREFETCH_RANGES];
	const char *end[VS_ANN_PREFETCH_RANGES];
} VsAnnPrefetch;

/*
 * Find the codes of the first extent of the list that begins at head, as far
 * as the backend remembers the buffers.  Takes no pin or lock, so what it
 * reads may be anything and is only a hint.  ann->recent must be that of the
 * index.
 */
extern void vs_ann_prefetch_begin(const VsAnn *ann, BlockNumber head, VsAnnPrefetch *prefetch);

/* Prefetch at least the given number of bytes, if that many are left. */
static inline void
vs_ann_prefetch_step(VsAnnPrefetch *prefetch, int bytes)
{
	while (bytes > 0 && prefetch->nranges > 0)
	{
		int			last = prefetch->nranges - 1;

		for (; bytes > 0 && prefetch->at[last] < prefetch->end[last]; bytes -= VS_ANN_CACHE_LINE)
		{
			__builtin_prefetch(prefetch->at[last]);
			prefetch->at[last] += VS_ANN_CACHE_LINE;
		}
		if (prefetch->at[last] >= prefetch->end[last])
			prefetch->nranges--;
	}
}

#endif							/* VS_ANN_PREFETCH_H */
