/*-------------------------------------------------------------------------
 * ann_list.c
 *	  Lists: chains of extents of coded entries.
 *
 * seal/ann_list_copy.c takes entries out of lists.  Only the holder of the
 * seal lock writes to a list; scans read it meanwhile.  Entries are appended
 * after the extent's nentries and counted last.  A reader takes nentries
 * under the lock of the first page and so never sees half an entry; a crash
 * leaves none either.  The seal number of an entry decides whether a scan
 * counts it at all (invariant A3).
 *
 * The hole of a list's page (pd_lower to pd_upper) is space that no entry has
 * used yet.  Generic WAL neither compares nor logs the hole, and zeroes it.
 * Code that puts entries on a page therefore raises pd_lower first
 * (extend_content).
 *
 * Locks: the extent's first page, then one code page, one detail page, the
 * list's first page.  All are held for one change only.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "utils/rel.h"

#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_list.h"
#include "ann/page/ann_page.h"
#include "quant/quant.h"

Size
vs_ann_coded_bytes(const VsAnn *ann)
{
	return MAXALIGN(offsetof(VsAnnCoded, codes) + ann->geo.code_bytes + ann->geo.extra_bytes);
}

/* Raises pd_lower to end: the bytes before it are content. */
static void
extend_content(Page page, Size end)
{
	PageHeader	header = (PageHeader) page;

	Assert(end <= header->pd_upper);
	if (header->pd_lower < end)
		header->pd_lower = end;
}

static void
init_extent(const VsAnn *ann, Page page, BlockNumber self, uint32 list_no)
{
	VsAnnExtentHeader *header = VS_ANN_EXTENT_HEADER(page);
	BlockNumber *pages = VS_ANN_EXTENT_PAGES(page);

	memset(header, 0, sizeof(*header));
	header->next = InvalidBlockNumber;
	header->tail = self;
	header->list_no = list_no;
	for (int i = 0; i < vs_ann_extent_page_count(&ann->geo); i++)
		pages[i] = InvalidBlockNumber;
	((PageHeader) page)->pd_lower = (char *) (pages + vs_ann_extent_page_count(&ann->geo)) - (char *) page;
}

BlockNumber
vs_ann_list_create(const VsAnn *ann, uint32 list_no, uint32 unsplit, uint32 epoch)
{
	VsAnnChange change;
	BlockNumber block;
	Page		page;

	vs_ann_change_begin(&change, ann);
	page = vs_ann_change_new(&change, VS_ANN_EXTENT, epoch, &block);
	init_extent(ann, page, block, list_no);
	VS_ANN_EXTENT_HEADER(page)->unsplit = unsplit;
	vs_ann_change_commit(&change);
	return block;
}

/*
 * Links an empty extent to the list's last one and returns it.  One change
 * holds the locks of the old tail, the list's first page and the new page, so
 * a crash leaves either no new extent or a complete one.
 */
static BlockNumber
add_extent(const VsAnn *ann, BlockNumber head, BlockNumber tail, uint32 epoch)
{
	VsAnnChange change;
	VsAnnExtentHeader *last;
	VsAnnExtentHeader *first;
	BlockNumber block;
	Page		page;

	vs_ann_change_begin(&change, ann);
	last = VS_ANN_EXTENT_HEADER(vs_ann_change_read(&change, tail, VS_ANN_EXTENT));
	first = VS_ANN_EXTENT_HEADER(vs_ann_change_read(&change, head, VS_ANN_EXTENT));
	page = vs_ann_change_new(&change, VS_ANN_EXTENT, epoch, &block);
	init_extent(ann, page, block, first->list_no);
	last->next = block;
	first->tail = block;
	vs_ann_change_commit(&change);
	return block;
}

/*
 * Returns the extent's page_no'th further page, in the change.  Makes it if
 * it does not exist yet.
 */
static Page
get_further_page(VsAnnChange *change, Page extent, int page_no, VsAnnPageKind kind, uint32 epoch)
{
	BlockNumber *slot = VS_ANN_EXTENT_PAGES(extent) + page_no;

	Page		page;

	if (*slot != InvalidBlockNumber)
		return vs_ann_change_read(change, *slot, kind);
	page = vs_ann_change_new(change, kind, epoch, slot);
	((PageHeader) page)->pd_lower = VS_ANN_CONTENTS;
	return page;
}

