/*-------------------------------------------------------------------------
 * ann_change.h
 *	  An index as its pages are seen, and the one way to change them.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_CHANGE_H
#define VS_ANN_CHANGE_H

#include "ann/page/ann_geometry.h"
#include "ann/page/ann_page.h"

#include "access/generic_xlog.h"
#include "storage/bufmgr.h"
#include "utils/relcache.h"

#include "compat/compat.h"
#include "quant/quant.h"
#include "util/recent_pages.h"

typedef enum VsAnnValueKind
{
	VS_ANN_VECTOR = 1,
	VS_ANN_HALFVEC,
	VS_ANN_BIT
} VsAnnValueKind;

/* What an operator class stands for; its support function 1 returns it. */
typedef struct VsAnnType
{
	VsAnnValueKind kind;
	VsQuantMetric metric;
	int			max_dim;
} VsAnnType;

/* An index opened for work (base/ann_index.h opens it). */
typedef struct VsAnn
{
	Relation	index;
	VsAnnType	type;
	bool		has_dim;		/* false: no row yet, and spec and geo are not filled */
	bool		bulk;			/* being built: pages are logged at the end */
	bool		team;			/* being built by several processes */
	VsRecentPages *recent;		/* NULL except in scans */
	VsQuantSpec spec;
	VsAnnGeometry geo;
} VsAnn;

/*
 * One atomic change of up to VS_ANN_CHANGE_PAGES pages: one generic WAL record,
 * or plain writes while the index is being built.  commit and abort release the
 * buffers.  An error in between leaves the pages as they were, except in a
 * build, which then fails as a whole.
 */
#define VS_ANN_CHANGE_PAGES MAX_GENERIC_XLOG_PAGES

typedef struct VsAnnChange
{
	const VsAnn *ann;
	GenericXLogState *state;
	int			nbuffers;
	Buffer		buffers[VS_ANN_CHANGE_PAGES];
} VsAnnChange;

/* Begins a change that has no pages yet. */
extern void vs_ann_change_begin(VsAnnChange *change, const VsAnn *ann);

/*
 * Adds an exclusively locked buffer, whose pin and lock then belong to the
 * change.  Returns the page to write to.
 */
extern Page vs_ann_change_page(VsAnnChange *change, Buffer buffer);

/*
 * Reads, locks exclusively and adds a page, which must be of the kind (else
 * ERRCODE_INDEX_CORRUPTED).  A page that the change already has is returned
 * again.
 */
extern Page vs_ann_change_read(VsAnnChange *change, BlockNumber block, VsAnnPageKind kind);

/* Allocates, adds and initializes a page; *block is its number. */
extern Page vs_ann_change_new(VsAnnChange *change, VsAnnPageKind kind, uint32 epoch,
							  BlockNumber *block);

/* Writes the change to WAL and to the buffers, and releases these. */
extern void vs_ann_change_commit(VsAnnChange *change);

/* Gives up a change to which nothing was written yet. */
extern void vs_ann_change_abort(VsAnnChange *change);

/*
 * Steps of a walk along pages that lead to each other; zeros at the beginning.
 */
typedef struct VsAnnWalk
{
	BlockNumber steps;
	BlockNumber most;
} VsAnnWalk;

/*
 * Counts a step of a walk, and checks for interrupts.  A walk that is longer than
 * the index goes round in a circle, which is an error (ERRCODE_INDEX_CORRUPTED).
 */
extern void vs_ann_walk_step(const VsAnn *ann, VsAnnWalk *walk, BlockNumber block);

/*
 * Raises ERRCODE_INDEX_CORRUPTED for a damaged page.  The format, with its
 * arguments, says what is wrong; it follows "block %u: ".
 */
pg_noreturn extern void vs_ann_damaged(const VsAnn *ann, BlockNumber block, const char *format,...)
	pg_attribute_printf(3, 4);

/* Raises that error for an id that leads to no place where a row can be. */
extern void vs_ann_id_check(const VsAnn *ann, BlockNumber block, const VsAnnId *id);

/* Raises ERRCODE_INDEX_CORRUPTED for an entry that leads beyond the end of the table. */
pg_noreturn extern void vs_ann_refuse_row(const VsAnn *ann, Relation heap, ItemPointer tid);

/*
 * What is wrong with a page of the kind, whatever the other pages say; NULL if it
 * is sound.  Needs a lock on it.
 */
extern const char *vs_ann_page_fault(const VsAnn *ann, Page page, VsAnnPageKind kind);

/*
 * Whether the page has the opaque of this access method.  ReadBuffer has checked
 * that pd_lower <= pd_upper <= pd_special <= BLCKSZ.
 */
extern bool vs_ann_page_is_ours(Page page);

/* Whether the page is a vecann page of the kind; needs a lock on it. */
extern bool vs_ann_page_is(Page page, VsAnnPageKind kind);

/*
 * Pins and locks a page, which must be of the kind, else the error is
 * ERRCODE_INDEX_CORRUPTED.
 */
extern Buffer vs_ann_page_read(const VsAnn *ann, BlockNumber block, int lockmode,
							   VsAnnPageKind kind);

/*
 * The same with a share lock, for scans: the caller knows from another page what
 * this one is.  To check that costs a cache miss, so only builds with
 * assertions do.
 */
extern Buffer vs_ann_page_read_again(const VsAnn *ann, BlockNumber block, VsAnnPageKind kind);

/* Makes an empty page of the kind, without a hole. */
extern void vs_ann_page_init(Page page, VsAnnPageKind kind, uint32 epoch);

/*
 * Stamps n pages that nothing has led to since the metapage was last changed.
 * Needs the seal lock.  A crash half way leaves pages for vs_ann_sweep.
 */
extern void vs_ann_page_retire(const VsAnn *ann, const BlockNumber *blocks, int n);

/*
 * Whether no snapshot of this database is older than xid, so that no scan can
 * still need what was retired then.  Snapshots of other databases do not count.
 */
extern bool vs_ann_past_horizon(FullTransactionId xid);

/* Whether a page may be taken for something else: retired, and long enough ago. */
extern bool vs_ann_page_recyclable(Page page);

#endif							/* VS_ANN_CHANGE_H */
