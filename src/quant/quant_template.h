/*-------------------------------------------------------------------------
 * quant_template.h
 *	  Body of the float loops, included once by each instruction set's file.
 *
 * The includer defines
 *		WIDTH		floats in a vector: 4, 8 or 16
 *		LANES		0, 1, ... WIDTH - 1
 *		TARGET		__attribute__((target(...))) or nothing
 *		TILE_ROWS	rows of a tile
 * then includes quant_vector.h, defines the functions that need intrinsics
 *		sign_mask(v)	mask of the lanes that are below 0, or -0
 *		keep_less(&best, &list, d, i)	where d < best: best = d, list = i
 *		lowered(v, t, &w)	mask of the lanes that are not >= t;
 *							w = v with -INFINITY for NaN
 * and then this file, which defines static functions for its VsQuantKernels.
 * Arithmetic is on compiler vectors; the compiler fuses a * b + c.
 *
 * Clustering works in tiles.  A panel holds TILE_LISTS = 2 * WIDTH centroids
 * by dimension: panel[d * TILE_LISTS + list].  Rows are stored row by row.  A
 * tile is the inner products of TILE_ROWS rows and the centroids of a panel,
 * which stay in registers while d runs.  Then each lane keeps the nearest
 * list that it has met: best and best_list are [TILE_ROWS][TILE_LISTS].  The
 * caller takes the minimum over lanes after all panels.
 *-------------------------------------------------------------------------
 */

/* ---- rotation ---- */

/* Return v[i ^ h] + v[i] in lane i, or v[i ^ h] - v[i] where i has bit h. */
INLINE VF
lane_butterfly(VF v, const int h)
{
	VI			sign = ((lane_numbers() & h) != 0) & splat_int(INT32_MIN);

	return SHUFFLE(v, (VI){LANES} ^ h) + (VF) ((VI) v ^ sign);
}

TARGET static void
hadamard(int n, float *x)
{
	const float scale = 1.0f / sqrtf((float) n);
	int			h;
	int			i;
	int			j;

	for (i = 0; i < n; i += WIDTH)
	{
		VF			v = LOAD(x + i) * scale;

		v = lane_butterfly(v, 1);
		v = lane_butterfly(v, 2);
#if WIDTH > 4
		v = lane_butterfly(v, 4);
#endif
#if WIDTH > 8
		v = lane_butterfly(v, 8);
#endif
		STORE(x + i, v);
	}
	for (h = WIDTH; h < n; h *= 2)
		for (i = 0; i < n; i += 2 * h)
			for (j = i; j < i + h; j += WIDTH)
			{
				VF			a = LOAD(x + j);
				VF			b = LOAD(x + j + h);

				STORE(x + j, a + b);
				STORE(x + j + h, a - b);
			}
}

TARGET static void
flip_signs(int n, const uint64_t *signs, float *x)
{
	const VI	to_top = 31 - lane_numbers();

	for (int i = 0; i < n; i += WIDTH)
	{
		int32_t		bits = (int32_t) (signs[i / 64] >> (i % 64));
		VI			sign = (splat_int(bits) << to_top) & splat_int(INT32_MIN);

		STORE(x + i, (VF) ((VI) LOAD(x + i) ^ sign));
	}
}

TARGET static void
mix_halves(int n, float *x)
{
	const float scale = 0.70710678118654752f;
	int			half = n / 2;

	for (int i = 0; i < half; i += WIDTH)
	{
		VF			a = LOAD(x + i);
		VF			b = LOAD(x + i + half);

		STORE(x + i, (a + b) * scale);
		STORE(x + i + half, (a - b) * scale);
	}
}

/* ---- encoding ---- */

/* Adding 0 turns -0 into 0, so that a set sign bit means below zero. */
INLINE VF
difference(const float *row, const float *centroid)
{
	return LOAD(row) - LOAD(centroid) + 0.0f;
}

