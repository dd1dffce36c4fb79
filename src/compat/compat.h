/*-------------------------------------------------------------------------
 * compat.h
 *	  Differences between PostgreSQL 15, 16, 17 and 18.
 *
 * PG_VERSION_NUM is tested only here and in ann_compat.h, which has what only
 * vecann needs.
 *-------------------------------------------------------------------------
 */
#ifndef VS_COMPAT_H
#define VS_COMPAT_H

#include "postgres.h"

#include "access/tableam.h"
#include "access/transam.h"
#include "commands/vacuum.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "storage/bufmgr.h"
#include "utils/snapmgr.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#endif

/*
 * 16 added soft errors.  Before, an input function can only throw; the return
 * is then not reached.
 */
#if PG_VERSION_NUM < 160000
#define ereturn(escontext, dummy_value, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/*
 * 18 added pg_noreturn, which stands before the declaration.
 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * The permissions that a statement needs left the range table in 16; parameters
 * of ExecutorCheckPerms_hook.
 */
#if PG_VERSION_NUM >= 160000
#define VS_CHECK_PERMS_PARAMETERS List *range_table, List *perm_infos, bool report
#define VS_CHECK_PERMS_ARGUMENTS range_table, perm_infos, report
#define VS_CHECK_PERMS_LIST perm_infos
typedef RTEPermissionInfo VsRelationPerms;
#else
#define VS_CHECK_PERMS_PARAMETERS List *range_table, bool report
#define VS_CHECK_PERMS_ARGUMENTS range_table, report
#define VS_CHECK_PERMS_LIST range_table
typedef RangeTblEntry VsRelationPerms;
#endif

/*
 * From 16 on heap_update reports itself which indexes need a new entry, as
 * one of three values.
 */
#if PG_VERSION_NUM >= 160000
#define VS_UPDATE_TELLS_INDEXES 1
typedef TU_UpdateIndexes VsUpdateIndexes;
#else
#define VS_UPDATE_TELLS_INDEXES 0
typedef bool VsUpdateIndexes;
#endif

/*
 * 16 renamed fields of PgStat_StatTabEntry.
 */
#if PG_VERSION_NUM >= 160000
#define VS_STAT_LIVE_TUPLES(entry) ((entry)->live_tuples)
#define VS_STAT_DEAD_TUPLES(entry) ((entry)->dead_tuples)
#else
#define VS_STAT_LIVE_TUPLES(entry) ((entry)->n_live_tuples)
#define VS_STAT_DEAD_TUPLES(entry) ((entry)->n_dead_tuples)
#endif

/*
 * 16 renamed RelFileNode, which identifies a physical relation.
 */
#if PG_VERSION_NUM >= 160000
#include "storage/relfilelocator.h"
typedef RelFileLocator VsRelFileLocator;
#define VS_REL_LOCATOR(rel) ((rel)->rd_locator)
#else
#include "storage/relfilenode.h"
typedef RelFileNode VsRelFileLocator;
#define VS_REL_LOCATOR(rel) ((rel)->rd_node)
#endif

/*
 * 16 added the argument copy to tuplesort_getdatum, which always copied
 * before.
 */
#if PG_VERSION_NUM >= 160000
#define VS_TUPLESORT_GETDATUM(state, value, isnull) \
	tuplesort_getdatum(state, true, true, value, isnull, NULL)
#else
#define VS_TUPLESORT_GETDATUM(state, value, isnull) \
	tuplesort_getdatum(state, true, value, isnull, NULL)
#endif

/*
 * 17 moved the local transaction id and renamed the test for autovacuum.
 */
#if PG_VERSION_NUM >= 170000
#define VS_MY_LXID (MyProc->vxid.lxid)
#define VS_IS_AUTOVACUUM_WORKER() AmAutoVacuumWorkerProcess()
#else
#define VS_MY_LXID (MyProc->lxid)
#define VS_IS_AUTOVACUUM_WORKER() IsAutoVacuumWorkerProcess()
#endif

/*
 * Up to 16, old_snapshot_threshold lets VACUUM remove rows that a snapshot
 * still sees.
 */
#if PG_VERSION_NUM < 170000
#define VS_SNAPSHOTS_GROW_OLD() (old_snapshot_threshold >= 0)

/*
 * Throw "snapshot too old" if the oldest snapshot of the backend is, and the
 * page was changed since it was taken.
 */
