-- Words and their nearest neighbours; run by test/run/demo, which puts the data
-- where \copy finds it.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset border 2
\timing off

\echo '--- An extension like any other: nothing to preload'
\set ECHO queries
CREATE EXTENSION vecstore;
CREATE TABLE words (
	id int PRIMARY KEY,
	word text NOT NULL UNIQUE,
	embedding vector(100) NOT NULL
);
\set ECHO none

\echo
\echo '--- Load real word vectors (GloVe, 100 dimensions)'
\timing on
\set QUIET off
\copy words from 'build/demo/words.tsv'
\set QUIET on
\timing off
\set ECHO queries
ANALYZE words;
SELECT count(*) AS words, min(vector_dims(embedding)) AS dimensions,
       pg_size_pretty(pg_total_relation_size('words')) AS size
FROM words;
\set ECHO none

\echo
\echo '--- The words nearest to a word, by cosine distance'
PREPARE nearest(text) AS
SELECT w.word, round((w.embedding <=> q.embedding)::numeric, 3) AS distance
FROM words w, words q
WHERE q.word = $1 AND w.word <> $1
ORDER BY w.embedding <=> q.embedding
LIMIT 8;
\echo 'SELECT w.word, round((w.embedding <=> q.embedding)::numeric, 3) AS distance'
\echo 'FROM words w, words q'
\echo 'WHERE q.word = $1 AND w.word <> $1'
\echo 'ORDER BY w.embedding <=> q.embedding'
\echo 'LIMIT 8;'
\timing on
\echo
\echo 'nearest to king'
EXECUTE nearest('king');
\echo 'nearest to paris'
EXECUTE nearest('paris');
\echo 'nearest to blue'
EXECUTE nearest('blue');
\timing off
