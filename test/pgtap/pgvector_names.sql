-- pgvector's names: each SQL object of pgvector exists here with the same arguments,
-- result and cast context, except for index access methods.
BEGIN;
SELECT plan(5);

-- Functions: name(arguments) result, immutable, strict, parallel safe; aggregates are not strict
SELECT set_eq($$
	SELECT signature FROM unnest(ARRAY[
	'array_to_halfvec(double precision[], integer, boolean) halfvec its',
	'array_to_halfvec(integer[], integer, boolean) halfvec its',
	'array_to_halfvec(numeric[], integer, boolean) halfvec its',
	'array_to_halfvec(real[], integer, boolean) halfvec its',
	'array_to_sparsevec(double precision[], integer, boolean) sparsevec its',
	'array_to_sparsevec(integer[], integer, boolean) sparsevec its',
	'array_to_sparsevec(numeric[], integer, boolean) sparsevec its',
	'array_to_sparsevec(real[], integer, boolean) sparsevec its',
	'array_to_vector(double precision[], integer, boolean) vector its',
	'array_to_vector(integer[], integer, boolean) vector its',
	'array_to_vector(numeric[], integer, boolean) vector its',
	'array_to_vector(real[], integer, boolean) vector its',
	'avg(halfvec) halfvec ifs',
	'avg(vector) vector ifs',
	'binary_quantize(halfvec) bit its',
	'binary_quantize(vector) bit its',
	'cosine_distance(halfvec, halfvec) double precision its',
	'cosine_distance(sparsevec, sparsevec) double precision its',
	'cosine_distance(vector, vector) double precision its',
	'halfvec(halfvec, integer, boolean) halfvec its',
	'halfvec_accum(double precision[], halfvec) double precision[] its',
	'halfvec_add(halfvec, halfvec) halfvec its',
	'halfvec_avg(double precision[]) halfvec its',
	'halfvec_cmp(halfvec, halfvec) integer its',
	'halfvec_combine(double precision[], double precision[]) double precision[] its',
	'halfvec_concat(halfvec, halfvec) halfvec its',
	'halfvec_eq(halfvec, halfvec) boolean its',
	'halfvec_ge(halfvec, halfvec) boolean its',
	'halfvec_gt(halfvec, halfvec) boolean its',
	'halfvec_in(cstring, oid, integer) halfvec its',
	'halfvec_l2_squared_distance(halfvec, halfvec) double precision its',
	'halfvec_le(halfvec, halfvec) boolean its',
	'halfvec_lt(halfvec, halfvec) boolean its',
	'halfvec_mul(halfvec, halfvec) halfvec its',
	'halfvec_ne(halfvec, halfvec) boolean its',
	'halfvec_negative_inner_product(halfvec, halfvec) double precision its',
	'halfvec_out(halfvec) cstring its',
	'halfvec_recv(internal, oid, integer) halfvec its',
	'halfvec_send(halfvec) bytea its',
	'halfvec_spherical_distance(halfvec, halfvec) double precision its',
	'halfvec_sub(halfvec, halfvec) halfvec its',
	'halfvec_to_float4(halfvec, integer, boolean) real[] its',
	'halfvec_to_sparsevec(halfvec, integer, boolean) sparsevec its',
	'halfvec_to_vector(halfvec, integer, boolean) vector its',
	'halfvec_typmod_in(cstring[]) integer its',
	'hamming_distance(bit, bit) double precision its',
	'inner_product(halfvec, halfvec) double precision its',
	'inner_product(sparsevec, sparsevec) double precision its',
	'inner_product(vector, vector) double precision its',
	'jaccard_distance(bit, bit) double precision its',
	'l1_distance(halfvec, halfvec) double precision its',
	'l1_distance(sparsevec, sparsevec) double precision its',
	'l1_distance(vector, vector) double precision its',
	'l2_distance(halfvec, halfvec) double precision its',
	'l2_distance(sparsevec, sparsevec) double precision its',
	'l2_distance(vector, vector) double precision its',
	'l2_norm(halfvec) double precision its',
	'l2_norm(sparsevec) double precision its',
	'l2_normalize(halfvec) halfvec its',
	'l2_normalize(sparsevec) sparsevec its',
	'l2_normalize(vector) vector its',
	'sparsevec(sparsevec, integer, boolean) sparsevec its',
	'sparsevec_cmp(sparsevec, sparsevec) integer its',
	'sparsevec_eq(sparsevec, sparsevec) boolean its',
	'sparsevec_ge(sparsevec, sparsevec) boolean its',
	'sparsevec_gt(sparsevec, sparsevec) boolean its',
	'sparsevec_in(cstring, oid, integer) sparsevec its',
	'sparsevec_l2_squared_distance(sparsevec, sparsevec) double precision its',
	'sparsevec_le(sparsevec, sparsevec) boolean its',
	'sparsevec_lt(sparsevec, sparsevec) boolean its',
	'sparsevec_ne(sparsevec, sparsevec) boolean its',
	'sparsevec_negative_inner_product(sparsevec, sparsevec) double precision its',
	'sparsevec_out(sparsevec) cstring its',
	'sparsevec_recv(internal, oid, integer) sparsevec its',
	'sparsevec_send(sparsevec) bytea its',
	'sparsevec_to_halfvec(sparsevec, integer, boolean) halfvec its',
	'sparsevec_to_vector(sparsevec, integer, boolean) vector its',
	'sparsevec_typmod_in(cstring[]) integer its',
	'subvector(halfvec, integer, integer) halfvec its',
	'subvector(vector, integer, integer) vector its',
	'sum(halfvec) halfvec ifs',
	'sum(vector) vector ifs',
	'vector(vector, integer, boolean) vector its',
	'vector_accum(double precision[], vector) double precision[] its',
	'vector_add(vector, vector) vector its',
	'vector_avg(double precision[]) vector its',
	'vector_cmp(vector, vector) integer its',
	'vector_combine(double precision[], double precision[]) double precision[] its',
	'vector_concat(vector, vector) vector its',
	'vector_dims(halfvec) integer its',
	'vector_dims(vector) integer its',
	'vector_eq(vector, vector) boolean its',
	'vector_ge(vector, vector) boolean its',
	'vector_gt(vector, vector) boolean its',
	'vector_in(cstring, oid, integer) vector its',
	'vector_l2_squared_distance(vector, vector) double precision its',
	'vector_le(vector, vector) boolean its',
	'vector_lt(vector, vector) boolean its',
	'vector_mul(vector, vector) vector its',
	'vector_ne(vector, vector) boolean its',
	'vector_negative_inner_product(vector, vector) double precision its',
	'vector_norm(vector) double precision its',
	'vector_out(vector) cstring its',
	'vector_recv(internal, oid, integer) vector its',
	'vector_send(vector) bytea its',
	'vector_spherical_distance(vector, vector) double precision its',
	'vector_sub(vector, vector) vector its',
	'vector_to_float4(vector, integer, boolean) real[] its',
	'vector_to_halfvec(vector, integer, boolean) halfvec its',
	'vector_to_sparsevec(vector, integer, boolean) sparsevec its',
	'vector_typmod_in(cstring[]) integer its'
	]) AS signature
	EXCEPT
	SELECT format('%s(%s) %s %s%s%s', proname, pg_get_function_identity_arguments(oid), prorettype::regtype,
				  provolatile, proisstrict::text::char(1), proparallel)
	FROM pg_proc
$$, ARRAY[]::text[], 'no function of pgvector is missing');

