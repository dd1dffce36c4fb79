/*-------------------------------------------------------------------------
 * test_queue.c
 *	  The queue of a scan's candidates against a plain array, and the selection
 *	  that it uses against sorting.
 *
 * Build: src/ann/scan/ann_queue.c
 *
 * Prints TAP.
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <limits.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "ann/scan/ann_queue.h"
#include "quant_test.h"

/* ---- memory that moves with each resize ---- */

#define MAX_ARRAYS	8

typedef struct Array
{
	void	   *memory;
	size_t		bytes;
} Array;

static Array arrays[MAX_ARRAYS];
static int	resizes = 0;
static int	resizes_left = INT_MAX;
static int	checks = 0;
static int	checks_left = INT_MAX;
static jmp_buf away;

static void *
moving_resize(void *arg, void *array, size_t count, size_t size)
{
	int			i = 0;
	void	   *larger;

	(void) arg;
	resizes++;
	if (resizes_left-- == 0)
		longjmp(away, 1);
	while (i < MAX_ARRAYS - 1 && arrays[i].memory != array)
		i++;
	expect("an array of the queue", arrays[i].memory == array);
	expect("an array grows", count * size > arrays[i].bytes);
	larger = malloc(count * size);
	/* results must not depend on bytes that were never written */
	memset(larger, 0xa5, count * size);
	if (array != NULL)
		memcpy(larger, array, arrays[i].bytes);
	free(array);
	arrays[i] = (Array){larger, count * size};
	return larger;
}

static void
counting_check(void *arg)
{
	(void) arg;
	checks++;
	if (checks_left-- == 0)
		longjmp(away, 1);
}

static void
queue_begin(VsAnnQueue *queue, int64_t expected)
{
	VsAnnQueueMemory memory = {moving_resize, NULL};
	VsQuantInterrupt interrupt = {counting_check, NULL};

	resizes = checks = 0;
	resizes_left = checks_left = INT_MAX;
	vs_ann_queue_init(queue, &memory, &interrupt);
	vs_ann_queue_reset(queue, expected);
}

static void
queue_end(VsAnnQueue *queue)
{
	size_t		bytes = 0;

	for (int i = 0; i < MAX_ARRAYS; i++)
	{
		bytes += arrays[i].bytes;
		free(arrays[i].memory);
		arrays[i] = (Array){NULL, 0};
	}
	expect("vs_ann_queue_bytes counts all arrays", bytes == vs_ann_queue_bytes(queue));
}

/* ---- the model: an array of all keys ---- */

typedef struct Model
{
	float	   *keys;			/* by ref */
	bool	   *taken;
	int			n;
	int			left;			/* not taken */
	int			capacity;
} Model;

static Model
model_begin(int capacity)
{
	Model		model = {malloc(sizeof(float) * capacity), calloc(capacity, sizeof(bool)), 0, 0, capacity};

	return model;
}

static void
model_end(Model *model)
{
	free(model->keys);
	free(model->taken);
}

static float
model_min(const Model *model)
{
	float		min = INFINITY;

	for (int i = 0; i < model->n; i++)
		if (!model->taken[i] && model->keys[i] < min)
			min = model->keys[i];
	return min;
}

/* Distributions of keys. */
typedef enum Shape
{
	NORMAL,
	TIES,						/* seven different keys */
	EQUAL,
	HEAVY_TAIL,					/* over all exponents */
	EXTREMES,					/* -INFINITY, FLT_MAX and others */
	RISING,						/* each block is further away */
	FALLING,
	SHAPES
} Shape;

static float
random_key(Shape shape, int i)
{
	float		key;

	random_floats(1, 1, &key);
	switch (shape)
	{
		case TIES:
			return (float) random_below(7);
		case EQUAL:
			return 2.5f;
		case HEAVY_TAIL:
			return ldexpf(key, random_below(250) - 125);
		case EXTREMES:
			switch (random_below(6))
			{
				case 0:
					return -INFINITY;
				case 1:
					return FLT_MAX;
				case 2:
					return -FLT_MAX;
				case 3:
					return FLT_MIN / 4;
				default:
					return key;
			}
		case RISING:
			return key + (float) i / 100;
		case FALLING:
			return key - (float) i / 100;
		default:
			return key;
	}
}

