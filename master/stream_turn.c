/*
 * stream_turn.c - whether and when a connection may begin. See stream.h.
 */
#include "stream.h"

#include <event2/event.h>
#include <stdlib.h>

#include "pace.h"

bool
stream_login_allowed(struct unit *u)
{
	int64_t minute = now_ms() / 60000;

	if (u->minute != minute) {
		u->minute = minute;
		u->logins = 0;
	}
	return u->logins++ < LIM_TICKETS_PER_MINUTE;
}

bool
stream_watch_allowed(const struct unit *u)
{
	const struct conf_host *h = conf_host(master.conf, u->host[SERVICE_IMAP]);

	return h == NULL || h->connections > 1;
}

/* A moment that passed while a process was missing is gone. */
static int64_t
stream_slot(struct stream *s, const struct unit *u, int64_t now)
{
	bool urgent = s->service == SERVICE_SMTP || (s->unit & UNIT_PROBE) != 0 || (u->first_login && !s->watch);

	if (s->slot_ms == 0 || now - s->slot_ms >= 1000) {
		s->slot_ms = pace_slot(u->host[s->service], urgent, now);
		if (s->tls == NULL)	/* no process was waited for yet */
			s->since_ms = s->slot_ms;
	}
	return s->slot_ms;
}

bool
stream_paced(struct stream *s, const struct unit *u)
{
	int64_t now = now_ms(), left;
	struct timeval tv;

	if (s->watch && s->slot_ms == 0 && pace_busy(u->host[s->service], now))
		left = 1 + arc4random_uniform(LIM_WATCH_SPREAD_MS);
	else
		left = stream_slot(s, u, now) - now;
	if (left <= 0)
		return false;
	tv = (struct timeval){ .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	(void)event_add(s->timer, &tv);
	return true;
}
