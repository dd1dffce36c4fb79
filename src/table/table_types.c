/*-------------------------------------------------------------------------
 * table_types.c
 *	  The extension's vector types, by their OIDs in this database.
 *
 * A type is recognized by its extension and its name.  The answers are cached
 * until pg_type changes.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "table/table_types.h"
#include "types/vector.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

typedef struct TypeEntry
{
	Oid			type;			/* hash key */
	int			element_size;
} TypeEntry;

static HTAB *type_cache = NULL;

static void type_cache_clear(Datum arg, int cacheid, uint32 hashvalue);
static int	type_look_up(Oid type);

int
vs_type_element_size(Oid type)
{
	TypeEntry  *entry;
	int			element_size;

	/* built-in types need no lookup */
	if (type < FirstNormalObjectId)
		return 0;

	if (type_cache == NULL)
	{
		HASHCTL		control;

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(TypeEntry);
		control.hcxt = CacheMemoryContext;
		type_cache = hash_create("vecstore types", 16, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		CacheRegisterSyscacheCallback(TYPEOID, type_cache_clear, (Datum) 0);
	}

	entry = hash_search(type_cache, &type, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->element_size;

	/* the lookup may clear the cache, so enter its answer afterwards */
	element_size = type_look_up(type);
	entry = hash_search(type_cache, &type, HASH_ENTER, NULL);
	entry->element_size = element_size;
	return element_size;
}

static int
type_look_up(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			extension = getExtensionOfObject(TypeRelationId, base);
	int			result = 0;

	if (OidIsValid(extension) && extension == get_extension_oid("vecstore", true))
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));

		if (HeapTupleIsValid(tuple))
		{
			const char *name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);

			if (strcmp(name, "vector") == 0)
				result = sizeof(float);
			else if (strcmp(name, "halfvec") == 0)
				result = sizeof(VsHalf);
			ReleaseSysCache(tuple);
		}
	}
	return result;
}

static void
type_cache_clear(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	TypeEntry  *entry;

	hash_seq_init(&scan, type_cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
		hash_search(type_cache, &entry->type, HASH_REMOVE, NULL);
}
