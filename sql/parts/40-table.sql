CREATE FUNCTION vecstore.table_handler(internal) RETURNS table_am_handler
	AS 'MODULE_PATHNAME', 'vs_table_handler' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.table_handler(internal) IS 'vecstore: handler of the table access method';

CREATE ACCESS METHOD vecstore TYPE TABLE HANDLER vecstore.table_handler;
COMMENT ON ACCESS METHOD vecstore IS 'vecstore: heap rows with their vectors in a value store';

CREATE FUNCTION vecstore.table_info(relation regclass,
	OUT rows_estimate float8, OUT live_tuples int8, OUT dead_tuples int8,
	OUT store regclass, OUT store_bytes int8, OUT store_free_bytes int8,
	OUT slots_used int8, OUT slots_dead int8, OUT slots_free int8,
	OUT address_limit_bytes int8, OUT store_format int4)
	AS 'MODULE_PATHNAME', 'vs_inspect_table_info' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecstore.table_info(regclass) IS 'vecstore: size and use of a vecstore table and its value store; reads the whole store';

CREATE FUNCTION vecstore.check(relation regclass,
	OUT object regclass, OUT row_tid tid, OUT column_name text, OUT address int8, OUT problem text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vs_inspect_check' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vecstore.check(regclass) IS 'vecstore: problems of a vecstore table, its value store and its vecann indexes, or of one vecann index; no row if it is sound';
