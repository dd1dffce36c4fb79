/*-------------------------------------------------------------------------
 * test_quant_codes.c
 *	  Rotation, codes, blocks, scores and bounds, on every instruction set.
 *
 * Reference values are computed from the definitions in double precision.
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/quant.h"
#include "quant/quant_kernels.h"
#include "quant_test.h"

#define MAX_DIM		2112

static const int dims[] = {1, 3, 64, 65, 100, 128, 130, 192, 300, 768, 1536, 2050};

#define NDIMS		((int) (sizeof(dims) / sizeof(dims[0])))

/* ---- rotation ---- */

static void
test_rotation(const char *variant)
{
	for (int i = 0; i < NDIMS; i++)
	{
		VsQuantSpec spec;
		float		in[2 * MAX_DIM];
		float		shift[MAX_DIM];
		float		out[2 * MAX_DIM];
		float		again[2 * MAX_DIM];
		double		norm;

		vs_quant_spec(&spec, VS_QUANT_L2, dims[i], 1, 99 + i);
		random_floats(2 * dims[i], 1, in);
		random_floats(dims[i], 1, shift);
		vs_quant_rotate(&spec, 2, in, NULL, out);
		norm = dot(dims[i], in, in);
		expect_near("norm", dot(spec.padded_dim, out, out), norm, 1e-5 * norm);
		expect_near("product", dot(spec.padded_dim, out, out + spec.padded_dim),
					dot(dims[i], in, in + dims[i]), 1e-5 * norm);
		vs_quant_rotate(&spec, 1, in, NULL, again);
		expect("the same each time", memcmp(out, again, sizeof(float) * spec.padded_dim) == 0);
		vs_quant_rotate(&spec, 2, in, shift, again);
		expect_near("shift leaves distances", distance(spec.padded_dim, again, again + spec.padded_dim),
					distance(dims[i], in, in + dims[i]), 1e-5 * norm);
		spec.seed++;
		vs_quant_rotate(&spec, 1, in, NULL, again);
		expect("other seed, other rotation", distance(spec.padded_dim, out, again) > 0.1 * norm);
	}
	report(variant, "rotation keeps norms, products and, shifted, distances");
}

/* A unit vector must spread over all elements like a random direction. */
static void
test_rotation_spread(const char *variant)
{
	for (int i = 0; i < NDIMS; i++)
	{
		VsQuantSpec spec;
		float		in[MAX_DIM] = {0};
		float		out[MAX_DIM];
		double		absolute = 0;

		vs_quant_spec(&spec, VS_QUANT_L2, dims[i], 1, 7);
		in[dims[i] / 2] = 1;
		vs_quant_rotate(&spec, 1, in, NULL, out);
		for (int d = 0; d < spec.padded_dim; d++)
			absolute += fabs(out[d]);
		/*
		 * of a random direction: sqrt(2 / pi) = 0.798, deviation 0.6 / sqrt(2
		 * D)
		 */
		expect_near("mean magnitude", absolute / sqrt(spec.padded_dim), 0.798,
					4 * 0.6 / sqrt(2 * spec.padded_dim));
	}
	report(variant, "rotation spreads a unit vector");
}

/* All variants are the same transform, so each can read what another wrote. */
static void
test_rotation_variants(const char *variant)
{
	for (int i = 0; i < NDIMS; i++)
	{
		VsQuantSpec spec;
		float		in[MAX_DIM];
		float		out[MAX_DIM];
		float		reference[MAX_DIM];

		vs_quant_spec(&spec, VS_QUANT_L2, dims[i], 1, 5);
		random_floats(dims[i], 1, in);
		vs_quant_rotate(&spec, 1, in, NULL, out);
		vs_quant_use("portable");
		vs_quant_rotate(&spec, 1, in, NULL, reference);
		vs_quant_use(variant);
		expect_near("from portable", distance(spec.padded_dim, out, reference), 0,
					1e-10 * dims[i]);
	}
	report(variant, "rotation equals the portable one");
}

/* ---- layout ---- */

