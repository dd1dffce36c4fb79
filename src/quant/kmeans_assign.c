/*-------------------------------------------------------------------------
 * kmeans_assign.c
 *	  Nearest centroids of many rows.
 *
 * This is a blocked matrix product.  Centroids are stored in panels and rows
 * are processed in tiles (quant_template.h).  A batch is as many tiles as
 * stay in the second-level cache; each panel is multiplied with all tiles of
 * the batch before the next panel is read.  Since |x-c|^2 = |x|^2 + (|c|^2 -
 * 2 x.c), the lanes compare only the term in parentheses.
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "quant/kmeans.h"
#include "quant/quant_kernels.h"

#define ALIGNMENT		64
/*
 * A squared distance below this share of the norms that it is the difference
 * of is computed again, from differences of elements.
 */
#define CANCELLED		(1.0f / 16)
#define MAX_TILES		8
/* bytes of rows in a batch: half of a common second-level cache */
#define ROWS_BYTES		(512 * 1024)
/* largest tile_lists and tile_rows of all variants */
#define MAX_TILE_LISTS	32
#define MAX_TILE_ROWS	12

struct VsAssign
{
	const VsQuantKernels *kernels;
	int			dim;
	int			lists;
	int			panels;
	int			tiles;			/* per batch */
	float	   *norms;			/* panels * tile_lists; INFINITY past lists */
	float	   *panel;			/* panels * dim * tile_lists */
	float	   *last;			/* tile_rows * dim: an incomplete last tile */
	/* [tiles * tile_rows][tile_lists] each: the nearest two per lane */
	float	   *best;
	float	   *second;
	int32_t    *best_list;
	int32_t    *second_list;
};

static size_t
aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1);
}

static int
tiles_for(int dim)
{
	size_t		tiles = ROWS_BYTES / (sizeof(float) * MAX_TILE_ROWS * dim);

	return tiles < 1 ? 1 : tiles > MAX_TILES ? MAX_TILES :
		(int) tiles;
}

/* Large enough for every variant. */
size_t
vs_assign_bytes(int lists, int dim)
{
	size_t		padded = (size_t) lists + MAX_TILE_LISTS;
	size_t		rows = (size_t) tiles_for(dim) * MAX_TILE_ROWS;

	return aligned(sizeof(VsAssign)) +
		aligned(sizeof(float) * padded) +
		aligned(sizeof(float) * padded * dim) +
		aligned(sizeof(float) * MAX_TILE_ROWS * dim) +
		4 * aligned(sizeof(float) * rows * MAX_TILE_LISTS) + ALIGNMENT;
}

static void *
take(char **memory, size_t size)
{
	void	   *start = *memory;

	*memory += aligned(size);
	return start;
}

VsAssign *
vs_assign_init(void *memory, int lists, int dim, const float *centroids)
{
	const VsQuantKernels *kernels = vs_quant_kernels;
	char	   *next = (char *) aligned((uintptr_t) memory);
	VsAssign   *assign = take(&next, sizeof(VsAssign));
	int			width = kernels->tile_lists;
	size_t		padded;
	size_t		cells;

	assign->kernels = kernels;
	assign->dim = dim;
	assign->lists = lists;
	assign->panels = (lists + width - 1) / width;
	assign->tiles = tiles_for(dim);
	padded = (size_t) assign->panels * width;
	cells = (size_t) assign->tiles * kernels->tile_rows * width;
	assign->norms = take(&next, sizeof(float) * padded);
	assign->panel = take(&next, sizeof(float) * padded * dim);
	assign->last = take(&next, sizeof(float) * kernels->tile_rows * dim);
	assign->best = take(&next, sizeof(float) * cells);
	assign->second = take(&next, sizeof(float) * cells);
	assign->best_list = take(&next, sizeof(int32_t) * cells);
	assign->second_list = take(&next, sizeof(int32_t) * cells);

	for (size_t i = 0; i < padded; i++)
	{
		const float *centroid = centroids + i * dim;
		float	   *column = assign->panel + i / width * width * dim + i % width;
		bool		exists = i < (size_t) lists;

		for (int d = 0; d < dim; d++)
			column[(size_t) d * width] = exists ? centroid[d] : 0;
		assign->norms[i] = exists ? kernels->norm_sq(dim, centroid) : INFINITY;
	}
	return assign;
}

/*
 * Return the last tile of a batch, which has nrows rows from rows on.  If
 * they are fewer than tile_rows, returns a copy that zero rows complete.
 */
static const float *
rows_complete(VsAssign *assign, int nrows, const float *rows)
{
	size_t		row_bytes = sizeof(float) * assign->dim;
	int			tile_rows = assign->kernels->tile_rows;

	if (nrows == tile_rows)
		return rows;
	memcpy(assign->last, rows, row_bytes * nrows);
	memset(assign->last + (size_t) nrows * assign->dim, 0, row_bytes * (tile_rows - nrows));
	return assign->last;
}

