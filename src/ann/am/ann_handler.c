/*-------------------------------------------------------------------------
 * ann_handler.c
 *	  The index access method's handler, its operator classes, their validation.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ann/am/ann_am.h"
#include "ann/base/ann_options.h"
#include "ann/base/ann_progress.h"
#include "ann/build/ann_build.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/insert/ann_insert.h"
#include "ann/page/ann_change.h"
#include "ann/scan/ann_scan.h"
#include "quant/quant.h"
#include "types/vector.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_ann_handler);

/*
 * amgettuple.  The first call of a scan writes the rows that this backend
 * holds back, so that the scan finds them (invariant A10).
 */
static bool
get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	if (!vs_ann_scan_started(scan))
		vs_ann_held_write(scan->indexRelation);
	return vs_ann_gettuple(scan, direction);
}

Datum
vs_ann_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = 1;
	am->amsupport = 1;
	am->amcanorderbyop = true;
	/* a scan has no condition on the column, only an order by it */
	am->amoptionalkey = true;
	am->amusemaintenanceworkmem = true;
	am->amkeytype = InvalidOid;

	am->ambuild = vs_ann_build;
	am->ambuildempty = vs_ann_buildempty;
	am->aminsert = vs_ann_insert;
	am->ambulkdelete = vs_ann_bulkdelete;
	am->amvacuumcleanup = vs_ann_vacuumcleanup;
	am->amcostestimate = vs_ann_costestimate;
	am->amoptions = vs_ann_options;
	am->ambuildphasename = vs_ann_phasename;
	am->amvalidate = vs_ann_validate;
	am->ambeginscan = vs_ann_beginscan;
	am->amrescan = vs_ann_rescan;
	am->amgettuple = get_tuple;
	am->amendscan = vs_ann_endscan;
	PG_RETURN_POINTER(am);
}

/* Support function 1 of each operator class: its type, metric and limit. */
#define OPCLASS_TYPE(name, kind, metric, max_dim) \
	PGDLLEXPORT PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		static const VsAnnType type = {kind, metric, max_dim}; \
		PG_RETURN_POINTER(&type); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)

/*
 * A block of 32 codes of this length fits a pending page.  A seal must find
 * the code of each row there, since the value store does not hold bits.
 */
#define MAX_BITS_INDEXED 1856

OPCLASS_TYPE(vs_ann_vector_l2, VS_ANN_VECTOR, VS_QUANT_L2, VS_MAX_DIM);
OPCLASS_TYPE(vs_ann_vector_ip, VS_ANN_VECTOR, VS_QUANT_IP, VS_MAX_DIM);
OPCLASS_TYPE(vs_ann_vector_cosine, VS_ANN_VECTOR, VS_QUANT_COSINE, VS_MAX_DIM);
OPCLASS_TYPE(vs_ann_halfvec_l2, VS_ANN_HALFVEC, VS_QUANT_L2, VS_MAX_DIM);
OPCLASS_TYPE(vs_ann_halfvec_ip, VS_ANN_HALFVEC, VS_QUANT_IP, VS_MAX_DIM);
OPCLASS_TYPE(vs_ann_halfvec_cosine, VS_ANN_HALFVEC, VS_QUANT_COSINE, VS_MAX_DIM);
OPCLASS_TYPE(vs_ann_bit_hamming, VS_ANN_BIT, VS_QUANT_HAMMING, MAX_BITS_INDEXED);

/*
 * A class has one ordering operator returning float8 and one support
 * function.
 */
bool
vs_ann_validate(Oid opclassoid)
{
	HeapTuple	classtup = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclassoid));
	Oid			family;
	CatCList   *list;
	bool		result = true;

	if (!HeapTupleIsValid(classtup))
		elog(ERROR, "cache lookup failed for operator class %u", opclassoid);
	family = ((Form_pg_opclass) GETSTRUCT(classtup))->opcfamily;
	ReleaseSysCache(classtup);

	list = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);

		if (op->amopstrategy != 1 || op->amoppurpose != AMOP_ORDER ||
			get_op_rettype(op->amopopr) != FLOAT8OID)
		{
			ereport(INFO,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("operator family %u of vecann has an operator that is not an ordering operator 1 returning float8",
							family)));
			result = false;
		}
	}
	ReleaseCatCacheList(list);

	list = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc) GETSTRUCT(&list->members[i]->tuple);

		if (proc->amprocnum != 1 || get_func_rettype(proc->amproc) != INTERNALOID)
		{
			ereport(INFO,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("operator family %u of vecann has support function %d, which vecann does not know",
							family, proc->amprocnum)));
			result = false;
		}
	}
	ReleaseCatCacheList(list);
	return result;
}
