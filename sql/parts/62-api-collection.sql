-- Collections as one call each.  A collection is a table: CREATE TABLE … USING vecstore and
-- CREATE INDEX … USING vecann give the same.  These functions have no search_path of their
-- own, since names and types mean what they mean to the caller.

-- A name as regclass reads it: folded unless quoted, in the current schema unless qualified.
CREATE FUNCTION vecstore.qualified_name(name text, default_schema text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	parts text[] := parse_ident(name);
BEGIN
	IF cardinality(parts) = 1 AND default_schema IS NULL THEN
		RAISE EXCEPTION 'no schema has been selected to create "%" in', name USING ERRCODE = 'invalid_schema_name';
	ELSIF cardinality(parts) > 2 THEN
		RAISE EXCEPTION 'improper name "%": a table has a name and a schema', name USING ERRCODE = 'syntax_error';
	END IF;
	RETURN CASE cardinality(parts) WHEN 1 THEN format('%I.%I', default_schema, parts[1])
		ELSE format('%I.%I', parts[1], parts[2]) END;
END
$function$;
COMMENT ON FUNCTION vecstore.qualified_name(text, text) IS 'internal: a name with its schema, quoted';

-- The definition of one field: "type [NOT NULL] [DEFAULT expression]", or the same as an object.
CREATE FUNCTION vecstore.field_definition(name text, spec json) RETURNS text
LANGUAGE plpgsql STABLE AS $function$
DECLARE
	parts text[];
	type_name text;
	default_value text;
	not_null bool;
BEGIN
	IF pg_catalog.json_typeof(spec) = 'object' THEN
		SELECT pg_catalog.string_agg(pg_catalog.quote_literal(k), ', ') INTO type_name
		FROM pg_catalog.json_object_keys(spec) k WHERE k NOT IN ('type', 'default', 'not_null');
		IF type_name IS NOT NULL THEN
			RAISE EXCEPTION 'field "%": unknown option %', name, type_name
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Options are type, default and not_null.';
		END IF;
		type_name := spec ->> 'type';
		default_value := spec ->> 'default';
		not_null := coalesce((spec ->> 'not_null')::bool, false);
	ELSIF pg_catalog.json_typeof(spec) = 'string' THEN
		parts := pg_catalog.regexp_match(spec #>> '{}',
			'^\s*(.+?)(\s+not\s+null)?(?:\s+default\s+(.+?))?(\s+not\s+null)?\s*$', 'i');
		type_name := parts[1];
		not_null := coalesce(parts[2], parts[4]) IS NOT NULL;
		default_value := parts[3];
	END IF;
	IF type_name IS NULL THEN
		RAISE EXCEPTION 'field "%" has no type', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Write {"title": "text", "price": "float8 default 0"}.';
	ELSIF pg_catalog.to_regtype(type_name) IS NULL THEN
		RAISE EXCEPTION 'field "%": type "%" does not exist', name, type_name USING ERRCODE = 'undefined_object';
	END IF;
	RETURN pg_catalog.format('%I %s%s%s', name, type_name, CASE WHEN not_null THEN ' NOT NULL' END,
		' DEFAULT (' || default_value || ')');
END
$function$;
COMMENT ON FUNCTION vecstore.field_definition(text, json) IS 'internal: a field of create_collection as SQL';

-- The operator class of a metric.
CREATE FUNCTION vecstore.metric_opclass(metric text, vector_type text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	short text := CASE lower(metric)
		WHEN 'cosine' THEN 'cosine' WHEN 'l2' THEN 'l2' WHEN 'euclidean' THEN 'l2'
		WHEN 'ip' THEN 'ip' WHEN 'inner_product' THEN 'ip' WHEN 'dot' THEN 'ip' END;
BEGIN
	IF short IS NULL THEN
		RAISE EXCEPTION 'unknown metric "%"', metric
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Metrics are cosine, l2 (euclidean) and ip (inner_product).';
	END IF;
	RETURN format('%s_%s_ops', vector_type, short);
END
$function$;
COMMENT ON FUNCTION vecstore.metric_opclass(text, text) IS 'internal: the operator class for a metric';

-- The columns of "list (a, b)", "range (a)" or "hash (a)".
CREATE FUNCTION vecstore.partition_columns(partition_by text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	parts text[] := regexp_match(partition_by, '^\s*(?:list|range|hash)\s*\((.+)\)\s*$', 'i');
	columns text[];
BEGIN
	IF parts IS NOT NULL THEN
		SELECT array_agg((parse_ident(trim(c)))[1]) INTO columns FROM unnest(string_to_array(parts[1], ',')) c;
	END IF;
	IF columns IS NULL THEN
		RAISE EXCEPTION 'partition_by "%" is not understood', partition_by
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Write list (field), range (field) or hash (field).';
	END IF;
	RETURN columns;
END
$function$;
COMMENT ON FUNCTION vecstore.partition_columns(text) IS 'internal: the columns that a collection is partitioned by';

CREATE FUNCTION vecstore.create_collection(name text, dimension int, metric text DEFAULT 'cosine',
	id_type text DEFAULT 'bigint', auto_id bool DEFAULT false, vector_field text DEFAULT 'embedding',
	fields json DEFAULT NULL, dynamic bool DEFAULT false, partition_by text DEFAULT NULL,
	vector_type text DEFAULT 'vector')
RETURNS regclass
LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
	qualified text := vecstore.qualified_name(name, pg_catalog.current_schema());
	opclass text := vecstore.metric_opclass(metric, vector_type);
	key_columns text[] := ARRAY['id'];
	definitions text[];
	id_default text := '';
	field record;
	created int;
BEGIN
	IF dimension IS NULL OR dimension < 1 OR dimension > 16000 THEN
		RAISE EXCEPTION 'dimension must be between 1 and 16000, not %', coalesce(dimension::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF vector_type NOT IN ('vector', 'halfvec') THEN
		RAISE EXCEPTION 'vector_type must be vector or halfvec, not "%"', vector_type
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF pg_catalog.to_regtype(id_type) IS NULL THEN
		RAISE EXCEPTION 'id_type "%" does not exist', id_type USING ERRCODE = 'undefined_object';
	ELSIF fields IS NOT NULL AND pg_catalog.json_typeof(fields) <> 'object' THEN
		RAISE EXCEPTION 'fields must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF auto_id AND pg_catalog.to_regtype(id_type) = 'uuid'::regtype THEN
		id_default := ' DEFAULT pg_catalog.gen_random_uuid()';
	ELSIF auto_id AND pg_catalog.to_regtype(id_type) IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) THEN
		id_default := ' GENERATED BY DEFAULT AS IDENTITY';
	ELSIF auto_id THEN
		RAISE EXCEPTION 'auto_id needs an id_type of smallint, integer, bigint or uuid, not "%"', id_type
			USING ERRCODE = 'invalid_parameter_value';
	END IF;

	definitions := ARRAY[pg_catalog.format('id %s%s', id_type, id_default),
		pg_catalog.format('%I @extschema@.%I(%s) NOT NULL', vector_field, vector_type, dimension)];
	FOR field IN SELECT f.key, f.value FROM pg_catalog.json_each(coalesce(fields, '{}')) f LOOP
		definitions := definitions || vecstore.field_definition(field.key, field.value);
	END LOOP;
	IF dynamic THEN
		definitions := definitions || 'dynamic vecstore.dynamic_fields NOT NULL DEFAULT ''{}'''::text;
	END IF;
	IF partition_by IS NOT NULL THEN
		SELECT key_columns || pg_catalog.array_agg(c) INTO key_columns
		FROM pg_catalog.unnest(vecstore.partition_columns(partition_by)) c WHERE c <> 'id';
	END IF;

	EXECUTE pg_catalog.format('CREATE TABLE %s (%s, PRIMARY KEY (%s)) %s', qualified,
		pg_catalog.array_to_string(definitions, ', '),
		(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(k), ', ') FROM pg_catalog.unnest(key_columns) k),
		coalesce('PARTITION BY ' || partition_by, 'USING vecstore'));
	SELECT pg_catalog.count(*) INTO created FROM pg_catalog.pg_attribute a
	WHERE a.attrelid = qualified::regclass AND a.attnum > 0;
	IF created <> pg_catalog.cardinality(definitions) THEN
		RAISE EXCEPTION 'a default in fields is not an expression' USING ERRCODE = 'syntax_error';
	END IF;
	EXECUTE pg_catalog.format('CREATE INDEX ON %s USING vecann (%I @extschema@.%I)', qualified, vector_field, opclass);
	RETURN qualified::regclass;
END
$function$;
COMMENT ON FUNCTION vecstore.create_collection(text, int, text, text, bool, text, json, bool, text, text) IS
'make a table for vectors, with key and index';

CREATE FUNCTION vecstore.create_partition(collection regclass, name text, bounds text DEFAULT 'DEFAULT')
RETURNS regclass
LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
	base record;
	qualified text;
	kind text;
BEGIN
	SELECT c.relname, n.nspname, c.relkind INTO base
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = collection;
	IF base.relkind IS DISTINCT FROM 'p' THEN
		RAISE EXCEPTION 'collection "%" is not partitioned', coalesce(base.relname, collection::text)
			USING ERRCODE = 'wrong_object_type', HINT = 'Create it with partition_by.';
	END IF;
	kind := pg_catalog.lower((pg_catalog.regexp_match(bounds, '^\s*(?:for\s+values\s+)?(in|from|with|default)\M', 'i'))[1]);
	IF kind IS NULL THEN
		RAISE EXCEPTION 'partition bounds "%" are not understood', bounds
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Write in (values), from (value) to (value), with (modulus m, remainder r) or default.';
	END IF;
	qualified := vecstore.qualified_name(name, base.nspname);
	EXECUTE pg_catalog.format('CREATE TABLE %s PARTITION OF %I.%I %s USING vecstore', qualified, base.nspname, base.relname,
		CASE WHEN kind = 'default' THEN 'DEFAULT'
			ELSE 'FOR VALUES ' || pg_catalog.regexp_replace(bounds, '^\s*for\s+values\s+', '', 'i') END);
	RETURN qualified::regclass;
END
$function$;
COMMENT ON FUNCTION vecstore.create_partition(regclass, text, text) IS
'add a partition to a partitioned collection; without bounds the one that takes all other rows';

CREATE FUNCTION vecstore.drop_collection(collection regclass) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	upsert_view regclass;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = collection AND c.relkind IN ('r', 'p')) THEN
		RAISE EXCEPTION '"%" is not a table', collection USING ERRCODE = 'wrong_object_type';
	END IF;
	FOR upsert_view IN
		SELECT DISTINCT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
		WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
			AND d.refobjid = collection AND EXISTS (SELECT FROM pg_trigger t
				WHERE t.tgrelid = r.ev_class AND t.tgfoid = 'vecstore.upsert_view_trigger'::regproc)
	LOOP
		EXECUTE format('DROP VIEW %s', upsert_view);
	END LOOP;
	EXECUTE format('DROP TABLE %s', collection);
END
$function$;
COMMENT ON FUNCTION vecstore.drop_collection(regclass) IS
'drop a collection and its upsert view; an error if anything else depends on it';
