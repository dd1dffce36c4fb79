-- Index access method vecann.

CREATE FUNCTION vecstore.ann_handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'vs_ann_handler' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_handler(internal) IS 'handler of index access method vecann';
CREATE ACCESS METHOD vecann TYPE INDEX HANDLER vecstore.ann_handler;
COMMENT ON ACCESS METHOD vecann IS 'vecann: pending rows and inverted lists of quantized vectors';

CREATE FUNCTION vecstore.ann_vector_l2(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_vector_l2' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_vector_l2(internal) IS 'support of vecann operator class vector_l2_ops';
CREATE FUNCTION vecstore.ann_vector_ip(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_vector_ip' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_vector_ip(internal) IS 'support of vecann operator class vector_ip_ops';
CREATE FUNCTION vecstore.ann_vector_cosine(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_vector_cosine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_vector_cosine(internal) IS 'support of vecann operator class vector_cosine_ops';
CREATE FUNCTION vecstore.ann_halfvec_l2(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_halfvec_l2' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_halfvec_l2(internal) IS 'support of vecann operator class halfvec_l2_ops';
CREATE FUNCTION vecstore.ann_halfvec_ip(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_halfvec_ip' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_halfvec_ip(internal) IS 'support of vecann operator class halfvec_ip_ops';
CREATE FUNCTION vecstore.ann_halfvec_cosine(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_halfvec_cosine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_halfvec_cosine(internal) IS 'support of vecann operator class halfvec_cosine_ops';

CREATE OPERATOR CLASS vector_l2_ops DEFAULT FOR TYPE vector USING vecann AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 (vector, vector) vecstore.ann_vector_l2(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING vecann IS 'Euclidean distance of vectors';
CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING vecann AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 (vector, vector) vecstore.ann_vector_ip(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING vecann IS 'negative inner product of vectors';
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING vecann AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 (vector, vector) vecstore.ann_vector_cosine(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING vecann IS 'cosine distance of vectors';
CREATE OPERATOR CLASS halfvec_l2_ops DEFAULT FOR TYPE halfvec USING vecann AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 (halfvec, halfvec) vecstore.ann_halfvec_l2(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING vecann IS 'Euclidean distance of half-precision vectors';
CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING vecann AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 (halfvec, halfvec) vecstore.ann_halfvec_ip(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING vecann IS 'negative inner product of half-precision vectors';
CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING vecann AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 (halfvec, halfvec) vecstore.ann_halfvec_cosine(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING vecann IS 'cosine distance of half-precision vectors';

CREATE FUNCTION vecstore.ann_bit_hamming(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vs_ann_bit_hamming' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vecstore.ann_bit_hamming(internal) IS 'support of vecann operator class bit_hamming_ops';
CREATE OPERATOR CLASS bit_hamming_ops DEFAULT FOR TYPE bit USING vecann AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 (bit, bit) vecstore.ann_bit_hamming(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING vecann IS 'Hamming distance of bit strings, up to 1,856 bits';

CREATE FUNCTION vecstore.flush(relation regclass, wait boolean DEFAULT true,
	OUT index regclass, OUT rows_sealed bigint, OUT segment integer, OUT elapsed interval)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vs_api_flush' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vecstore.flush(regclass, boolean) IS
	'seal the pending rows of a vecann index, or of all vecann indexes of a table; without wait, skip an index of which a seal is under way';
CREATE FUNCTION vecstore.compact(relation regclass, wait boolean DEFAULT true,
	OUT index regclass, OUT rows_sealed bigint, OUT segment integer, OUT elapsed interval)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vs_api_compact' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION vecstore.compact(regclass, boolean) IS
	'seal pending rows, drop dead entries, split and merge lists, make unused pages reusable';

CREATE FUNCTION vecstore.index_segments(index regclass,
	OUT segment integer, OUT state text, OUT rows bigint, OUT dead bigint,
	OUT created timestamptz, OUT method text, OUT rows_sealed bigint, OUT pages bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vs_inspect_index_segments' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecstore.index_segments(regclass) IS
	'segments of a vecann index: the growing one (pending rows), one that is being sealed, then the sealed ones that have entries, newest first; pages may have entries of other segments too';

CREATE FUNCTION vecstore.index_info(index regclass,
	OUT dimensions integer, OUT code_dimensions integer, OUT bits integer, OUT last_segment integer,
	OUT pending_rows bigint, OUT list_rows bigint, OUT list_dead bigint, OUT lists integer,
	OUT smallest_list bigint, OUT list_p10 bigint, OUT median_list bigint, OUT list_p90 bigint, OUT list_p99 bigint,
	OUT largest_list bigint, OUT mean_list float8, OUT centroid_levels integer, OUT centre_norm float8, OUT automatic_probes integer,
	OUT pending_bytes bigint, OUT list_bytes bigint, OUT directory_bytes bigint,
	OUT retired_bytes bigint, OUT total_bytes bigint)
	AS 'MODULE_PATHNAME', 'vs_inspect_index_info' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecstore.index_info(regclass) IS
	'dimensions, rows, lists and bytes of a vecann index';

CREATE FUNCTION vecstore.check_index(index regclass, OUT problem text) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'vs_inspect_check_index' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION vecstore.check_index(regclass) IS
	'problems of a vecann index, as check() finds them: its structure, and that each row of its table is in it exactly once; no row if it is sound';

CREATE FUNCTION vecstore.last_scan_stats(
	OUT index regclass, OUT scans bigint, OUT lists bigint, OUT lists_probed bigint, OUT codes_scanned bigint,
	OUT pending_scanned bigint, OUT refined bigint, OUT exact_distances bigint, OUT rows_returned bigint)
	AS 'MODULE_PATHNAME', 'vs_inspect_last_scan_stats' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecstore.last_scan_stats() IS
	'work of the vecann index scan that ended last in this session, with its rescans added up; NULL without the right to inspect its table';

CREATE FUNCTION vecstore.recall(index regclass, k integer DEFAULT 10, sample integer DEFAULT 200,
	OUT queries integer, OUT recall float8, OUT index_ms float8, OUT exact_ms float8)
	AS 'MODULE_PATHNAME', 'vs_inspect_recall' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION vecstore.recall(regclass, integer, integer) IS
	'recall at k of a vecann index under the current settings, and mean milliseconds per query with and without the index; random rows are the queries';
