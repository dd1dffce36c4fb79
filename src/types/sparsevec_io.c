/*-------------------------------------------------------------------------
 * sparsevec_io.c
 *	  Input, output and type modifier of sparsevec.
 *
 * sparsevec_text.c and sparsevec_wire.c read and write the two forms; this
 * file reports their faults as errors.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"

#include "compat/compat.h"
#include "types/dense.h"
#include "types/sparsevec.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_recv);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_send);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_typmod_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(vs_sparsevec_typmod);

/* by status: the faults whose messages contain nothing variable */
static const struct
{
	int			sqlstate;
	const char *message;
} messages[] =
	{
		[VS_SPARSE_NAN] =
			{ERRCODE_DATA_EXCEPTION, "NaN not allowed in sparsevec"},
		[VS_SPARSE_INFINITE] =
			{ERRCODE_DATA_EXCEPTION, "infinite value not allowed in sparsevec"},
		[VS_SPARSE_ZERO] =
			{ERRCODE_INVALID_BINARY_REPRESENTATION,
			 "binary representation of sparsevec cannot contain zero values"},
		[VS_SPARSE_NO_DIM] =
			{ERRCODE_DATA_EXCEPTION, "sparsevec must have at least 1 dimension"},
		[VS_SPARSE_MANY_DIMS] =
			{ERRCODE_PROGRAM_LIMIT_EXCEEDED,
			 "sparsevec cannot have more than " CppAsString2(VS_SPARSE_MAX_DIM) " dimensions"},
		[VS_SPARSE_NEGATIVE_NNZ] =
			{ERRCODE_INVALID_BINARY_REPRESENTATION,
			 "sparsevec cannot have negative number of elements"},
		[VS_SPARSE_MANY_ELEMENTS] =
			{ERRCODE_PROGRAM_LIMIT_EXCEEDED,
			 "sparsevec cannot have more than " CppAsString2(VS_SPARSE_MAX_NNZ) " non-zero elements"},
		[VS_SPARSE_OVERFULL] =
			{ERRCODE_DATA_EXCEPTION, "sparsevec cannot have more elements than dimensions"},
		[VS_SPARSE_INDEX_BOUNDS] =
			{ERRCODE_DATA_EXCEPTION, "sparsevec index out of bounds"},
		[VS_SPARSE_INDEX_ORDER] =
			{ERRCODE_DATA_EXCEPTION, "sparsevec indices must be in ascending order"},
		[VS_SPARSE_INDEX_TWICE] =
			{ERRCODE_DATA_EXCEPTION, "sparsevec indices must not contain duplicates"},
		[VS_SPARSE_TRUNCATED] =
			{ERRCODE_PROTOCOL_VIOLATION, "insufficient data left in message"},
};

/*
 * Report a fault: save it in escontext if that is an ErrorSaveContext, else
 * throw.  text is the input, or NULL for the binary form.  Returns false.
 */
static bool
report(const VsSparseFault *fault, const char *text, Node *escontext)
{
	if (fault->status == VS_SPARSE_SYNTAX)
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "sparsevec", text),
				 errdetail("Expected %s at byte %zu.", fault->wanted, fault->at + 1)));
	if (fault->status == VS_SPARSE_RANGE)
		ereturn(escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%.*s\" is out of range for type sparsevec",
						(int) Min(fault->length, 100), text + fault->at)));
	if (fault->status == VS_SPARSE_UNUSED)
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("expected unused to be 0, not %d", fault->number)));

	ereturn(escontext, false,
			(errcode(messages[fault->status].sqlstate),
			 errmsg("%s", messages[fault->status].message)));
}

void
vs_sparsevec_damaged(const SparseVector *v)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("sparsevec of %zu bytes has other elements than it says", (Size) VARSIZE(v))));
}

void
vs_sparsevec_fail(VsSparseStatus status)
{
	VsSparseFault fault = {.status = status};

	report(&fault, NULL, NULL);
	pg_unreachable();
}

SparseVector *
vs_sparsevec_new(int32 dim, int nnz)
{
	SparseVector *v = palloc(SPARSEVEC_SIZE(nnz));

	SET_VARSIZE(v, SPARSEVEC_SIZE(nnz));
	v->dim = dim;
	v->nnz = nnz;
	v->unused = 0;
	return v;
}

Datum
vs_sparsevec_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	VsSparseElement *elements;
	VsSparseFault fault;
	SparseVector *v;
	int32		dim;
	int			nnz;

	elements = palloc(sizeof(VsSparseElement) * vs_sparsevec_text_room(text));
	if (!vs_sparsevec_text_parse(text, elements, &dim, &nnz, &fault))
	{
		report(&fault, text, fcinfo->context);
		PG_RETURN_NULL();
	}
	if (!vs_types_typmod_check(typmod, dim, fcinfo->context))
		PG_RETURN_NULL();

	v = vs_sparsevec_new(dim, nnz);
	for (int i = 0; i < nnz; i++)
	{
		v->indices[i] = elements[i].index;
		SPARSEVEC_VALUES(v)[i] = elements[i].value;
	}
	pfree(elements);
	PG_RETURN_POINTER(v);
}

Datum
vs_sparsevec_out(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	char	   *text = palloc(VS_SPARSE_PRINT_ROOM(v->nnz));

	vs_sparsevec_text_print(v, text);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_CSTRING(text);
}

/* The caller reports bytes that are left after the value. */
Datum
vs_sparsevec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	const uint8 *data = (const uint8 *) message->data + message->cursor;
	VsSparseFault fault;
	SparseVector *v = NULL;
	int32		dim;
	int32		nnz;

	if (vs_sparsevec_wire_header(data, message->len - message->cursor,
								 &dim, &nnz, &fault))
	{
		(void) vs_types_typmod_check(typmod, dim, NULL);
		v = vs_sparsevec_new(dim, nnz);
		vs_sparsevec_wire_parse(data, v, &fault);
	}
	if (fault.status != VS_SPARSE_OK)
		report(&fault, NULL, NULL);

	message->cursor += VS_SPARSE_WIRE_SIZE(nnz);
	PG_RETURN_POINTER(v);
}

Datum
vs_sparsevec_send(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);
	Size		size = VARHDRSZ + VS_SPARSE_WIRE_SIZE(v->nnz);
	bytea	   *result = palloc(size);

	SET_VARSIZE(result, size);
	vs_sparsevec_wire_print(v, (uint8 *) VARDATA(result));
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_BYTEA_P(result);
}

Datum
vs_sparsevec_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType  *modifiers = PG_GETARG_ARRAYTYPE_P(0);

	PG_RETURN_INT32(vs_types_typmod_in(modifiers, "sparsevec", VS_SPARSE_MAX_DIM));
}

/* sparsevec(sparsevec, integer, boolean): enforce the type modifier. */
Datum
vs_sparsevec_typmod(PG_FUNCTION_ARGS)
{
	SparseVector *v = PG_GETARG_SPARSEVEC_P(0);

	(void) vs_types_typmod_check(PG_GETARG_INT32(1), v->dim, NULL);
	PG_RETURN_POINTER(v);
}
