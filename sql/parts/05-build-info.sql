-- The build and the processor's instruction sets.

CREATE FUNCTION vecstore.build_info(
	OUT version text, OUT postgres text, OUT compiler text,
	OUT simd text, OUT simd_available text[]) RETURNS record
	AS 'MODULE_PATHNAME', 'vs_build_info' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.build_info() IS
	'version of vecstore, the PostgreSQL and compiler it was built with, the distance kernels in use and those that the processor runs';
