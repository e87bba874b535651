#include "told.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "child.h"
#include "link.h"
#include "log.h"
#include "loop.h"

/* ---- with the commit ---- */
static void
say(enum audit_event event, const void *fields)
{
	static struct wbuf w = { .max = LIM_AUDIT_FIELDS };

	wbuf_reset(&w);
	audit_encode(&w, event, fields);
	if (!w.failed)
		out_send(child.master, MSG_audit,
		    &(struct msg_audit){ .event = (uint16_t)event, .fields = wbuf_slice(&w) }, OUT_NOFD);
}

static void
endpoint(char out[LIM_AUDIT_ENDPOINT], struct slice host, uint16_t port, uint8_t security)
{
	static const char *const words[] = { "?", "tls", "starttls", "none" };

	out[0] = '\0';
	if (host.n > 0 && host.n <= LIM_HOST)
		snprintf(out, LIM_AUDIT_ENDPOINT, "%.*s:%u:%s", (int)host.n, (const char *)host.p, port,
		    words[security <= SECURITY_NONE ? security : 0]);
}

static void
add(char *what, size_t size, bool changed, const char *word)
{
	size_t n = strlen(what);

	if (changed)
		snprintf(what + n, size - n, "%s%s", n > 0 ? "," : "", word);
}

static void
differences(const struct rec_link *a, const struct rec_link *b, bool credential, char *what, size_t size)
{
	what[0] = '\0';
	add(what, size, credential, "credential");
	add(what, size, !slice_eq(a->imap_host, b->imap_host) || a->imap_port != b->imap_port ||
	    a->imap_security != b->imap_security, "imap");
	add(what, size, !slice_eq(a->smtp_host, b->smtp_host) || a->smtp_port != b->smtp_port ||
	    a->smtp_security != b->smtp_security, "smtp");
	add(what, size, !slice_eq(a->imap_user, b->imap_user) || !slice_eq(a->smtp_user, b->smtp_user), "user");
	add(what, size, a->mode != b->mode, "mode");
	add(what, size, a->paused != b->paused, b->paused ? "paused" : "resumed");
	add(what, size, !slice_eq(a->name, b->name), "name");
	add(what, size, link_other_folders(a, b), "folders");
	add(what, size, link_other_policy(a, b), "policy");
}

void
told_link(struct told_by by, uint32_t no, const struct rec_link *before, const struct rec_link *after, bool credential,
    bool verified)
{
	char imap[LIM_AUDIT_ENDPOINT], smtp[LIM_AUDIT_ENDPOINT], what[128];

	endpoint(imap, after->imap_host, after->imap_port, after->imap_security);
	endpoint(smtp, after->smtp_host, after->smtp_port, after->smtp_security);
	if (before == NULL) {
		say(AUDIT_link_made, &(struct audit_link_made){ .by = slice_str(role_name(by.role)), .uid = by.uid,
		    .link = no, .address = after->address, .imap = slice_str(imap), .smtp = slice_str(smtp),
		    .verified = verified });
		return;
	}
	differences(before, after, credential, what, sizeof(what));
	say(AUDIT_link_changed, &(struct audit_link_changed){ .by = slice_str(role_name(by.role)), .uid = by.uid,
	    .link = no, .what = slice_str(what), .imap = slice_str(imap), .smtp = slice_str(smtp),
	    .verified = verified });
}

void
told_link_removed(struct told_by by, uint32_t no, struct slice address, bool notes_kept)
{
	say(AUDIT_link_removed, &(struct audit_link_removed){ .by = slice_str(role_name(by.role)), .uid = by.uid,
	    .link = no, .address = address, .notes_kept = notes_kept });
}

void
told_link_tested(struct told_by by, uint32_t no)
{
	say(AUDIT_link_tested, &(struct audit_link_tested){ .by = slice_str(role_name(by.role)), .uid = by.uid,
	    .link = no });
}

void
told_link_refused(struct told_by by, uint32_t no, enum set_action action, const char *error, const char *property)
{
	static const char *const words[] = { "?", "create", "update", "destroy", "test" };

	say(AUDIT_link_refused, &(struct audit_link_refused){ .by = slice_str(role_name(by.role)), .uid = by.uid,
	    .link = no, .action = slice_str(words[action <= SET_TEST ? action : 0]), .error = slice_str(error),
	    .property = slice_str(property) });
}

void
told_demand(uint32_t link, uint64_t email, uint32_t uid, const char *outcome)
{
	say(AUDIT_content_demand, &(struct audit_content_demand){ .link = link, .uid = uid, .email = email,
	    .outcome = slice_str(outcome) });
}

/* ---- counted ---- */
static struct counted {
	bool read;
	uint32_t link;
	uint32_t uid;			/* of a read */
	enum content_policy rule;	/* of a fetch */
	uint64_t count, since;
} counts[LIM_AUDIT_COUNTED];
static size_t ncounts;
static struct event *minute;

static void
tell(const struct counted *c, uint64_t now)
{
	static const char *const rules[] = { "default", "all", "headers", "matched" };
	uint32_t seconds = (uint32_t)(now > c->since ? now - c->since : 0);

	if (c->read)
		audit_tell_content_read(&(struct audit_content_read){ .link = c->link, .uid = c->uid,
		    .count = c->count, .seconds = seconds });
	else
		audit_tell_content_rule(&(struct audit_content_rule){ .link = c->link,
		    .rule = slice_str(rules[c->rule]), .count = c->count, .seconds = seconds });
}

void
told_counts(void)
{
	uint64_t now = store_now();

	for (size_t i = 0; i < ncounts; i++)
		tell(&counts[i], now);
	ncounts = 0;
}

static void
count(struct counted c)
{
	static const struct timeval period = { .tv_sec = LIM_AUDIT_COUNT_SECONDS };

	for (size_t i = 0; i < ncounts; i++)
		if (counts[i].read == c.read && counts[i].link == c.link && counts[i].uid == c.uid &&
		    counts[i].rule == c.rule) {
			counts[i].count++;
			return;
		}
	if (ncounts == LIM_AUDIT_COUNTED)
		told_counts();
	if (ncounts == 0 && minute != NULL)
		event_add(minute, &period);
	c.count = 1;
	c.since = store_now();
	counts[ncounts++] = c;
}

void
told_rule(uint32_t link)
{
	struct link_policy p;

	if (link_policy(link, &p) == 0)
		count((struct counted){ .link = link, .rule = p.content });
}

void
told_read(uint32_t link, uint32_t uid)
{
	count((struct counted){ .read = true, .link = link, .uid = uid });
}

static void
on_minute(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	told_counts();
}

void
told_init(void)
{
	if ((minute = evtimer_new(loop_base(), on_minute, NULL)) == NULL)
		fatal("no timer");
}
