/*-------------------------------------------------------------------------
 * ann_directory.h
 *	  The directory: every list's centroid and first page.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_DIRECTORY_H
#define VS_ANN_DIRECTORY_H

#include "ann/page/ann_change.h"
#include "ann/page/ann_page.h"
#include "quant/kmeans.h"

/* A directory read whole: centroids (rotated, relative to mean), heads. */
typedef struct VsAnnDirectory
{
	int			nlists;
	uint32		generation;
	float	   *mean;			/* padded; all zeros except under L2 */
	bool		has_mean;
	float	   *centroids;		/* nlists * padded, behind mean */
	float	   *centre;			/* mean of the sample if just trained, else NULL */
	BlockNumber centroids_at;	/* where they are on disk, 0 if nowhere */
	uint32		centroids_of;	/* generation that wrote them */
	BlockNumber *heads;
	int64	   *divided;		/* of a new list: the rows divided among it and others; or 0, or NULL */
} VsAnnDirectory;

/*
 * Reads the directory that begins at root into the current memory context.
 * Errors: ERRCODE_INDEX_CORRUPTED.
 */
extern VsAnnDirectory *vs_ann_directory_read(const VsAnn *ann, BlockNumber root);

/*
 * Writes a directory that nothing leads to yet; returns its root.  Centroids
 * that are on disk are not written again.  Needs the seal lock.
 */
extern BlockNumber vs_ann_directory_write(const VsAnn *ann, const VsAnnDirectory *dir,
										  uint32 epoch);

/* Calls visit for each directory page and, with centroids, each centroid page. */
extern void vs_ann_directory_pages(const VsAnn *ann, BlockNumber root, bool centroids,
								   void (*visit) (BlockNumber block, void *arg),
								   void *arg);

/* Writes a centre, padded floats; returns its first page.  Needs the seal lock. */
extern BlockNumber vs_ann_centre_write(const VsAnn *ann, const float *centre, uint32 epoch);

/* Reads the centre that begins at block: padded floats. */
extern void vs_ann_centre_read(const VsAnn *ann, BlockNumber block, float *centre);

/* Calls visit for each page of the centre that begins at block. */
extern void vs_ann_centre_pages(const VsAnn *ann, BlockNumber block,
								void (*visit) (BlockNumber block, void *arg), void *arg);

/* A directory kept by the backend for scans, with centroids packed. */
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
 * The directory that meta names, which must have one.  It is valid until the
 * next call; an error while it is loaded leaves no entry for the index.
 */
extern const VsAnnCache *vs_ann_cache_get(const VsAnn *ann, const VsAnnMetaData *meta);

/* Forgets what is kept of an index that is being built. */
extern void vs_ann_cache_forget(Relation index);

#endif							/* VS_ANN_DIRECTORY_H */
