/*-------------------------------------------------------------------------
 * upsert_dynamic.h
 *	  The value of a dynamic column, made from a row's fields.
 *
 * Each field is converted when it is read, so that an error names it.
 *-------------------------------------------------------------------------
 */
#ifndef VS_UPSERT_DYNAMIC_H
#define VS_UPSERT_DYNAMIC_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "api/api_internal.h"
#include "api/json_scan.h"

typedef struct DynamicFields
{
	JsonbParseState *state;		/* NULL: no field yet */
} DynamicFields;

/*
 * Adds a field.  The name is not copied.  Of two fields with one name the later
 * one counts.  A NULL value is JSON's null.  Allocates in the current context;
 * fields->state is NULL at first.
 */
extern void vs_api_dynamic_add(DynamicFields *fields, const char *name, int len, Jsonb *value);
extern void vs_api_dynamic_add_json(DynamicFields *fields, const char *name, int len,
									const JsonPiece *value);

/* The object of all fields, {} without any, checked by the column's domain. */
extern Datum vs_api_dynamic_value(DynamicFields *fields, CollectionColumn *column);

#endif							/* VS_UPSERT_DYNAMIC_H */