TARGET static void
residual(int n, const float *row, const float *centroid, uint8_t *code,
		 VsQuantResidual *result)
{
	VF			norm_sq = {0};
	VF			abs_sum = {0};
	VF			sign_centroid = {0};
	VF			dot_centroid = {0};

	for (int i = 0; i < n; i += 16)
	{
		uint32_t	negative = 0;

		for (int j = 0; j < 16; j += WIDTH)
		{
			VF			c = LOAD(centroid + i + j);
			VF			r = difference(row + i + j, centroid + i + j);

			norm_sq += r * r;
			abs_sum += magnitude(r);
			sign_centroid += (VF) ((VI) c ^ ((VI) r & splat_int(INT32_MIN)));
			dot_centroid += r * c;
			negative |= sign_mask(r) << j;
		}
		code[i / 8] = (uint8_t) ~negative;
		code[i / 8 + 1] = (uint8_t) ~(negative >> 8);
	}
	result->norm_sq = lanes_sum(norm_sq);
	result->abs_sum = lanes_sum(abs_sum);
	result->sign_centroid = lanes_sum(sign_centroid);
	result->dot_centroid = lanes_sum(dot_centroid);
}

/* Return min(floor(|r| * inverse_step), top) + 0.5. */
INLINE VF
level(VF r, float inverse_step, float top)
{
	VF			scaled = magnitude(r) * inverse_step;
	VI			over = scaled > splat(top);
	VF			capped = (VF) ((over & (VI) splat(top)) | (~over & (VI) scaled));

	return __builtin_convertvector(__builtin_convertvector(capped, VI), VF) + 0.5f;
}

TARGET static void
levels(int n, const float *row, const float *centroid, float inverse_step,
	   float top, VsQuantLevels *result)
{
	VF			dot = {0};
	VF			norm_sq = {0};

	for (int i = 0; i < n; i += WIDTH)
	{
		VF			v = difference(row + i, centroid + i);
		VF			m = level(v, inverse_step, top);

		dot += m * magnitude(v);
		norm_sq += m * m;
	}
	result->dot = lanes_sum(dot);
	result->norm_sq = lanes_sum(norm_sq);
}

TARGET static float
quantize(int n, const float *row, const float *centroid, float inverse_step,
		 float top, uint8_t *codes)
{
	VF			dot = {0};

	for (int i = 0; i < n; i += WIDTH)
	{
		VF			v = difference(row + i, centroid + i);
		VF			m = level(v, inverse_step, top);
		VF			x = (VF) ((VI) m ^ ((VI) v & splat_int(INT32_MIN)));
		int32_t		lanes[WIDTH];

		dot += x * LOAD(centroid + i);
		STOREI(lanes, __builtin_convertvector(x + (top + 0.5f), VI));
		for (int j = 0; j < WIDTH; j++)
			codes[i + j] = (uint8_t) lanes[j];
	}
	return lanes_sum(dot);
}

/* ---- scoring ---- */

/* Replace INFINITY by FLT_MAX; NaN stays. */
INLINE VF
finite_or_less(VF v)
{
	VI			most = v > splat(FLT_MAX);

	return (VF) ((most & (VI) splat(FLT_MAX)) | (~most & (VI) v));
}

TARGET static uint32_t
score(const VsQuantQuery *query, const VsQuantListTerms *terms,
	  const VsQuantBlock *block, const uint32_t *sums, float threshold,
	  float *est, float *lower)
{
	const float scale = query->lut_scale;
	const float offset = query->lut_offset;
	const float slack = query->lut_slack;
	uint32_t	below = 0;

	for (int i = 0; i < VS_QUANT_BLOCK; i += WIDTH)
	{
		VF			dot = __builtin_convertvector(LOADI(sums + i), VF) * scale + offset;
		VF			rescale = LOAD(block->rescale + i);
		VF			e = LOAD(block->add + i) * terms->mul + terms->add + rescale * dot;
		VF			l = e + rescale * slack - LOAD(block->error + i) * terms->error -
			terms->slack;
		VF			shown;

		/* compute the mask from the bounds as they are stored */
		below |= lowered(finite_or_less(l), threshold, &shown) << i;
		STORE(lower + i, shown);
		if (est != NULL)
			STORE(est + i, e);
	}
	return below;
}

