-- The cost of distances for the planner.

CREATE FUNCTION vecstore.distance_cost(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_distance_cost' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.distance_cost(internal) IS 'planner support: the cost of a distance, by dimension';

ALTER FUNCTION l2_distance(vector, vector) SUPPORT vecstore.distance_cost;
ALTER FUNCTION cosine_distance(vector, vector) SUPPORT vecstore.distance_cost;
ALTER FUNCTION l1_distance(vector, vector) SUPPORT vecstore.distance_cost;
ALTER FUNCTION inner_product(vector, vector) SUPPORT vecstore.distance_cost;
ALTER FUNCTION vector_negative_inner_product(vector, vector) SUPPORT vecstore.distance_cost;
ALTER FUNCTION l2_distance(halfvec, halfvec) SUPPORT vecstore.distance_cost;
ALTER FUNCTION cosine_distance(halfvec, halfvec) SUPPORT vecstore.distance_cost;
ALTER FUNCTION l1_distance(halfvec, halfvec) SUPPORT vecstore.distance_cost;
ALTER FUNCTION inner_product(halfvec, halfvec) SUPPORT vecstore.distance_cost;
ALTER FUNCTION halfvec_negative_inner_product(halfvec, halfvec) SUPPORT vecstore.distance_cost;
