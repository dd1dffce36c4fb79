/*-------------------------------------------------------------------------
 * ann_index.c
 *	  Opening an index for work: its type, and the shape of its codes.
 *
 * Opening an index writes nothing, because planning and EXPLAIN open indexes
 * too.  A caller that must see the rows that this session holds back writes
 * them first (insert/ann_held_rows.h).
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "utils/rel.h"

#include "ann/ann.h"
#include "ann/base/ann_index.h"
#include "ann/base/ann_options.h"
#include "ann/page/ann_change.h"
#include "ann/page/ann_geometry.h"
#include "ann/page/ann_meta.h"
#include "ann/page/ann_page.h"
#include "quant/quant.h"

/* The contents of rd_amcache, for an index whose dimension is known. */
typedef struct ShapeCache
{
	VsAnnType	type;
	VsQuantSpec spec;
	VsAnnGeometry geo;
} ShapeCache;

void
vs_ann_set_shape(VsAnn *ann, int dim, int bits, uint64 seed)
{
	if (dim < 1 || dim > ann->type.max_dim)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" cannot hold values of %d dimensions, at most %d",
						RelationGetRelationName(ann->index), dim, ann->type.max_dim)));
	if (ann->type.metric == VS_QUANT_HAMMING)
		bits = 1;
	if (!vs_quant_spec(&ann->spec, ann->type.metric, dim, Min(bits, vs_ann_max_bits(dim)), seed))
		elog(ERROR, "no quantizer for %d dimensions of %d bits", dim, bits);
	vs_ann_geometry(&ann->geo, &ann->spec);
	ann->has_dim = true;
}

static const VsAnnType *
opclass_type(Relation index)
{
	FmgrInfo   *support = index_getprocinfo(index, 1, 1);

	return (const VsAnnType *) DatumGetPointer(FunctionCall1(support, PointerGetDatum(NULL)));
}

bool
vs_ann_load_shape(VsAnn *ann)
{
	VsAnnMetaData meta;
	ShapeCache *cache;

	if (ann->has_dim)
		return true;
	vs_ann_meta_read(ann, &meta);
	if (meta.dim == 0)
		return false;
	vs_ann_set_shape(ann, meta.dim, meta.bits, meta.seed);
	cache = MemoryContextAlloc(ann->index->rd_indexcxt, sizeof(ShapeCache));
	cache->type = ann->type;
	cache->spec = ann->spec;
	cache->geo = ann->geo;
	if (ann->index->rd_amcache != NULL)
		pfree(ann->index->rd_amcache);
	ann->index->rd_amcache = cache;
	return true;
}

void
vs_ann_open(VsAnn *ann, Relation index)
{
	memset(ann, 0, sizeof(*ann));
	ann->index = index;
	if (index->rd_amcache != NULL)
	{
		ShapeCache *cache = (ShapeCache *) index->rd_amcache;

		ann->type = cache->type;
		ann->spec = cache->spec;
		ann->geo = cache->geo;
		ann->has_dim = true;
		return;
	}
	ann->type = *opclass_type(index);
	vs_ann_load_shape(ann);
}

/*
 * If the index has no dimension yet, one change of the metapage sets it.  The
 * change locks the metapage and looks again, because another backend may have
 * set the dimension meanwhile.  A crash leaves the metapage with the
 * dimension or without it.
 */
void
vs_ann_check_dim(VsAnn *ann, int dim)
{
	if (!vs_ann_load_shape(ann))
	{
		VsAnnChange change;
		VsAnnMetaData *meta;
		VsAnn		shaped = *ann;

		vs_ann_set_shape(&shaped, dim, vs_ann_option_bits(ann->index), 1);
		vs_ann_change_begin(&change, ann);
		meta = vs_ann_meta_change(&change);
		if (meta->dim == 0)
		{
			meta->dim = dim;
			meta->bits = shaped.spec.bits;
			vs_ann_change_commit(&change);
		}
		else
			vs_ann_change_abort(&change);
		vs_ann_load_shape(ann);
	}
	if (dim != ann->spec.dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", ann->spec.dim, dim),
				 errdetail("Index \"%s\" holds values of %d dimensions.",
						   RelationGetRelationName(ann->index), ann->spec.dim)));
}

/* amoptions identifies the access method: no other one has this function. */
bool
vs_ann_is_vecann(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_INDEX && rel->rd_indam != NULL &&
		rel->rd_indam->amoptions == vs_ann_options;
}

/*
 * The pages of another session's temporary index are in that session's local
 * buffers.
 */
void
vs_ann_refuse_foreign_temporary(Relation index)
{
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
}
