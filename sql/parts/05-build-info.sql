-- What is installed and what it runs on.

CREATE FUNCTION vecstore.build_info(
	OUT version text, OUT postgres text, OUT compiler text,
	OUT simd text, OUT simd_available text[]) RETURNS record
	AS 'MODULE_PATHNAME', 'vs_build_info' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.build_info() IS
	'version of vecstore, PostgreSQL and compiler it was built with, distance kernels in force and runnable here';
