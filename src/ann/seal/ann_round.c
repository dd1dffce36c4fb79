/*-------------------------------------------------------------------------
 * ann_round.c
 *	  Rounds of rows on their way into lists: read by address, assigned,
 *	  coded, sorted by list.
 *
 * A value that is gone belonged to a row that is dead to all snapshots: its
 * id is dropped.  Bits come with their code and are not read.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "ann/base/ann_memory.h"
#include "ann/base/ann_value.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_directory.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "ann/seal/ann_round.h"
#include "ann/seal/ann_spool.h"
#include "quant/kmeans.h"
#include "quant/quant.h"
#include "store/store.h"
#include "util/stop_point.h"

#define ROWS_AT_ONCE	1024
#define ROWS_BYTES		((Size) 8 * 1024 * 1024)

static int
compare_addresses(const void *a, const void *b)
{
	uint32		x = ((const VsAnnId *) a)->address;
	uint32		y = ((const VsAnnId *) b)->address;

	return x < y ? -1 : x > y;
}

/* Returns the payload of an id, or NULL if its row is gone. */
static const void *
read_payload(const VsAnn *ann, VsStoreReader *reader, const VsAnnId *id)
{
	Size		bytes = vs_ann_payload_bytes(ann->type.kind, ann->spec.dim);
	const void *payload = vs_store_reader_get(reader, id->address, bytes);

	if (payload != NULL &&
		vs_ann_payload_dim(ann->type.kind, payload) != ann->spec.dim)
		return NULL;
	return payload;
}

void
vs_ann_read_items(const VsAnn *ann, VsStoreReader *reader, VsAnnCoder *coder,
				  char *items, int n, float *rows, int32 *found)
{
	bool		bits = vs_ann_spooled_code_bytes(ann) > 0;
	Size		item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);

	qsort(items, n, item_size, compare_addresses);
	for (int i = 0; i < n; i++)
	{
		const char *item = items + item_size * i;
		float	   *row = rows + (Size) i * ann->geo.padded;
		const void *payload = bits ? item :
			read_payload(ann, reader, (const VsAnnId *) item);

		CHECK_FOR_INTERRUPTS();
		found[i] = payload != NULL;
		if (bits)
			vs_ann_code_floats(ann, (const uint8 *) item + sizeof(VsAnnId), row);
		else if (payload != NULL)
			vs_ann_coder_rotate(coder, payload, row);
	}
}

void
vs_ann_subtract(float *rows, int64 n, int padded, const float *mean)
{
	for (int64 i = 0; i < n; i++)
	{
		for (int j = 0; j < padded; j++)
			rows[i * padded + j] -= mean[j];
	}
}

static VsAnnCoded *
get_entry(VsAnnRound *round, int i)
{
	return (VsAnnCoded *) (round->entries + round->entry_bytes * i);
}

void
vs_ann_round_begin(VsAnnRound *round, const VsAnn *ann, Relation heap,
				   const VsAnnDirectory *dir, int64 nrows, Size memory)
{
	Size		bytes = vs_assign_bytes(dir->nlists, ann->geo.padded);
	Size		row_bytes = sizeof(float) * ann->geo.padded;
	int64		fit;

	round->ann = ann;
	round->dir = dir;
	round->assign = vs_assign_init(MemoryContextAllocHuge(CurrentMemoryContext, bytes),
								   dir->nlists, ann->geo.padded, dir->centroids);
	round->reader = vs_store_reader_open(heap);
	vs_ann_coder_init(&round->coder, ann);
	round->rows_at_once = Max(32, Min(Min(ROWS_AT_ONCE, nrows), ROWS_BYTES / row_bytes));
	round->item_size = sizeof(VsAnnId) + vs_ann_spooled_code_bytes(ann);
	round->items = palloc(round->item_size * round->rows_at_once);
	round->rows = palloc(row_bytes * round->rows_at_once);
	round->entry_bytes = vs_ann_coded_bytes(ann);
	fit = memory / (round->entry_bytes + sizeof(int32) + sizeof(VsAnnCoded *));
	round->capacity = Max(round->rows_at_once, Min(fit, nrows + round->rows_at_once));
	round->n = 0;
	round->entries = MemoryContextAllocHuge(CurrentMemoryContext,
											round->entry_bytes * round->capacity);
	round->lists = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(int32) * round->capacity);
	round->sorted = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(VsAnnCoded *) * round->capacity);
	round->starts = palloc(sizeof(int) * (dir->nlists + 1));
}

