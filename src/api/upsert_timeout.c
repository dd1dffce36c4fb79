/*-------------------------------------------------------------------------
 * upsert_timeout.c
 *	  The time limit of one upsert.
 *
 * Uses a timer of PostgreSQL's own timeout facility.  Its handler asks for a
 * query cancel, which also ends waits for locks; the error that follows is
 * reworded by upsert.c.  Nested upserts (in triggers) share the timer: the
 * outermost limit rules.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

#include "api/api_internal.h"

static TimeoutId timer = MAX_TIMEOUTS;
static volatile sig_atomic_t expired = false;

static void
handle_timeout(void)
{
	expired = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/* Milliseconds of the caller's limit; none is 0.  A limit must be positive. */
int
vs_api_timeout_ms(const Interval *timeout)
{
	double		ms;

	if (!timeout)
		return 0;
	ms = timeout->time / 1000.0 +
		(timeout->day + timeout->month * (double) DAYS_PER_MONTH) * (double) SECS_PER_DAY * 1000.0;
	if (ms <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the timeout must be greater than zero"),
				 errhint("Leave it out (NULL) to wait without a limit.")));
	return (int) Min(Max(ms, 1.0), (double) INT_MAX);
}

/* Starts the timer; false when an outer upsert's is running, which then stays. */
bool
vs_api_timeout_start(int ms)
{
	if (ms == 0)
		return false;
	if (timer == MAX_TIMEOUTS)
		timer = RegisterTimeout(USER_TIMEOUT, handle_timeout);
	if (get_timeout_active(timer))
		return false;
	expired = false;
	enable_timeout_after(timer, ms);
	return true;
}

/* Stops the timer that vs_api_timeout_start started; true if it had run out. */
bool
vs_api_timeout_stop(void)
{
	disable_timeout(timer, false);
	return expired;
}
