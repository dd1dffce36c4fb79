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
 * A payload is a value without its length word, as the value store returns
 * it: 4 bytes past an alignment boundary.  The functions return the size of a
 * payload of dim dimensions, and the dimension that a payload states.
 */
extern Size vs_ann_payload_bytes(VsAnnValueKind kind, int dim);
extern int	vs_ann_payload_dim(VsAnnValueKind kind, const void *payload);

/* Raises ERRCODE_DATA_CORRUPTED unless vs_ann_payload_fits. */
extern void vs_ann_payload_check(VsAnnValueKind kind, const void *payload, Size bytes);

/*
 * Returns whether a payload of the given size has the dimension that it
 * states.
 */
extern bool vs_ann_payload_fits(VsAnnValueKind kind, const void *payload, Size bytes);

/* Writes a payload as dim floats, normalized under cosine.  Not for bits. */
extern void vs_ann_payload_floats(const VsAnnType *type, int dim,
								  const void *payload, float *out);

/*
 * Returns the distance of two payloads in the quantizer's comparison unit
 * (quant.h): squared under L2.  Returns NaN for a zero vector under cosine,
 * as the operator does.
 */
extern double vs_ann_payload_distance(const VsAnnType *type, int dim,
									  const void *query, const void *payload);

/* Converts a distance in the comparison unit to the operator's result. */
extern double vs_ann_operator_distance(VsQuantMetric metric, double distance);

/* Scratch memory for turning payloads into rotated floats and codes. */
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
 * Writes the payload as padded floats in the space of the centroids:
 * normalized if the metric is cosine, then rotated.  Bits become floats 0 and
 * 1, not rotated.
 */
extern void vs_ann_coder_rotate(VsAnnCoder *coder, const void *payload, float *rotated);

/* Writes the padded floats 0 and 1 that a code of bits represents. */
extern void vs_ann_code_floats(const VsAnn *ann, const uint8 *code, float *out);

/*
 * Fills the code and factors of a row against a centroid and, if with_extra,
 * also the extra code and its factors.  Under Hamming the codes are the bits
 * themselves; rotated and centroid are not used.
 */
extern void vs_ann_coder_encode(VsAnnCoder *coder, const void *payload,
								const float *rotated, const float *centroid,
								bool with_extra);

#endif							/* VS_ANN_VALUE_H */
