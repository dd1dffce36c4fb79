-- Euclidean distance
SELECT '{}/2'::sparsevec <-> '{1:3,2:4}/2';
SELECT '{1:3}/2'::sparsevec <-> '{2:4}/2';
SELECT '{1:1,3:2,5:3}/9'::sparsevec <-> '{2:1,3:4,9:2}/9';
SELECT l2_distance('{1:3,2:4}/2'::sparsevec, '{}/2');
SELECT sparsevec_l2_squared_distance('{1:3}/2', '{2:4}/2');
SELECT l2_distance('{1:3e38}/1'::sparsevec, '{}/1');

-- Inner product
SELECT '{1:1,2:2}/2'::sparsevec <#> '{1:3,2:4}/2';
SELECT inner_product('{1:1,3:3,5:5}/5'::sparsevec, '{2:4,3:6,4:8}/5');
SELECT inner_product('{1:1,3:3}/4'::sparsevec, '{2:2,4:4}/4');
SELECT sparsevec_negative_inner_product('{1:1}/1', '{1:5}/1');

-- Cosine distance; NaN without a direction
SELECT '{1:1,2:2}/2'::sparsevec <=> '{1:2,2:4}/2';
SELECT '{1:1,2:1}/2'::sparsevec <=> '{1:-1.1,2:-1.1}/2';
SELECT cosine_distance('{1:2}/2'::sparsevec, '{2:2}/2');
SELECT cosine_distance('{1:1}/2'::sparsevec, '{}/2');

-- Taxicab distance
SELECT '{}/2'::sparsevec <+> '{1:3,2:-4}/2';
SELECT l1_distance('{1:1,3:3,5:5,7:7,9:9}/9'::sparsevec, '{2:2,4:4,6:6,7:-8}/9');

-- The error about different dimensions names both
SELECT '{}/2'::sparsevec <-> '{}/3';
SELECT '{}/2'::sparsevec <#> '{}/3';
SELECT '{}/2'::sparsevec <=> '{}/3';
SELECT '{}/2'::sparsevec <+> '{}/1000000000';

-- Norm
SELECT l2_norm('{1:3,2:4}/2'::sparsevec), l2_norm('{}/2'::sparsevec);
SELECT l2_norm('{1:3e37,2:4e37}/2'::sparsevec)::real;
SELECT l2_normalize('{1:3,3:4}/1000000000'::sparsevec);
SELECT l2_normalize('{}/2'::sparsevec);
-- an element that becomes 0 is dropped
SELECT l2_normalize('{1:3e38,2:1e-37}/2'::sparsevec);