static void
test_blocks(const char *variant)
{
	for (int i = 0; i < NDIMS; i++)
	{
		VsQuantSpec spec;
		uint8_t		codes[VS_QUANT_BLOCK][MAX_DIM / 8];
		uint8_t		block[MAX_DIM * 4];
		uint8_t		back[MAX_DIM / 8];
		size_t		nbytes;
		int			slot;

		vs_quant_spec(&spec, VS_QUANT_L2, dims[i], 1, 1);
		nbytes = vs_quant_code_bytes(&spec);
		expect("block bytes", vs_quant_block_bytes(&spec) == 32 * nbytes);
		random_bytes(sizeof(codes), codes);
		random_bytes(sizeof(block), block);
		/* in random order, some slots twice, overwriting older codes */
		for (int k = 0; k < 100; k++)
		{
			slot = k < 68 ? random_below(32) : k - 68;
			vs_quant_block_put(block, slot, codes[slot], 0, spec.padded_dim);
		}
		for (slot = 0; slot < 32; slot++)
		{
			vs_quant_block_get(block, slot, back, 0, spec.padded_dim);
			expect("whole", memcmp(back, codes[slot], nbytes) == 0);
			memset(back, 0, sizeof(back));
			for (int k = 0; k < spec.padded_dim; k += 64)
				vs_quant_block_get(block + k / 64 * VS_QUANT_SLICE_BYTES, slot, back, k, 64);
			expect("by slices", memcmp(back, codes[slot], nbytes) == 0);
		}
	}
	report(variant, "codes put into a block come back");
}

static void
test_extra_layout(const char *variant)
{
	int			bits;

	for (bits = 2; bits <= 8; bits++)
		for (int round = 0; round < 50; round++)
		{
			uint8_t		codes[192];
			uint8_t		packed[192];
			uint8_t		back[64];
			float		q[192];
			double		expected = 0;
			double		terms = 0;

			random_bytes(sizeof(codes), codes);
			random_floats(192, 1, q);
			for (int i = 0; i < 192; i++)
			{
				codes[i] &= (uint8_t) ((1 << bits) - 1);
				expected += (double) codes[i] * q[i];
				terms += fabs((double) codes[i] * q[i]);
			}
			for (int i = 0; i < 3; i++)
				vs_quant_extra_pack(bits, codes + 64 * i, packed + 8 * bits * i);
			vs_quant_extra_unpack(bits, packed + 8 * bits, back);
			expect("unpacked", memcmp(back, codes + 64, 64) == 0);
			expect_near("product", vs_quant_kernels->extra_dot(bits, 192, packed, q), expected,
						1e-5 * terms);
		}
	report(variant, "extra codes of 2 to 8 bits: unpacking, products");
}

/* ---- table sums ---- */

static void
test_sums(const char *variant)
{
	static uint8_t codes[64000 * 4];
	static uint8_t lut[64000 * 4];
	const int	ngroups[] = {16, 32, 48, 192, 240, 256, 272, 528, 4000, 16000};

	for (int i = 0; i < (int) (sizeof(ngroups) / sizeof(ngroups[0])); i++)
	{
		uint32_t	sums[32];
		uint32_t	expected[32];

		random_bytes((size_t) ngroups[i] * 16, codes);
		/* worst case: all values are the largest; no sum may overflow */
		random_bytes((size_t) ngroups[i] * 16, lut);
		if (i % 2 == 1)
			memset(lut, 255, (size_t) ngroups[i] * 16);
		for (int k = 0; k < 32; k++)
			sums[k] = expected[k] = (uint32_t) k * 1000;
		for (int g = 0; g < ngroups[i]; g++)
			for (int k = 0; k < 32; k++)
				expected[k] += lut[g * 16 + (codes[g * 16 + k % 16] >> (k / 16 * 4) & 15)];
		vs_quant_kernels->table_sums(ngroups[i], codes, lut, sums);
		expect("sums", memcmp(sums, expected, sizeof(sums)) == 0);
	}
	report(variant, "table sums equal plain lookups, up to 64,000 dimensions");
}

/* ---- scores ---- */

/* An encoded list of 32 rows around a centroid, and a query. */
typedef struct Scene
{
	VsQuantSpec spec;
	VsQuantFactors factors[32];
	VsQuantFactors extra_factors[32];
	float		add[32];
	float		rescale[32];
	float		error[32];
	uint8_t		block[MAX_DIM * 4];
	uint8_t		extra[32][MAX_DIM];
	uint8_t		query_memory[MAX_DIM * 8 + 512];
	VsQuantQuery *query;
	VsQuantListTerms terms;
	double		exact[32];
	float		est[32];
	float		lower[32];
	float		refined[32];
	float		refined_lower[32];
} Scene;

