/*-------------------------------------------------------------------------
 * fuzz.h
 *	  Common to the fuzz targets: buffers of exact size, and MUST.
 *
 * Every buffer that the tested code gets has exactly the promised size, so
 * that the address sanitizer detects each access beyond it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_FUZZ_H
#define VS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static inline void *
fuzz_alloc(size_t size)
{
	void	   *p = malloc(size > 0 ? size : 1);

	MUST(p != NULL);
	return p;
}

/* Return the input as a C string. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char	   *text = fuzz_alloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static inline uint8_t *
fuzz_bytes(const uint8_t *data, size_t size)
{
	uint8_t    *bytes = fuzz_alloc(size);

	memcpy(bytes, data, size);
	return bytes;
}

#endif							/* VS_FUZZ_H */
