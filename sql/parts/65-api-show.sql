-- The state of collections.

CREATE FUNCTION vecstore.vecann_indexes(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT i.oid::regclass
	FROM (SELECT p.relid FROM pg_partition_tree(relation) p UNION SELECT relation) p
	JOIN pg_class c ON c.oid = p.relid
	LEFT JOIN pg_index x ON x.indrelid = c.oid
	JOIN pg_class i ON i.oid = CASE WHEN c.relkind IN ('i', 'I') THEN c.oid ELSE x.indexrelid END
	JOIN pg_am a ON a.oid = i.relam
	WHERE i.relkind = 'i' AND a.amname = 'vecann'
	ORDER BY i.oid
$function$;
COMMENT ON FUNCTION vecstore.vecann_indexes(regclass) IS
'the vecann indexes of a table and its partitions, or of an index and its partitions';

-- An index that cannot be read does not hide the others' segments; one that is
-- not built has none.
CREATE FUNCTION vecstore.segments(collection regclass)
RETURNS TABLE (index regclass, segment int, state text, rows bigint, dead bigint,
	created timestamptz, method text, rows_sealed bigint, pages bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	this_index regclass;
BEGIN
	FOR this_index IN
		SELECT v FROM vecstore.vecann_indexes(collection) v JOIN pg_index x ON x.indexrelid = v
		WHERE x.indisready ORDER BY v::oid
	LOOP
		BEGIN
			RETURN QUERY SELECT this_index, s.* FROM vecstore.index_segments(this_index) s;
		EXCEPTION
			WHEN insufficient_privilege THEN RAISE;
			WHEN OTHERS THEN RAISE WARNING 'segments of index % cannot be read: %', this_index, SQLERRM;
		END;
	END LOOP;
END
$function$;
COMMENT ON FUNCTION vecstore.segments(regclass) IS
'segments of a collection''s vecann indexes: the growing one (pending rows), then the sealed ones, newest first; an index that cannot be read gives a warning';

-- The metric of a vector column is that of the operator class of its index.
CREATE FUNCTION vecstore.opclass_metric(opclass oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT (regexp_match(c.opcname, '_(cosine|l2|ip|l1|hamming|jaccard)_ops$'))[1] FROM pg_opclass c WHERE c.oid = opclass
$function$;
COMMENT ON FUNCTION vecstore.opclass_metric(oid) IS 'internal: the metric of an operator class';

CREATE FUNCTION vecstore.describe(collection regclass) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT json_build_object(
		'name', c.relname,
		'schema', n.nspname,
		'access_method', CASE WHEN c.relkind = 'p' THEN NULL ELSE m.amname END,
		'key', (SELECT json_agg(a.attname ORDER BY k.nth)
			FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, nth), pg_attribute a
			WHERE i.indrelid = c.oid AND i.indisprimary AND k.nth <= i.indnkeyatts
				AND a.attrelid = c.oid AND a.attnum = k.attnum),
		'dynamic_field', (SELECT a.attname FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
				AND a.atttypid = 'vecstore.dynamic_fields'::regtype
			ORDER BY a.attnum DESC LIMIT 1),
		'fields', (SELECT json_agg(json_build_object(
				'name', a.attname,
				'type', CASE WHEN t.oid IN ('@extschema@.vector'::regtype, '@extschema@.halfvec'::regtype, '@extschema@.sparsevec'::regtype)
					THEN t.typname || coalesce('(' || nullif(a.atttypmod, -1) || ')', '')
					ELSE format_type(a.atttypid, a.atttypmod) END,
				'dimensions', CASE WHEN a.atttypid IN ('@extschema@.vector'::regtype, '@extschema@.halfvec'::regtype,
					'@extschema@.sparsevec'::regtype) AND a.atttypmod > 0 THEN a.atttypmod END,
				'nullable', NOT a.attnotnull,
				'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
				'generated', CASE WHEN a.attidentity = 'a' THEN 'always as identity'
					WHEN a.attidentity = 'd' THEN 'by default as identity'
					WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END) ORDER BY a.attnum)
			FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
		'indexes', coalesce((SELECT json_agg(json_build_object(
				'name', ic.relname,
				'method', im.amname,
				'metric', CASE WHEN im.amname = 'vecann' THEN vecstore.opclass_metric(i.indclass[0]) END,
				'unique', i.indisunique,
				'definition', pg_get_indexdef(i.indexrelid),
				'options', coalesce((SELECT json_object_agg(o.option_name, o.option_value)
					FROM pg_options_to_table(ic.reloptions) o), '{}')) ORDER BY ic.oid)
			FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am im ON im.oid = ic.relam
			WHERE i.indrelid = c.oid), '[]'),
		'partition_by', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
		'partitions', coalesce((SELECT json_agg(json_build_object(
				'name', pc.oid::regclass, 'bounds', pg_get_expr(pc.relpartbound, pc.oid)) ORDER BY pc.oid)
			FROM pg_inherits h JOIN pg_class pc ON pc.oid = h.inhrelid
			WHERE h.inhparent = c.oid AND pc.relispartition), '[]'),
		'upsert_view', (SELECT v FROM vecstore.upsert_views(c.oid) v LIMIT 1),
		'options', coalesce((SELECT json_object_agg(o.option_name, o.option_value)
			FROM pg_options_to_table(c.reloptions) o), '{}'))
	FROM pg_class c
	JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_am m ON m.oid = c.relam
	WHERE c.oid = collection AND c.relkind IN ('r', 'p')
$function$;
COMMENT ON FUNCTION vecstore.describe(regclass) IS
'a collection as JSON: fields, types, defaults, key, indexes, partitions, options';

-- The cumulative statistics count rows as they come and go.  If they were lost
-- since the last ANALYZE, reltuples may know more.  NULL if neither knows.
CREATE FUNCTION vecstore.estimated_rows(relation regclass) RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT CASE
		WHEN c.relkind <> 'r' THEN 0
		WHEN s.complete OR c.reltuples < 0 AND (s.counted > 0 OR pg_relation_size(c.oid) = 0) THEN s.counted
		WHEN c.reltuples >= 0 THEN greatest(c.reltuples::bigint, s.counted)
	END
	FROM pg_class c, LATERAL (SELECT
		greatest(pg_stat_get_live_tuples(c.oid)
			+ pg_stat_get_xact_tuples_inserted(c.oid) - pg_stat_get_xact_tuples_deleted(c.oid), 0) AS counted,
		coalesce(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid),
			pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) IS NOT NULL AS complete) s
	WHERE c.oid = relation
$function$;
COMMENT ON FUNCTION vecstore.estimated_rows(regclass) IS
'internal: number of rows of one table according to statistics';

CREATE FUNCTION vecstore.collection_names(OUT relation regclass, OUT schema text, OUT name text) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT c.oid, n.nspname, c.relname
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT pg_is_other_temp_schema(c.relnamespace)
		AND has_table_privilege(c.oid, 'SELECT')
		AND (EXISTS (SELECT FROM pg_am m WHERE m.oid = c.relam AND m.amname = 'vecstore')
			OR EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am m ON m.oid = ic.relam
				WHERE i.indrelid = c.oid AND m.amname = 'vecann'))
$function$;
COMMENT ON FUNCTION vecstore.collection_names() IS
'internal: the tables in view collections';

-- The state of a table is shown as far as it can be read.  An index that is not
-- built, is damaged, was dropped meanwhile or that the user may not inspect is
-- no error, but named in problem.
CREATE FUNCTION vecstore.collection_state(collection regclass,
	OUT rows_estimate bigint, OUT dimensions int, OUT metric text, OUT pending bigint, OUT segments bigint, OUT dead bigint,
	OUT row_bytes bigint, OUT value_bytes bigint, OUT index_bytes bigint, OUT other_index_bytes bigint, OUT problem text)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	index record;
	info record;
	sealed bigint;
BEGIN
	SELECT CASE WHEN bool_and(r IS NOT NULL) THEN sum(r) END,
		coalesce(sum(pg_table_size(c.oid) - coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0)), 0),
		coalesce(sum(pg_total_relation_size(nullif(c.reltoastrelid, 0))), 0),
		coalesce(sum(pg_indexes_size(c.oid)), 0)
	INTO rows_estimate, row_bytes, value_bytes, other_index_bytes
	FROM (SELECT t.relid FROM pg_partition_tree(collection) t UNION SELECT collection) p
	JOIN pg_class c ON c.oid = p.relid CROSS JOIN vecstore.estimated_rows(c.oid) r
	WHERE c.relkind = 'r';

	SELECT CASE WHEN a.atttypmod > 0 THEN a.atttypmod END, vecstore.opclass_metric(i.opclass) INTO dimensions, metric
	FROM pg_attribute a
	LEFT JOIN LATERAL (SELECT x.indexrelid, x.indclass[0] AS opclass
		FROM pg_index x JOIN pg_class ic ON ic.oid = x.indexrelid JOIN pg_am m ON m.oid = ic.relam AND m.amname = 'vecann'
		WHERE x.indrelid = collection AND x.indkey[0] = a.attnum
		ORDER BY ic.oid LIMIT 1) i ON true
	WHERE a.attrelid = collection AND a.attnum > 0 AND NOT a.attisdropped
		AND a.atttypid IN ('@extschema@.vector'::regtype, '@extschema@.halfvec'::regtype, '@extschema@.sparsevec'::regtype)
	ORDER BY i.indexrelid IS NULL, a.attnum LIMIT 1;

	pending := 0;
	segments := 0;
	dead := 0;
	index_bytes := 0;
	FOR index IN
		SELECT v AS oid, x.indisready, x.indisvalid FROM vecstore.vecann_indexes(collection) v JOIN pg_index x ON x.indexrelid = v
		ORDER BY v::oid
	LOOP
		index_bytes := index_bytes + coalesce(pg_relation_size(index.oid), 0);
		IF NOT index.indisvalid THEN
			problem := concat_ws('; ', problem, format('index %s is not valid', index.oid));
		END IF;
		CONTINUE WHEN NOT index.indisready;
		BEGIN
			SELECT i.pending_rows, i.list_dead INTO STRICT info FROM vecstore.index_info(index.oid) i;
			SELECT count(*) INTO sealed FROM vecstore.index_segments(index.oid) s WHERE s.state = 'sealed';
			pending := pending + info.pending_rows;
			segments := segments + sealed;
			dead := dead + info.list_dead;
		EXCEPTION WHEN OTHERS THEN
			pending := NULL;
			segments := NULL;
			dead := NULL;
			problem := concat_ws('; ', problem, SQLERRM);
		END;
	END LOOP;
	other_index_bytes := other_index_bytes - index_bytes;
END
$function$;
COMMENT ON FUNCTION vecstore.collection_state(regclass) IS
'internal: a row of view collections';

-- No name in the view resolves through a search_path: neither that of its users,
-- nor that of CREATE EXTENSION, which puts the extension's schema first.
CREATE VIEW vecstore.collections WITH (security_invoker = true) AS
SELECT c.name, c.schema, c.relation, s.rows_estimate, s.dimensions, s.metric, s.pending, s.segments, s.dead,
	s.row_bytes, s.value_bytes, s.index_bytes, s.other_index_bytes, s.problem
FROM vecstore.collection_names() c CROSS JOIN LATERAL vecstore.collection_state(c.relation) s;
COMMENT ON VIEW vecstore.collections IS
'tables of access method vecstore or with a vecann index that the user may read: estimated rows, dimensions, metric, pending rows, sealed segments, dead entries, bytes by part, problems of indexes';
GRANT SELECT ON vecstore.collections TO PUBLIC;
