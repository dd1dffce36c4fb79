/*-------------------------------------------------------------------------
 * ann_value.c
 *	  Values of the indexed types: payloads, floats, exact distances.
 *
 * Distances are in the quantizer's comparison unit (quant.h), so that bounds
 * and exact distances compare: under L2 they are squared.  They come from the
 * operators' kernels with the operators' argument order (row, query).  So an
 * index scan orders rows as a sort of the operator's results does.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/varbit.h"

#include "ann/base/ann_value.h"
#include "ann/page/ann_change.h"
#include "compat/compat.h"
#include "quant/quant.h"
#include "simd/simd.h"
#include "types/vector.h"

/* a payload is the type's struct without its length word */
#define DENSE_HEADER	(offsetof(Vector, x) - VARHDRSZ)
#define BIT_HEADER		(offsetof(VarBit, bit_dat) - VARHDRSZ)

#define FLOATS(payload)	((const float *) ((const char *) (payload) + DENSE_HEADER))
#define HALVES(payload)	((const VsHalf *) ((const char *) (payload) + DENSE_HEADER))
#define BITS(payload)	((const uint8_t *) ((const char *) (payload) + BIT_HEADER))

Size
vs_ann_payload_bytes(VsAnnValueKind kind, int dim)
{
	switch (kind)
	{
		case VS_ANN_VECTOR:
			return VECTOR_SIZE(dim) - VARHDRSZ;
		case VS_ANN_HALFVEC:
			return HALFVEC_SIZE(dim) - VARHDRSZ;
		case VS_ANN_BIT:
			return VARBITTOTALLEN(dim) - VARHDRSZ;
	}
	return 0;
}

int
vs_ann_payload_dim(VsAnnValueKind kind, const void *payload)
{
	int32		bits;
	int16		dim;

	if (kind == VS_ANN_BIT)
	{
		memcpy(&bits, payload, sizeof(bits));
		return bits;
	}
	memcpy(&dim, payload, sizeof(dim));
	return dim;
}

bool
vs_ann_payload_fits(VsAnnValueKind kind, const void *payload, Size bytes)
{
	int			dim;

	if (bytes < (kind == VS_ANN_BIT ? BIT_HEADER : DENSE_HEADER))
		return false;
	dim = vs_ann_payload_dim(kind, payload);
	return dim >= 0 && bytes == vs_ann_payload_bytes(kind, dim);
}

void
vs_ann_payload_check(VsAnnValueKind kind, const void *payload, Size bytes)
{
	if (unlikely(!vs_ann_payload_fits(kind, payload, bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value of %zu bytes does not have the size that its dimension needs", bytes)));
}

/* Scales a vector to norm 1.  A zero vector stays zero. */
static void
normalize(int dim, float *x)
{
	double		sum = 0;

	for (int i = 0; i < dim; i++)
		sum += (double) x[i] * x[i];
	if (sum > 0)
	{
		double		scale = 1.0 / sqrt(sum);

		for (int i = 0; i < dim; i++)
			x[i] = (float) (x[i] * scale);
	}
}

void
vs_ann_payload_floats(const VsAnnType *type, int dim, const void *payload, float *out)
{
	if (type->kind == VS_ANN_HALFVEC)
		vs_kernels->half_to_float(dim, HALVES(payload), out);
	else
		memcpy(out, FLOATS(payload), sizeof(float) * dim);
	if (type->metric == VS_QUANT_COSINE)
		normalize(dim, out);
}

/* Returns NaN for a zero vector, as the operator does. */
static double
cosine_distance(const float sums[3])
{
	double		cosine = sums[0] / sqrt((double) sums[1] * sums[2]);

	if (cosine > 1.0)
		cosine = 1.0;
	if (cosine < -1.0)
		cosine = -1.0;
	return 1.0 - cosine;
}

double
vs_ann_payload_distance(const VsAnnType *type, int dim, const void *query,
						const void *payload)
{
	bool		half = type->kind == VS_ANN_HALFVEC;
	float		sums[3];

	switch (type->metric)
	{
		case VS_QUANT_L2:
			return half ?
				vs_kernels->l2_squared_f16(dim, HALVES(payload), HALVES(query)) :
				vs_kernels->l2_squared_f32(dim, FLOATS(payload), FLOATS(query));
		case VS_QUANT_IP:
			return half ?
				-vs_kernels->inner_product_f16(dim, HALVES(payload), HALVES(query)) :
				-vs_kernels->inner_product_f32(dim, FLOATS(payload), FLOATS(query));
		case VS_QUANT_COSINE:
			if (half)
				vs_kernels->cosine_f16(dim, HALVES(payload), HALVES(query), sums);
			else
				vs_kernels->cosine_f32(dim, FLOATS(payload), FLOATS(query), sums);
			return cosine_distance(sums);
		case VS_QUANT_HAMMING:
			return (double) vs_kernels->hamming((dim + BITS_PER_BYTE - 1) / BITS_PER_BYTE,
												BITS(payload), BITS(query));
	}
	return 0;
}

double
vs_ann_operator_distance(VsQuantMetric metric, double distance)
{
	return metric == VS_QUANT_L2 ? sqrt(distance) : distance;
}

void
vs_ann_coder_init(VsAnnCoder *coder, const VsAnn *ann)
{
	coder->ann = ann;
	coder->raw = palloc0(sizeof(float) * ann->geo.padded);
	coder->rotated = palloc0(sizeof(float) * ann->geo.padded);
	coder->origin = palloc0(sizeof(float) * ann->geo.padded);
	coder->code = palloc0(ann->geo.code_bytes);
	coder->extra = palloc0(Max(ann->geo.extra_bytes, 1));
	memset(&coder->factors, 0, sizeof(VsQuantFactors));
	memset(&coder->extra_factors, 0, sizeof(VsQuantFactors));
}

void
vs_ann_coder_rotate(VsAnnCoder *coder, const void *payload, float *rotated)
{
	const VsAnn *ann = coder->ann;

	if (ann->type.metric == VS_QUANT_HAMMING)
	{
		vs_quant_bits_floats(&ann->spec, BITS(payload), rotated);
		memset(rotated + ann->spec.dim, 0, sizeof(float) * (ann->geo.padded - ann->spec.dim));
		return;
	}
	vs_ann_payload_floats(&ann->type, ann->spec.dim, payload, coder->raw);
	vs_quant_rotate(&ann->spec, 1, coder->raw, NULL, rotated);
}

void
vs_ann_code_floats(const VsAnn *ann, const uint8 *code, float *out)
{
	for (int i = 0; i < ann->geo.padded; i++)
		out[i] = (code[i / BITS_PER_BYTE] >> (i % BITS_PER_BYTE)) & 1;
}

void
vs_ann_coder_encode(VsAnnCoder *coder, const void *payload, const float *rotated,
					const float *centroid, bool with_extra)
{
	const VsAnn *ann = coder->ann;
	VsQuantSpec spec = ann->spec;

	if (ann->type.metric == VS_QUANT_HAMMING)
	{
		vs_quant_bits_code(&ann->spec, BITS(payload), coder->code);
		return;
	}
	if (!with_extra)
		spec.bits = 1;
	vs_quant_encode(&spec, rotated, centroid, coder->code, &coder->factors,
					coder->extra, &coder->extra_factors);
}