static void
put_factors(float *columns, int slot, const VsQuantFactors *factors)
{
	columns[slot] = factors->add;
	columns[VS_QUANT_BLOCK + slot] = factors->rescale;
	columns[2 * VS_QUANT_BLOCK + slot] = factors->error;
}

static void
put_details(const VsAnn *ann, Page page, int ordinal, VsAnnCoded **entries, int n)
{
	const VsAnnGeometry *geo = &ann->geo;

	extend_content(page, vs_ann_detail_offset(geo, ordinal + n - 1) + geo->detail_bytes);
	for (int i = 0; i < n; i++)
	{
		char	   *detail = (char *) page + vs_ann_detail_offset(geo, ordinal + i);

		memcpy(detail, &entries[i]->id, sizeof(VsAnnId));
		if (geo->extra_bytes > 0)
		{
			detail += sizeof(VsAnnId);
			memcpy(detail, &entries[i]->extra_factors, sizeof(VsQuantFactors));
			memcpy(detail + sizeof(VsQuantFactors), entries[i]->codes + geo->code_bytes,
				   geo->extra_bytes);
		}
	}
}

/* Puts entries, starting at ordinal, into the blocks of one code page. */
static void
put_blocks(const VsAnn *ann, Page page, int ordinal, VsAnnCoded **entries, int n)
{
	const VsAnnGeometry *geo = &ann->geo;

	for (int i = 0; i < n; i++)
	{
		int			slot = (ordinal + i) % VS_QUANT_BLOCK;
		int			block = (ordinal + i) / VS_QUANT_BLOCK % geo->blocks_per_page;
		char	   *start = (char *) page + geo->code_start + block * geo->block_bytes;

		extend_content(page, geo->code_start + (Size) (block + 1) * geo->block_bytes);
		vs_quant_block_put((uint8_t *) start, slot, entries[i]->codes, 0, geo->padded);
		if (geo->has_factors)
			put_factors((float *) (start + geo->block_codes), slot, &entries[i]->factors);
	}
}

/*
 * Puts entries into a block that spans pages.  Each page is a change of its
 * own.  A crash between two changes leaves codes behind nentries, which no
 * reader looks at; the next append writes them again.
 */
static void
put_slices(const VsAnn *ann, BlockNumber extent, int ordinal, VsAnnCoded **entries, int n,
		   uint32 epoch)
{
	const VsAnnGeometry *geo = &ann->geo;

	for (int p = 0; p < geo->pages_per_block; p++)
	{
		VsAnnChange change;
		int			first_dim = p * geo->slice_dims;
		int			ndims = Min(geo->slice_dims, geo->padded - first_dim);
		Page		first;
		Page		page;

		vs_ann_change_begin(&change, ann);
		first = vs_ann_change_read(&change, extent, VS_ANN_EXTENT);
		page = p == 0 ? first : get_further_page(&change, first, p - 1, VS_ANN_CODES, epoch);
		extend_content(page, ((PageHeader) page)->pd_upper);
		for (int i = 0; i < n; i++)
		{
			if (ndims > 0)
				vs_quant_block_put((uint8_t *) page + geo->code_start, ordinal + i,
								   entries[i]->codes, first_dim, ndims);
			if (geo->has_factors && p == geo->factor_page)
				put_factors((float *) ((char *) page + geo->factor_offset), ordinal + i,
							&entries[i]->factors);
		}
		vs_ann_change_commit(&change);
	}
}

/*
 * Returns how many of n entries, starting at ordinal, fit on one code page
 * and one detail page and so into one change.
 */
static int
get_chunk_size(const VsAnnGeometry *geo, int ordinal, int n)
{
	int			detail_end = (ordinal / geo->details_per_page + 1) * geo->details_per_page;
	int			code_end = geo->extent_entries;

	if (geo->blocks_per_page > 0)
	{
		int			per_page = geo->blocks_per_page * VS_QUANT_BLOCK;

		code_end = (ordinal / per_page + 1) * per_page;
	}
	return Min(n, Min(Min(detail_end, code_end), geo->extent_entries) - ordinal);
}