/* ---- clustering ---- */

/* X(row) for each row of a tile */
#if TILE_ROWS == 12
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#else
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#endif

/* Find the least lane of a row, and the lowest list number that has it. */
TARGET static void
lanes_nearest(const float *best, const int32_t *best_list, float *distance, int32_t *list)
{
	VF			left = LOAD(best);
	VF			right = LOAD(best + WIDTH);
	VI			less = left < right;
	VF			all;
	VI			lists;
	VI			others;
	float		lanes[WIDTH];
	int32_t		list_lanes[WIDTH];

	STORE(lanes, (VF) ((less & (VI) left) | (~less & (VI) right)));
	for (int half = WIDTH / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			lanes[i] = lanes[i] < lanes[i + half] ? lanes[i] : lanes[i + half];
	all = splat(lanes[0]);
	lists = LOADI(best_list) | ((left != all) & splat_int(INT32_MAX));
	others = LOADI(best_list + WIDTH) | ((right != all) & splat_int(INT32_MAX));
	less = lists < others;
	STOREI(list_lanes, (less & lists) | (~less & others));
	for (int half = WIDTH / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			list_lanes[i] = list_lanes[i] < list_lanes[i + half] ? list_lanes[i] :
				list_lanes[i + half];
	*distance = lanes[0];
	*list = list_lanes[0];
}

/*
 * Compute the inner products of a tile, then call DONE(row, low, high) for
 * each row: low are its products with the first WIDTH lists, high with the
 * others.
 */
#define TILE_START(r)	VF low##r = {0}; VF high##r = {0};
#define TILE_STEP(r) \
	low##r += left * row[r / 3][r % 3 * stride]; \
	high##r += right * row[r / 3][r % 3 * stride];
#define TILE_DONE(r)	DONE(r, low##r, high##r)
#define TILE_PRODUCTS() \
	EACH_ROW(TILE_START) \
	/* one pointer per three rows, so that all addresses stay in registers */ \
	const ptrdiff_t stride = dim; \
	const float *row[TILE_ROWS / 3]; \
	int			d; \
	int			t; \
	for (t = 0; t < TILE_ROWS / 3; t++) \
		row[t] = rows + 3 * t * stride; \
	for (d = 0; d < dim; d++, panel += TILE_LISTS) \
	{ \
		VF			left = LOAD(panel); \
		VF			right = LOAD(panel + WIDTH); \
		EACH_ROW(TILE_STEP) \
		for (t = 0; t < TILE_ROWS / 3; t++) \
			row[t]++; \
	} \
	EACH_ROW(TILE_DONE)

INLINE void
nearest_update(VF dot, const float *norms, VI list, float *best, int32_t *best_list)
{
	VF			b = LOAD(best);
	VI			l = LOADI(best_list);

	keep_less(&b, &l, LOAD(norms) - (dot + dot), list);
	STORE(best, b);
	STOREI(best_list, l);
}

TARGET static void
tile_nearest(int dim, const float *rows, const float *panel, const float *norms,
			 int first_list, float *best, int32_t *best_list)
{
	VI			list = lane_numbers() + first_list;

#define DONE(r, low, high) \
	nearest_update(low, norms, list, best + r * TILE_LISTS, \
				   best_list + r * TILE_LISTS); \
	nearest_update(high, norms + WIDTH, list + WIDTH, best + r * TILE_LISTS + WIDTH, \
				   best_list + r * TILE_LISTS + WIDTH);
	TILE_PRODUCTS()
#undef DONE
}

INLINE void
nearest2_update(VF dot, const float *norms, VI list, float *best,
				int32_t *best_list, float *second, int32_t *second_list)
{
	VF			distance = LOAD(norms) - (dot + dot);
	VF			b = LOAD(best);
	VI			l = LOADI(best_list);
	VF			s = LOAD(second);
	VI			sl = LOADI(second_list);
	VF			old = b;
	VI			old_list = l;
	VI			beaten;

	keep_less(&s, &sl, distance, list);
	keep_less(&b, &l, distance, list);
	/* a best that was beaten is now the second */
	beaten = distance < old;
	s = (VF) ((beaten & (VI) old) | (~beaten & (VI) s));
	sl = (beaten & old_list) | (~beaten & sl);
	STORE(best, b);
	STOREI(best_list, l);
	STORE(second, s);
	STOREI(second_list, sl);
}

TARGET static void
tile_nearest2(int dim, const float *rows, const float *panel, const float *norms,
			  int first_list, float *best, int32_t *best_list,
			  float *second, int32_t *second_list)
{
	VI			list = lane_numbers() + first_list;

#define DONE(r, low, high) \
	nearest2_update(low, norms, list, best + r * TILE_LISTS, \
					best_list + r * TILE_LISTS, second + r * TILE_LISTS, \
					second_list + r * TILE_LISTS); \
	nearest2_update(high, norms + WIDTH, list + WIDTH, \
					best + r * TILE_LISTS + WIDTH, best_list + r * TILE_LISTS + WIDTH, \
					second + r * TILE_LISTS + WIDTH, second_list + r * TILE_LISTS + WIDTH);
	TILE_PRODUCTS()
#undef DONE
}

TARGET static void
panel_dot(int dim, const float *query, const float *panel, float *out)
{
	VF			sum[4] = {{0}, {0}, {0}, {0}};
	int			d;

	for (d = 0; d + 2 <= dim; d += 2, panel += 2 * TILE_LISTS)
	{
		sum[0] += LOAD(panel) * query[d];
		sum[1] += LOAD(panel + WIDTH) * query[d];
		sum[2] += LOAD(panel + 2 * WIDTH) * query[d + 1];
		sum[3] += LOAD(panel + 3 * WIDTH) * query[d + 1];
	}
	if (d < dim)
	{
		sum[0] += LOAD(panel) * query[d];
		sum[1] += LOAD(panel + WIDTH) * query[d];
	}
	STORE(out, sum[0] + sum[2]);
	STORE(out + WIDTH, sum[1] + sum[3]);
}

/* Compute squared distances from differences of elements. */
TARGET static void
panel_distance(int dim, const float *query, const float *panel, float *out)
{
	VF			sum[2] = {{0}, {0}};

	for (int d = 0; d < dim; d++, panel += TILE_LISTS)
	{
		VF			left = LOAD(panel) - query[d];
		VF			right = LOAD(panel + WIDTH) - query[d];

		sum[0] += left * left;
		sum[1] += right * right;
	}
	STORE(out, sum[0]);
	STORE(out + WIDTH, sum[1]);
}

TARGET static float
norm_sq(int n, const float *x)
{
	VF			sum = {0};
	float		rest = 0;
	int			i;

	for (i = 0; i + WIDTH <= n; i += WIDTH)
		sum += LOAD(x + i) * LOAD(x + i);
	for (; i < n; i++)
		rest += x[i] * x[i];
	return lanes_sum(sum) + rest;
}

TARGET static void
add_to(int n, const float *x, float *sum)
{
	int			i;

	for (i = 0; i + WIDTH <= n; i += WIDTH)
		STORE(sum + i, LOAD(sum + i) + LOAD(x + i));
	for (; i < n; i++)
		sum[i] += x[i];
}

/*
 * The kernels of an instruction set, which defines table_sums and extra_dot
 * itself.
 */

#define VS_QUANT_KERNELS(isa) \
{ \
	.name = isa, \
	.hadamard = hadamard, \
	.flip_signs = flip_signs, \
	.mix_halves = mix_halves, \
	.residual = residual, \
	.levels = levels, \
	.quantize = quantize, \
	.table_sums = table_sums, \
	.score = score, \
	.extra_dot = extra_dot, \
	.tile_rows = TILE_ROWS, \
	.tile_lists = TILE_LISTS, \
	.lanes_nearest = lanes_nearest, \
	.tile_nearest = tile_nearest, \
	.tile_nearest2 = tile_nearest2, \
	.panel_dot = panel_dot, \
	.panel_distance = panel_distance, \
	.norm_sq = norm_sq, \
	.add_to = add_to, \
}
