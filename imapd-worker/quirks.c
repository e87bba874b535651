/*
 * quirks.c - rows of quirks.def that match, added up.
 */
#include "quirks.h"
#include "imap_response.h"

#include <string.h>
#include <strings.h>

struct row {
	enum quirk_match how;
	const char *what;
	struct quirks q;
};

static const struct row rows[] = {
#define QUIRK(how, what, flags, idle, plateau, sent, seen, text)                                                       \
	{ QUIRK_##how, what, { flags, idle, plateau } },
#define QUIRK_FOR_ALL(who, text, instead)
#include "quirks.def"
};

void
quirks_init(struct quirks *q)
{
	*q = (struct quirks){ .idle_seconds = LIM_PROOF_SECONDS };
}

/* The name itself, or a name below it. */
static bool
host_matches(struct slice host, const char *what)
{
	size_t n = strlen(what);

	if (host.n < n || strncasecmp((const char *)host.p + host.n - n, what, n) != 0)
		return false;
	return host.n == n || host.p[host.n - n - 1] == '.';
}

static bool
begins(struct slice text, const char *what)
{
	size_t n = strlen(what);

	return text.n >= n && strncasecmp((const char *)text.p, what, n) == 0;
}

static bool
matches(const struct row *r, enum quirk_match how, struct slice text)
{
	if (r->how != how)
		return false;
	return how == QUIRK_HOST ? host_matches(text, r->what) : begins(text, r->what);
}

static void
apply(struct quirks *q, enum quirk_match how, struct slice text)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct quirks *row = &rows[i].q;

		if (!matches(&rows[i], how, text))
			continue;
		q->flags |= row->flags;
		if (row->idle_seconds != 0 && row->idle_seconds < q->idle_seconds)
			q->idle_seconds = row->idle_seconds;
		if (row->plateau != 0)
			q->plateau = row->plateau;
	}
}

void
quirks_host(struct quirks *q, struct slice host)
{
	if (host.n > 0)
		apply(q, QUIRK_HOST, host);
}

void
quirks_id(struct quirks *q, struct slice name)
{
	if (name.n > 0)
		apply(q, QUIRK_ID, name);
}

void
quirks_caps(struct quirks *q, uint32_t caps)
{
	if ((caps & CAP_GMAIL) != 0)
		apply(q, QUIRK_CAP, slice_str("X-GM-EXT-1"));
}
