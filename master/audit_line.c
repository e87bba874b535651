/*
 * One event as text. Who said it is the master's word, the fields are the
 * sender's, encoded so that they cannot end a word or a line.
 */
#include <stdio.h>
#include <string.h>
#define LIBBSD_OPENBSD_VIS 1
#include <vis.h>

#include "audit_log.h"

static void
put(struct wbuf *w, const char *s)
{
	w_raw(w, s, strlen(s));
}

static void
put_encoded(struct wbuf *w, const char *s)
{
	char safe[4 * LIM_AUDIT_FIELDS + 1];

	(void)strvis(safe, s, VIS_CSTYLE | VIS_NL | VIS_TAB | VIS_SP);
	put(w, safe);
}

static void
put_field(void *ctx, const char *key, struct slice text)
{
	struct wbuf *w = ctx;
	char plain[LIM_AUDIT_FIELDS + 1];

	if (slice_copy(text, plain, sizeof(plain)) == -1)
		plain[0] = '\0';
	put(w, " ");
	put(w, key);
	put(w, "=");
	put_encoded(w, plain);
}

void
audit_line_format(const struct audit_said *s, struct wbuf *w)
{
	char pid[24];

	snprintf(pid, sizeof(pid), " pid=%u ", s->pid);
	put_encoded(w, s->who);
	put(w, pid);
	put(w, audit_table[s->event].name);
	(void)audit_decode(s->event, s->fields, put_field, w);
}
