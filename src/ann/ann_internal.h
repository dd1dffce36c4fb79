/*-------------------------------------------------------------------------
 * ann_internal.h
 *	  What the files of src/ann share.  README.md has the map and lock order.
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_INTERNAL_H
#define VS_ANN_INTERNAL_H

#include "ann/ann.h"
#include "ann/page/ann_page.h"

#include "access/amapi.h"
#include "access/generic_xlog.h"
#include "access/genam.h"
#include "access/reloptions.h"
#include "nodes/execnodes.h"
#include "storage/buffile.h"
#include "storage/bufmgr.h"
#include "storage/sharedfileset.h"

#include "quant/kmeans.h"
#include "quant/quant.h"
#include "store/store.h"
#include "util/recent_pages.h"

/* ---- settings and options (ann_options.c) ---- */

extern int	vs_ann_probes;		/* vecann.probes; 0 = automatic */
extern double vs_ann_epsilon;	/* vecann.epsilon */
extern bool vs_ann_background_seals;	/* vecann.background_seals */

#define VS_ANN_DEFAULT_BITS			4
#define VS_ANN_PENDING_AUTO			(-1)

typedef struct VsAnnOptions
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int			bits;
	int			pending_limit;
	int			dimensions;		/* 0: declared by the column, or by its first row */
} VsAnnOptions;

extern bytea *vs_ann_options(Datum reloptions, bool validate);
extern int	vs_ann_option_bits(Relation index);
extern int	vs_ann_option_pending_limit(Relation index);
extern int	vs_ann_option_dimensions(Relation index);

/* ---- values (ann_value.c) ---- */

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

/*
 * A payload is a value without its length word, as the store gives it.
 */
extern Size vs_ann_payload_bytes(VsAnnValueKind kind, int dim);
extern int	vs_ann_payload_dim(VsAnnValueKind kind, const void *payload);
extern void vs_ann_payload_floats(const VsAnnType *type, int dim,
								  const void *payload, float *out);
extern double vs_ann_payload_distance(const VsAnnType *type, int dim,
									  const void *query, const void *payload);
extern double vs_ann_operator_distance(VsQuantMetric metric, double distance);

/* ---- shape of an index (ann_geometry.c) ---- */

typedef struct VsAnnGeometry
{
	int			padded;			/* dimensions of a code */
	int			code_bytes;		/* of one entry */
	int			block_codes;	/* bytes of the codes of a block */
	int			block_bytes;	/* codes and factors */
	bool		has_factors;	/* not under Hamming */
	int			extra_bytes;	/* extra code of one entry, 0 if none */
	int			detail_bytes;	/* of one entry on a detail page */

	/* pending page */
	int			pending_blocks; /* 0: one narrow block */
	int			pending_width;	/* of the narrow block, in bytes for 4 dimensions */
	int			pending_capacity;
	int			pending_codes;	/* offset of the first block */

	/* extent */
	int			extent_entries;
	int			code_start;		/* offset of the first block on a code page */
	int			blocks_per_page;	/* 0 when a block spans pages */
	int			pages_per_block;	/* 1 when it does not */
	int			slice_dims;		/* dimensions on a page of a block that spans */
	int			factor_page;	/* of a block that spans: which of its pages ... */
	int			factor_offset;	/* ... and where on it the factors are */
	int			code_pages;		/* of an extent, its first page among them */
	int			details_per_page;
	int			detail_pages;
} VsAnnGeometry;

extern void vs_ann_geometry(VsAnnGeometry *geo, const VsQuantSpec *spec);
extern int	vs_ann_max_bits(int dim);

/* An index opened for work. */
typedef struct VsAnn
{
	Relation	index;
	VsAnnType	type;
	bool		has_dim;		/* false: no row yet, and spec and geo are not filled */
	bool		bulk;			/* being built: pages are logged at the end */
	bool		team;			/* being built by several processes */
	VsRecentPages *recent;		/* NULL but in scans */
	VsQuantSpec spec;
	VsAnnGeometry geo;
} VsAnn;

extern void vs_ann_open(VsAnn *ann, Relation index);
extern bool vs_ann_load_shape(VsAnn *ann);
extern void vs_ann_set_shape(VsAnn *ann, int dim, int bits, uint64 seed);
extern void vs_ann_check_dim(VsAnn *ann, int dim);

/* Scratch to turn payloads into rotated floats and codes. */
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

