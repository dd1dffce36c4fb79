/*-------------------------------------------------------------------------
 * ann_round.h
 *	  Rows on their way into lists, as many at a time as memory holds: read by
 *	  address, assigned, coded, sorted by list.
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
	char	   *items;			/* rows_at_once, to be filled by the caller */
	Size		item_size;
	float	   *rows;			/* rows_at_once * padded */
	int			rows_at_once;
	Size		entry_bytes;
	int			capacity;
	int			n;
	char	   *entries;		/* coded, in the order of arrival */
	int32	   *lists;			/* of each entry */
	VsAnnCoded **sorted;		/* vs_ann_round_sort: by list */
	int		   *starts;			/* nlists + 1: where each list's begin in sorted */
} VsAnnRound;

extern void vs_ann_round_begin(VsAnnRound *round, const VsAnn *ann, Relation heap,
							   const VsAnnDirectory *dir, int64 nrows, Size memory);
extern void vs_ann_round_add(VsAnnRound *round, int count, uint32 seal);
extern bool vs_ann_round_full(const VsAnnRound *round);
extern void vs_ann_round_sort(VsAnnRound *round);
extern void vs_ann_round_append(VsAnnRound *round, uint32 seal);
extern void vs_ann_round_end(VsAnnRound *round);

extern void vs_ann_read_items(const VsAnn *ann, VsStoreReader *reader, VsAnnCoder *coder,
							  char *items, int n, float *rows, int32 *found);
extern void vs_ann_subtract(float *rows, int64 n, int padded, const float *mean);

#endif							/* VS_ANN_ROUND_H */
