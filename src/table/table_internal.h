/*-------------------------------------------------------------------------
 * table_internal.h
 *	  The table access method's callbacks, shared by the files of table/ only.
 *
 * Needs, locks and errors of a callback are those that access/tableam.h
 * describes.  In addition, a callback that writes opens the value store with
 * RowExclusiveLock, held to the end of the transaction, and can fail because
 * the store is full.
 *-------------------------------------------------------------------------
 */
#ifndef VS_TABLE_INTERNAL_H
#define VS_TABLE_INTERNAL_H

#include "postgres.h"

#include "access/tableam.h"
#include "compat/compat.h"
#include "table/table_row.h"

/* heapam's routine, which does all that is not named here */
extern const TableAmRoutine *vs_table_heap;

/* table_insert.c */
extern void vs_table_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid,
								  int options, BulkInsertState bistate);
extern void vs_table_tuple_insert_speculative(Relation rel, TupleTableSlot *slot,
											  CommandId cid, int options,
											  BulkInsertState bistate, uint32 token);
extern void vs_table_tuple_complete_speculative(Relation rel, TupleTableSlot *slot,
												uint32 token, bool succeeded);
extern void vs_table_multi_insert(Relation rel, TupleTableSlot **slots, int nslots,
								  CommandId cid, int options, BulkInsertState bistate);

/* table_update.c */
extern TM_Result vs_table_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot,
									   CommandId cid, Snapshot snapshot, Snapshot crosscheck,
									   bool wait, TM_FailureData *failure,
									   LockTupleMode *lockmode,
									   VsUpdateIndexes *update_indexes);
extern TM_Result vs_table_tuple_delete(Relation rel, ItemPointer tid, CommandId cid,
									   Snapshot snapshot, Snapshot crosscheck, bool wait,
									   TM_FailureData *failure, bool changing_partition);
/*
 * Releases all values that the tuple points to (vs_store_release).  Call it
 * after the row's own update, delete or withdrawal has succeeded.
 */
extern void vs_table_release_values(Relation rel, HeapTuple tuple, CommandId cid,
									bool speculative);

/* table_names.c */

/*
 * Calls the function for every value that row versions on the page name: those
 * that the snapshot sees, or all with InvalidSnapshot.  Returns false if it
 * meets a damaged one.  The buffer must be share-locked.
 */
typedef void (*VsNameFunction) (void *arg, Oid address);

extern bool vs_page_names(Relation rel, Buffer buffer, Snapshot snapshot,
						  VsNameFunction function, void *arg);

/* table_vacuum.c */
extern void vs_table_relation_vacuum(Relation rel, struct VacuumParams *params,
									 BufferAccessStrategy strategy);

/* table_build.c */
extern double vs_table_index_build_range_scan(Relation rel, Relation index,
											  struct IndexInfo *info, bool allow_sync,
											  bool anyvisible, bool progress,
											  BlockNumber start, BlockNumber nblocks,
											  IndexBuildCallback callback, void *state,
											  TableScanDesc scan);

/* table_validate.c */
extern void vs_table_index_validate_scan(Relation rel, Relation index,
										 struct IndexInfo *info, Snapshot snapshot,
										 struct ValidateIndexState *state);

/* table_rewrite.c */
extern void vs_table_copy_for_cluster(Relation old_rel, Relation new_rel, Relation index,
									  bool use_sort, TransactionId oldest_xmin,
									  TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
									  double *num_tuples, double *tups_vacuumed,
									  double *tups_recently_dead);

#endif							/* VS_TABLE_INTERNAL_H */
