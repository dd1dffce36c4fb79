-- Tables of another access method: the error says how to make them vecstore tables.
CREATE TABLE parted (id int, k int, e vector(3)) PARTITION BY LIST (k);
CREATE INDEX ON parted USING vecann (e);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) USING vecstore;
CREATE TABLE "Two" (id int, k int, e vector(3));
ALTER TABLE parted ATTACH PARTITION "Two" FOR VALUES IN (2);
ALTER TABLE "Two" SET ACCESS METHOD vecstore;
ALTER TABLE parted ATTACH PARTITION "Two" FOR VALUES IN (2);
CREATE TABLE copied (LIKE parted_1 INCLUDING ALL);
CREATE TABLE copied (LIKE parted_1 INCLUDING ALL) USING vecstore;
SET default_table_access_method = vecstore;
CREATE TABLE copied_2 (LIKE parted_1 INCLUDING ALL);
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN (3);
RESET default_table_access_method;
SELECT tablename, count(*) FROM pg_indexes WHERE indexdef ~ 'vecann' AND tablename IN ('parted_1', 'Two', 'copied', 'copied_2', 'parted_3') GROUP BY 1 ORDER BY 1;
ALTER TABLE copied SET ACCESS METHOD heap;
DROP TABLE parted, copied, copied_2;