/* Add a block of n entries. */
static void
add_block(VsAnnQueue *queue, Model *model, Shape shape, int n)
{
	float	   *keys = vs_ann_queue_keys(queue);
	uint32_t	below = 0;

	for (int i = 0; i < VS_QUANT_BLOCK; i++)
		keys[i] = NAN;
	for (int i = 0; i < n; i++)
	{
		keys[i] = model->keys[model->n + i] = random_key(shape, model->n + i);
		/* as a scorer does, which marks -INFINITY always */
		if (keys[i] < queue->limit || keys[i] == -INFINITY)
			below |= 1U << i;
	}
	vs_ann_queue_add(queue, model->n, n, below);
	model->n += n;
	model->left += n;
}

/*
 * Take a portion, and compare it with the model.  Returns the largest key
 * taken, or -INFINITY if the queue is empty.  With full, the minimum of all
 * keys is compared too, which takes O(n).
 */
static float
take_portion(VsAnnQueue *queue, Model *model, int portion, bool full)
{
	VsAnnCandidate *taken;
	float		bound = NAN;
	float		max = -INFINITY;
	int			n;

	if (!vs_ann_queue_bound(queue, portion, &bound))
	{
		expect("empty only when all entries were taken", model->left == 0);
		return -INFINITY;
	}
	expect("not empty", model->left > 0);
	if (full)
		expect("no entry is below the bound", model_min(model) >= bound);
	taken = vs_ann_queue_take(queue, portion, &n);
	expect("some are taken", n > 0);
	for (int i = 0; i < n; i++)
	{
		expect("an entry", taken[i].ref < (uint32_t) model->n && !model->taken[taken[i].ref]);
		expect("its key", taken[i].key == model->keys[taken[i].ref]);
		expect("not below the bound", taken[i].key >= bound);
		model->taken[taken[i].ref] = true;
		max = taken[i].key > max ? taken[i].key : max;
	}
	model->left -= n;
	expect("limit stays above all keys taken", queue->limit > max);
	if (full)
		expect("no smaller key is left", model_min(model) >= max);
	return max;
}

/* Take all that is left, in ascending portions. */
static void
drain(VsAnnQueue *queue, Model *model, int portion, bool full)
{
	float		last = -INFINITY;

	while (model->left > 0 && failures == 0)
	{
		float		max = take_portion(queue, model, portion, full);

		expect("portions ascend", max >= last);
		last = max;
	}
	take_portion(queue, model, portion, full);
}

/* ---- tests of the queue ---- */

static void
test_drain(void)
{
	const int	sizes[] = {1, 31, 32, 33, 1000, 5000, 40000};
	const int	expected[] = {0, 10, 1000, 1000000};

	for (int shape = 0; shape < SHAPES; shape++)
		for (int s = 0; s < 7; s++)
		{
			Model		model = model_begin(sizes[s]);
			VsAnnQueue	queue;

			queue_begin(&queue, expected[random_below(4)]);
			while (model.n < sizes[s])
				add_block(&queue, &model, shape, sizes[s] - model.n < 32 ? sizes[s] - model.n : 32);
			drain(&queue, &model, 1 + random_below(300), sizes[s] <= 5000);
			queue_end(&queue);
			model_end(&model);
		}
	report("queue", "every entry is taken once, in ascending portions");
}

/* Mix additions, portions and lower limits. */
static void
mixed_case(Shape shape, VsAnnQueue *queue)
{
	enum
	{
		capacity = 6000
	};
	Model		model = model_begin(capacity);

	for (int step = 0; step < 400; step++)
	{
		int			what = random_below(10);

		if (what < 6 && model.n + 32 <= capacity)
			add_block(queue, &model, shape, 1 + random_below(32));
		else if (what < 9)
			take_portion(queue, &model, 1 + random_below(100), true);
		else
		{
			float		limit = model.n > 0 ? model.keys[random_below(model.n)] : 0;
			float		before = queue->limit;

			vs_ann_queue_lower_limit(queue, limit);
			expect("the limit is not raised", queue->limit <= before);
		}
	}
	drain(queue, &model, 50, true);
	model_end(&model);
}

