-- What shows the state of collections.

CREATE FUNCTION vecstore.vecann_indexes(relation regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT
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
'the vecann indexes of a table and its partitions; of an index, that and its partitions';

CREATE FUNCTION vecstore.segments(collection regclass)
RETURNS TABLE (index regclass, segment int, state text, rows bigint, dead bigint,
	created timestamptz, method text, rows_sealed bigint, pages bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT i.index, s.segment, s.state, s.rows, s.dead, s.created, s.method, s.rows_sealed, s.pages
	FROM vecstore.vecann_indexes(collection) WITH ORDINALITY i(index, nth),
		LATERAL vecstore.index_segments(i.index) WITH ORDINALITY s(segment, state, rows, dead, created, method, rows_sealed, pages, nth)
	ORDER BY i.nth, s.nth
$function$;
COMMENT ON FUNCTION vecstore.segments(regclass) IS
'the segments of a collection''s vecann indexes: the growing one (pending rows), then the sealed ones, newest first';

-- What a vector column measures by: the operator class of an index of it.
CREATE FUNCTION vecstore.opclass_metric(opclass oid) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT (regexp_match(c.opcname, '_(cosine|l2|ip|l1|hamming|jaccard)_ops$'))[1] FROM pg_opclass c WHERE c.oid = opclass
$function$;
COMMENT ON FUNCTION vecstore.opclass_metric(oid) IS 'internal: the metric of an operator class';

CREATE FUNCTION vecstore.describe(collection regclass) RETURNS json
LANGUAGE sql STABLE STRICT
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
		'upsert_view', (SELECT r.ev_class::regclass FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
			WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
				AND EXISTS (SELECT FROM pg_trigger t
					WHERE t.tgrelid = r.ev_class AND t.tgfoid = 'vecstore.upsert_view_trigger'::regproc)
			LIMIT 1),
		'options', coalesce((SELECT json_object_agg(o.option_name, o.option_value)
			FROM pg_options_to_table(c.reloptions) o), '{}'))
	FROM pg_class c
	JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_am m ON m.oid = c.relam
	WHERE c.oid = collection AND c.relkind IN ('r', 'p')
$function$;
COMMENT ON FUNCTION vecstore.describe(regclass) IS
'a collection as JSON: fields, types, defaults, key, indexes, partitions, options';

-- One row a table: its own pages, those of its vectors and other long values, of its vecann
-- indexes and of its other indexes, each with those of its partitions.
CREATE VIEW vecstore.collections AS
WITH tables AS (
	SELECT c.oid, c.relkind, c.relam FROM pg_catalog.pg_class c
	WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT pg_catalog.pg_is_other_temp_schema(c.relnamespace)
), shown AS (
	SELECT t.oid FROM tables t
	WHERE pg_catalog.has_table_privilege(t.oid, 'SELECT')
		AND (EXISTS (SELECT FROM pg_catalog.pg_am m WHERE m.oid = t.relam AND m.amname = 'vecstore')
			OR EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
				JOIN pg_catalog.pg_am m ON m.oid = ic.relam
				WHERE i.indrelid = t.oid AND m.amname = 'vecann'))
)
SELECT s.oid::pg_catalog.regclass AS name,
	coalesce(parts.analyzed_rows, info.indexed_rows) AS rows_estimate,
	field.dimensions,
	field.metric,
	coalesce(info.pending, 0) AS pending,
	coalesce(info.segments, 0) AS segments,
	coalesce(info.dead, 0) AS dead,
	parts.row_bytes,
	parts.value_bytes,
	coalesce(info.bytes, 0) AS index_bytes,
	parts.all_index_bytes - coalesce(info.bytes, 0) AS other_index_bytes
FROM shown s
CROSS JOIN LATERAL (
	SELECT CASE WHEN pg_catalog.bool_and(pc.reltuples >= 0) THEN pg_catalog.sum(pc.reltuples)::bigint END AS analyzed_rows,
		coalesce(pg_catalog.sum(pg_catalog.pg_table_size(pc.oid)
			- coalesce(pg_catalog.pg_total_relation_size(nullif(pc.reltoastrelid, 0)), 0)), 0)::bigint AS row_bytes,
		coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(nullif(pc.reltoastrelid, 0))), 0)::bigint AS value_bytes,
		coalesce(pg_catalog.sum(pg_catalog.pg_indexes_size(pc.oid)), 0)::bigint AS all_index_bytes
	FROM (SELECT t.relid FROM pg_catalog.pg_partition_tree(s.oid) t UNION SELECT s.oid) p JOIN pg_catalog.pg_class pc ON pc.oid = p.relid
	WHERE pc.relkind = 'r') parts
CROSS JOIN LATERAL (
	SELECT pg_catalog.sum(i.pending_rows)::bigint AS pending,
		pg_catalog.sum((SELECT pg_catalog.count(*) FROM vecstore.index_segments(x.index) g WHERE g.state = 'sealed'))::bigint AS segments,
		pg_catalog.sum(i.list_dead)::bigint AS dead,
		pg_catalog.sum(i.pending_rows + i.list_rows - i.list_dead)::bigint AS indexed_rows,
		pg_catalog.sum(pg_catalog.pg_relation_size(x.index))::bigint AS bytes
	FROM vecstore.vecann_indexes(s.oid) x(index), LATERAL vecstore.index_info(x.index) i) info
LEFT JOIN LATERAL (
	SELECT CASE WHEN a.atttypmod > 0 THEN a.atttypmod END AS dimensions, vecstore.opclass_metric(i.opclass) AS metric
	FROM pg_catalog.pg_attribute a
	LEFT JOIN LATERAL (SELECT x.indclass[0] AS opclass
		FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class ic ON ic.oid = x.indexrelid
		JOIN pg_catalog.pg_am m ON m.oid = ic.relam AND m.amname = 'vecann'
		WHERE x.indrelid = s.oid AND x.indkey[0] = a.attnum
		ORDER BY ic.oid LIMIT 1) i ON true
	WHERE a.attrelid = s.oid AND a.attnum > 0 AND NOT a.attisdropped
		AND a.atttypid IN ('@extschema@.vector'::pg_catalog.regtype, '@extschema@.halfvec'::pg_catalog.regtype,
			'@extschema@.sparsevec'::pg_catalog.regtype)
	ORDER BY i.opclass IS NULL, a.attnum LIMIT 1) field ON true;
COMMENT ON VIEW vecstore.collections IS
'tables of access method vecstore or with a vecann index: rows (an estimate), dimensions, metric, pending rows, sealed segments, dead entries, bytes by part; only those that one may read';
GRANT SELECT ON vecstore.collections TO PUBLIC;
