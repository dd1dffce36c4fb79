/*-------------------------------------------------------------------------
 * table_types.c
 *	  Which types are stored apart whatever their size: the extension's vectors.
 *
 * A type is recognised by belonging to the extension and by its name.  The
 * answers are cached until pg_type changes.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "table/table_row.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

typedef struct TypeEntry
{
	Oid			type;			/* hash key */
	bool		stored_apart;
} TypeEntry;

static HTAB *type_cache = NULL;

static void type_cache_clear(Datum arg, int cacheid, uint32 hashvalue);
static bool type_look_up(Oid type);

bool
vs_type_stored_apart(Oid type)
{
	TypeEntry  *entry;
	bool		stored_apart;

	/* none of the built-in types, without a look-up */
	if (type < FirstNormalObjectId)
		return false;

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
		return entry->stored_apart;

	/* the look-up may clear the cache, so enter its answer afterwards */
	stored_apart = type_look_up(type);
	entry = hash_search(type_cache, &type, HASH_ENTER, NULL);
	entry->stored_apart = stored_apart;
	return stored_apart;
}

static bool
type_look_up(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			extension = getExtensionOfObject(TypeRelationId, base);
	bool		result = false;

	if (OidIsValid(extension) && extension == get_extension_oid("vecstore", true))
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));

		if (HeapTupleIsValid(tuple))
		{
			const char *name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);

			result = strcmp(name, "vector") == 0 || strcmp(name, "halfvec") == 0;
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
