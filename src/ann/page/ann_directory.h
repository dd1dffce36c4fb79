/*-------------------------------------------------------------------------
 * ann_directory.h
 *	  The directory: the centroid and the first page of every list.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_DIRECTORY_H
#define VS_ANN_DIRECTORY_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "quant/kmeans.h"

/*
 * A whole directory in memory.  Centroids are rotated and relative to the
 * mean.
 */
typedef struct VsAnnDirectory
{
	int			nlists;
	uint32		generation;
	float	   *mean;			/* padded floats; all 0 except under L2 */
	bool		has_mean;
	float	   *centroids;		/* nlists * padded, directly after mean */
	float	   *centre;			/* center of a new sample, or NULL */
	BlockNumber centroids_at;	/* their first page on disk, 0 if not written */
	uint32		centroids_of;	/* generation that wrote the centroids */
	BlockNumber *heads;

	/*
	 * NULL, or for each list: if it is new and came from a division, the
	 * number of rows that were divided among it and its siblings, else 0.
	 */
	int64	   *divided;
} VsAnnDirectory;

/*
 * Reads the directory that begins at root into the current memory context.
 * Errors: ERRCODE_INDEX_CORRUPTED.
 */
extern VsAnnDirectory *vs_ann_directory_read(const VsAnn *ann, BlockNumber root);

/*
 * Writes a directory to which no page leads yet, and returns its root.
 * Centroids that are already on disk (centroids_at) are not written again.
 * Needs the seal lock.  A crash afterwards leaves unreachable pages for
 * vs_ann_sweep.
 */
extern BlockNumber vs_ann_directory_write(const VsAnn *ann, const VsAnnDirectory *dir,
										  uint32 epoch);

/*
 * Calls visit for each directory page and, if centroids is true, for each
 * centroid page.  No lock is held during the calls.
 */
extern void vs_ann_directory_pages(const VsAnn *ann, BlockNumber root, bool centroids,
								   void (*visit) (BlockNumber block, void *arg),
								   void *arg);

/*
 * Writes a center (padded floats) and returns its first page.  Needs the seal
 * lock.
 */
extern BlockNumber vs_ann_centre_write(const VsAnn *ann, const float *centre, uint32 epoch);

/* Reads the center that begins at block into padded floats. */
extern void vs_ann_centre_read(const VsAnn *ann, BlockNumber block, float *centre);

/* Calls visit for each page of the center that begins at block. */
extern void vs_ann_centre_pages(const VsAnn *ann, BlockNumber block,
								void (*visit) (BlockNumber block, void *arg), void *arg);

/*
 * A directory that the backend keeps for scans, with centroids packed for
 * ranking.
 */
typedef struct VsAnnCache
{
	uint32		generation;
	uint32		centroids_of;	/* see VsAnnDirectory */
	int			nlists;
	bool		has_mean;
	float	   *mean;
	const VsAssign *assign;
	BlockNumber *heads;
	MemoryContext context;
} VsAnnCache;

/*
 * Returns the directory that meta names; meta must have one.  The result is
 * valid until the next call.  An error while a directory is loaded leaves no
 * cache entry for the index.
 */
extern const VsAnnCache *vs_ann_cache_get(const VsAnn *ann, const VsAnnMetaData *meta);

/* Drops the cached directory of an index that is being built. */
extern void vs_ann_cache_forget(Relation index);

#endif							/* VS_ANN_DIRECTORY_H */
