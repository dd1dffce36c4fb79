-- Index access method vecann: values at the ends of what a float holds.
SET client_min_messages = warning;
SET statement_timeout = '60s';
SET enable_seqscan = off;

-- squared norms that a float holds, and a squared distance that it does not
CREATE TABLE far (id int, v vector(2)) USING vecstore;
CREATE INDEX far_v ON far USING vecann (v) WITH (pending_limit = 0);
INSERT INTO far VALUES (1, '[1.3e19,0]'), (2, '[-1.3e19,1e18]'), (3, '[-1.2e19,1e18]');
SELECT id, v <-> '[-1.3e19,0]' AS distance FROM far ORDER BY v <-> '[-1.3e19,0]';
SELECT rows_sealed FROM vecstore.flush('far');
SELECT id, v <-> '[-1.3e19,0]' AS distance FROM far ORDER BY v <-> '[-1.3e19,0]';
DROP TABLE far;
