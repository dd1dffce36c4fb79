-- One call creates a collection.  A collection is a table: CREATE TABLE ... USING
-- vecstore and CREATE INDEX ... USING vecann give the same.

-- The function sets no search_path, so that names and types in its arguments
-- mean what they mean to the caller.  Its C code resolves no other name by path.
CREATE FUNCTION vecstore.create_collection(name text, dimension int, metric text DEFAULT 'cosine',
	id_type text DEFAULT 'bigint', auto_id bool DEFAULT false, vector_field text DEFAULT 'embedding',
	fields json DEFAULT NULL, dynamic bool DEFAULT false, partition_by text DEFAULT NULL,
	vector_type text DEFAULT 'vector')
RETURNS regclass
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_create_collection';
COMMENT ON FUNCTION vecstore.create_collection(text, int, text, text, bool, text, json, bool, text, text) IS
'create a table for vectors, with a key and a vecann index';

CREATE FUNCTION vecstore.create_partition(collection regclass, name text, bounds text DEFAULT 'DEFAULT')
RETURNS regclass
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_create_partition';
COMMENT ON FUNCTION vecstore.create_partition(regclass, text, text) IS
'add a partition to a partitioned collection; without bounds, the partition that takes all other rows';

CREATE FUNCTION vecstore.drop_collection(collection regclass) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	upsert_view regclass;
BEGIN
	IF collection IS NULL THEN
		RAISE EXCEPTION 'collection must not be NULL' USING ERRCODE = 'null_value_not_allowed';
	ELSIF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = collection AND c.relkind IN ('r', 'p')) THEN
		RAISE EXCEPTION '"%" is not a table', collection USING ERRCODE = 'wrong_object_type';
	END IF;
	FOR upsert_view IN SELECT v FROM vecstore.upsert_views(collection) v
	LOOP
		EXECUTE format('DROP VIEW %s', upsert_view);
	END LOOP;
	EXECUTE format('DROP TABLE %s', collection);
END
$function$;
COMMENT ON FUNCTION vecstore.drop_collection(regclass) IS
'drop a collection and its upsert view; fails if any other object depends on it';