extern void vs_ann_coder_init(VsAnnCoder *coder, const VsAnn *ann);
extern void vs_ann_coder_rotate(VsAnnCoder *coder, const void *payload, float *rotated);
extern void vs_ann_code_floats(const VsAnn *ann, const uint8 *code, float *out);
extern void vs_ann_coder_encode(VsAnnCoder *coder, const void *payload,
								const float *rotated, const float *centroid,
								bool with_extra);

/* The value's address, or an error for one that the table does not hold (ann_insert.c). */
extern Oid	vs_ann_value_address(Relation index, Relation heap, VsAnnValueKind kind,
								 Datum value);

/* ---- pages and WAL (ann_change.c) ---- */

/*
 * One atomic change of up to VS_ANN_CHANGE_PAGES pages: generic WAL, or plain
 * writes while the index is being built.  Buffers are released by commit.
 */
#define VS_ANN_CHANGE_PAGES MAX_GENERIC_XLOG_PAGES

typedef struct VsAnnChange
{
	const VsAnn *ann;
	GenericXLogState *state;
	int			nbuffers;
	Buffer		buffers[VS_ANN_CHANGE_PAGES];
} VsAnnChange;

extern void vs_ann_change_begin(VsAnnChange *change, const VsAnn *ann);
extern Page vs_ann_change_page(VsAnnChange *change, Buffer buffer);
extern Page vs_ann_change_read(VsAnnChange *change, BlockNumber block, VsAnnPageKind kind);
extern Page vs_ann_change_new(VsAnnChange *change, VsAnnPageKind kind, uint32 epoch,
							  BlockNumber *block);
extern void vs_ann_change_commit(VsAnnChange *change);
extern void vs_ann_change_abort(VsAnnChange *change);

extern bool vs_ann_page_is(Page page, VsAnnPageKind kind);
extern Buffer vs_ann_page_read(const VsAnn *ann, BlockNumber block, int lockmode,
							   VsAnnPageKind kind);
extern Buffer vs_ann_page_read_again(const VsAnn *ann, BlockNumber block, VsAnnPageKind kind);
extern void vs_ann_page_init(Page page, VsAnnPageKind kind, uint32 epoch);
extern Buffer vs_ann_page_new(const VsAnn *ann);
extern void vs_ann_page_retire(const VsAnn *ann, const BlockNumber *blocks, int n);
extern bool vs_ann_page_recyclable(Page page);

/* ---- metapage (ann_meta.c) ---- */

extern void vs_ann_meta_init(Page page, const VsAnn *ann, uint64 seed);
extern void vs_ann_meta_read(const VsAnn *ann, VsAnnMetaData *meta);
extern VsAnnMetaData *vs_ann_meta_change(VsAnnChange *change);
extern void vs_ann_meta_count(const VsAnn *ann, int64 rows, int64 dead);
extern void vs_ann_segment_append(VsAnnChange *change, VsAnnMetaData *meta,
								  const VsAnnSegment *segment);

/* One sealer, compactor or vacuum at a time. */
extern bool vs_ann_seal_lock(Relation index, VsAnnWait wait);
extern void vs_ann_seal_unlock(Relation index);

/* ---- pending pages (ann_pending.c) ---- */

/* Entries on their way to pending pages, all coded against the same vector. */
typedef struct VsAnnRun
{
	int			n;
	int			written;		/* of those, on pages by now */
	bool		centred;		/* coded against the centre, not the origin */
	VsAnnId    *ids;
	uint8	   *codes;			/* n * code_bytes */
	VsQuantFactors *factors;
} VsAnnRun;

extern bool vs_ann_pending_append(const VsAnn *ann, BlockNumber *tail, VsAnnRun *run);
extern BlockNumber vs_ann_pending_tail(const VsAnnMetaData *meta);
extern VsAnnId *vs_ann_pending_ids(Page page);
extern void vs_ann_pending_block(const VsAnn *ann, Page page, int block,
								 VsQuantBlock *out);
extern void vs_ann_pending_widen(const VsAnn *ann, Page page, char *memory, VsQuantBlock *out);
extern void vs_ann_pending_code(const VsAnn *ann, Page page, int ordinal, uint8 *code);
extern int64 vs_ann_pending_rows(const VsAnn *ann, const VsAnnMetaData *meta);

/* ---- rows that are not yet on pending pages (ann_held_rows.c) ---- */

typedef struct VsAnnBuffer VsAnnBuffer;

extern uint64 vs_ann_buffer_epoch;

extern void vs_ann_buffer_init(void);
extern VsAnnBuffer *vs_ann_buffer_get(Relation index, Relation heap, bool *fresh);
extern const VsAnn *vs_ann_buffer_ann(const VsAnnBuffer *buffer);
extern bool vs_ann_buffer_put(VsAnnBuffer *buffer, Relation index, const VsAnnId *id,
							  const void *payload);
