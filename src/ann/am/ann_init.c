/*-------------------------------------------------------------------------
 * ann_init.c
 *	  Initialization of the index access method when the library is loaded.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ann/am/ann_am.h"
#include "ann/ann.h"
#include "ann/base/ann_options.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/scan/ann_explain.h"
#include "ann/scan/ann_wanted.h"
#include "quant/quant.h"

void
vs_ann_init(void)
{
	vs_quant_init();
	vs_ann_options_init();
	vs_ann_held_init();
	vs_ann_explain_init();
	vs_ann_wanted_init();
	vs_ann_paths_init();
}
