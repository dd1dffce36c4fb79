/*-------------------------------------------------------------------------
 * ann_change.h
 *	  The state of an open index that page access needs, and the only
 *	  interface through which pages are changed.
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

/* The properties of an operator class.  Its support function 1 returns them. */
typedef struct VsAnnType
{
	VsAnnValueKind kind;
	VsQuantMetric metric;
	int			max_dim;
} VsAnnType;

/* An index opened for work.  vs_ann_open (base/ann_index.h) fills it. */
typedef struct VsAnn
{
	Relation	index;
	VsAnnType	type;
	/* False until the first row: spec and geo are not filled then. */
	bool		has_dim;
	bool		bulk;			/* being built: WAL is written at the end */
	bool		team;			/* being built by parallel workers */
	VsRecentPages *recent;		/* NULL except in scans */
	VsQuantSpec spec;
	VsAnnGeometry geo;
} VsAnn;

/*
 * One atomic change of at most VS_ANN_CHANGE_PAGES pages.  It becomes one
 * generic WAL record; while the index is being built it is written in place
 * without WAL.  Commit and abort release all buffers of the change.  An error
 * before commit leaves the pages as they were, except in a build, which then
 * fails as a whole.
 */
#define VS_ANN_CHANGE_PAGES MAX_GENERIC_XLOG_PAGES

typedef struct VsAnnChange
{
	const VsAnn *ann;
	GenericXLogState *state;
	int			nbuffers;
	Buffer		buffers[VS_ANN_CHANGE_PAGES];
} VsAnnChange;

/* Begins a change without pages.  Takes no lock. */
extern void vs_ann_change_begin(VsAnnChange *change, const VsAnn *ann);

/*
 * Adds a buffer that the caller has pinned and locked exclusively.  The
 * change owns pin and lock from here on.  Returns the page to write to.
 */
extern Page vs_ann_change_page(VsAnnChange *change, Buffer buffer);

/*
 * Reads, locks exclusively and adds a page of the given kind.  If the change
 * already has the page, that copy is returned.  Errors:
 * ERRCODE_INDEX_CORRUPTED if the page is not of that kind.
 */
extern Page vs_ann_change_read(VsAnnChange *change, BlockNumber block, VsAnnPageKind kind);

/* Allocates, adds and initializes a page.  Sets *block to its block number. */
extern Page vs_ann_change_new(VsAnnChange *change, VsAnnPageKind kind, uint32 epoch,
							  BlockNumber *block);

/* Writes the change to WAL and to its buffers, and releases the buffers. */
extern void vs_ann_change_commit(VsAnnChange *change);

/*
 * Abandons a change to which nothing was written yet, and releases its
 * buffers.
 */
extern void vs_ann_change_abort(VsAnnChange *change);

/*
 * The number of steps of a walk along a chain of pages.  All zeros at the
 * start.
 */
typedef struct VsAnnWalk
{
	BlockNumber steps;
	BlockNumber most;
} VsAnnWalk;

/*
 * Counts one step of a walk and checks for interrupts.  A walk with more
 * steps than the index has pages follows a cycle.  Errors:
 * ERRCODE_INDEX_CORRUPTED for a cycle.
 */
extern void vs_ann_walk_step(const VsAnn *ann, VsAnnWalk *walk, BlockNumber block);

/*
 * Raises ERRCODE_INDEX_CORRUPTED for a damaged page.  The formatted text
 * names the fault; the message puts it after "block %u: ".
 */
pg_noreturn extern void vs_ann_damaged(const VsAnn *ann, BlockNumber block, const char *format,...)
	pg_attribute_printf(3, 4);

/* Raises the same error if the TID of an entry cannot be that of a row. */
extern void vs_ann_id_check(const VsAnn *ann, BlockNumber block, const VsAnnId *id);

/*
 * Raises ERRCODE_INDEX_CORRUPTED for an entry whose TID lies beyond the end
 * of the table.
 */
pg_noreturn extern void vs_ann_refuse_row(const VsAnn *ann, Relation heap, ItemPointer tid);

/*
 * Checks a page of the given kind by its own content, without looking at
 * other pages.  Returns the fault, or NULL if the page is sound.  Needs a
 * lock on the page.
 */
extern const char *vs_ann_page_fault(const VsAnn *ann, Page page, VsAnnPageKind kind);

/*
 * Returns whether the page has the opaque data of this access method.  Needs
 * a lock on the page.  ReadBuffer has already checked that pd_lower <=
 * pd_upper <= pd_special <= BLCKSZ.
 */
extern bool vs_ann_page_is_ours(Page page);

/*
 * Returns whether the page is a vecann page of the given kind.  Needs a lock
 * on the page.
 */
extern bool vs_ann_page_is(Page page, VsAnnPageKind kind);

/*
 * Pins and locks a page of the given kind and checks it (vs_ann_page_fault).
 * Errors: ERRCODE_INDEX_CORRUPTED, naming the index, the block and the fault.
 */
extern Buffer vs_ann_page_read(const VsAnn *ann, BlockNumber block, int lockmode,
							   VsAnnPageKind kind);

/*
 * The same with a share lock, for scans that know the page's kind from
 * another page.  The check would cost a cache miss, so only builds with
 * assertions make it.  Without the check, a page of another kind is read as
 * codes, with the same effect as damaged codes: wrong candidates, but no
 * access outside the page.
 */
extern Buffer vs_ann_page_read_again(const VsAnn *ann, BlockNumber block, VsAnnPageKind kind);

/* Initializes an empty page of the given kind, without a hole. */
extern void vs_ann_page_init(Page page, VsAnnPageKind kind, uint32 epoch);

/*
 * Marks n pages as retired.  No page that is reachable from the metapage may
 * lead to them.  Needs the seal lock.  A crash during the call leaves some
 * pages without the mark; vs_ann_sweep finds them.
 */
extern void vs_ann_page_retire(const VsAnn *ann, const BlockNumber *blocks, int n);

/*
 * Returns whether no snapshot of this database is older than xid, so that no
 * scan can still read a page that was retired at xid.  Snapshots of other
 * databases do not count, because their scans cannot read this index.
 */
extern bool vs_ann_past_horizon(FullTransactionId xid);

/*
 * Returns whether a page may be reused: it is new, or it was retired and the
 * horizon has passed its retired_xid.  Needs a lock on the page.
 */
extern bool vs_ann_page_recyclable(Page page);

#endif							/* VS_ANN_CHANGE_H */