extern void vs_ann_buffer_write(Relation index);
extern void vs_ann_buffer_forget(Relation index);

/* ---- lists (ann_list.c) ---- */

/* Ids on their way into lists (ann_spool.c). */
typedef struct VsAnnSpool VsAnnSpool;

/* An entry coded against its list's centroid, ready to be put. */
typedef struct VsAnnCoded
{
	VsAnnId		id;
	VsQuantFactors factors;
	VsQuantFactors extra_factors;
	uint8		codes[FLEXIBLE_ARRAY_MEMBER];	/* 1-bit code, extra code */
} VsAnnCoded;

extern Size vs_ann_coded_bytes(const VsAnn *ann);
extern BlockNumber vs_ann_list_create(const VsAnn *ann, uint32 list_no, uint32 unsplit,
									  uint32 epoch);
extern void vs_ann_list_append(const VsAnn *ann, BlockNumber head, VsAnnCoded **entries,
							   int n, uint32 epoch);

/* What a reader copies of an extent under the lock of its first page. */
#define VS_ANN_EXTENT_MAX_PAGES	128

typedef struct VsAnnExtent
{
	VsAnnExtentHeader header;
	BlockNumber pages[VS_ANN_EXTENT_MAX_PAGES];
} VsAnnExtent;

extern int	vs_ann_extent_page_count(const VsAnnGeometry *geo);
extern void vs_ann_extent_copy(const VsAnn *ann, Page page, VsAnnExtent *extent);
extern void vs_ann_extent_read(const VsAnn *ann, BlockNumber block, VsAnnExtent *extent);

/* Where slot'th entry of an extent has its detail: page of the extent's, and offset. */
static inline int
vs_ann_detail_page_of(const VsAnnGeometry *geo, int ordinal)
{
	return geo->code_pages - 1 + ordinal / geo->details_per_page;
}

static inline int
vs_ann_detail_offset(const VsAnnGeometry *geo, int ordinal)
{
	return VS_ANN_CONTENTS + (ordinal % geo->details_per_page) * geo->detail_bytes;
}

/*
 * Walks the detail of all entries of a list.  The callback may change ids
 * when exclusive is true (it returns whether it did).
 */
typedef bool (*VsAnnIdVisit) (VsAnnId *id, void *arg);

typedef struct VsAnnListCounts
{
	int64		entries;
	int64		dead;			/* of those, flagged */
	int64		changed;		/* entries that the callback changed */
} VsAnnListCounts;

extern void vs_ann_list_walk(const VsAnn *ann, BlockNumber head, bool change,
							 VsAnnIdVisit visit, void *arg, VsAnnListCounts *counts);
extern void vs_ann_list_pages(const VsAnn *ann, BlockNumber head,
							  void (*visit) (BlockNumber block, void *arg), void *arg);

/* ---- entries out of a list (ann_list_copy.c) ---- */

extern void vs_ann_list_collect(const VsAnn *ann, BlockNumber head, VsAnnSpool *spool);
extern int64 vs_ann_list_copy(const VsAnn *ann, BlockNumber from, BlockNumber to, uint32 epoch);

/* ---- directory (ann_directory.c) ---- */

/* A directory read whole: centroids (rotated, relative to mean), heads. */
typedef struct VsAnnDirectory
{
	int			nlists;
	uint32		generation;
	float	   *mean;			/* padded; all zeros but under L2 */
	bool		has_mean;
	float	   *centroids;		/* nlists * padded, behind mean */
	float	   *centre;			/* mean of the sample if just trained, else NULL */
	BlockNumber centroids_at;	/* where they are on disk, 0 if nowhere */
	uint32		centroids_of;	/* generation that wrote them */
	BlockNumber *heads;
	int64	   *divided;		/* of a new list: the rows divided among it and others; or 0, or NULL */
} VsAnnDirectory;

extern VsAnnDirectory *vs_ann_directory_read(const VsAnn *ann, BlockNumber root);
extern BlockNumber vs_ann_directory_write(const VsAnn *ann, const VsAnnDirectory *dir,
										  uint32 epoch);
extern void vs_ann_directory_pages(const VsAnn *ann, BlockNumber root, bool centroids,
								   void (*visit) (BlockNumber block, void *arg),
								   void *arg);