static inline void
vs_compat_test_old_snapshot(Relation rel, Page page)
{
	if (VS_SNAPSHOTS_GROW_OLD())
		TestForOldSnapshot(GetOldestSnapshot(), rel, page);
}
#else
#define VS_SNAPSHOTS_GROW_OLD() false
#define vs_compat_test_old_snapshot(rel, page) ((void) 0)
#endif

/*
 * 18 added the counters of EXPLAIN ANALYZE to index_beginscan.  The scans
 * that vecstore begins itself are not counted.
 */
#if PG_VERSION_NUM >= 180000
#define VS_INDEX_BEGINSCAN(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys)
#else
#define VS_INDEX_BEGINSCAN(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#endif

/*
 * In them an access method counts its searches, which EXPLAIN shows as Index
 * Searches.
 */
#if PG_VERSION_NUM >= 180000
#define VS_COUNT_INDEX_SEARCH(scan) \
	do { \
		if ((scan)->instrument) \
			(scan)->instrument->nsearches++; \
	} while (0)
#else
#define VS_COUNT_INDEX_SEARCH(scan) ((void) (scan))
#endif

/*
 * 18 added the argument is_analyze, which 17 and older do not have.
 */
#if PG_VERSION_NUM >= 180000
#define VS_VACUUM_DELAY_POINT() vacuum_delay_point(false)
#else
#define VS_VACUUM_DELAY_POINT() vacuum_delay_point()
#endif

/*
 * Whether the server warns of transaction ids that run out, before it refuses
 * new ones.  17 renamed the variable.
 */
#if PG_VERSION_NUM >= 170000
#define VS_XIDS_RUN_OUT() \
	TransactionIdFollowsOrEquals(ReadNextTransactionId(), TransamVariables->xidWarnLimit)
#else
#define VS_XIDS_RUN_OUT() \
	TransactionIdFollowsOrEquals(ReadNextTransactionId(), ShmemVariableCache->xidWarnLimit)
#endif

/*
 * From 18 on an extension can add lines to a plan node in EXPLAIN.
 */
#if PG_VERSION_NUM >= 180000
#include "commands/explain.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#define VS_HAS_EXPLAIN_HOOK 1
#else
#define VS_HAS_EXPLAIN_HOOK 0
#endif

/*
 * Keep the planner from choosing a path, beside setting a very high cost.  18
 * compares the numbers of disabled nodes before the costs, so the path gets
 * more of them than any other path of a relation.
 */
#if PG_VERSION_NUM >= 180000
#define VS_FORBID_PATH(path) ((path)->disabled_nodes = 100)
#else
#define VS_FORBID_PATH(path) ((void) (path))
#endif

/*
 * An item of the planner's lists of mergejoinable outer join clauses: 16
 * wrapped the RestrictInfo.
 */
#if PG_VERSION_NUM >= 160000
#define VS_OUTER_JOIN_CLAUSE(item) (((OuterJoinClauseInfo *) (item))->rinfo)
#else
#define VS_OUTER_JOIN_CLAUSE(item) ((RestrictInfo *) (item))
#endif

/*
 * 17 added the privilege MAINTAIN, for VACUUM and similar commands; 0 is
 * none.
 */
#if PG_VERSION_NUM >= 170000
#define VS_ACL_MAINTAIN ACL_MAINTAIN
#else
#define VS_ACL_MAINTAIN 0
#endif

/*
 * 16 has one function for the ownership of all kinds of objects.
 */
#if PG_VERSION_NUM >= 160000
#define VS_OWNS_RELATION(relid, roleid) object_ownercheck(RelationRelationId, relid, roleid)
#else
#define VS_OWNS_RELATION(relid, roleid) pg_class_ownercheck(relid, roleid)
#endif

/*
 * 17 lets the caller provide the lexer; NULL makes one, as before.
 */
#if PG_VERSION_NUM >= 170000
#define VS_JSON_LEXER(text, len, escapes) \
	makeJsonLexContextCstringLen(NULL, text, len, GetDatabaseEncoding(), escapes)
#else
#define VS_JSON_LEXER(text, len, escapes) \
	makeJsonLexContextCstringLen((char *) (text), len, GetDatabaseEncoding(), escapes)
#endif

#endif							/* VS_COMPAT_H */
