-- halfvec: text and binary form, type modifier, storage.  The grammar is that
-- of vector (vector_types.sql), the range that of IEEE half.

SELECT '[1,2,3]'::halfvec, ' [ -1 , +2.5,.5 ] '::halfvec, '[0,-0]'::halfvec;
-- 11 bits of precision; a half is printed as the float of the same value
SELECT '[0.1,1.001,2049,100.06]'::halfvec;
-- largest, smallest normal and smallest half; values that round to 0
SELECT '[65504,-65504,6.1035156e-05,5.9604645e-08]'::halfvec, '[2.9e-8,-1e-10,1e-400]'::halfvec AS too_small_is_zero;
-- halfway to the value after the largest is out of range
SELECT '[65519.99]'::halfvec;
SELECT '[65520]'::halfvec;
SELECT '[1,-7e4]'::halfvec;
SELECT '[1e39]'::halfvec;
SELECT '[NaN]'::halfvec;
SELECT '[-Infinity]'::halfvec;
SELECT ''::halfvec;
SELECT '{1}'::halfvec;
SELECT '[1,2'::halfvec;
SELECT '[1,]'::halfvec;
SELECT '[1;2]'::halfvec;
SELECT '[1]]'::halfvec;
SELECT '[]'::halfvec;
SELECT vector_dims(('[1' || repeat(',1', 15999) || ']')::halfvec);
SELECT ('[1' || repeat(',1', 16000) || ']')::halfvec;

-- type modifier
SELECT '[1,2,3]'::halfvec(3);
SELECT '[1,2,3]'::halfvec(2);
SELECT '[1,2,3]'::halfvec::halfvec(4);
SELECT '[1,2,3]'::halfvec(0);
SELECT '[1,2,3]'::halfvec(16001);
SELECT '[1,2,3]'::halfvec(3, 2);
SELECT format_type('halfvec'::regtype, 768);

-- a column
CREATE TABLE ht (id int PRIMARY KEY, embedding halfvec(3));
INSERT INTO ht VALUES (1, '[1,2,3]'), (2, '[4,5,6]'), (3, NULL);
INSERT INTO ht VALUES (4, '[1,2]');
INSERT INTO ht VALUES (1, '[0,0,0]') ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding RETURNING *;
SELECT attstorage, format_type(atttypid, atttypmod) FROM pg_attribute
 WHERE attrelid = 'ht'::regclass AND attname = 'embedding';
ALTER TABLE ht ALTER embedding TYPE halfvec(2);
ALTER TABLE ht ALTER embedding TYPE vector(3);
ALTER TABLE ht ALTER embedding TYPE halfvec(3);
SELECT * FROM ht ORDER BY id;
DROP TABLE ht;

-- values in the row with a short header, with a long one, and out of line; binary round trip
CREATE TABLE ht_wide (d int, v halfvec);
INSERT INTO ht_wide SELECT d, array_agg(i % 10)::halfvec
  FROM unnest(ARRAY[1, 60, 61, 62, 998, 1000, 4000, 16000]) d, generate_series(1, d) i GROUP BY d;
SELECT d, vector_dims(v), pg_column_size(v), v <-> v AS self,
       v = (SELECT array_agg(i % 10)::halfvec FROM generate_series(1, d) i) AS same
  FROM ht_wide ORDER BY d;
COPY ht_wide TO PROGRAM 'cat > halfvec_types.bin' (FORMAT binary);
CREATE TABLE ht_copy (LIKE ht_wide);
COPY ht_copy FROM PROGRAM 'cat halfvec_types.bin; rm halfvec_types.bin' (FORMAT binary);
SELECT count(*) FROM ht_wide JOIN ht_copy USING (d, v);
SELECT count(*) FROM ht_wide WHERE v::text::halfvec = v;
DROP TABLE ht_wide, ht_copy;

-- binary: dimensions, 0, elements; all big-endian
SELECT halfvec_send('[1,-2,0.5,65504]');

-- a binary COPY of one row with chosen bytes
CREATE TABLE ht_recv (v halfvec(2));
CREATE FUNCTION ht_recv(field bytea) RETURNS halfvec LANGUAGE plpgsql AS $$
DECLARE
	file bytea := '\x5047434f50590aff0d0a00' || '\x0000000000000000'::bytea || '\x0001'
		|| int4send(length(field)) || field || '\xffff';
	octal text := (SELECT string_agg('\' || get_byte(file, i) / 64 || get_byte(file, i) / 8 % 8
									 || get_byte(file, i) % 8, '' ORDER BY i)
					 FROM generate_series(0, length(file) - 1) i);
	result halfvec;
BEGIN
	EXECUTE format('COPY ht_recv FROM PROGRAM %L (FORMAT binary)', 'printf "' || octal || '"');
	DELETE FROM ht_recv RETURNING v INTO result;
	RETURN result;
END $$;
SELECT ht_recv('\x000200003c00c000'), ht_recv('\x0002000080000001');
\set VERBOSITY terse
SELECT ht_recv('\x000200003c007e00') AS nan;
SELECT ht_recv('\x000200003c007c01') AS signalling_nan;
SELECT ht_recv('\x000200003c00fc00') AS infinity;
SELECT ht_recv('\x000200003c00') AS truncated;
SELECT ht_recv('\x000200003c00c0') AS truncated;
SELECT ht_recv('\x000200003c00c00000') AS oversized;
SELECT ht_recv('\x000200ff3c00c000') AS unused_not_0;
SELECT ht_recv('\x00000000') AS no_dimension;
SELECT ht_recv('\x80000000') AS too_many_dimensions;
SELECT ht_recv('\x000100003c00') AS wrong_dimensions;
\set VERBOSITY default
DROP FUNCTION ht_recv;
DROP TABLE ht_recv;