static void
normalise(int n, float *x)
{
	double		norm = sqrt(dot(n, x, x));

	for (int i = 0; i < n; i++)
		x[i] = (float) (x[i] / norm);
}

static double
exact_score(VsQuantMetric metric, int n, const float *a, const float *b)
{
	if (metric == VS_QUANT_L2)
		return distance(n, a, b);
	return (metric == VS_QUANT_COSINE) - dot(n, a, b);
}

/* Encode 32 rows (dim floats each) against centroid; score them for q. */
static void
scene_score(Scene *scene, const float *rows, const float *centroid, const float *q,
			float epsilon)
{
	const VsQuantSpec *spec = &scene->spec;
	int			dim = spec->dim;
	float		rotated_centroid[MAX_DIM];
	float		rotated[MAX_DIM];
	uint8_t		code[MAX_DIM / 8];
	VsQuantBlock block = {scene->block, scene->add, scene->rescale, scene->error};
	uint32_t	below;

	vs_quant_rotate(spec, 1, centroid, NULL, rotated_centroid);
	for (int i = 0; i < 32; i++)
	{
		vs_quant_rotate(spec, 1, rows + i * dim, NULL, rotated);
		vs_quant_encode(spec, rotated, rotated_centroid, code, &scene->factors[i],
						scene->extra[i], &scene->extra_factors[i]);
		vs_quant_block_put(scene->block, i, code, 0, spec->padded_dim);
		scene->add[i] = scene->factors[i].add;
		scene->rescale[i] = scene->factors[i].rescale;
		scene->error[i] = scene->factors[i].error;
		scene->exact[i] = exact_score(spec->metric, dim, rows + i * dim, q);
	}
	vs_quant_rotate(spec, 1, q, NULL, rotated);
	expect("query memory", vs_quant_query_bytes(spec) <= sizeof(scene->query_memory));
	scene->query = vs_quant_query_init(scene->query_memory, spec, rotated, epsilon);
	vs_quant_list_terms(scene->query,
						spec->metric == VS_QUANT_L2 ? (float) distance(dim, centroid, q) :
						(float) -dot(dim, centroid, q),
						(float) dot(dim, centroid, centroid), &scene->terms);
	below = vs_quant_block_scan(scene->query, &scene->terms, &block, (float) scene->exact[0],
								scene->est, scene->lower);
	for (int i = 0; i < 32; i++)
	{
		expect("mask", (below >> i & 1) == (scene->lower[i] < (float) scene->exact[0]));
		if (spec->bits > 1)
			scene->refined_lower[i] = vs_quant_refine(scene->query, &scene->terms,
													  scene->extra[i],
													  &scene->extra_factors[i],
													  &scene->refined[i]);
	}
}

static void
scene_random(Scene *scene, VsQuantMetric metric, int dim, int bits, float epsilon)
{
	float		rows[32 * MAX_DIM];
	float		centroid[MAX_DIM];
	float		q[MAX_DIM];

	vs_quant_spec(&scene->spec, metric, dim, bits, random_u64());
	random_floats(dim, 1, centroid);
	random_floats(32 * dim, 0.8f, rows);
	random_floats(dim, 0.8f, q);
	for (int d = 0; d < dim; d++)
		q[d] += centroid[d];
	for (int i = 0; i < 32 * dim; i++)
		rows[i] += centroid[i % dim];
	if (metric == VS_QUANT_COSINE)
	{
		for (int i = 0; i < 32; i++)
			normalise(dim, rows + i * dim);
		normalise(dim, q);
		normalise(dim, centroid);
		for (int d = 0; d < dim; d++)
			centroid[d] *= 0.8f;
	}
	scene_score(scene, rows, centroid, q, epsilon);
}

/*
 * Test errors over many random scenes, in units of the deviation that the
 * bound assumes: the mean is near 0, the mean square at most near 1, and few
 * are beyond 1.9.
 */
