/*-------------------------------------------------------------------------
 * simd_float_template.h
 *	  The float distance kernels, written once for all instruction sets.
 *
 * Each instruction set's file includes this twice, for float and for half
 * elements.  It defines first:
 *
 *	VS_TARGET			function attribute that enables the instructions
 *	V					the type of a register of VS_LANES floats
 *	V_ZERO()			all lanes zero
 *	V_ADD(x, y)  V_SUB(x, y)  V_ABS(x)
 *	V_FMA(x, y, acc)	x * y + acc
 *	V_SUM(x)			sum of the lanes, a float
 *	VS_ELEM				element type of the arrays: float or VsHalf
 *	VS_NAME(base)		name of a function: base_f32 or base_f16
 *	V_LOAD(p)			VS_LANES elements from p, as floats
 *	V_LOAD_TAIL(p, n)	n elements, 0 < n < VS_LANES, and zeros in the other
 *						lanes; reads nothing from p + n on
 *
 * Lanes that are zero in both arrays add nothing to any sum, so the tail is
 * one more step of the main loop.  Four accumulators hide the latency of an
 * addition; more would not help, since the load ports are then busy.
 *
 * The last four macros are undefined at the end.
 *-------------------------------------------------------------------------
 */

#define L2_STEP(acc, x, y) \
	do { \
		V			d_ = V_SUB(x, y); \
		(acc) = V_FMA(d_, d_, acc); \
	} while (0)
#define IP_STEP(acc, x, y)	((acc) = V_FMA(x, y, acc))
#define L1_STEP(acc, x, y)	((acc) = V_ADD(acc, V_ABS(V_SUB(x, y))))

#define SUM_KERNEL(name, STEP) \
static VS_TARGET float \
name(int n, const VS_ELEM *a, const VS_ELEM *b) \
{ \
	V			s0 = V_ZERO(); \
	V			s1 = V_ZERO(); \
	V			s2 = V_ZERO(); \
	V			s3 = V_ZERO(); \
	int			i = 0; \
\
	for (; n - i >= 4 * VS_LANES; i += 4 * VS_LANES) \
	{ \
		STEP(s0, V_LOAD(a + i), V_LOAD(b + i)); \
		STEP(s1, V_LOAD(a + i + VS_LANES), V_LOAD(b + i + VS_LANES)); \
		STEP(s2, V_LOAD(a + i + 2 * VS_LANES), V_LOAD(b + i + 2 * VS_LANES)); \
		STEP(s3, V_LOAD(a + i + 3 * VS_LANES), V_LOAD(b + i + 3 * VS_LANES)); \
	} \
	for (; n - i >= VS_LANES; i += VS_LANES) \
		STEP(s0, V_LOAD(a + i), V_LOAD(b + i)); \
	if (i < n) \
		STEP(s1, V_LOAD_TAIL(a + i, n - i), V_LOAD_TAIL(b + i, n - i)); \
	return V_SUM(V_ADD(V_ADD(s0, s1), V_ADD(s2, s3))); \
}

SUM_KERNEL(VS_NAME(l2_squared), L2_STEP)
SUM_KERNEL(VS_NAME(inner_product), IP_STEP)
SUM_KERNEL(VS_NAME(l1), L1_STEP)

#define COSINE_STEP(k, x, y) \
	do { \
		V			x_ = (x); \
		V			y_ = (y); \
		ab##k = V_FMA(x_, y_, ab##k); \
		aa##k = V_FMA(x_, x_, aa##k); \
		bb##k = V_FMA(y_, y_, bb##k); \
	} while (0)

static VS_TARGET void
VS_NAME(cosine)(int n, const VS_ELEM *a, const VS_ELEM *b, float sums[3])
{
	V			ab0 = V_ZERO();
	V			aa0 = V_ZERO();
	V			bb0 = V_ZERO();
	V			ab1 = V_ZERO();
	V			aa1 = V_ZERO();
	V			bb1 = V_ZERO();
	int			i = 0;

	for (; n - i >= 2 * VS_LANES; i += 2 * VS_LANES)
	{
		COSINE_STEP(0, V_LOAD(a + i), V_LOAD(b + i));
		COSINE_STEP(1, V_LOAD(a + i + VS_LANES), V_LOAD(b + i + VS_LANES));
	}
	if (n - i >= VS_LANES)
	{
		COSINE_STEP(0, V_LOAD(a + i), V_LOAD(b + i));
		i += VS_LANES;
	}
	if (i < n)
		COSINE_STEP(1, V_LOAD_TAIL(a + i, n - i), V_LOAD_TAIL(b + i, n - i));
	sums[0] = V_SUM(V_ADD(ab0, ab1));
	sums[1] = V_SUM(V_ADD(aa0, aa1));
	sums[2] = V_SUM(V_ADD(bb0, bb1));
}

#undef L2_STEP
#undef IP_STEP
#undef L1_STEP
#undef SUM_KERNEL
#undef COSINE_STEP

#undef VS_ELEM
#undef VS_NAME
#undef V_LOAD
#undef V_LOAD_TAIL
