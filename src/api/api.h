/*-------------------------------------------------------------------------
 * api.h
 *	  What the library's start needs of the SQL API.
 *-------------------------------------------------------------------------
 */
#ifndef VS_API_H
#define VS_API_H

/* Called once, when the library is loaded: puts the hooks of upsert views into place. */
extern void vs_api_init(void);

#endif							/* VS_API_H */