/*
 * Appends a chunk to an extent that has room, and returns its size.  The last
 * change holds the locks of the extent's first page, its code page, its
 * detail page and the list's first page; it counts the entries.  A crash
 * before it leaves them uncounted.
 */
static int
append_chunk(const VsAnn *ann, BlockNumber head, BlockNumber extent, int ordinal,
			 VsAnnCoded **entries, int n, uint32 epoch)
{
	const VsAnnGeometry *geo = &ann->geo;
	VsAnnChange change;
	Page		page;

	n = get_chunk_size(geo, ordinal, n);
	if (geo->blocks_per_page == 0)
		put_slices(ann, extent, ordinal, entries, n, epoch);
	vs_ann_change_begin(&change, ann);
	page = vs_ann_change_read(&change, extent, VS_ANN_EXTENT);
	if (geo->blocks_per_page > 0)
	{
		int			code_page = ordinal / VS_QUANT_BLOCK / geo->blocks_per_page;

		put_blocks(ann, code_page == 0 ? page :
				   get_further_page(&change, page, code_page - 1, VS_ANN_CODES, epoch),
				   ordinal, entries, n);
	}
	put_details(ann, get_further_page(&change, page, vs_ann_detail_page_of(geo, ordinal),
									  VS_ANN_DETAIL, epoch), ordinal, entries, n);
	VS_ANN_EXTENT_HEADER(page)->nentries += n;
	VS_ANN_EXTENT_HEADER(vs_ann_change_read(&change, head, VS_ANN_EXTENT))->list_entries += n;
	vs_ann_change_commit(&change);
	return n;
}

void
vs_ann_list_append(const VsAnn *ann, BlockNumber head, VsAnnCoded **entries, int n,
				   uint32 epoch)
{
	Buffer		buffer = vs_ann_page_read(ann, head, BUFFER_LOCK_SHARE, VS_ANN_EXTENT);
	BlockNumber extent = VS_ANN_EXTENT_HEADER(BufferGetPage(buffer))->tail;
	uint32		ordinal;

	UnlockReleaseBuffer(buffer);
	buffer = vs_ann_page_read(ann, extent, BUFFER_LOCK_SHARE, VS_ANN_EXTENT);
	ordinal = VS_ANN_EXTENT_HEADER(BufferGetPage(buffer))->nentries;
	if (ordinal > ann->geo.extent_entries ||
		VS_ANN_EXTENT_HEADER(BufferGetPage(buffer))->next != InvalidBlockNumber)
		vs_ann_damaged(ann, extent, "not the last extent of the list at %u", head);
	UnlockReleaseBuffer(buffer);
	while (n > 0)
	{
		int			put;

		if (ordinal == ann->geo.extent_entries)
		{
			extent = add_extent(ann, head, extent, epoch);
			ordinal = 0;
		}
		put = append_chunk(ann, head, extent, ordinal, entries, n, epoch);
		ordinal += put;
		entries += put;
		n -= put;
	}
}

void
vs_ann_extent_copy(const VsAnn *ann, BlockNumber block, Page page, VsAnnExtent *extent)
{
	extent->header = *VS_ANN_EXTENT_HEADER(page);
	if (unlikely(extent->header.nentries > ann->geo.extent_entries ||
				 extent->header.ndead > extent->header.nentries))
		vs_ann_damaged(ann, block, "an extent of %u entries, %u of them dead, where there is room for %d",
					   extent->header.nentries, extent->header.ndead, ann->geo.extent_entries);
	memcpy(extent->pages, VS_ANN_EXTENT_PAGES(page),
		   sizeof(BlockNumber) * vs_ann_extent_page_count(&ann->geo));
}

void
vs_ann_extent_read(const VsAnn *ann, BlockNumber block, VsAnnExtent *extent)
{
	Buffer		buffer = vs_ann_page_read(ann, block, BUFFER_LOCK_SHARE, VS_ANN_EXTENT);

	vs_ann_extent_copy(ann, block, BufferGetPage(buffer), extent);
	UnlockReleaseBuffer(buffer);
}

