/*-------------------------------------------------------------------------
 * ann_round.h
 *	  Rounds of rows on their way into lists.  A round takes as many rows as
 *	  memory holds: they are read by address, assigned, coded and sorted by
 *	  list.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_ROUND_H
#define VS_ANN_ROUND_H

#include "ann/base/ann_value.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_list.h"
#include "quant/kmeans.h"
#include "store/store.h"

typedef struct VsAnnRound
{
	const VsAnn *ann;
	const VsAnnDirectory *dir;
	VsAssign   *assign;
	VsStoreReader *reader;
	VsAnnCoder	coder;
	char	   *items;			/* rows_at_once; the caller fills it */
	Size		item_size;
	float	   *rows;			/* rows_at_once * padded */
	int			rows_at_once;
	Size		entry_bytes;
	int			capacity;
	int			n;
	char	   *entries;		/* coded, in order of arrival */
	int32	   *lists;			/* list of each entry */
	VsAnnCoded **sorted;		/* the entries by list, after sorting */
	int		   *starts;			/* nlists + 1; first entry of each list */
} VsAnnRound;

/*
 * Begins a round in the current memory context, for at most nrows rows.
 * Coded entries take about the given number of bytes.  vs_ann_round_end must
 * follow.
 */
extern void vs_ann_round_begin(VsAnnRound *round, const VsAnn *ann, Relation heap,
							   const VsAnnDirectory *dir, int64 nrows, Size memory);

/*
 * Reads, assigns and codes the first count <= rows_at_once items, as entries
 * numbered seal.  The round must not be full.  A row whose value is gone is
 * left out.
 */
extern void vs_ann_round_add(VsAnnRound *round, int count, uint32 seal);

/* Returns whether the round has no room for rows_at_once more rows. */
extern bool vs_ann_round_full(const VsAnnRound *round);

/* Fills sorted and starts.  Entries of one list stay in order of arrival. */
extern void vs_ann_round_sort(VsAnnRound *round);

/*
 * Sorts the entries, appends them to their lists, which must exist, and
 * empties the round.  Needs the seal lock.
 */
extern void vs_ann_round_append(VsAnnRound *round, uint32 seal);

/* Ends the round.  Its memory is freed with its memory context. */
extern void vs_ann_round_end(VsAnnRound *round);

/*
 * Sorts n items by address, and writes their rotated values to rows in that
 * order.  Sets found[i] to whether the value of the i'th item is still there;
 * if not, its row is not written.
 */
extern void vs_ann_read_items(const VsAnn *ann, VsStoreReader *reader, VsAnnCoder *coder,
							  char *items, int n, float *rows, int32 *found);

/* Subtracts the mean from n rows of padded floats. */
extern void vs_ann_subtract(float *rows, int64 n, int padded, const float *mean);

#endif							/* VS_ANN_ROUND_H */
