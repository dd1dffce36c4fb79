/*-------------------------------------------------------------------------
 * ann_init.c
 *	  What the access method does when the library is loaded.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ann/ann.h"
#include "ann/base/ann_options.h"
#include "ann/insert/ann_held_rows.h"
#include "ann/scan/ann_explain.h"
#include "quant/quant.h"

void
vs_ann_init(void)
{
	vs_quant_init();
	vs_ann_options_init();
	vs_ann_held_init();
	vs_ann_explain_init();
}