/* Copies the coder's results to entry i. */
static void
store_code(VsAnnRound *round, int i)
{
	const VsAnnGeometry *geo = &round->ann->geo;
	VsAnnCoded *entry = get_entry(round, i);

	entry->factors = round->coder.factors;
	entry->extra_factors = round->coder.extra_factors;
	memcpy(entry->codes, round->coder.code, geo->code_bytes);
	memcpy(entry->codes + geo->code_bytes, round->coder.extra, geo->extra_bytes);
}

/*
 * Reads the value of an item as entry i, rotated into row number row.
 * Returns false if the value is gone.
 */
static bool
read_item(VsAnnRound *round, const char *item, int i, int row, uint32 seal)
{
	const VsAnn *ann = round->ann;
	float	   *rotated = round->rows + (Size) row * ann->geo.padded;
	VsAnnCoded *entry = get_entry(round, i);
	const void *payload;

	memcpy(&entry->id, item, sizeof(VsAnnId));
	entry->id.flags = 0;
	entry->id.seal = seal;
	if (round->item_size > sizeof(VsAnnId))
	{
		memcpy(round->coder.code, item + sizeof(VsAnnId), ann->geo.code_bytes);
		store_code(round, i);
		vs_ann_code_floats(ann, round->coder.code, rotated);
		return true;
	}
	payload = read_payload(ann, round->reader, &entry->id);
	if (payload == NULL)
		return false;
	vs_ann_coder_rotate(&round->coder, payload, rotated);
	return true;
}

void
vs_ann_round_add(VsAnnRound *round, int count, uint32 seal)
{
	const VsAnn *ann = round->ann;
	int			padded = ann->geo.padded;
	bool		bits = ann->type.metric == VS_QUANT_HAMMING;
	VsQuantInterrupt interrupt = vs_ann_interrupt();
	int32	   *lists = round->lists + round->n;
	int			found = 0;

	qsort(round->items, count, round->item_size, compare_addresses);
	for (int i = 0; i < count; i++)
	{
		if (read_item(round, round->items + round->item_size * i, round->n + found, found, seal))
			found++;
	}
	vs_ann_subtract(round->rows, round->dir->has_mean ? found : 0, padded, round->dir->mean);
	vs_assign_rows(round->assign, found, round->rows, lists, NULL, NULL, NULL, &interrupt);
	for (int i = 0; !bits && i < found; i++)
	{
		vs_ann_coder_encode(&round->coder, NULL, round->rows + (Size) i * padded,
							round->dir->centroids + (Size) lists[i] * padded, true);
		store_code(round, round->n + i);
	}
	round->n += found;
}

bool
vs_ann_round_full(const VsAnnRound *round)
{
	return round->n + round->rows_at_once > round->capacity;
}

void
vs_ann_round_sort(VsAnnRound *round)
{
	int			nlists = round->dir->nlists;
	int			first = 0;

	memset(round->starts, 0, sizeof(int) * (nlists + 1));
	for (int i = 0; i < round->n; i++)
		round->starts[round->lists[i]]++;
	for (int list = 0; list <= nlists; list++)
	{
		int			count = round->starts[list];

		round->starts[list] = first;
		first += count;
	}
	for (int i = 0; i < round->n; i++)
		round->sorted[round->starts[round->lists[i]]++] = get_entry(round, i);
	/* each start has advanced to the start of the next list */
	memmove(round->starts + 1, round->starts, sizeof(int) * nlists);
	round->starts[0] = 0;
}

/*
 * Each list is appended to on its own, without a lock in between.  A crash
 * leaves the entries of some lists; their seal number is not published.
 */
void
vs_ann_round_append(VsAnnRound *round, uint32 seal)
{
	vs_ann_round_sort(round);
	for (int list = 0; list < round->dir->nlists; list++)
	{
		int			n = round->starts[list + 1] - round->starts[list];

		CHECK_FOR_INTERRUPTS();
		if (n == 0)
			continue;
		vs_ann_list_append(round->ann, round->dir->heads[list],
						   round->sorted + round->starts[list], n, seal);
		VS_STOP_POINT("seal: list written");
	}
	round->n = 0;
}

void
vs_ann_round_end(VsAnnRound *round)
{
	vs_store_reader_close(round->reader);
}
