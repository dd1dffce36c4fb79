/*-------------------------------------------------------------------------
 * ann_options.c
 *	  Settings (vecann.*) and index options (WITH (...)).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "ann/base/ann_options.h"
#include "quant/quant.h"
#include "types/vector.h"

/* above any sensible max_worker_processes */
#define MAX_BACKGROUND_SEALS	1024

int			vs_ann_probes = 0;
double		vs_ann_epsilon = VS_QUANT_EPSILON_DEFAULT;
bool		vs_ann_background_seals = true;
int			vs_ann_max_background_seals = 2;

static relopt_kind option_kind;

void
vs_ann_options_init(void)
{
	DefineCustomIntVariable("vecann.probes",
							"Lists of a vecann index that a scan searches before it returns rows.",
							"More lists give better recall and take more time. 0 lets the index choose; "
							"a number at or above the number of lists searches all.",
							&vs_ann_probes, 0, 0, INT_MAX, PGC_USERSET, 0,
							NULL, NULL, NULL);
	DefineCustomRealVariable("vecann.epsilon",
							 "Width of the error bound of a vecann index's codes.",
							 "A wider bound computes more exact distances and misses fewer neighbors "
							 "within the lists searched. At its maximum every distance is exact.",
							 &vs_ann_epsilon, VS_QUANT_EPSILON_DEFAULT, 0, VS_QUANT_EPSILON_MAX,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("vecann.background_seals",
							 "Whether a background worker seals when an insert finds too many pending rows.",
							 "Off, or without a free worker, the insert seals by itself.",
							 &vs_ann_background_seals, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vecann.max_background_seals",
							"Background workers that seal at the same time, on the whole server.",
							"They count among max_worker_processes. 0 turns background seals off.",
							&vs_ann_max_background_seals, 2, 0, MAX_BACKGROUND_SEALS, PGC_SIGHUP,
							0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("vecann");

	option_kind = add_reloption_kind();
	add_int_reloption(option_kind, "bits", "Bits per dimension of the codes",
					  VS_ANN_DEFAULT_BITS, VS_QUANT_MIN_BITS, VS_QUANT_MAX_BITS,
					  AccessExclusiveLock);
	add_int_reloption(option_kind, "pending_limit",
					  "Pending rows at which an insert seals them (0: never, -1: as many as a scan looks at in the lists)",
					  VS_ANN_PENDING_AUTO, VS_ANN_PENDING_AUTO, INT_MAX, ShareUpdateExclusiveLock);
	add_int_reloption(option_kind, "dimensions",
					  "Dimensions of the values, when the column does not declare them",
					  0, 0, 64000, AccessExclusiveLock);
}

bytea *
vs_ann_options(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"bits", RELOPT_TYPE_INT, offsetof(VsAnnOptions, bits)},
		{"pending_limit", RELOPT_TYPE_INT, offsetof(VsAnnOptions, pending_limit)},
		{"dimensions", RELOPT_TYPE_INT, offsetof(VsAnnOptions, dimensions)},
	};

	return (bytea *) build_reloptions(reloptions, validate, option_kind,
									  sizeof(VsAnnOptions), table, lengthof(table));
}

int
vs_ann_option_bits(Relation index)
{
	VsAnnOptions *options = (VsAnnOptions *) index->rd_options;

	return options ? options->bits : VS_ANN_DEFAULT_BITS;
}

int
vs_ann_option_pending_limit(Relation index)
{
	VsAnnOptions *options = (VsAnnOptions *) index->rd_options;

	return options ? options->pending_limit : VS_ANN_PENDING_AUTO;
}

int
vs_ann_option_dimensions(Relation index)
{
	VsAnnOptions *options = (VsAnnOptions *) index->rd_options;

	return options ? options->dimensions : 0;
}