static void
test_mixed(void)
{
	VsAnnQueue	queue;
	int			after_first;

	for (int shape = 0; shape < SHAPES; shape++)
	{
		queue_begin(&queue, 0);
		for (int i = 0; i < 10; i++)
		{
			mixed_case(shape, &queue);
			vs_ann_queue_reset(&queue, i * 300);
		}
		after_first = resizes;
		mixed_case(EQUAL, &queue);
		expect("a reset keeps the arrays", resizes - after_first <= 1);
		queue_end(&queue);
	}
	report("queue", "additions, portions and lower limits in any order");
}

static void
test_limit(void)
{
	Model		model = model_begin(20000);
	VsAnnQueue	queue;
	float		bound;

	queue_begin(&queue, 0);
	expect("empty", !vs_ann_queue_bound(&queue, 10, &bound));
	while (model.n < 9600)
		add_block(&queue, &model, NORMAL, 32);
	expect("the limit was lowered", queue.limit < INFINITY);
	expect("near is small", queue.nnear < 9600 / 2 && queue.nnear + queue.beyond == 9600);
	vs_ann_queue_lower_limit(&queue, -INFINITY);
	expect("no candidate is left", queue.nnear == 0 && queue.beyond == 9600);
	expect("the limit is a bound", vs_ann_queue_bound(&queue, 10, &bound) && bound == -INFINITY);
	take_portion(&queue, &model, 10, true);
	expect("the limit was raised", queue.limit > -INFINITY);
	bound = queue.max_taken;
	vs_ann_queue_lower_limit(&queue, -5);
	expect("not lowered to what was taken", queue.limit == nextafterf(bound, INFINITY));
	vs_ann_queue_lower_limit(&queue, INFINITY);
	expect("not raised", queue.limit == nextafterf(bound, INFINITY));
	expect("one pass per refill", checks == 1);
	drain(&queue, &model, 200, true);
	expect("refills double", checks <= 6);
	queue_end(&queue);
	model_end(&model);
	report("queue", "the limit is lowered and raised");
}

/* Keys that are not allowed must not make the queue loop. */
static void
test_bad_keys(void)
{
	const float bad[] = {NAN, INFINITY};

	for (int i = 0; i < 2; i++)
	{
		VsAnnQueue	queue;
		float		bound;
		float	   *keys;
		int			n;

		queue_begin(&queue, 0);
		keys = vs_ann_queue_keys(&queue);
		keys[0] = bad[i];
		keys[1] = 1;
		vs_ann_queue_add(&queue, 0, 2, 3);
		expect("the sound one", vs_ann_queue_bound(&queue, 5, &bound) && bound == 1 &&
			   vs_ann_queue_take(&queue, 5, &n)->ref == 1 && n == 1);
		expect("one is left", vs_ann_queue_bound(&queue, 5, &bound));
		vs_ann_queue_take(&queue, 5, &n);
		expect("none is taken", n == 0 && queue.beyond == 1);
		vs_ann_queue_take(&queue, 5, &n);
		expect("and none again", n == 0 && queue.beyond == 1);
		queue_end(&queue);
	}
	report("queue", "keys that are NaN or INFINITY are reported");
}