static void
test_estimates(const char *variant, VsQuantMetric metric, const char *name)
{
	const int	test_dims[] = {64, 100, 192, 768};
	static Scene scene;
	char		what[200];

	for (int i = 0; i < 4; i++)
		for (int bits = 1; bits <= 8; bits++)
		{
			int			count = 0;
			double		sum[2] = {0, 0};
			double		squares[2] = {0, 0};
			int			cut[2] = {0, 0};

			for (int round = 0; round < 30; round++)
			{
				scene_random(&scene, metric, test_dims[i], bits, 1);
				for (int k = 0; k < 32; k++, count++)
				{
					double		e = (scene.est[k] - scene.exact[k]) /
						(scene.est[k] - scene.lower[k]);

					sum[0] += e;
					squares[0] += e * e;
					cut[0] += e > 1.9;
					if (bits == 1)
						continue;
					e = (scene.refined[k] - scene.exact[k]) /
						(scene.refined[k] - scene.refined_lower[k]);
					sum[1] += e;
					squares[1] += e * e;
					cut[1] += e > 1.9;
				}
			}
			snprintf(what, sizeof(what), "dim %d, %d bits", test_dims[i], bits);
			for (int k = 0; k < (bits > 1 ? 2 : 1); k++)
			{
				expect_near(what, sum[k] / count, 0, 0.15);
				expect_near(what, squares[k] / count, k == 0 ? 0.9 : 1, 0.25);
				expect_near(what, (double) cut[k] / count, 0.029, 0.029);
			}
		}
	snprintf(what, sizeof(what), "%s: estimates are unbiased, errors as the bound assumes", name);
	report(variant, what);
}

/* Each further bit nearly halves the deviation of an estimate. */
static void
test_bits_pay(const char *variant)
{
	static Scene scene;
	double		before = INFINITY;

	for (int bits = 1; bits <= 8; bits++)
	{
		double		squares = 0;

		for (int round = 0; round < 30; round++)
		{
			scene_random(&scene, VS_QUANT_L2, 128, bits, 1);
			for (int k = 0; k < 32; k++)
				squares += pow((bits == 1 ? scene.est[k] : scene.refined[k]) - scene.exact[k], 2);
		}
		expect("error under 0.65 of one bit less", sqrt(squares) < 0.65 * before);
		before = sqrt(squares);
	}
	report(variant, "each further bit nearly halves the error");
}

/*
 * With the factor sqrt(D) a bound is that of Cauchy-Schwarz: none may be
 * above the distance, except for rounding.
 */
static void
test_certain_bound(const char *variant)
{
	const VsQuantMetric metrics[] = {VS_QUANT_L2, VS_QUANT_IP, VS_QUANT_COSINE};
	static Scene scene;

	for (int round = 0; round < 300; round++)
	{
		int			dim = dims[1 + random_below(NDIMS - 1)];
		int			bits = 1 + random_below(8);

		scene_random(&scene, metrics[round % 3], dim, bits,
					 sqrtf((float) vs_quant_padded_dim(dim)));
		for (int k = 0; k < 32; k++)
		{
			double		rounding = 1e-4 * (1 + fabs(scene.exact[k]));

			expect("bound", scene.lower[k] <= scene.exact[k] + rounding);
			if (bits > 1)
				expect("refined bound", scene.refined_lower[k] <= scene.exact[k] + rounding);
		}
		scene_random(&scene, metrics[round % 3], dim, bits, VS_QUANT_EPSILON_MAX);
		for (int k = 0; k < 32; k++)
		{
			expect("no bound at the maximum", scene.lower[k] == -INFINITY);
			if (bits > 1)
				expect("no refined bound at the maximum", scene.refined_lower[k] == -INFINITY);
		}
	}
	report(variant, "bounds at sqrt(D) are never above; at the maximum there are none");
}

