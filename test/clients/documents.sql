-- The collection of the clients' upsert scenario.  Without autovacuum, which seals too and
-- would leave less for the flush than was upserted.
CREATE TABLE documents (id bigint PRIMARY KEY, embedding vector(8) NOT NULL, number int, title text, count int, body text)
	USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX documents_embedding ON documents USING vecann (embedding vector_l2_ops);