static void
test_max_blocks(void)
{
	Model		model = model_begin(1000);
	VsAnnQueue	queue;

	queue_begin(&queue, 0);
	expect("entries fit an int", (queue.max_blocks + 1) <= INT_MAX / VS_QUANT_BLOCK);
	queue.max_blocks = 1;
	add_block(&queue, &model, NORMAL, 32);
	/* the first array has room for more */
	queue.max_blocks = queue.block_capacity;
	while (queue.nblocks < queue.max_blocks)
	{
		vs_ann_queue_keys(&queue)[0] = 100;
		vs_ann_queue_add(&queue, 1000, 1, 0);
	}
	expect("no more blocks", vs_ann_queue_keys(&queue) == NULL);
	expect("none again", vs_ann_queue_keys(&queue) == NULL);
	take_portion(&queue, &model, 10, true);
	queue_end(&queue);
	model_end(&model);
	report("queue", "the limit of blocks is reported");
}

/* 1,000,000 keys of which few are taken, and then all. */
static void
test_million(void)
{
	enum
	{
		nkeys = 1000000
	};
	const Shape shapes[] = {NORMAL, FALLING, RISING};

	for (int s = 0; s < 3; s++)
	{
		Model		model = model_begin(nkeys);
		VsAnnQueue	queue;

		queue_begin(&queue, 100);
		while (model.n < nkeys)
			add_block(&queue, &model, shapes[s], 32);
		expect("near stays small", queue.near_capacity < 100000);
		take_portion(&queue, &model, 64, true);
		take_portion(&queue, &model, 128, true);
		drain(&queue, &model, 1000, false);
		expect("few passes", checks <= 12);
		expect("arrays double", resizes <= 30);
		queue_end(&queue);
		model_end(&model);
	}
	report("queue", "1,000,000 keys");
}

/* An error in a callback leaves a queue that can be reset and used. */
static void
test_jumps(void)
{
	static VsAnnQueue queue;
	volatile int jumps = 0;

	queue_begin(&queue, 0);
	for (volatile int i = 0; i < 40; i++)
	{
		static Model model;

		model = model_begin(20000);
		resizes_left = i < 20 ? i : INT_MAX;
		checks_left = i < 20 ? INT_MAX : i - 20;
		if (setjmp(away) == 0)
		{
			while (model.n < 19200)
				add_block(&queue, &model, i % SHAPES, 32);
			vs_ann_queue_lower_limit(&queue, -3);
			drain(&queue, &model, 100, false);
		}
		else
			jumps++;
		model_end(&model);
		vs_ann_queue_reset(&queue, 0);
	}
	expect("some jumped out", jumps >= 5);
	resizes_left = checks_left = INT_MAX;
	mixed_case(NORMAL, &queue);
	queue_end(&queue);
	report("queue", "an error in a callback leaves a queue that can be reset");
}

/* ---- heaps ---- */

static int
compare_refined(const void *a, const void *b)
{
	const VsAnnRefined *x = a;
	const VsAnnRefined *y = b;

	return vs_ann_refined_before(x, y) ? -1 : vs_ann_refined_before(y, x);
}

static VsAnnRefined
random_refined(uint32_t ref)
{
	VsAnnRefined refined = {random_below(50) / 4.0, ref, random_below(2) ? VS_ANN_KEY_EXACT : VS_ANN_KEY_BOUND};

	if (random_below(20) == 0)
	{
		refined.key = INFINITY;
		refined.kind = random_below(2) ? VS_ANN_KEY_NAN : VS_ANN_KEY_EXACT;
	}
	else if (random_below(20) == 0)
		refined.key = -INFINITY;
	return refined;
}

static bool
same_refined(const VsAnnRefined *a, const VsAnnRefined *b)
{
	return a->key == b->key && a->kind == b->kind;
}

