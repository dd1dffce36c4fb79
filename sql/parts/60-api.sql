-- Upserts.  The functions run as their caller: an upsert is the caller's
-- INSERT ... ON CONFLICT.

CREATE TYPE vecstore.upsert_result AS (inserted bigint, replaced bigint, unchanged bigint);
COMMENT ON TYPE vecstore.upsert_result IS
'counts of an upsert: rows inserted, rows that replaced stored ones, rows not written (equal to the stored ones, or refused by a trigger)';

CREATE DOMAIN vecstore.dynamic_fields AS pg_catalog.jsonb
	CONSTRAINT dynamic_fields_is_object CHECK (pg_catalog.jsonb_typeof(VALUE) OPERATOR(pg_catalog.=) 'object');
COMMENT ON DOMAIN vecstore.dynamic_fields IS
'in an upsert, a column of this type takes the fields that its table does not have';

CREATE FUNCTION vecstore.upsert(collection regclass, data json, partial bool DEFAULT false,
	partition regclass DEFAULT NULL, timeout interval DEFAULT NULL, skip_unchanged bool DEFAULT false)
RETURNS vecstore.upsert_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_json';
COMMENT ON FUNCTION vecstore.upsert(regclass, json, bool, regclass, interval, bool) IS
'insert or replace rows by primary key, from a JSON object or an array of objects';

CREATE FUNCTION vecstore.upsert_columns(collection regclass, columns text[], VARIADIC arrays "any")
RETURNS vecstore.upsert_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_columns';
COMMENT ON FUNCTION vecstore.upsert_columns(regclass, text[], "any") IS
'insert or replace rows by primary key, from one array per column';

CREATE FUNCTION vecstore.upsert_columns_with(collection regclass, options json, columns text[], VARIADIC arrays "any")
RETURNS vecstore.upsert_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_columns_with';
COMMENT ON FUNCTION vecstore.upsert_columns_with(regclass, json, text[], "any") IS
'upsert_columns with options: {"partial": bool, "partition": name, "timeout": interval, "skip_unchanged": bool}';

CREATE FUNCTION vecstore.upsert_rows(collection regclass, VARIADIC rows anyarray)
RETURNS vecstore.upsert_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_rows';
COMMENT ON FUNCTION vecstore.upsert_rows(regclass, anyarray) IS
'insert or replace rows by primary key, from values of the table''s row type';

CREATE FUNCTION vecstore.upsert_rows_with(collection regclass, options json, VARIADIC rows anyarray)
RETURNS vecstore.upsert_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_rows_with';
COMMENT ON FUNCTION vecstore.upsert_rows_with(regclass, json, anyarray) IS
'upsert_rows with options: {"partition": name, "timeout": interval, "skip_unchanged": bool}';

CREATE FUNCTION vecstore.upsert_from(collection regclass, query text, partial bool DEFAULT false,
	partition regclass DEFAULT NULL, timeout interval DEFAULT NULL, skip_unchanged bool DEFAULT false)
RETURNS vecstore.upsert_result
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_upsert_from';
COMMENT ON FUNCTION vecstore.upsert_from(regclass, text, bool, regclass, interval, bool) IS
'insert or replace rows by primary key, from the result of a query';

-- The statements behind upserts call these functions, with a number that
-- identifies the batch.  The statements run with the rights of the upsert's
-- caller, so PUBLIC may execute the functions; they refuse all other calls.

CREATE FUNCTION vecstore.batch_row(batch bigint, ordinal bigint, pattern int, merged bool) RETURNS bool
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_batch_row';
COMMENT ON FUNCTION vecstore.batch_row(bigint, bigint, int, bool) IS 'internal: announces the next row of a batch';

CREATE FUNCTION vecstore.batch_gives(batch bigint, attno int) RETURNS bool
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_batch_gives';
COMMENT ON FUNCTION vecstore.batch_gives(bigint, int) IS 'internal: whether the row of the batch gives this column';

CREATE FUNCTION vecstore.batch_replaces(batch bigint, changed bool) RETURNS bool
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'vs_api_batch_replaces';
COMMENT ON FUNCTION vecstore.batch_replaces(bigint, bool) IS 'internal: notes that the row of the batch replaces a stored one';
