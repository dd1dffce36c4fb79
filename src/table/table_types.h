/*-------------------------------------------------------------------------
 * table_types.h
 *	  The extension's vector types, by their OIDs in this database.
 *-------------------------------------------------------------------------
 */
#ifndef VS_TABLE_TYPES_H
#define VS_TABLE_TYPES_H

#include "postgres.h"

/*
 * Bytes per element of vector or halfvec, or of a domain over them; 0 for any
 * other type.  Values of these types are always stored apart.  The first call
 * for a type reads the catalogs, so the caller must be in a transaction.
 */
extern int	vs_type_element_size(Oid type);

#endif							/* VS_TABLE_TYPES_H */