static void
test_heaps(void)
{
	enum
	{
		n = 10000
	};
	static VsAnnRefined items[n];
	static bool seen[n];
	VsAnnQueue	queue;
	VsAnnHeap  *heaps[] = {&queue.refined, &queue.settled, &queue.late};
	VsAnnRefined first;

	queue_begin(&queue, 0);
	for (int h = 0; h < 3; h++)
		expect("empty", !vs_ann_heap_peek(heaps[h], &first));
	for (int i = 0; i < n; i++)
	{
		items[i] = random_refined(i);
		for (int h = 0; h < 3; h++)
			vs_ann_heap_push(&queue, heaps[h], items[i]);
	}
	qsort(items, n, sizeof(VsAnnRefined), compare_refined);
	for (int h = 0; h < 3; h++)
	{
		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < n && failures == 0; i++)
		{
			expect("one is left", vs_ann_heap_peek(heaps[h], &first));
			expect("the first", same_refined(&first, &items[i]) && !seen[first.ref]);
			seen[first.ref] = true;
			vs_ann_heap_pop(heaps[h]);
		}
		expect("empty again", !vs_ann_heap_peek(heaps[h], &first));
	}
	expect("equal keys: exact, bound, NaN",
		   items[n - 1].kind == VS_ANN_KEY_NAN && items[0].kind == VS_ANN_KEY_EXACT);
	queue_end(&queue);
	report("heaps", "three heaps pop in the order of keys and kinds");
}

/* Move items between heaps as a scan does. */
static void
test_heap_moves(void)
{
	VsAnnQueue	queue;
	VsAnnRefined first;
	int			pushed = 0;

	queue_begin(&queue, 0);
	for (int step = 0; step < 20000; step++)
	{
		int			what = random_below(5);

		if (what < 2)
			vs_ann_heap_push(&queue, &queue.refined, random_refined(pushed++));
		else if (what < 4 && vs_ann_heap_peek(&queue.refined, &first))
		{
			vs_ann_heap_pop(&queue.refined);
			vs_ann_heap_push(&queue, random_below(4) ? &queue.settled : &queue.late, first);
		}
		else if (random_below(50) == 0)
		{
			for (int i = 0; i < queue.settled.n; i++)
				vs_ann_heap_push(&queue, &queue.refined, queue.settled.items[i]);
			queue.settled.n = 0;
		}
		for (int i = 1; i < queue.refined.n && step % 500 == 0; i++)
			expect("heap order", !vs_ann_refined_before(&queue.refined.items[i],
														&queue.refined.items[(i - 1) / 2]));
		expect("none is lost", queue.refined.n + queue.settled.n + queue.late.n == pushed);
	}
	vs_ann_queue_reset(&queue, 0);
	expect("a reset empties the heaps", !vs_ann_heap_peek(&queue.refined, &first) &&
		   !vs_ann_heap_peek(&queue.settled, &first) && !vs_ann_heap_peek(&queue.late, &first));
	queue_end(&queue);
	report("heaps", "items move between heaps");
}

/* ---- selection ---- */

#define VS_SELECT select_int
#define VS_SELECT_TYPE int
#define VS_SELECT_BEFORE(a, b) (*(a) < *(b))
#include "util/select_template.h"

static int
compare_ints(const void *a, const void *b)
{
	int			x = *(const int *) a;
	int			y = *(const int *) b;

	return (x > y) - (x < y);
}

static void
test_select(void)
{
	enum
	{
		max = 300
	};
	int			array[max];
	int			sorted[max];

	for (int round = 0; round < 20000; round++)
	{
		int			n = 1 + random_below(round % 2 ? 8 : max);
		int			k = random_below(n);
		int			range = 1 + random_below(round % 3 ? 5 : 1000);
		int			order = random_below(4);

		for (int i = 0; i < n; i++)
			array[i] = order == 0 ? i : order == 1 ? -i :
				random_below(range);
		memcpy(sorted, array, sizeof(int) * n);
		qsort(sorted, n, sizeof(int), compare_ints);
		select_int(array, n, k);
		expect("the k'th", array[k] == sorted[k]);
		for (int i = 0; i < n; i++)
			expect("its side", i < k ? array[i] <= array[k] : array[i] >= array[k]);
		qsort(array, n, sizeof(int), compare_ints);
		expect("the same elements", memcmp(array, sorted, sizeof(int) * n) == 0);
	}
	report("select", "the k'th element is in its place");
}

int
main(void)
{
	test_drain();
	test_mixed();
	test_limit();
	test_bad_keys();
	test_max_blocks();
	test_million();
	test_jumps();
	test_heaps();
	test_heap_moves();
	test_select();
	return finish();
}