SELECT set_eq($$
	SELECT signature FROM unnest(ARRAY[
	'*(halfvec,halfvec) halfvec',
	'*(vector,vector) vector',
	'+(halfvec,halfvec) halfvec',
	'+(vector,vector) vector',
	'-(halfvec,halfvec) halfvec',
	'-(vector,vector) vector',
	'<#>(halfvec,halfvec) double precision',
	'<#>(sparsevec,sparsevec) double precision',
	'<#>(vector,vector) double precision',
	'<%>(bit,bit) double precision',
	'<(halfvec,halfvec) boolean',
	'<(sparsevec,sparsevec) boolean',
	'<(vector,vector) boolean',
	'<+>(halfvec,halfvec) double precision',
	'<+>(sparsevec,sparsevec) double precision',
	'<+>(vector,vector) double precision',
	'<->(halfvec,halfvec) double precision',
	'<->(sparsevec,sparsevec) double precision',
	'<->(vector,vector) double precision',
	'<=(halfvec,halfvec) boolean',
	'<=(sparsevec,sparsevec) boolean',
	'<=(vector,vector) boolean',
	'<=>(halfvec,halfvec) double precision',
	'<=>(sparsevec,sparsevec) double precision',
	'<=>(vector,vector) double precision',
	'<>(halfvec,halfvec) boolean',
	'<>(sparsevec,sparsevec) boolean',
	'<>(vector,vector) boolean',
	'<~>(bit,bit) double precision',
	'=(halfvec,halfvec) boolean',
	'=(sparsevec,sparsevec) boolean',
	'=(vector,vector) boolean',
	'>(halfvec,halfvec) boolean',
	'>(sparsevec,sparsevec) boolean',
	'>(vector,vector) boolean',
	'>=(halfvec,halfvec) boolean',
	'>=(sparsevec,sparsevec) boolean',
	'>=(vector,vector) boolean',
	'||(halfvec,halfvec) halfvec',
	'||(vector,vector) vector'
	]) AS signature
	EXCEPT
	SELECT format('%s(%s,%s) %s', oprname, oprleft::regtype, oprright::regtype, oprresult::regtype) FROM pg_operator
$$, ARRAY[]::text[], 'no operator of pgvector is missing');

