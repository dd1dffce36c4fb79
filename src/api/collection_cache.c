/*-------------------------------------------------------------------------
 * collection_cache.c
 *	  The description of a table for upserts: columns, key, defaults; cached per
 *	  backend.
 *
 * It is built from the relcache entry of a table that the caller holds locked.
 * It is kept until a relcache invalidation of that table, or until any schema,
 * operator or collation changes, because saved statements name the table, and
 * the operators and collations of its key, by their schemas.  An invalidation
 * may come at any time, also during an upsert, so it only clears 'valid'; the
 * structure and its saved plans are freed when the last user releases them.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "api/api_internal.h"

typedef struct CacheEntry
{
	Oid			relid;
	Collection *collection;
} CacheEntry;

static HTAB *cache = NULL;
static uint64 invalidations = 0;

static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	invalidations++;
	if (OidIsValid(relid))
	{
		entry = hash_search(cache, &relid, HASH_FIND, NULL);
		if (entry && entry->collection)
			entry->collection->valid = false;
		return;
	}
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->collection)
			entry->collection->valid = false;
	}
}

/* Renaming a schema does not invalidate the relcache entries of its tables. */
static void
invalidate_names(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate(arg, InvalidOid);
}

static void
cache_init(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(CacheEntry);
	cache = hash_create("vecstore collections", 32, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_names, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, invalidate_names, (Datum) 0);
	CacheRegisterSyscacheCallback(COLLOID, invalidate_names, (Datum) 0);
}

static void
collection_free(Collection *c)
{
	ListCell   *lc;

	foreach(lc, c->plans)
		SPI_freeplan(((UpsertPlan *) lfirst(lc))->plan);
	MemoryContextDelete(c->mcxt);
}

/* Refuses relations that cannot be upserted into. */
static void
check_relation(Relation rel)
{
	if (rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" is not a table", RelationGetRelationName(rel)),
			 errdetail_relkind_not_supported(rel->rd_rel->relkind)));
}

/* Whether the type is vector or halfvec, whose text form is a JSON array. */
static bool
is_vector_type(Oid typid)
{
	Oid			input;
	Oid			ioparam;
	char	   *name;

	getTypeInputInfo(typid, &input, &ioparam);
	name = get_func_name(input);
	return name && (strcmp(name, "vector_in") == 0 || strcmp(name, "halfvec_in") == 0);
}

static JsonForm
json_form_of(Oid typid)
{
	Oid			base = getBaseType(typid);

	if (type_is_array(base) && is_vector_type(get_element_type(base)))
		return JSON_FORM_VECTORS;
	if (base == JSONOID || base == JSONBOID)
		return JSON_FORM_RAW;
	if (type_is_array(base) || type_is_rowtype(base))
		return JSON_FORM_NESTED;
	return JSON_FORM_TEXT;
}

static void
build_column(Collection *c, Relation rel, AttrNumber attno)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attno - 1);
	CollectionColumn *col = &c->columns[attno - 1];
	Oid			input;

	col->attno = attno;
	col->name = pstrdup(NameStr(att->attname));
	if (att->attisdropped)
		return;
	col->typid = att->atttypid;
	col->typmod = att->atttypmod;
	if (att->attgenerated)
		col->not_writable_why = "it is a generated column";
	else if (att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
		col->not_writable_why = "it is an identity column defined as GENERATED ALWAYS";
	col->writable = col->not_writable_why == NULL;
	if (!att->attgenerated)
	{
		Node	   *expr = build_column_default(rel, attno);

		col->has_default = expr != NULL;
		col->default_is_volatile = expr && contain_volatile_functions(expr);
	}
	col->must_merge = att->attnotnull || get_typtype(att->atttypid) == TYPTYPE_DOMAIN;
	col->json_form = json_form_of(att->atttypid);
	getTypeInputInfo(att->atttypid, &input, &col->typioparam);
	fmgr_info_cxt(input, &col->input, c->mcxt);
	if (col->json_form == JSON_FORM_VECTORS)
	{
		col->element_type = get_element_type(getBaseType(att->atttypid));
		getTypeInputInfo(col->element_type, &input, &col->element_ioparam);
		fmgr_info_cxt(input, &col->element_input, c->mcxt);
	}
	if (vs_api_is_dynamic_type(att->atttypid))
		c->dynamic = attno;
}

