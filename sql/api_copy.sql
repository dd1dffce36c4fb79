-- COPY FROM into an upsert view.
CREATE TABLE items (id int PRIMARY KEY, title text NOT NULL DEFAULT 'untitled', embedding vector(2)) USING vecstore;
INSERT INTO items VALUES (1, 'old', '[0,0]'), (2, 'old', '[0,0]');
SELECT vecstore.create_upsert_view('items');

COPY items_upsert FROM stdin;
2	new	[1,1]
3	new	[2,2]
3	last	[3,3]
\.
TABLE items ORDER BY id;

-- columns that are left out take their default, in CSV too
COPY items_upsert (embedding, id) FROM stdin WITH (FORMAT csv);
"[9,9]",1
"[8,8]",4
\.
TABLE items ORDER BY id;

-- an error leaves everything as it was
COPY items_upsert FROM stdin;
1	x	[1,1]
5	x	[1,1,1]
\.
COPY items_upsert FROM stdin;
1	x	[1,1]
5	\N	[1,1]
\.
COPY items_upsert FROM stdin;
1	x	[1,1]
\N	x	[1,1]
\.
COPY items_upsert FROM stdin;
\.
TABLE items ORDER BY id;

-- disabled triggers lose no row, neither from the start nor in the middle of a statement
SET session_replication_role = replica;
COPY items_upsert FROM '/dev/null';
RESET session_replication_role;
INSERT INTO items_upsert SELECT 6, set_config('session_replication_role', 'replica', true), NULL;
INSERT INTO items_upsert SELECT g, CASE g WHEN 8 THEN set_config('session_replication_role', 'replica', true) ELSE 'x' END, NULL
	FROM generate_series(7, 8) g;
INSERT INTO items_upsert VALUES (1, 'writable', '[9,9]');
TABLE items ORDER BY id;

-- COPY out of the view and in again
COPY (SELECT * FROM items_upsert ORDER BY id) TO stdout;
SELECT vecstore.drop_collection('items');
