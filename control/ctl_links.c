/*
 * A link as a person sees it: where it stands, how fast it goes, how fresh it
 * is, and why it stands still.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "error_codes.h"
#include "messages.h"

/* ---- words ---- */

/* "42 s", "7 min", "3 h"; "" for none. */
const char *
span_text(uint64_t seconds, bool known)
{
	static char buf[32];

	if (!known)
		buf[0] = '\0';
	else if (seconds < 120)
		snprintf(buf, sizeof(buf), "%" PRIu64 " s", seconds);
	else if (seconds < 2 * 3600)
		snprintf(buf, sizeof(buf), "%" PRIu64 " min", seconds / 60);
	else
		snprintf(buf, sizeof(buf), "%" PRIu64 " h", seconds / 3600);
	return buf;
}

bool
link_counts(const struct rec_link *l)
{
	return l->phase == PHASE_HEADERS || l->phase == PHASE_BODIES;
}

/* Rounded down: 100 is all. */
unsigned int
link_percent(const struct rec_link *l)
{
	uint32_t done = l->done < l->total ? l->done : l->total;

	return l->total == 0 ? 0 : (unsigned int)((uint64_t)done * 100 / l->total);
}

/* What stands still without an error of its own. */
static const struct still {
	enum link_state state;
	const char *why;
} stills[] = {
	{ LINK_CONNECTING, "The first login is under way." },
	{ LINK_AWAITING_CONSENT, "Somebody must consent at the provider." },
	{ LINK_PAUSED, "Paused: nothing is fetched or sent until it is resumed." },
	{ LINK_NEEDS_USER, "The credential must be entered anew." },
	{ LINK_OFFLINE, "There is no connection now; it is tried again." },
};

const char *
link_why(const struct rec_link *l, const char **code)
{
	static char own[LIM_CODE * 4 + 1];

	*code = word_text(words_link_state, l->state);
	if (l->error_code.n > 0) {
		snprintf(own, sizeof(own), "%s", safe_text(l->error_code));
		*code = own;
		return error_code_find(l->error_code)->hint;
	}
	for (size_t i = 0; i < sizeof(stills) / sizeof(stills[0]); i++)
		if (stills[i].state == l->state)
			return stills[i].why;
	if (link_counts(l) && l->rate == 0 && l->done < l->total)
		return "Nothing has come in the last seconds: the server or the line is slow.";
	return NULL;
}

/* ---- JSON ---- */

json_t *
endpoint_json(struct slice host, uint16_t port, uint8_t security, struct slice user)
{
	if (host.n == 0)
		return json_null();
	return json_pack("{so si ss so}", "host", text_json(host), "port", port, "security",
	    word_text(words_security, security), "user", text_json(user));
}

json_t *
link_progress_json(const struct rec_link *l)
{
	return json_pack("{ss si si si sf so}", "phase", word_text(words_phase, l->phase), "done", (int)l->done,
	    "total", (int)l->total, "percent", (int)link_percent(l), "rate", l->rate / 10.0, "secondsLeft",
	    l->left != 0 ? json_integer(l->left) : json_null());
}

static json_t *
why_json(const struct rec_link *l)
{
	const char *code, *why = link_why(l, &code);

	return why == NULL ? json_null() : json_pack("{ss ss}", "code", code, "text", why);
}

json_t *
link_json(struct slice ats, uint32_t no, const struct rec_link *l)
{
	char id[32];
	json_t *error = l->error_code.n == 0 ? json_null()
	    : json_pack("{so so so}", "code", text_json(l->error_code), "detail", text_json(l->error_detail), "since",
		  time_json(l->error_since));

	snprintf(id, sizeof(id), "L%u", no);
	return json_pack("{so ss so so so ss ss sb so so so so so so so so so}", "ats", text_json(ats), "id", id,
	    "address", text_json(l->address), "name", text_json(l->name), "provider", text_json(l->provider), "mode",
	    word_text(words_mode, l->mode), "state", word_text(words_link_state, l->state), "paused", l->paused, "imap",
	    endpoint_json(l->imap_host, l->imap_port, l->imap_security, l->imap_user), "smtp",
	    endpoint_json(l->smtp_host, l->smtp_port, l->smtp_security, l->smtp_user), "error", error, "why",
	    why_json(l), "progress", link_progress_json(l), "freshness",
	    l->fresh != 0 ? json_integer(l->fresh - 1) : json_null(), "lastSyncAt", time_json(l->last_sync_at),
	    "linkedAt", time_json(l->linked_at), "expiresAt", time_json(l->expires_at));
}

/* ---- tables ---- */

static char *still;	/* the sentences below the table */
static size_t still_n;

static void
note_still(uint32_t no, const struct rec_link *l)
{
	const char *code, *why = link_why(l, &code);
	char line[1024];
	size_t n;
	char *p;

	if (why == NULL)
		return;
	n = (size_t)snprintf(line, sizeof(line), "L%u  %s (%s)%s%s\n", no, why, code,
	    l->error_code.n > 0 && l->error_detail.n > 0 ? ": " : "",
	    l->error_code.n > 0 ? safe_text(l->error_detail) : "");
	n = n < sizeof(line) ? n : sizeof(line) - 1;
	if ((p = realloc(still, still_n + n)) == NULL)
		ctl_fail(CTL_REFUSED, "out of memory");
	still = p;
	memcpy(still + still_n, line, n);
	still_n += n;
}

void
link_cells(struct table *t, struct slice ats, uint32_t no, const struct rec_link *l)
{
	bool counts = link_counts(l);

	table_text(t, ats);
	table_add(t, "L%u", no);
	table_text(t, l->address);
	table_add(t, "%s", word_text(words_link_state, l->state));
	if (counts) {
		table_add(t, "%s %u/%u", word_text(words_phase, l->phase), l->done, l->total);
		table_add(t, "%u%%", link_percent(l));
		table_add(t, "%u.%u/s", l->rate / 10, l->rate % 10);
	} else {
		table_add(t, "%s", l->phase == PHASE_LISTING ? word_text(words_phase, l->phase) : "");
		table_add(t, "%s", "");
		table_add(t, "%s", "");
	}
	table_add(t, "%s", span_text(l->left, counts && l->left != 0));
	table_add(t, "%s", span_text(l->fresh - 1, l->fresh != 0));
	table_text(t, l->error_code);
	table_add(t, "%s", time_text(l->last_sync_at));
	note_still(no, l);
}

void
links_print_still(void)
{
	if (still_n > 0)
		printf("\n%.*s", (int)still_n, still);
	free(still);
	still = NULL;
	still_n = 0;
}
