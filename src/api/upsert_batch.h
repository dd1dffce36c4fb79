/*-------------------------------------------------------------------------
 * upsert_batch.h
 *	  The parts of a batch, for upsert_batch.c, which fills it, and
 *	  upsert_run.c, which writes it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_UPSERT_BATCH_H
#define VS_UPSERT_BATCH_H

#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/sortsupport.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

#include "api/api_internal.h"

/* A set of columns that rows give, of rows with or without a key. */
typedef struct Pattern
{
	Bitmapset  *given;
	bool		keyless;
} Pattern;

struct UpsertBatch
{
	Relation	rel;
	Collection *c;
	UpsertOptions options;
	MemoryContext mcxt;
	MemoryContext row_mcxt;		/* reset by each added row */
	EState	   *estate;
	UpsertPlace place;

	Tuplesortstate *keyed;		/* rows with a key, being sorted */
	Tuplestorestate *keyless;	/* rows without a key, in order */
	TupleTableSlot *row_slot;	/* virtual, to add rows */
	int64		nkeyless;
	int64		nkeyed;
	int			work_mem_kb;
	SortSupport key_order;		/* to recognize equal keys */

	Pattern    *patterns;
	int			npatterns;
	int			max_patterns;
	HTAB	   *pattern_index[2];	/* by keyless; NULL if patterns are few */
	ExprState **defaults;		/* by attno - 1, prepared at first use */
	bool	   *default_ready;
	PartitionCheck *partition;

	/* while the statement runs */
	int64		cookie;			/* its calls of batch_row() etc. must have it */
	int			pattern;		/* of the row being written */
	bool		merged;			/* that row was filled from the stored one */
	bool		conflict;		/* its key existed already */
	UpsertCounts counts;
};

/*
 * Evaluates a column's default.  The value lives in the per-tuple context of
 * the batch's executor state.
 */
extern Datum vs_api_batch_default(UpsertBatch *batch, AttrNumber attno, bool *isnull);

#endif							/* VS_UPSERT_BATCH_H */
