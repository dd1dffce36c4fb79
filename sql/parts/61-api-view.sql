-- Upsert views: INSERT and COPY FROM into them upsert.

CREATE FUNCTION vecstore.upsert_view_trigger() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_view_trigger';
COMMENT ON FUNCTION vecstore.upsert_view_trigger() IS 'trigger function of the views that create_upsert_view makes';

-- Any role can make such a view over a table of another one, and give it triggers of its own.
CREATE FUNCTION vecstore.upsert_views(collection regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
	SELECT v.oid::regclass
	FROM pg_class c
	JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_rewrite'::regclass
	JOIN pg_rewrite r ON r.oid = d.objid
	JOIN pg_class v ON v.oid = r.ev_class
	WHERE c.oid = collection
		AND (pg_has_role(v.relowner, c.relowner, 'USAGE') OR v.relowner = (SELECT u.oid FROM pg_roles u WHERE u.rolname = current_user))
		AND EXISTS (SELECT FROM pg_trigger t
			WHERE t.tgrelid = v.oid AND t.tgfoid = 'vecstore.upsert_view_trigger()'::regprocedure)
	GROUP BY v.oid
	ORDER BY v.oid
$function$;
COMMENT ON FUNCTION vecstore.upsert_views(regclass) IS
'internal: the upsert views of a table that belong to its owner, to a role with the owner''s rights, or to the caller';

CREATE FUNCTION vecstore.create_upsert_view(collection regclass, skip_unchanged bool DEFAULT false)
RETURNS regclass
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	base pg_class;
	schema_name name;
	stem text;
	view_name text;
	existing regclass;
	columns text;
	col record;
BEGIN
	SELECT c.* INTO base FROM pg_class c WHERE c.oid = collection;
	IF NOT FOUND OR base.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION '"%" is not a table', collection USING ERRCODE = 'wrong_object_type';
	END IF;
	SELECT n.nspname INTO schema_name FROM pg_namespace n WHERE n.oid = base.relnamespace;
	stem := base.relname;
	WHILE octet_length(stem) > 56 LOOP	-- a name has at most 63 bytes
		stem := left(stem, -1);
	END LOOP;
	view_name := format('%I.%I', schema_name, stem || '_upsert');

		-- an existing relation of that name is replaced only if it is this table's
	-- upsert view
	existing := to_regclass(view_name);
	IF existing IS NOT NULL AND existing NOT IN (SELECT v FROM vecstore.upsert_views(collection) v)
	THEN
		RAISE EXCEPTION 'relation "%" already exists and is not the upsert view of "%"', existing, collection
			USING ERRCODE = 'duplicate_table', HINT = 'Drop or rename one of them.';
	END IF;

	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
	FROM pg_attribute a
	WHERE a.attrelid = collection AND a.attnum > 0 AND NOT a.attisdropped
		AND a.attgenerated = '' AND a.attidentity <> 'a';
	EXECUTE format('CREATE %s VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %I.%I',
		CASE WHEN existing IS NOT NULL THEN 'OR REPLACE' END, view_name, columns, schema_name, base.relname);

		-- a column that an INSERT leaves out takes the table's default; the upsert
	-- fills in the key
	FOR col IN
		SELECT a.attname,
			CASE WHEN a.attidentity = 'd'
				THEN format('nextval(%L::regclass)', pg_get_serial_sequence(collection::text, a.attname))
				ELSE pg_get_expr(d.adbin, d.adrelid) END AS expression
		FROM pg_attribute a
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = collection AND a.attnum > 0 AND NOT a.attisdropped
			AND a.attgenerated = '' AND a.attidentity <> 'a'
			AND NOT EXISTS (SELECT FROM pg_index i
				WHERE i.indrelid = collection AND i.indisprimary AND a.attnum = ANY (i.indkey))
	LOOP
		EXECUTE format('ALTER VIEW %s ALTER COLUMN %I %s', view_name, col.attname,
			coalesce('SET DEFAULT ' || col.expression, 'DROP DEFAULT'));
	END LOOP;

	EXECUTE format('CREATE OR REPLACE TRIGGER upsert_begin BEFORE INSERT ON %s '
		'FOR EACH STATEMENT EXECUTE FUNCTION vecstore.upsert_view_trigger(%s)',
		view_name, CASE WHEN skip_unchanged THEN '''skip_unchanged''' END);
	EXECUTE format('CREATE OR REPLACE TRIGGER upsert_row INSTEAD OF INSERT ON %s '
		'FOR EACH ROW EXECUTE FUNCTION vecstore.upsert_view_trigger()', view_name);
	EXECUTE format('CREATE OR REPLACE TRIGGER upsert_end AFTER INSERT ON %s '
		'FOR EACH STATEMENT EXECUTE FUNCTION vecstore.upsert_view_trigger()', view_name);
	EXECUTE format('COMMENT ON VIEW %s IS %L', view_name,
		format('INSERT and COPY FROM into this view upsert into %s', collection));
	RETURN view_name::regclass;
END
$function$;
COMMENT ON FUNCTION vecstore.create_upsert_view(regclass, bool) IS
'create or replace the view <collection>_upsert; INSERT and COPY FROM into it upsert';
