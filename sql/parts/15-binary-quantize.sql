-- Without it a literal, as in binary_quantize('[1,-2,3]'), would be neither
-- vector nor halfvec, hence an error.
CREATE FUNCTION binary_quantize(text) RETURNS bit
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
	RETURN @extschema@.binary_quantize($1::@extschema@.vector);
COMMENT ON FUNCTION binary_quantize(text) IS 'bit string with one bit per element of a vector in text form: 1 if the element is positive';