/* Scores of a variant equal the portable ones on the same codes. */
static void
test_score_variants(const char *variant)
{
	static Scene scene;

	for (int round = 0; round < 200; round++)
	{
		int			dim = dims[random_below(NDIMS)];
		VsQuantBlock block = {scene.block, scene.add, scene.rescale, scene.error};
		float		est[32];
		float		lower[32];
		uint32_t	sums[32] = {0};

		scene_random(&scene, round % 2 ? VS_QUANT_L2 : VS_QUANT_IP, dim, 1 + random_below(8), 1.9f);
		vs_quant_use("portable");
		vs_quant_block_scan(scene.query, &scene.terms, &block, INFINITY, est, lower);
		for (int k = 0; k < scene.spec.padded_dim; k += 64)
			vs_quant_slice_sum(scene.query, scene.block + k / 64 * VS_QUANT_SLICE_BYTES, k, 64, sums);
		vs_quant_use(variant);
		for (int k = 0; k < 32; k++)
		{
			double		slack = 1e-5 * (1 + fabs(scene.exact[k]) + fabs(scene.terms.add));

			expect_near("estimate", scene.est[k], est[k], slack);
			expect_near("bound", scene.lower[k], lower[k], slack);
		}
		vs_quant_sums_score(scene.query, &scene.terms, &block, sums, INFINITY, NULL, lower);
		expect("by slices", memcmp(lower, scene.lower, sizeof(lower)) == 0);
	}
	report(variant, "scores equal the portable ones, whole and by slices");
}

/* ---- odd rows ---- */

static void
test_odd_rows(const char *variant)
{
	const VsQuantMetric metrics[] = {VS_QUANT_L2, VS_QUANT_IP};
	static Scene scene;

	for (int m = 0; m < 2; m++)
		for (int bits = 1; bits <= 8; bits++)
		{
			float		rows[32 * 100];
			float		centroid[100];
			float		q[100];

			vs_quant_spec(&scene.spec, metrics[m], 100, bits, 3);
			random_floats(32 * 100, 1, rows);
			random_floats(100, 1, centroid);
			random_floats(100, 1, q);
			memcpy(rows, centroid, sizeof(centroid));	/* row 0 is the centroid */
			for (int i = 100; i < 200; i++)
				rows[i] *= 1e30f;	/* row 1 overflows */
			for (int i = 200; i < 300; i++)
				rows[i] *= 1e-30f;
			memset(rows + 300, 0, sizeof(centroid));	/* row 3 is zero */
			scene_score(&scene, rows, centroid, q, 1.9f);
			expect_near("row = centroid", scene.est[0], scene.exact[0], 1e-4);
			expect("overflow is never cut", scene.lower[1] == -INFINITY);
			if (bits > 1)
			{
				expect_near("refined row = centroid", scene.refined[0], scene.exact[0], 1e-4);
				expect("refined overflow is never cut", scene.refined_lower[1] == -INFINITY);
			}
			for (int i = 2; i < 32; i++)
				expect("finite", isfinite(scene.est[i]) && isfinite(scene.lower[i]));
			/* all zero: centroid, rows and query */
			memset(rows, 0, sizeof(rows));
			scene_score(&scene, rows, rows, rows, 1.9f);
			for (int i = 0; i < 32; i++)
				expect("zeros", scene.est[i] == 0 && scene.lower[i] == 0);
		}
	report(variant, "rows at the centroid, zero, tiny and overflowing");
}

/* The squared distance of row and query overflows, but neither norm does. */
static void
test_far_apart(const char *variant)
{
	static Scene scene;
	float		rows[32 * 2];
	const float centroid[2] = {0, 0};
	const float q[2] = {-1.3e19f, 0};
	VsQuantBlock block = {scene.block, scene.add, scene.rescale, scene.error};
	float		lower[32];
	uint32_t	below;

	vs_quant_spec(&scene.spec, VS_QUANT_L2, 2, 1, 3);
	for (int i = 0; i < 32; i++)
	{
		rows[2 * i] = i < 16 ? 1.3e19f : -1.3e19f;
		rows[2 * i + 1] = (float) i;
	}
	scene_score(&scene, rows, centroid, q, 1.9f);
	expect("all are below infinity",
		   vs_quant_block_scan(scene.query, &scene.terms, &block, INFINITY, NULL, lower) == ~0U);
	below = vs_quant_block_scan(scene.query, &scene.terms, &block, FLT_MAX, NULL, lower);
	for (int i = 0; i < 32; i++)
	{
		expect("a bound is a number", lower[i] <= FLT_MAX);
		expect("below as the bound says", (below >> i & 1) == (lower[i] < FLT_MAX));
		expect("only what is far is not below", (below >> i & 1) == (i >= 16));
	}
	report(variant, "distances that overflow have the largest bound");
}