/* The operator's text, which works under any search_path. */
static char *
operator_text(Oid opno)
{
	HeapTuple	tup = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
	Form_pg_operator form;
	char	   *text;

	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for operator %u", opno);
	form = (Form_pg_operator) GETSTRUCT(tup);
	text = psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tup);
	return text;
}

/*
 * A key column with the collation of its index.  With the collation, ON
 * CONFLICT takes the primary key, and not a unique index by which more keys
 * are equal.
 */
static char *
conflict_target(const char *column, Oid collation)
{
	HeapTuple	tup;
	Form_pg_collation form;
	char	   *text;

	if (!OidIsValid(collation))
		return pstrdup(quote_identifier(column));
	tup = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tup);
	text = psprintf("%s COLLATE %s", quote_identifier(column),
					quote_qualified_identifier(get_namespace_name(form->collnamespace),
											   NameStr(form->collname)));
	ReleaseSysCache(tup);
	return text;
}

/* The primary key's index, deferrable or not, or InvalidOid. */
static Oid
primary_key_index(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tup))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		if (((Form_pg_index) GETSTRUCT(tup))->indisprimary)
			result = lfirst_oid(lc);
		ReleaseSysCache(tup);
	}
	list_free(indexes);
	return result;
}

/* Raises the error for a key that the caller cannot give. */
static void
error_key_not_writable(Relation rel, CollectionColumn *col)
{
	if (TupleDescAttr(RelationGetDescr(rel), col->attno - 1)->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("rows of table \"%s\" cannot be upserted because its key is computed: column \"%s\" is a generated column",
						RelationGetRelationName(rel), col->name),
				 errhint("Use INSERT ... ON CONFLICT, or a primary key of columns that callers give.")));
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 errmsg("rows of table \"%s\" cannot be upserted because the database makes its key: column \"%s\" is GENERATED ALWAYS",
					RelationGetRelationName(rel), col->name),
			 errhint("Use INSERT for new rows, or let callers give keys with ALTER TABLE ... ALTER COLUMN ... SET GENERATED BY DEFAULT.")));
}

static void
build_key(Collection *c, Relation rel)
{
	Oid			index_oid = primary_key_index(rel);
	Relation	index;
	int			i;

	if (!OidIsValid(index_oid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" has no primary key, so its rows cannot be upserted",
						RelationGetRelationName(rel)),
				 errhint("Add one with ALTER TABLE ... ADD PRIMARY KEY, or use INSERT.")));
	index = index_open(index_oid, AccessShareLock);
	if (!index->rd_index->indimmediate)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the primary key of table \"%s\" is deferrable, so its rows cannot be upserted",
						RelationGetRelationName(rel)),
				 errhint("Upserts need a primary key that is NOT DEFERRABLE.")));
	c->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	c->keys = palloc(c->nkeys * sizeof(AttrNumber));
	c->key_sort_ops = palloc(c->nkeys * sizeof(Oid));
	c->key_collations = palloc(c->nkeys * sizeof(Oid));
	c->key_equals = palloc(c->nkeys * sizeof(char *));
	c->key_targets = palloc(c->nkeys * sizeof(char *));
	for (i = 0; i < c->nkeys; i++)
	{
		Oid			family = index->rd_opfamily[i];
		Oid			type = index->rd_opcintype[i];
		CollectionColumn *col = &c->columns[index->rd_index->indkey.values[i] - 1];

		c->keys[i] = col->attno;
		c->key_sort_ops[i] = get_opfamily_member(family, type, type, BTLessStrategyNumber);
		c->key_equals[i] = operator_text(get_opfamily_member(family, type, type,
															 BTEqualStrategyNumber));
		c->key_collations[i] = index->rd_indcollation[i];
		c->key_targets[i] = conflict_target(col->name, index->rd_indcollation[i]);
		col->is_key = true;
		col->text_is_exact = vs_api_exact_is_certain(TEXTOID, col);
		if (!col->writable)
			error_key_not_writable(rel, col);
		if (col->default_is_volatile)
			c->auto_id = true;
	}
	index_close(index, AccessShareLock);
}