/* Find the nearest two centroids per row and lane for a batch of rows. */
static void
tiles_run(VsAssign *assign, int nrows, const float *rows, bool want_second)
{
	const VsQuantKernels *kernels = assign->kernels;
	int			ntiles = (nrows + kernels->tile_rows - 1) / kernels->tile_rows;
	size_t		tile_floats = (size_t) kernels->tile_rows * assign->dim;
	const float *last = rows_complete(assign, nrows - (ntiles - 1) * kernels->tile_rows,
									  rows + (ntiles - 1) * tile_floats);
	int			tile_cells = kernels->tile_rows * kernels->tile_lists;

	for (int i = 0; i < ntiles * tile_cells; i++)
	{
		assign->best[i] = INFINITY;
		assign->best_list[i] = INT32_MAX;
	}
	for (int i = 0; want_second && i < ntiles * tile_cells; i++)
	{
		assign->second[i] = INFINITY;
		assign->second_list[i] = INT32_MAX;
	}
	for (int p = 0; p < assign->panels; p++)
	{
		const float *panel = assign->panel + (size_t) p * kernels->tile_lists * assign->dim;
		const float *norms = assign->norms + p * kernels->tile_lists;
		int			first = p * kernels->tile_lists;

		for (int t = 0; t < ntiles; t++)
		{
			const float *tile = t == ntiles - 1 ? last : rows + t * tile_floats;
			int			cell = t * tile_cells;

			if (want_second)
				kernels->tile_nearest2(assign->dim, tile, panel, norms, first,
									   assign->best + cell, assign->best_list + cell,
									   assign->second + cell, assign->second_list + cell);
			else
				kernels->tile_nearest(assign->dim, tile, panel, norms, first,
									  assign->best + cell, assign->best_list + cell);
		}
	}
}

static void
keep_nearer(float distance, int32_t list, float *best, int32_t *best_list)
{
	if (distance < *best || (distance == *best && list < *best_list))
	{
		*best = distance;
		*best_list = list;
	}
}

/*
 * Reduce the lanes of a row to its nearest centroid, and to the second
 * nearest if want_second.
 */
static void
lanes_reduce(const VsAssign *assign, int row, bool want_second,
			 float *best, int32_t *best_list, float *second, int32_t *second_list)
{
	int			width = assign->kernels->tile_lists;
	int			start = row * width;

	*second = INFINITY;
	*second_list = INT32_MAX;
	assign->kernels->lanes_nearest(assign->best + start, assign->best_list + start,
								   best, best_list);
	if (!want_second)
		return;
	for (int i = start; i < start + width; i++)
	{
		if (assign->best_list[i] != *best_list)
			keep_nearer(assign->best[i], assign->best_list[i], second, second_list);
		keep_nearer(assign->second[i], assign->second_list[i], second, second_list);
	}
}

void
vs_assign_rows(VsAssign *assign, int64_t nrows, const float *rows,
			   int32_t *nearest, float *distance,
			   int32_t *second, float *second_distance,
			   const VsQuantInterrupt *interrupt)
{
	int			batch = assign->tiles * assign->kernels->tile_rows;

	for (int64_t done = 0; done < nrows; done += batch)
	{
		int			n = nrows - done < batch ? (int) (nrows - done) : batch;

		if (interrupt != NULL && interrupt->check != NULL)
			interrupt->check(interrupt->arg);
		tiles_run(assign, n, rows + done * assign->dim, second != NULL);
		for (int r = 0; r < n; r++)
		{
			float		norm = 0;
			float		best[2];
			int32_t		list[2];

			lanes_reduce(assign, r, second != NULL, &best[0], &list[0], &best[1], &list[1]);
			if (distance != NULL || second_distance != NULL)
				norm = assign->kernels->norm_sq(assign->dim, rows + (done + r) * assign->dim);
			/* if all distances overflowed, no list was kept: any list serves */
			nearest[done + r] = list[0] == INT32_MAX ? 0 : list[0];
			if (distance != NULL)
				distance[done + r] = fmaxf(norm + best[0], 0);
			if (second == NULL)
				continue;
			second[done + r] = list[1] == INT32_MAX ? -1 : list[1];
			if (second_distance != NULL)
				second_distance[done + r] = fmaxf(norm + best[1], 0);
		}
	}
}

void
vs_assign_query(const VsAssign *assign, VsQuantMetric metric, const float *query, float *out)
{
	const VsQuantKernels *kernels = assign->kernels;
	bool		products = metric == VS_QUANT_IP || metric == VS_QUANT_COSINE;
	float		norm = kernels->norm_sq(assign->dim, query);
	int			width = kernels->tile_lists;

	for (int p = 0; p < assign->panels; p++)
	{
		int			first = p * width;
		int			n = assign->lists - first < width ? assign->lists - first : width;
		float		dot[MAX_TILE_LISTS];
		bool		exact = true;

		kernels->panel_dot(assign->dim, query, assign->panel + (size_t) first * assign->dim, dot);
		if (products)
		{
			for (int i = 0; i < n; i++)
				out[first + i] = -dot[i];
			continue;
		}
		for (int i = 0; i < n; i++)
		{
			out[first + i] = norm + (assign->norms[first + i] - 2 * dot[i]);
			exact &= out[first + i] >= CANCELLED * (norm + assign->norms[first + i]);
		}
		/* also taken if a distance is NaN, which fails the comparison */
		if (!exact)
		{
			kernels->panel_distance(assign->dim, query, assign->panel + (size_t) first * assign->dim, dot);
			memcpy(out + first, dot, sizeof(float) * n);
		}
	}
}

const float *
vs_assign_norms(const VsAssign *assign)
{
	return assign->norms;
}