Buffer
vs_ann_detail_read(const VsAnn *ann, BlockNumber block, int lockmode, int n)
{
	Buffer		buffer = vs_ann_page_read(ann, block, lockmode, VS_ANN_DETAIL);

	if (unlikely(((PageHeader) BufferGetPage(buffer))->pd_lower <
				 VS_ANN_CONTENTS + n * ann->geo.detail_bytes))
		vs_ann_damaged(ann, block, "fewer than %d entries", n);
	return buffer;
}

/*
 * Visits the n ids of a detail page under its lock, which is exclusive if
 * they may change.  Returns how many are flagged dead afterwards.
 */
static int
visit_detail_page(const VsAnn *ann, BlockNumber block, int n, bool change_them,
				  VsAnnIdVisit visit, void *arg, int *changed)
{
	Buffer		buffer = vs_ann_detail_read(ann, block, change_them ? BUFFER_LOCK_EXCLUSIVE :
											BUFFER_LOCK_SHARE, n);
	Page		page = BufferGetPage(buffer);
	VsAnnChange change;
	bool		any = false;
	int			dead = 0;

	vs_ann_change_begin(&change, ann);
	for (int i = 0; i < n; i++)
	{
		char	   *at = (char *) page + vs_ann_detail_offset(&ann->geo, i);
		VsAnnId		id;
		bool		changed_it;

		memcpy(&id, at, sizeof(id));
		/* the visit hands the TID to VACUUM's callback */
		if (change_them && (id.flags & VS_ANN_DEAD) == 0)
			vs_ann_id_check(ann, block, &id);
		changed_it = visit(&id, arg);
		dead += (id.flags & VS_ANN_DEAD) != 0;
		if (!changed_it)
			continue;
		Assert(change_them);
		if (!any)
			page = vs_ann_change_page(&change, buffer);
		any = true;
		(*changed)++;
		memcpy((char *) page + vs_ann_detail_offset(&ann->geo, i), &id, sizeof(id));
	}
	if (any)
		vs_ann_change_commit(&change);
	else
		UnlockReleaseBuffer(buffer);
	return dead;
}

/*
 * Each step holds the lock of one detail page, and later that of the extent's
 * first page.  The flags and the extent's ndead are separate changes.  A
 * crash between them leaves ndead too low until the next walk, which sets it
 * to the number met.
 */
void
vs_ann_list_walk(const VsAnn *ann, BlockNumber head, bool change,
				 VsAnnIdVisit visit, void *arg, VsAnnListCounts *counts)
{
	const VsAnnGeometry *geo = &ann->geo;
	BlockNumber block = head;
	VsAnnExtent extent;
	VsAnnWalk	walk = {0};

	while (block != InvalidBlockNumber)
	{
		int			changed = 0;
		int			dead = 0;

		vs_ann_walk_step(ann, &walk, block);
		vs_ann_extent_read(ann, block, &extent);
		for (int i = 0; i < extent.header.nentries; i += geo->details_per_page)
			dead += visit_detail_page(ann, extent.pages[vs_ann_detail_page_of(geo, i)],
									  Min(geo->details_per_page, extent.header.nentries - i),
									  change, visit, arg, &changed);
		if (change && dead != extent.header.ndead)
		{
			VsAnnChange header;

			vs_ann_change_begin(&header, ann);
			VS_ANN_EXTENT_HEADER(vs_ann_change_read(&header, block, VS_ANN_EXTENT))->ndead = dead;
			vs_ann_change_commit(&header);
		}
		counts->entries += extent.header.nentries;
		counts->dead += dead;
		counts->changed += changed;
		block = extent.header.next;
	}
}

void
vs_ann_list_pages(const VsAnn *ann, BlockNumber head,
				  void (*visit) (BlockNumber block, void *arg), void *arg)
{
	BlockNumber block = head;
	VsAnnExtent extent;
	VsAnnWalk	walk = {0};

	while (block != InvalidBlockNumber)
	{
		vs_ann_walk_step(ann, &walk, block);
		vs_ann_extent_read(ann, block, &extent);
		visit(block, arg);
		for (int i = 0; i < vs_ann_extent_page_count(&ann->geo); i++)
		{
			if (extent.pages[i] != InvalidBlockNumber)
				visit(extent.pages[i], arg);
		}
		block = extent.header.next;
	}
}
