/*-------------------------------------------------------------------------
 * ann_value.h
 *	  Values of the indexed types: payloads, floats, codes, exact distances.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_VALUE_H
#define VS_ANN_VALUE_H

#include "ann/page/ann_change.h"
#include "quant/quant.h"

/*
 * A payload is a value without its length word, as the value store gives it:
 * 4 bytes past an alignment boundary.
 */
extern Size vs_ann_payload_bytes(VsAnnValueKind kind, int dim);
extern int	vs_ann_payload_dim(VsAnnValueKind kind, const void *payload);

/* Raises ERRCODE_DATA_CORRUPTED unless vs_ann_payload_fits. */
extern void vs_ann_payload_check(VsAnnValueKind kind, const void *payload, Size bytes);

/* Whether a payload of that many bytes has the dimension that it says. */
extern bool vs_ann_payload_fits(VsAnnValueKind kind, const void *payload, Size bytes);

/* dim floats, normalized under cosine; not for bits. */
extern void vs_ann_payload_floats(const VsAnnType *type, int dim,
								  const void *payload, float *out);

/*
 * The distance of two payloads in the quantizer's comparison unit (quant.h):
 * squared under L2.  NaN for a zero vector under cosine, as the operator.
 */
extern double vs_ann_payload_distance(const VsAnnType *type, int dim,
									  const void *query, const void *payload);

/* The operator's result, from a distance in the comparison unit. */
extern double vs_ann_operator_distance(VsQuantMetric metric, double distance);

/* Scratch to turn payloads into rotated floats and codes. */
typedef struct VsAnnCoder
{
	const VsAnn *ann;
	float	   *raw;			/* dim */
	float	   *rotated;		/* padded */
	float	   *origin;			/* padded zeros */
	uint8	   *code;
	uint8	   *extra;
	VsQuantFactors factors;
	VsQuantFactors extra_factors;
} VsAnnCoder;

/* Allocates the scratch in the current memory context. */
extern void vs_ann_coder_init(VsAnnCoder *coder, const VsAnn *ann);

/*
 * The payload in the space that centroids live in: normalized if need be and
 * rotated; bits become floats 0 and 1 unrotated.  padded floats.
 */
extern void vs_ann_coder_rotate(VsAnnCoder *coder, const void *payload, float *rotated);

/* The padded floats 0 and 1 that a code of bits stands for. */
extern void vs_ann_code_floats(const VsAnn *ann, const uint8 *code, float *out);

/*
 * Fills code and factors (and, with_extra, the extra ones) of a row against a
 * centroid.  Under Hamming, where codes are the bits, rotated and centroid are
 * not used.
 */
extern void vs_ann_coder_encode(VsAnnCoder *coder, const void *payload,
								const float *rotated, const float *centroid,
								bool with_extra);

#endif							/* VS_ANN_VALUE_H */
