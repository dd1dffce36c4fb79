-- vector: text and binary form, type modifier, storage.

-- text
SELECT '[1,2,3]'::vector;
SELECT '[-1,-2,-3]'::vector, '[1.,2.,3.]'::vector, '[+1,.5,-.5]'::vector;
SELECT ' [ 1,  2 ,    3  ] '::vector, E'\t[\n1\r,\x0b2\f]\n'::vector AS all_white_space;
SELECT '[1.23456789,0.1,100000000]'::vector, '[0,-0]'::vector;
SELECT '[1e3,1E-3,-1.5e+2]'::vector, '[0x10,0x1p-1]'::vector AS hexadecimal;
SELECT '[3.4028235e38,-3.4028235e38,1.1754944e-38,1e-45]'::vector AS extremes;
SELECT '[1e-46,-1e-46]'::vector AS too_small_is_zero;

-- rounded once, to the nearest float: 2^24 + 1 lies in the middle between two
-- floats, and so does 1 + 2^-24 = 1.000000059604644775390625
SELECT '[16777217,16777217.0000000001,16777219]'::vector AS ties;
SELECT '[1.000000059604644775390625,1.00000005960464477539062500000000001]'::vector AS ties;
SELECT '[0.1234567890123456789012345678901234567890]'::vector AS many_digits;
SELECT ('[' || repeat('0', 2000) || '1,0.' || repeat('0', 2000) || '1]')::vector AS many_zeros;

-- the shortest text that gives the same float again, for every kind of float
SELECT count(*), count(*) FILTER (WHERE v::text::vector = v AND v::text = '[' || f::text || ']') AS same
  FROM (SELECT f, ARRAY[f]::vector AS v
          FROM (SELECT ((i % 9 + 1 + i / 7.0) * 10::float8 ^ (i % 74 - 38))::real AS f
                  FROM generate_series(1, 2000) i) a) b;

-- malformed
SELECT ''::vector;
SELECT ' '::vector;
SELECT '1,2,3'::vector;
SELECT '{1,2,3}'::vector;
SELECT '['::vector;
SELECT '[1'::vector;
SELECT '[1,'::vector;
SELECT '[1,2,3'::vector;
SELECT '[,'::vector;
SELECT '[1,]'::vector;
SELECT '[1,,3]'::vector;
SELECT '[1 2]'::vector;
SELECT '[1a]'::vector;
SELECT '[hello,1]'::vector;
SELECT '[- 1]'::vector;
SELECT '[1e]'::vector;
SELECT '[.]'::vector;
SELECT '[1,2,3]9'::vector;
SELECT '[1][2]'::vector;
SELECT '[[1]]'::vector;

-- numbers that a float cannot hold
SELECT '[NaN,1]'::vector;
SELECT '[1,Infinity]'::vector;
SELECT '[1,-inf]'::vector;
SELECT '[1,4e38]'::vector;
SELECT '[-1e100]'::vector;
SELECT '[1e99999]'::vector;

-- number of dimensions
SELECT '[]'::vector;
SELECT '[ ]'::vector;
SELECT vector_dims(('[1' || repeat(',1', 15999) || ']')::vector);
SELECT ('[1' || repeat(',1', 16000) || ']')::vector;

-- type modifier
SELECT '[1,2,3]'::vector(3);
SELECT '[1,2,3]'::vector(2);
SELECT '[1,2,3]'::vector::vector(4);
SELECT '[1,2,3]'::vector(0);
SELECT '[1,2,3]'::vector(-1);
SELECT '[1,2,3]'::vector(16001);
SELECT '[1,2,3]'::vector(3, 2);
SELECT '[1,2,3]'::vector('a');
SELECT format_type('vector'::regtype, 768);
SELECT unnest('{"[1,2,3]","[4,5,6]"}'::vector[]);
SELECT '{"[1,2,3]","[4,5]"}'::vector(3)[];

-- a column
CREATE TABLE vt (id int PRIMARY KEY, embedding vector(3));
INSERT INTO vt VALUES (1, '[1,2,3]'), (2, '[4,5,6]'), (3, NULL);
INSERT INTO vt VALUES (4, '[1,2]');
UPDATE vt SET embedding = '[1,2,3,4]' WHERE id = 1;
UPDATE vt SET embedding = '[7,8,9]' WHERE id = 1 RETURNING *;
INSERT INTO vt VALUES (1, '[0,0,0]') ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding RETURNING *;
SELECT * FROM vt ORDER BY id;
SELECT attstorage, format_type(atttypid, atttypmod) FROM pg_attribute
 WHERE attrelid = 'vt'::regclass AND attname = 'embedding';
