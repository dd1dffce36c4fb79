CREATE FUNCTION vecstore.table_handler(internal) RETURNS table_am_handler
	AS 'MODULE_PATHNAME', 'vs_table_handler' LANGUAGE C;
COMMENT ON FUNCTION vecstore.table_handler(internal) IS 'vecstore: handler of the table access method';

CREATE ACCESS METHOD vecstore TYPE TABLE HANDLER vecstore.table_handler;
COMMENT ON ACCESS METHOD vecstore IS 'vecstore: heap rows with their vectors in a value store';
