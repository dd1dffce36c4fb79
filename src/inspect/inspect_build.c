/*-------------------------------------------------------------------------
 * inspect_build.c
 *	  The setting vecstore.simd and vecstore.build_info().
 *
 * The setting's values are the kernels that this processor runs; the error
 * about any other value lists them.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "inspect/inspect_build.h"
#include "simd/simd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

#define SIMD_AUTO 0				/* n > 0 is kernels[n - 1] */

static const VsKernels *kernels[VS_SIMD_MAX];
static int	kernel_count;

/* auto, the kernels' names, and the end mark */
static struct config_enum_entry simd_options[VS_SIMD_MAX + 2];
static int	simd_option = SIMD_AUTO;

static void
assign_simd(int option, void *extra)
{
	vs_kernels = kernels[option == SIMD_AUTO ? kernel_count - 1 : option - 1];
}

void
vs_inspect_build_init(void)
{
	int			i;

	kernel_count = vs_simd_available(kernels);
	simd_options[0].name = "auto";
	simd_options[0].val = SIMD_AUTO;
	for (i = 0; i < kernel_count; i++)
	{
		simd_options[i + 1].name = kernels[i]->name;
		simd_options[i + 1].val = i + 1;
	}

	DefineCustomEnumVariable("vecstore.simd",
							 "Instruction set of the distance kernels.",
							 "auto takes the widest that this processor runs.",
							 &simd_option,
							 SIMD_AUTO,
							 simd_options,
							 PGC_USERSET,
							 0,
							 NULL,
							 assign_simd,
							 NULL);
}

static Datum
available_names(void)
{
	Datum		names[VS_SIMD_MAX];
	int			i;

	for (i = 0; i < kernel_count; i++)
		names[i] = CStringGetTextDatum(kernels[i]->name);
	return PointerGetDatum(construct_array(names, kernel_count, TEXTOID,
										   -1, false, TYPALIGN_INT));
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_build_info);

Datum
vs_build_info(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	values[0] = CStringGetTextDatum(VS_VERSION);
	values[1] = CStringGetTextDatum(PG_VERSION);
	values[2] = CStringGetTextDatum(COMPILER);
	values[3] = CStringGetTextDatum(vs_kernels->name);
	values[4] = available_names();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
