\echo Use "CREATE EXTENSION vecstore" to load this file. \quit

CREATE SCHEMA vecstore;
COMMENT ON SCHEMA vecstore IS 'vecstore: collections, upsert, flush, inspection';
GRANT USAGE ON SCHEMA vecstore TO PUBLIC;
