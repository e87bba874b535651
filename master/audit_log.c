/*
 * What is said in the audit log, by whom, and how often.
 */
#include "audit_log.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit_file.h"
#include "loop.h"
#include "master.h"

static struct event *sync_timer, *tick_timer;
static int64_t head_told_ms;
static uint64_t head_told;

/* ---- the head, where others can see it ---- */

static void
tell_head(void)
{
	const struct audit_head *h = audit_file_head();
	char hex[AUDIT_HEX_N + 1];

	if (h->seq == head_told)
		return;
	audit_hex(h->hash, hex);
	logger_line(LOG_LVL_INFO, "audit head %" PRIu64 ":%s", h->seq, hex);
	head_told = h->seq;
	head_told_ms = now_ms();
}

void
audit_head_text(char *out, size_t size)
{
	const struct audit_head *h = audit_file_head();
	char hex[AUDIT_HEX_N + 1];

	audit_hex(h->hash, hex);
	if (snprintf(out, size, "%" PRIu64 ":%s %s", h->seq, hex, audit_file.dir) >= (int)size)
		snprintf(out, size, "%" PRIu64 ":%s ", h->seq, hex);
}

/* ---- lines ---- */

static void
write_said(const struct audit_said *s)
{
	static struct wbuf text = { .max = LIM_AUDIT_LINE };
	static const struct timeval soon = { .tv_usec = LIM_AUDIT_SYNC_MS * 1000 };

	wbuf_reset(&text);
	audit_line_format(s, &text);
	if (text.failed)
		return;
	audit_file_put(wbuf_slice(&text));
	if (sync_timer != NULL && audit_file_dirty() && !event_pending(sync_timer, EV_TIMEOUT, NULL))
		event_add(sync_timer, &soon);
}

static void
say(const char *who, pid_t pid, bool limited, enum audit_event event, const void *fields)
{
	static struct wbuf bytes = { .max = LIM_AUDIT_FIELDS };
	struct audit_said s = { .who = who, .pid = (uint32_t)pid, .event = event };

	wbuf_reset(&bytes);
	audit_encode(&bytes, event, fields);
	s.fields = wbuf_slice(&bytes);
	if (!bytes.failed && (!limited || audit_rate_allow(&s, now_ms())))
		write_said(&s);
}

void
audit_say(enum audit_event event, const void *fields)
{
	say("posternd", getpid(), false, event, fields);
}

void
audit_say_for(const struct proc *p, enum audit_event event, const void *fields)
{
	char who[LIM_AUDIT_WHO + 1];

	if (slice_copy(slice_str(proc_label(p)), who, sizeof(who)) == 0)
		say(who, p->pid, true, event, fields);
}

int
audit_on_event(struct chan *c, const union msg *m, int *fd)
{
	const struct proc *p = chan_ctx(c);
	struct audit_said s = { .who = proc_label(p), .pid = (uint32_t)p->pid, .event = m->audit.event,
		.fields = m->audit.fields };

	(void)fd;
	if (m->audit.event >= AUDIT__COUNT || (audit_table[m->audit.event].from & (1u << p->role)) == 0 ||
	    audit_decode(m->audit.event, m->audit.fields, NULL, NULL) == -1)
		return -1;
	if (audit_rate_allow(&s, now_ms()))
		write_said(&s);
	return 0;
}

/* ---- timers ---- */

static void
tell_dropped(void)
{
	struct audit_drop d;

	while (audit_rate_dropped(&d))
		audit_say(AUDIT_dropped, &(struct audit_dropped){ .process = slice_str(d.who),
		    .kind = slice_str(audit_table[d.event].name), .count = d.count });
}

static void
on_sync(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval later = { .tv_sec = 1 };

	(void)fd;
	(void)what;
	(void)arg;
	audit_file_sync();
	if (audit_file_dirty())
		event_add(sync_timer, &later);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	tell_dropped();
	audit_file_look();
	if (now_ms() - head_told_ms >= LIM_AUDIT_HEAD_SECONDS * 1000)
		tell_head();
}

static void
start_timers(void)
{
	static const struct timeval tick = { .tv_sec = LIM_AUDIT_TICK_SECONDS };

	sync_timer = evtimer_new(loop_base(), on_sync, NULL);
	tick_timer = event_new(loop_base(), -1, EV_PERSIST, on_tick, NULL);
	if (sync_timer == NULL || tick_timer == NULL || event_add(tick_timer, &tick) == -1)
		logger_fatal("no memory for a timer");
}

/* ---- life ---- */

static void
weak(const char *setting, const char *host)
{
	audit_say(AUDIT_config_weak,
	    &(struct audit_config_weak){ .setting = slice_str(setting), .host = slice_str(host) });
}

void
audit_config(const struct conf *c, const char *cause)
{
	audit_say(AUDIT_config_loaded,
	    &(struct audit_config_loaded){ .cause = slice_str(cause), .tenants = (uint32_t)c->n_ats });
	for (size_t i = 0; i < c->n_hosts; i++) {
		if (c->hosts[i].allow_none)
			weak("allow-none", c->hosts[i].name);
		if (c->hosts[i].allow_private)
			weak("allow-private", c->hosts[i].name);
		if (c->hosts[i].extra_ca != NULL)
			weak("ca-file", c->hosts[i].name);
	}
}

static void
weak_build(void)
{
#ifdef POSTERN_SANITIZE
	weak("sanitizer-build", "");
#endif
#ifdef POSTERN_TEST_HOOKS
	weak("test-hooks-build", "");
#endif
	if (!master.is_root)
		weak("not-root", "");
}

void
audit_start(const struct conf *c)
{
	if (audit_file_open(c->audit_dir) == -1)
		logger_fatal("no audit log, no start");
	start_timers();
	audit_say(AUDIT_daemon_start,
	    &(struct audit_daemon_start){ .version = slice_str(POSTERN_VERSION), .uid = (uint32_t)getuid() });
	weak_build();
	audit_config(c, "start");
	tell_head();
}

void
audit_stop(const char *reason)
{
	tell_dropped();
	audit_say(AUDIT_daemon_stop, &(struct audit_daemon_stop){ .reason = slice_str(reason) });
	audit_file_sync();
	tell_head();
	audit_file_close();
}

bool
audit_forbids_logins(void)
{
	return master.conf->audit_required && !audit_file_works();
}
