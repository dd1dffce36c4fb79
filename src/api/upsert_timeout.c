/*-------------------------------------------------------------------------
 * upsert_timeout.c
 *	  The time limit of one upsert.
 *
 * The limit is a timer of PostgreSQL's own timeout facility.  Its handler
 * requests a query cancel, which also ends waits for locks; upsert.c rewords
 * the error that follows.  Nested upserts (in triggers) share the timer: the
 * outermost limit applies.
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

bool
vs_api_timeout_stop(void)
{
	disable_timeout(timer, false);
	return expired;
}