/*
 * The descriptor of a batch row: every attribute in its place, then the row's
 * number and pattern.
 */
static TupleDesc
build_batch_desc(Collection *c, Relation rel)
{
	TupleDesc	desc = CreateTemplateTupleDesc(c->natts + 2);
	int			i;

	for (i = 0; i < c->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
		char		name[16];

		snprintf(name, sizeof(name), "c%d", i + 1);
		if (att->attisdropped)
			TupleDescInitEntry(desc, i + 1, name, INT4OID, -1, 0);
		else
		{
			TupleDescInitEntry(desc, i + 1, name, att->atttypid, att->atttypmod, 0);
			TupleDescInitEntryCollation(desc, i + 1, att->attcollation);
		}
	}
	TupleDescInitEntry(desc, c->natts + 1, "ordinal", INT8OID, -1, 0);
	TupleDescInitEntry(desc, c->natts + 2, "pattern", INT4OID, -1, 0);
	return desc;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(CollectionColumn *const *) a)->name, (*(CollectionColumn *const *) b)->name);
}

static void
sort_names(Collection *c)
{
	int			i;

	c->by_name = palloc(c->natts * sizeof(CollectionColumn *));
	for (i = 0; i < c->natts; i++)
	{
		if (OidIsValid(c->columns[i].typid))
			c->by_name[c->nby_name++] = &c->columns[i];
	}
	qsort(c->by_name, c->nby_name, sizeof(CollectionColumn *), compare_names);
}

static Collection *
collection_build(Relation rel)
{
	uint64		invalidations_before = invalidations;
	MemoryContext mcxt = AllocSetContextCreate(CurrentMemoryContext, "vecstore collection",
											   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(mcxt);
	Collection *c = palloc0(sizeof(Collection));
	TriggerDesc *triggers = rel->trigdesc;
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	int			i;

	c->relid = RelationGetRelid(rel);
	c->mcxt = mcxt;
	c->name = pstrdup(RelationGetRelationName(rel));
	c->qualified_name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   c->name);
	c->natts = RelationGetNumberOfAttributes(rel);
	c->columns = palloc0(c->natts * sizeof(CollectionColumn));
	for (i = 0; i < c->natts; i++)
		build_column(c, rel, i + 1);
	sort_names(c);
	build_key(c, rel);
	c->partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	c->merge_all = c->partitioned || rel->rd_rel->relrowsecurity ||
		(constr && (constr->num_check > 0 || constr->has_generated_stored)) ||
		(triggers && triggers->trig_insert_before_row);
	c->batch_desc = build_batch_desc(c, rel);
	c->valid = invalidations == invalidations_before;
	MemoryContextSwitchTo(old);
	return c;
}

Collection *
vs_api_collection_get(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	CacheEntry *entry;
	Collection *c;
	bool		found;

	if (!cache)
		cache_init();
	entry = hash_search(cache, &relid, HASH_FIND, NULL);
	if (entry && entry->collection && entry->collection->valid)
	{
		entry->collection->users++;
		return entry->collection;
	}

	check_relation(rel);
	c = collection_build(rel);
	entry = hash_search(cache, &relid, HASH_ENTER, &found);
	if (found && entry->collection && entry->collection->users == 0)
		collection_free(entry->collection);
	entry->collection = c;
	MemoryContextSetParent(c->mcxt, CacheMemoryContext);
	c->users = 1;
	return c;
}

void
vs_api_collection_release(Collection *c)
{
	CacheEntry *entry = hash_search(cache, &c->relid, HASH_FIND, NULL);

	Assert(c->users > 0);
	if (--c->users > 0 || c->valid)
		return;
	if (entry && entry->collection == c)
		entry->collection = NULL;
	collection_free(c);
}

CollectionColumn *
vs_api_collection_column(Collection *c, const char *name)
{
	CollectionColumn key = {(char *) name};
	CollectionColumn *sought = &key;
	CollectionColumn **found = bsearch(&sought, c->by_name, c->nby_name,
									   sizeof(CollectionColumn *), compare_names);

	return found ? *found : NULL;
}