ALTER TABLE vt ALTER embedding TYPE vector(2);
ALTER TABLE vt ALTER embedding TYPE vector;
INSERT INTO vt VALUES (4, '[1,2]');
ALTER TABLE vt ALTER embedding TYPE vector(3);
ALTER TABLE vt ALTER embedding TYPE vector(3) USING subvector(embedding || '[0,0,0]', 1, 3);
SELECT * FROM vt ORDER BY id;
ALTER TABLE vt ADD COLUMN other vector(2) DEFAULT '[0,1]';
ALTER TABLE vt ALTER other TYPE real[];
SELECT * FROM vt ORDER BY id;
DROP TABLE vt;

-- values in the row with a short header, with a long one, and out of line
CREATE TABLE vt_wide (d int, v vector);
INSERT INTO vt_wide SELECT d, array_agg(i % 10)::vector
  FROM unnest(ARRAY[1, 20, 30, 31, 32, 400, 499, 500, 2000, 16000]) d, generate_series(1, d) i GROUP BY d;
SELECT d, vector_dims(v), pg_column_size(v), v <-> v AS self,
       v = (SELECT array_agg(i % 10)::vector FROM generate_series(1, d) i) AS same
  FROM vt_wide ORDER BY d;

-- binary form: the server writes and reads a file in its data directory
COPY vt_wide TO PROGRAM 'cat > vector_types.bin' (FORMAT binary);
CREATE TABLE vt_copy (LIKE vt_wide);
COPY vt_copy FROM PROGRAM 'cat vector_types.bin; rm vector_types.bin' (FORMAT binary);
SELECT count(*) FROM vt_wide JOIN vt_copy USING (d, v);
SELECT count(*) FROM vt_wide WHERE v::text::vector = v;
DROP TABLE vt_wide, vt_copy;

-- dimensions, 0, elements; all big-endian
SELECT vector_send('[1,-2,0.5]');

-- a binary COPY of one row with chosen bytes
CREATE TABLE vt_recv (v vector(3));
CREATE FUNCTION vt_recv(field bytea) RETURNS vector LANGUAGE plpgsql AS $$
DECLARE
	file bytea := '\x5047434f50590aff0d0a00' || '\x0000000000000000'::bytea || '\x0001'
		|| int4send(length(field)) || field || '\xffff';
	octal text := (SELECT string_agg('\' || get_byte(file, i) / 64 || get_byte(file, i) / 8 % 8
									 || get_byte(file, i) % 8, '' ORDER BY i)
					 FROM generate_series(0, length(file) - 1) i);
	result vector;
BEGIN
	EXECUTE format('COPY vt_recv FROM PROGRAM %L (FORMAT binary)', 'printf "' || octal || '"');
	DELETE FROM vt_recv RETURNING v INTO result;
	RETURN result;
END $$;
SELECT vt_recv('\x000300003f800000c00000003f000000');
SELECT vt_recv('\x000300003f8000008000000000000001');
\set VERBOSITY terse
SELECT vt_recv('\x000300003f800000c00000007fc00000') AS nan;
SELECT vt_recv('\x000300003f800000c00000007f800000') AS infinity;
SELECT vt_recv('\x000300003f800000c0000000') AS truncated;
SELECT vt_recv('\x000300003f800000c00000003f0000') AS truncated;
SELECT vt_recv('\x0003') AS truncated;
SELECT vt_recv('\x') AS empty;
SELECT vt_recv('\x000300003f800000c00000003f00000000') AS oversized;
SELECT vt_recv('\x000300013f800000c00000003f000000') AS unused_not_0;
SELECT vt_recv('\x00000000') AS no_dimension;
SELECT vt_recv('\xffff0000') AS too_many_dimensions;
SELECT vt_recv('\x3e810000') AS too_many_dimensions;
SELECT vt_recv('\x000200003f800000c0000000') AS wrong_dimensions;
\set VERBOSITY default
DROP FUNCTION vt_recv;
DROP TABLE vt_recv;
