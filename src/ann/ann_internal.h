/*-------------------------------------------------------------------------
 * ann_internal.h
 *	  What the files of src/ann share.  README.md has the map and lock order.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INTERNAL_H
#define VS_ANN_INTERNAL_H

#include "ann/ann.h"
#include "ann/am/ann_am.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_lock.h"
#include "ann/base/ann_memory.h"
#include "ann/base/ann_options.h"
#include "ann/base/ann_progress.h"
#include "ann/base/ann_value.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/insert/ann_insert.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "ann/page/ann_pending.h"
#include "ann/seal/ann_assign.h"
#include "ann/seal/ann_dead.h"
#include "ann/seal/ann_list_copy.h"
#include "ann/seal/ann_plan.h"
#include "ann/seal/ann_seal.h"
#include "ann/seal/ann_spool.h"

#include "access/amapi.h"
#include "access/generic_xlog.h"
#include "access/genam.h"
#include "access/reloptions.h"
#include "nodes/execnodes.h"
#include "storage/buffile.h"
#include "storage/bufmgr.h"
#include "storage/sharedfileset.h"

#include "quant/kmeans.h"
#include "quant/quant.h"
#include "store/store.h"
#include "util/recent_pages.h"

/* ---- inspection (ann_inspect.c) ---- */

extern Relation vs_ann_open_for_inspection(Oid indexoid, Relation *heap);
extern void vs_ann_refuse_foreign_temporary(Relation index);

/* ---- EXPLAIN (ann_explain.c) ---- */

extern void vs_ann_explain_init(void);

/* Rows emitted for which a scan scores as many lists as at its beginning again. */
#define VS_ANN_ROWS_PER_ROUND	128

/* lists scanned first by an index of so many (ann_cost.c) */
extern int	vs_ann_probes_of(int nlists, int64 rows);

#endif							/* VS_ANN_INTERNAL_H */
