/*-------------------------------------------------------------------------
 * stop_point.h
 *	  Places where a test can stop a session, in builds with assertions.
 *
 * VS_STOP_POINT("name") does nothing unless the session's setting
 * vecstore.stop_at is that name; then it waits for whoever holds the advisory
 * lock hashtext('name').  isolationtester sees the wait, and runs steps of
 * other sessions meanwhile.  Elsewhere the macro is nothing, and there is no
 * such setting.  test/README.md has the names and an example.
 *
 * The wait is an ordinary one for a heavyweight lock: it can be cancelled, so
 * a stop point stands where an ERROR may be thrown; not in a critical section, and
 * not under a buffer lock, which others would wait for unseen.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STOP_POINT_H
#define VS_STOP_POINT_H

#include "postgres.h"

#ifdef USE_ASSERT_CHECKING

extern char *vs_stop_at;

extern void vs_stop_point_init(void);
extern void vs_stop_point_reached(const char *name);

#define VS_STOP_POINT(name) \
	do { \
		if (vs_stop_at != NULL && vs_stop_at[0] != '\0') \
			vs_stop_point_reached(name); \
	} while (0)

#else

#define vs_stop_point_init() ((void) 0)
#define VS_STOP_POINT(name) ((void) 0)

#endif

#endif							/* VS_STOP_POINT_H */
