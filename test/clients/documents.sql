-- The collection of the clients' upsert scenario.  Autovacuum is off: it seals too,
-- so that the flush would seal fewer rows than were upserted.
CREATE TABLE documents (id bigint PRIMARY KEY, embedding vector(8) NOT NULL, number int, title text, count int, body text)
	USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX documents_embedding ON documents USING vecann (embedding vector_l2_ops);