extern BlockNumber vs_ann_centre_write(const VsAnn *ann, const float *centre, uint32 epoch);
extern void vs_ann_centre_read(const VsAnn *ann, BlockNumber block, float *centre);
extern void vs_ann_centre_pages(const VsAnn *ann, BlockNumber block,
								void (*visit) (BlockNumber block, void *arg), void *arg);

/* A directory kept by the backend for scans, with centroids packed. */
typedef struct VsAnnCache
{
	uint32		generation;
	uint32		centroids_of;	/* see VsAnnDirectory */
	int			nlists;
	bool		has_mean;
	float	   *mean;
	const VsAssign *assign;
	BlockNumber *heads;
	MemoryContext context;
} VsAnnCache;

extern void vs_ann_cache_forget(Relation index);
extern const VsAnnCache *vs_ann_cache_get(const VsAnn *ann, const VsAnnMetaData *meta);

/* ---- entries of dead rows (ann_dead.c) ---- */

/* An entry, to be asked about: its TID as a number, and where it is. */
typedef struct VsAnnSuspect
{
	uint64		row;
	uint64		place;			/* the caller's */
} VsAnnSuspect;

extern void vs_ann_suspect(const VsAnnId *id, uint64 place, VsAnnSuspect *suspect);
extern int64 vs_ann_find_dead(const VsAnn *ann, Relation heap, VsAnnSuspect *suspects,
							  int64 n);
extern int64 vs_ann_prune(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
						  int first, int n);
extern double vs_ann_dead_share(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir);

/* ---- bulk work (ann_spool.c, ann_assign.c) ---- */

extern Size vs_ann_spooled_code_bytes(const VsAnn *ann);
extern VsAnnSpool *vs_ann_spool_begin(const VsAnn *ann, Size memory);
extern void vs_ann_spool_put(VsAnnSpool *spool, const VsAnnId *id, const uint8 *code);
extern int64 vs_ann_spool_count(const VsAnnSpool *spool);
extern void vs_ann_spool_rewind(VsAnnSpool *spool);
extern int	vs_ann_spool_get(VsAnnSpool *spool, char *items, int max);
extern void vs_ann_spool_end(VsAnnSpool *spool);
extern VsAnnSpool *vs_ann_spool_begin_part(const VsAnn *ann, SharedFileSet *files, int part);
extern int64 vs_ann_spool_export(VsAnnSpool *spool);
extern VsAnnSpool *vs_ann_spool_open_parts(const VsAnn *ann, SharedFileSet *files, int nparts,
										   const int64 *counts);
extern void vs_ann_spool_seek(VsAnnSpool *spool, int64 item);

extern int	vs_ann_target_lists(int64 rows);
extern VsAnnDirectory *vs_ann_train(const VsAnn *ann, Relation heap, VsAnnSpool *spool,
									int lists, const float *mean);
extern int64 vs_ann_assign(const VsAnn *ann, Relation heap, const VsAnnDirectory *dir,
						   VsAnnSpool *spool, uint32 seal, void (*progress) (int64 done));
extern Size vs_ann_work_memory(void);
extern VsQuantInterrupt vs_ann_interrupt(void);

/* A growing array of block numbers. */
typedef struct VsAnnBlocks
{
	BlockNumber *blocks;
	int			n;
	int			capacity;
} VsAnnBlocks;

extern void vs_ann_blocks_add(BlockNumber block, void *blocks);

/* ---- seal, compaction (ann_seal.c, ann_plan.c) ---- */

/* what a seal is to do */
#define VS_ANN_DO_FLUSH		0x01
#define VS_ANN_DO_COMPACT	0x02	/* lists that need it */
#define VS_ANN_DO_GROW		0x04	/* all lists, if they are too few by far */
#define VS_ANN_DO_SWEEP		0x08	/* find pages that can be reused */
#define VS_ANN_DO_REPORT	0x10	/* progress, as that of a CREATE INDEX */
#define VS_ANN_DO_PRUNE		0x20	/* find the dead in all lists, if there seem to be many */

#define VS_ANN_FLUSH		(VS_ANN_DO_FLUSH | VS_ANN_DO_GROW | VS_ANN_DO_PRUNE)
/* after a vacuum, which has flagged the dead; and for a user, who wants none left */
#define VS_ANN_TIDY			(VS_ANN_DO_FLUSH | VS_ANN_DO_GROW | VS_ANN_DO_COMPACT | VS_ANN_DO_SWEEP)
#define VS_ANN_COMPACT		(VS_ANN_TIDY | VS_ANN_DO_PRUNE)

extern bool vs_ann_maintain(Relation index, Relation heap, VsAnnWait wait, int what,
							VsAnnSealResult *result);

