/*-------------------------------------------------------------------------
 * bitvec.c
 *	  Hamming and Jaccard distance of PostgreSQL's own bit strings.
 *
 * The unused bits of the last byte are 0 (varbit.c ensures it), so whole
 * bytes can be counted.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/varbit.h"

#include "compat/compat.h"
#include "simd/simd.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_bit_hamming_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_bit_jaccard_distance);

static void
check_lengths(const VarBit *a, const VarBit *b)
{
	if (VARBITLEN(a) != VARBITLEN(b))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %d and %d", VARBITLEN(a), VARBITLEN(b))));
}

/* Return the number of bits that differ. */
Datum
vs_bit_hamming_distance(PG_FUNCTION_ARGS)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);
	uint64		differing;

	check_lengths(a, b);
	differing = vs_kernels->hamming(VARBITBYTES(a), VARBITS(a), VARBITS(b));
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8((double) differing);
}

/* Return 1 - |a and b| / |a or b|, or 1 if no bit is set in either. */
Datum
vs_bit_jaccard_distance(PG_FUNCTION_ARGS)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);
	uint64		both;
	uint64		either;

	check_lengths(a, b);
	vs_kernels->jaccard(VARBITBYTES(a), VARBITS(a), VARBITS(b), &both, &either);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	if (both == 0)
		PG_RETURN_FLOAT8(1);
	PG_RETURN_FLOAT8(1 - (double) both / (double) either);
}
