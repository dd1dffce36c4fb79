/*-------------------------------------------------------------------------
 * table_types.h
 *	  The extension's vector types, by their OIDs in this database.
 *-------------------------------------------------------------------------
 */
#ifndef VS_TABLE_TYPES_H
#define VS_TABLE_TYPES_H

#include "postgres.h"

/*
 * Bytes of an element of vector or halfvec, or of a domain over them; 0 for any
 * other type.  Values of these types are always stored apart.
 */
extern int	vs_type_element_size(Oid type);

#endif							/* VS_TABLE_TYPES_H */
