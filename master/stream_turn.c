/*
 * stream_turn.c - whether and when a connection may begin. See stream.h.
 */
#include "stream.h"

#include <event2/event.h>
#include <stdlib.h>

bool
stream_login_allowed(struct unit *u)
{
	int64_t minute = now_ms() / 60000;

	if (u->logins.minute != minute)
		u->logins = (struct logins){ .unit = u->number, .minute = minute };
	return u->logins.n++ < LIM_TICKETS_PER_MINUTE;
}

bool
stream_watch_allowed(const struct unit *u)
{
	const struct conf_host *h = conf_host(master.conf, u->host[SERVICE_IMAP]);

	return h == NULL || h->connections > 1;
}

/* Its turn, unless that passed while a process was missing. */
static bool
has_turn(struct stream *s, const struct unit *u, int64_t now)
{
	bool urgent = s->service == SERVICE_SMTP || (s->unit & UNIT_PROBE) != 0 || (u->first_login && !s->watch);

	if (s->turn_ms != 0 && now - s->turn_ms < 1000)
		return true;
	if (pace_waits(&s->pace) || !pace_ask(&s->pace, u->host[s->service], urgent, s->tenant))
		return false;
	stream_turn(s);
	return true;
}

bool
stream_paced(struct stream *s, const struct unit *u)
{
	int64_t now = now_ms(), left;
	struct timeval tv;

	if (!s->watch || s->turn_ms != 0 || pace_waits(&s->pace) || !pace_busy(u->host[s->service]))
		return !has_turn(s, u, now);
	left = 1 + arc4random_uniform(LIM_WATCH_SPREAD_MS);
	tv = (struct timeval){ .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	(void)event_add(s->timer, &tv);
	return true;
}

void
stream_turn(struct stream *s)
{
	s->turn_ms = now_ms();
	if (s->tls == NULL)	/* no process was waited for yet */
		s->since_ms = s->turn_ms;
}

void
stream_turn_back(struct stream *s)
{
	pace_leave(&s->pace);
	s->turn_ms = 0;
}
