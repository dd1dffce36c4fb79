-- Columns that a vecann index can have.  CREATE INDEX refuses a column whose
-- values the index could not hold, on an empty table too.
CREATE TABLE col (id int PRIMARY KEY, a vector(3), b vector(3), plain vector(3), h halfvec(3),
	code bit(8), varying bit varying, short bit varying(8)) USING vecstore;
ALTER TABLE col ALTER plain SET STORAGE PLAIN;
CREATE INDEX col_sum ON col USING vecann ((a + b));
CREATE INDEX col_cast ON col USING vecann ((a::halfvec(3)) halfvec_l2_ops);
CREATE INDEX col_const ON col USING vecann ((coalesce(a, '[1,2,3]')));
CREATE INDEX col_case ON col USING vecann ((CASE WHEN id > 0 THEN a ELSE a * b END));
CREATE INDEX col_plain ON col USING vecann (plain);
CREATE INDEX col_varying ON col USING vecann (varying);
CREATE INDEX col_short ON col USING vecann (short bit_hamming_ops);
CREATE INDEX col_concat ON col USING vecann ((code || code) bit_hamming_ops);
CREATE INDEX CONCURRENTLY col_later ON col USING vecann ((a + b));
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'col'::regclass AND indexrelid::regclass::text LIKE 'col\_l%';
DROP INDEX col_later;
CREATE DOMAIN varying_code AS bit varying(8);
CREATE DOMAIN triple AS vector(3);
CREATE DOMAIN long_code AS bit(3000);
CREATE TABLE dom (id int, v triple, c varying_code, l long_code) USING vecstore;
CREATE INDEX dom_c ON dom USING vecann (c);
CREATE INDEX dom_l ON dom USING vecann (l);
CREATE INDEX dom_v ON dom USING vecann (v);
SELECT dimensions FROM vecstore.index_info('dom_v');
INSERT INTO dom VALUES (1, '[1,2,3]', '1');
CREATE UNLOGGED TABLE unl (a vector(3)) USING vecstore;
CREATE INDEX unl_sum ON unl USING vecann ((a + a));
CREATE TABLE on_heap (a vector(3)) USING heap;
CREATE INDEX on_heap_a ON on_heap USING vecann (a);
CREATE TABLE parted (id int, a vector(3)) PARTITION BY LIST (id);
CREATE INDEX parted_sum ON parted USING vecann ((a + a));
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) USING vecstore;
DROP INDEX parted_sum;
CREATE INDEX parted_a ON parted USING vecann (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) USING heap;
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) USING vecstore;
-- options and features that vecann does not have
CREATE UNIQUE INDEX ON col USING vecann (a);
CREATE INDEX ON col USING vecann (a) INCLUDE (id);
CREATE INDEX ON col USING vecann (a, b);
CREATE INDEX ON col USING vecann (a DESC);
CREATE INDEX ON col USING vecann (a halfvec_l2_ops);
CREATE INDEX ON col USING vecann (a) WITH (dimensions = 4);
-- expressions that return values of the table, and any expression of type bit
CREATE INDEX col_coalesce ON col USING vecann ((coalesce(a, b)));
CREATE INDEX col_when ON col USING vecann ((CASE WHEN id % 2 = 0 THEN a END));
CREATE INDEX col_quantized ON col USING vecann ((binary_quantize(a)::bit(3)) bit_hamming_ops);
CREATE INDEX col_padded ON col USING vecann ((varying::bit(8)) bit_hamming_ops);
INSERT INTO col (id, a, b, varying) VALUES (1, '[1,2,3]', '[4,5,6]', '1'), (2, '[0,0,1]', NULL, '10111'), (3, NULL, '[1,0,0]', NULL);
SELECT FROM vecstore.flush('col');
SET enable_seqscan = off;
SET enable_sort = off;
SELECT id FROM col ORDER BY coalesce(a, b) <-> '[1,0,0]';
SELECT id FROM col ORDER BY CASE WHEN id % 2 = 0 THEN a END <-> '[1,0,0]';
SELECT id FROM col ORDER BY varying::bit(8) <~> B'10000000';
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE col, dom, unl, on_heap, parted;
DROP DOMAIN varying_code, triple, long_code;
