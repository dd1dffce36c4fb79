-- A first run: real words and their vectors, from an empty database to compaction.
-- test/run/demo runs this after it has put the data where \copy finds them.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset border 2
\timing off
SET client_min_messages = warning;

\echo '=== 1. The extension: nothing needs to be preloaded'
\set ECHO queries
CREATE EXTENSION vecstore;
\set ECHO none

\echo
\echo '=== 2. A collection: one call creates a table with a key, a vector and an index'
\set ECHO queries
SELECT vecstore.create_collection('words', dimension => 100, metric => 'cosine', id_type => 'int',
	fields => '{"word": "text not null", "note": "text"}');
\d words
\set ECHO none

\echo
\echo '=== 3. Real word vectors (GloVe), in batches of 2,000, by column, as a driver sends them'
CREATE TEMP TABLE source (id int, word text, embedding vector(100));
\copy source from 'build/demo/words.tsv'
\echo 'SELECT * FROM vecstore.upsert_columns(''words'', ''{id,word,embedding}'', $1, $2, $3)'
SET client_min_messages = notice;
DO $$
DECLARE
	batch record;
	result vecstore.upsert_result;
	done int := 0;
	since timestamptz;
	total interval := '0';
BEGIN
	FOR batch IN SELECT array_agg(id) AS ids, array_agg(word) AS words, array_agg(embedding) AS vectors
		FROM source GROUP BY id / 2000 ORDER BY id / 2000
	LOOP
		since := clock_timestamp();
		result := vecstore.upsert_columns('words', '{id,word,embedding}', batch.ids, batch.words, batch.vectors);
		total := total + (clock_timestamp() - since);
		done := done + result.inserted;
		IF done % 4000 < 2000 THEN
			RAISE INFO '% words, % per second', done, round(done / extract(epoch FROM total));
		END IF;
	END LOOP;
END $$;
SET client_min_messages = warning;
CREATE INDEX ON words (word);
ANALYZE words;

\echo
\echo '=== 4. New rows are pending: they are in the index and searched exactly, but not yet sealed into lists'
\set ECHO queries
SELECT name, rows_estimate, dimensions, metric, pending, segments FROM vecstore.collections;
\timing on
SELECT word, round((embedding <=> (SELECT embedding FROM words WHERE word = 'king'))::numeric, 3) AS distance
FROM words ORDER BY embedding <=> (SELECT embedding FROM words WHERE word = 'king') LIMIT 6;
\timing off
\set ECHO none

\echo
\echo '=== 5. Flush: pending rows become a segment.  Searches find rows without it; it makes them fast'
\set ECHO queries
SELECT * FROM vecstore.flush('words');
SELECT segment, state, rows, method FROM vecstore.segments('words');
\timing on
SELECT word, round((embedding <=> (SELECT embedding FROM words WHERE word = 'king'))::numeric, 3) AS distance
FROM words ORDER BY embedding <=> (SELECT embedding FROM words WHERE word = 'king') LIMIT 6;
\timing off
EXPLAIN (COSTS OFF)
SELECT word FROM words ORDER BY embedding <=> (SELECT embedding FROM words WHERE word = 'king') LIMIT 6;
\set ECHO none

\echo
\echo '=== 6. Recall: how many of the 10 nearest of 100 words does the index find, and how fast?'
\set ECHO queries
SELECT queries, recall, round(index_ms::numeric, 2) AS "ms by index", round(exact_ms::numeric, 2) AS "ms without"
FROM vecstore.recall('words_embedding_idx', k => 10, sample => 100);
\set ECHO none

\echo
\echo '=== 7. Upsert: rows whose key exists are replaced, the others are inserted'
\set ECHO queries
-- "horse" gets the vector of "king" and a note; its word stays
SELECT * FROM vecstore.upsert('words', (
	SELECT json_agg(json_build_object('id', b.id, 'note', 'moved to king', 'embedding', k.embedding::real[]))
	FROM words b, words k WHERE b.word = 'horse' AND k.word = 'king'), partial => true);
-- a new word with the vector of "king"
SELECT * FROM vecstore.upsert_from('words',
	'SELECT 1000000 AS id, ''newcomer'' AS word, ''brand new'' AS note, embedding FROM words WHERE word = ''king''');
\echo 'A search finds both at once:'
SELECT word, note, round((embedding <=> (SELECT embedding FROM words WHERE word = 'king'))::numeric, 3) AS distance
FROM words ORDER BY embedding <=> (SELECT embedding FROM words WHERE word = 'king') LIMIT 6;
\set ECHO none

\echo
\echo '=== 8. Half of the words again, in one batch from a query; unchanged rows can be skipped'
\set ECHO queries
\timing on
SELECT * FROM vecstore.upsert_from('words', 'SELECT * FROM source WHERE id % 2 = 0 AND word <> ''horse''');
SELECT * FROM vecstore.upsert_from('words', 'SELECT * FROM source WHERE word <> ''horse''', skip_unchanged => true);
\timing off
SELECT segment, state, rows, dead FROM vecstore.segments('words');
\set ECHO none

\echo
\echo '=== 9. Searches skip deleted rows at once; VACUUM and compaction free their space'
\set ECHO queries
DELETE FROM words WHERE word IN ('horse', 'newcomer') OR id % 3 = 0 AND word NOT IN ('king', 'queen', 'prince');
SELECT word, round((embedding <=> (SELECT embedding FROM words WHERE word = 'king'))::numeric, 3) AS distance
FROM words ORDER BY embedding <=> (SELECT embedding FROM words WHERE word = 'king') LIMIT 6;
\timing on
VACUUM words;
SELECT rows_sealed, segment, elapsed FROM vecstore.compact('words');
\timing off
SELECT segment, state, rows, dead FROM vecstore.segments('words');
SELECT name, rows_estimate, pending, segments, dead, pg_size_pretty(row_bytes) AS rows, pg_size_pretty(value_bytes) AS vectors,
	pg_size_pretty(index_bytes) AS index
FROM vecstore.collections;
\set ECHO none
\echo
\echo 'README.md has a tour for SQL and Python; docs/reference.md describes all functions.'
