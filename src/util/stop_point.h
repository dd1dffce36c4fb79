/*-------------------------------------------------------------------------
 * stop_point.h
 *	  Places where a test can stop a session, in builds with assertions.
 *
 * VS_STOP_POINT("name") does nothing unless the setting vecstore.stop_at of
 * the session is that name.  Then it waits while another session holds the
 * advisory lock hashtext('name').  isolationtester detects the wait and runs
 * steps of other sessions meanwhile.  In builds without assertions the macro
 * is empty and there is no such setting.  test/README.md lists the names and
 * has an example.
 *
 * The wait is for a heavyweight lock and can be canceled.  So a stop point
 * must be where an ERROR may be thrown, hence not in a critical section, and
 * not under a buffer lock, on which other sessions would wait undetected.
 *-------------------------------------------------------------------------
 */
#ifndef VS_STOP_POINT_H
#define VS_STOP_POINT_H

#include "postgres.h"

#ifdef USE_ASSERT_CHECKING

/* the setting: name of the stop point that waits; empty: none */
extern char *vs_stop_at;

/* Define the setting; called once by _PG_init. */
extern void vs_stop_point_init(void);

/*
 * Wait if name is the setting.  Throws what waiting for a lock throws
 * (canceled, deadlock, lock_timeout).
 */
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
