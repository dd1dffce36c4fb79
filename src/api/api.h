/*-------------------------------------------------------------------------
 * api.h
 *	  The SQL API's part of the library's start.
 *-------------------------------------------------------------------------
 */
#ifndef VS_API_H
#define VS_API_H

/* Installs the hooks of upsert views; called once, at library load. */
extern void vs_api_init(void);

#endif							/* VS_API_H */