/* ---- bits ---- */

static void
test_hamming(const char *variant)
{
	const int	nbits[] = {1, 8, 63, 64, 100, 512, 1024, 2050};

	for (int i = 0; i < 8; i++)
	{
		VsQuantSpec spec;
		uint8_t		bits[33][300];
		uint8_t		codes[33][300];
		uint8_t		block[300 * 32] = {0};
		uint8_t		memory[40000];
		VsQuantBlock scan = {block, NULL, NULL, NULL};
		VsQuantQuery *query;
		float		est[32];
		float		lower[32];
		float		floats[2][2100];
		uint32_t	below;

		vs_quant_spec(&spec, VS_QUANT_HAMMING, nbits[i], 1, 0);
		random_bytes(sizeof(bits), bits);
		for (int slot = 0; slot < 33; slot++)
			vs_quant_bits_code(&spec, bits[slot], codes[slot]);
		for (int slot = 0; slot < 32; slot++)
			vs_quant_block_put(block, slot, codes[slot], 0, spec.padded_dim);
		expect("memory", vs_quant_query_bytes(&spec) <= sizeof(memory));
		query = vs_quant_query_init_bits(memory, &spec, codes[32]);
		below = vs_quant_block_scan(query, NULL, &scan, (float) nbits[i] / 2, est, lower);
		for (int slot = 0; slot < 32; slot++)
		{
			int			expected = 0;

			for (int k = 0; k < nbits[i]; k++)
				expected += ((bits[slot][k / 8] ^ bits[32][k / 8]) >> (7 - k % 8)) & 1;
			expect("distance", est[slot] == (float) expected && lower[slot] == (float) expected);
			expect("mask", (below >> slot & 1) == ((float) expected < (float) nbits[i] / 2));
		}
		vs_quant_bits_floats(&spec, bits[0], floats[0]);
		vs_quant_bits_floats(&spec, bits[32], floats[1]);
		expect("as floats", distance(nbits[i], floats[0], floats[1]) == est[0]);
	}
	report(variant, "Hamming distances are exact");
}

static void
test_shapes(void)
{
	VsQuantSpec spec;

	expect("padded", vs_quant_padded_dim(1) == 64 && vs_quant_padded_dim(64) == 64 &&
		   vs_quant_padded_dim(65) == 128 && vs_quant_padded_dim(16000) == 16000);
	expect("refused", !vs_quant_spec(&spec, VS_QUANT_L2, 0, 1, 0) &&
		   !vs_quant_spec(&spec, VS_QUANT_L2, 64001, 1, 0) &&
		   !vs_quant_spec(&spec, VS_QUANT_L2, 10, 0, 0) &&
		   !vs_quant_spec(&spec, VS_QUANT_L2, 10, 9, 0) &&
		   !vs_quant_spec(&spec, VS_QUANT_HAMMING, 10, 2, 0));
	expect("taken", vs_quant_spec(&spec, VS_QUANT_COSINE, 100, 4, 0));
	expect("bytes", vs_quant_code_bytes(&spec) == 16 && vs_quant_block_bytes(&spec) == 512 &&
		   vs_quant_extra_bytes(&spec) == 64);
	vs_quant_spec(&spec, VS_QUANT_COSINE, 100, 1, 0);
	expect("no extra bytes", vs_quant_extra_bytes(&spec) == 0);
	report("all", "shapes");
}

int
main(void)
{
	static const char *const variants[] = {"portable", "avx2", "avx512", "neon"};

	vs_quant_init();
	test_shapes();
	for (int i = 0; i < 4; i++)
	{
		const char *variant = variants[i];

		if (!vs_quant_use(variant))
			continue;
		test_rotation(variant);
		test_rotation_spread(variant);
		test_rotation_variants(variant);
		test_blocks(variant);
		test_extra_layout(variant);
		test_sums(variant);
		test_estimates(variant, VS_QUANT_L2, "L2");
		test_estimates(variant, VS_QUANT_IP, "inner product");
		test_estimates(variant, VS_QUANT_COSINE, "cosine");
		test_bits_pay(variant);
		test_certain_bound(variant);
		test_score_variants(variant);
		test_odd_rows(variant);
		test_far_apart(variant);
		test_hamming(variant);
	}
	return finish();
}
