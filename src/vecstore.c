/*-------------------------------------------------------------------------
 * vecstore.c
 *	  Module magic and load-time initialization.
 *
 * Nothing else lives here: each layer has one vs_<layer>_init(), called in
 * dependency order.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "ann/ann.h"
#include "api/api.h"
#include "inspect/inspect_build.h"
#include "simd/simd.h"
#include "store/store.h"
#include "util/stop_point.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	vs_simd_init();
	vs_stop_point_init();
	vs_store_init();
	vs_ann_init();
	vs_api_init();
	vs_inspect_build_init();
	/* the last: a setting that is not defined by now is mistyped */
	MarkGUCPrefixReserved("vecstore");
}
