/*-------------------------------------------------------------------------
 * quant_x86.h
 *	  Unpacking of extra codes, 16 at a time, for the x86 variants.
 *
 * The includer defines TARGET and INLINE.  quant_extra.c describes the
 * layout.
 *-------------------------------------------------------------------------
 */

/* Unpack the 4-bit parts (32 bytes) of 16 dimensions from 16 * quarter on. */
INLINE __m128i
part4(const uint8_t *part, int quarter)
{
	__m128i		bytes = _mm_loadu_si128((const __m128i *) (part + 16 * (quarter & 1)));

	if (quarter & 2)
		bytes = _mm_srli_epi16(bytes, 4);
	return _mm_and_si128(bytes, _mm_set1_epi8(15));
}

/* The same for the 2-bit parts (16 bytes). */
INLINE __m128i
part2(const uint8_t *part, int quarter)
{
	__m128i		bytes = _mm_loadu_si128((const __m128i *) part);

	return _mm_and_si128(_mm_srl_epi16(bytes, _mm_cvtsi32_si128(2 * quarter)),
						 _mm_set1_epi8(3));
}

/* The same for the 1-bit parts (8 bytes). */
INLINE __m128i
part1(const uint8_t *part, int quarter)
{
	__m128i		bytes = _mm_loadl_epi64((const __m128i *) part);

	bytes = _mm_unpacklo_epi64(_mm_srl_epi64(bytes, _mm_cvtsi32_si128(2 * quarter)),
							   _mm_srl_epi64(bytes, _mm_cvtsi32_si128(2 * quarter + 1)));
	return _mm_and_si128(bytes, _mm_set1_epi8(1));
}

/* Unpack the codes of these dimensions from a chunk. */
INLINE __m128i
unpack16(const int bits, const uint8_t *chunk, int quarter)
{
	__m128i		codes;
	__m128i		low;

	if (bits == 8)
		return _mm_loadu_si128((const __m128i *) (chunk + 16 * quarter));
	codes = _mm_setzero_si128();
	if (bits & 4)
	{
		codes = part4(chunk, quarter);
		chunk += 32;
	}
	if (bits & 2)
	{
		low = part2(chunk, quarter);
		codes = _mm_or_si128(_mm_slli_epi16(codes, 2), low);
		chunk += 16;
	}
	if (bits & 1)
	{
		low = part1(chunk, quarter);
		codes = _mm_or_si128(_mm_slli_epi16(codes, 1), low);
	}
	return codes;
}