SELECT set_eq($$
	SELECT signature FROM unnest(ARRAY[
	'double precision[] as halfvec a',
	'double precision[] as sparsevec a',
	'double precision[] as vector a',
	'halfvec as halfvec i',
	'halfvec as real[] a',
	'halfvec as sparsevec i',
	'halfvec as vector a',
	'integer[] as halfvec a',
	'integer[] as sparsevec a',
	'integer[] as vector a',
	'numeric[] as halfvec a',
	'numeric[] as sparsevec a',
	'numeric[] as vector a',
	'real[] as halfvec a',
	'real[] as sparsevec a',
	'real[] as vector a',
	'sparsevec as halfvec a',
	'sparsevec as sparsevec i',
	'sparsevec as vector a',
	'vector as halfvec i',
	'vector as real[] i',
	'vector as sparsevec i',
	'vector as vector i'
	]) AS signature
	EXCEPT
	SELECT format('%s as %s %s', castsource::regtype, casttarget::regtype, castcontext) FROM pg_cast
$$, ARRAY[]::text[], 'no cast of pgvector is missing or has another context');

-- An opclass for sorting each type, under pgvector's name
SELECT set_eq($$
	SELECT opcname::text FROM pg_opclass JOIN pg_am ON pg_am.oid = opcmethod
	WHERE amname = 'btree' AND opcdefault AND opcintype IN ('vector'::regtype, 'halfvec'::regtype, 'sparsevec'::regtype)
$$, ARRAY['vector_ops', 'halfvec_ops', 'sparsevec_ops'], 'btree operator classes');

-- Additional objects have comments, too
SELECT is_empty($$
	SELECT d.classid::regclass, pg_describe_object(d.classid, d.objid, 0)
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE e.extname = 'vecstore' AND d.deptype = 'e'
		AND d.classid NOT IN ('pg_opfamily'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass)
		AND NOT (d.classid = 'pg_type'::regclass
				 AND (SELECT typelem <> 0 AND typlen = -1 OR typrelid <> 0 FROM pg_type WHERE oid = d.objid))
		AND obj_description(d.objid, d.classid::regclass::name) IS NULL
$$, 'every object of the extension has a comment');

SELECT * FROM finish();
ROLLBACK;