/* ---- seals that come by themselves (ann_background.c) ---- */

extern void vs_ann_seal_if_large(Relation index, Relation heap);

/* How a directory is to change: what becomes of each old list. */
typedef enum VsAnnFate
{
	VS_ANN_KEEP,
	VS_ANN_COPY,				/* same centroid, new list without the dead */
	VS_ANN_REWRITE,				/* same centroid, new list; its rows are assigned anew */
	VS_ANN_SPLIT,				/* new centroids */
	VS_ANN_DROP					/* no centroid; its rows go to other lists */
} VsAnnFate;

typedef struct VsAnnPlan
{
	int			nlists;
	uint8	   *fates;			/* VsAnnFate of each list */
	int64	   *entries;		/* of each list, dead ones too */
	int64	   *dead;
	uint32	   *unsplit;		/* entries that stayed together when last divided */
	int64		rows_per_list;	/* aimed at */
	int64		copied;			/* entries copied, filled by vs_ann_plan_directory */
	bool		all;			/* train anew from everything */
	bool		any;			/* something other than VS_ANN_KEEP */
} VsAnnPlan;

extern VsAnnPlan *vs_ann_plan(const VsAnn *ann, const VsAnnDirectory *dir,
							  int64 pending, int64 fresh, int what);
extern int64 vs_ann_plan_moved(const VsAnnPlan *plan);
extern VsAnnDirectory *vs_ann_plan_directory(const VsAnn *ann, Relation heap,
											 const VsAnnDirectory *dir,
											 VsAnnPlan *plan, uint32 epoch);
extern void vs_ann_note_unsplit(const VsAnn *ann, const VsAnnDirectory *dir);

/* ---- vacuum (ann_vacuum.c) ---- */

extern void vs_ann_kill_unpublished(const VsAnn *ann, const VsAnnMetaData *meta);
extern void vs_ann_sweep(const VsAnn *ann);

/* ---- access method callbacks ---- */

extern IndexBuildResult *vs_ann_build(Relation heap, Relation index, IndexInfo *info);
extern void vs_ann_buildempty(Relation index);
extern bool vs_ann_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
						  Relation heap, IndexUniqueCheck check, bool unchanged,
						  IndexInfo *info);
extern IndexBulkDeleteResult *vs_ann_bulkdelete(IndexVacuumInfo *info,
												IndexBulkDeleteResult *stats,
												IndexBulkDeleteCallback callback,
												void *callback_state);
extern IndexBulkDeleteResult *vs_ann_vacuumcleanup(IndexVacuumInfo *info,
												   IndexBulkDeleteResult *stats);
extern void vs_ann_costestimate(struct PlannerInfo *root, struct IndexPath *path,
								double loop_count, Cost *startup, Cost *total,
								Selectivity *selectivity, double *correlation,
								double *pages);
extern bool vs_ann_validate(Oid opclassoid);
extern IndexScanDesc vs_ann_beginscan(Relation index, int nkeys, int norderbys);
extern void vs_ann_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
						  ScanKey orderbys, int norderbys);
extern bool vs_ann_gettuple(IndexScanDesc scan, ScanDirection direction);
extern void vs_ann_endscan(IndexScanDesc scan);
extern char *vs_ann_phasename(int64 phase);

/* build phases, after PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE (1) */
#define VS_ANN_PHASE_SCAN		2
#define VS_ANN_PHASE_TRAIN		3
#define VS_ANN_PHASE_ASSIGN		4
#define VS_ANN_PHASE_LISTS		5	/* of a parallel build */
#define VS_ANN_PHASE_WRITE		6

/* of indexes built from now on; the metapage keeps it */
#define VS_ANN_ROTATION_SEED	1

/* ---- inspection (ann_inspect.c) ---- */

extern Relation vs_ann_open_for_inspection(Oid indexoid, Relation *heap);
extern void vs_ann_refuse_foreign_temporary(Relation index);

/* ---- progress (ann_build.c) ---- */

extern void vs_ann_progress_phase(int64 number, int64 tuples);
extern void vs_ann_progress_done(int64 tuples);

/* ---- EXPLAIN (ann_explain.c) ---- */

extern void vs_ann_explain_init(void);

/* Rows emitted for which a scan scores as many lists as at its beginning again. */
#define VS_ANN_ROWS_PER_ROUND	128

/* lists scanned first by an index of so many (ann_cost.c) */
extern int	vs_ann_probes_of(int nlists, int64 rows);

#endif							/* VS_ANN_INTERNAL_H */
