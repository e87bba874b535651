#include "verdict.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct verdict_row {
	unsigned int phases;
	unsigned int reply;	/* 0 = any */
	const char *enhanced;	/* RFC 3463, the text starts with it; NULL = any, SUSPENDED a range */
	const char *text;	/* the text contains it, any case; NULL = any */
	const char *code;
	enum send_result result;	/* 0 = by the reply's class */
};

/* Microsoft's 5.7.501 to 5.7.708: the sender is suspended. */
#define SUSPENDED "5.7.501-708"

/* The first row that fits wins. */
static const struct verdict_row rows[] = {
	{ VERDICT_ANY, 432, "4.3.2", NULL, "send.concurrency", SEND_TEMP },
	{ VERDICT_ANY, 421, "4.4.5", NULL, "send.concurrency", SEND_TEMP },
	{ VERDICT_ANY, 550, "5.4.5", NULL, "send.quota_day", SEND_TEMP },
	{ VERDICT_ANY, 554, "5.2.0", "limit", "send.quota_day", SEND_TEMP },
	{ VERDICT_ANY, 0, NULL, "sending limit", "send.quota_day", SEND_TEMP },
	{ VERDICT_ANY, 0, NULL, "sendasdenied", "send.from_refused", SEND_PERM },
	{ VERDICT_ANY, 0, "5.2.252", NULL, "send.from_refused", SEND_PERM },
	{ VERDICT_ANY, 550, "5.7.60", NULL, "send.from_refused", SEND_PERM },
	{ VERDICT_MAIL | VERDICT_RCPT, 553, "5.7.1", NULL, "send.from_refused", SEND_PERM },
	{ VERDICT_ANY, 550, "5.1.8", NULL, "send.sender_blocked", SEND_PERM },
	{ VERDICT_ANY, 550, SUSPENDED, NULL, "send.sender_blocked", SEND_PERM },
	{ VERDICT_ANY, 550, "5.7.26", NULL, "send.unauthenticated_domain", SEND_PERM },
	{ VERDICT_ANY, 550, "5.7.23", NULL, "send.unauthenticated_domain", SEND_PERM },
	{ VERDICT_ANY, 550, "5.7.1", "dmarc", "send.unauthenticated_domain", SEND_PERM },
	{ VERDICT_RCPT, 550, "5.1.10", NULL, "send.rcpt_unknown", SEND_PERM },
	{ VERDICT_RCPT, 550, "5.1.1", NULL, "send.rcpt_unknown", SEND_PERM },
	{ VERDICT_RCPT, 0, "5.1.2", NULL, "send.domain_unknown", SEND_PERM },
	{ VERDICT_RCPT, 0, "5.4.4", NULL, "send.domain_unknown", SEND_PERM },
	{ VERDICT_ANY, 452, "4.2.2", NULL, "send.rcpt_full", SEND_TEMP },
	{ VERDICT_ANY, 552, "5.2.2", NULL, "send.rcpt_full", SEND_TEMP },
	{ VERDICT_RCPT, 550, "5.2.1", NULL, "send.rcpt_disabled", SEND_PERM },
	{ VERDICT_ANY, 452, "4.5.3", NULL, "send.too_many_rcpt", 0 },
	{ VERDICT_ANY, 552, "5.3.4", NULL, "send.too_large", SEND_PERM },
	{ VERDICT_MAIL, 552, NULL, NULL, "send.too_large", SEND_PERM },
	{ VERDICT_ANY, 0, NULL, "message size exceeds", "send.too_large", SEND_PERM },
	{ VERDICT_DATA, 552, "5.7.0", NULL, "send.content_refused", SEND_PERM },
	{ VERDICT_DATA, 554, "5.6.0", NULL, "send.content_refused", SEND_PERM },
	{ VERDICT_DATA, 554, "5.7.1", NULL, "send.spam_rejected", SEND_PERM },
	{ VERDICT_ANY, 550, NULL, "spam", "send.spam_rejected", SEND_PERM },
	{ VERDICT_ANY, 554, NULL, "spam", "send.spam_rejected", SEND_PERM },
};

/* "5.7.1" must not fit "5.7.10". */
static bool
has_enhanced(const char *text, const char *want)
{
	size_t n = strlen(want);

	return strncmp(text, want, n) == 0 && (text[n] == '\0' || text[n] == ' ');
}

static bool
is_suspended(const char *text)
{
	char *end;
	long n;

	if (strncmp(text, "5.7.", 4) != 0)
		return false;
	n = strtol(text + 4, &end, 10);
	return (*end == ' ' || *end == '\0') && n >= 501 && n <= 708;
}

static bool
fits(const struct verdict_row *row, enum verdict_phase phase, unsigned int code, const char *text)
{
	if ((row->phases & phase) == 0 || (row->reply != 0 && row->reply != code))
		return false;
	if (row->enhanced != NULL && strcmp(row->enhanced, SUSPENDED) == 0)
		return is_suspended(text);
	return (row->enhanced == NULL || has_enhanced(text, row->enhanced)) &&
	    (row->text == NULL || strcasestr(text, row->text) != NULL);
}

/* A permanent refusal that no row knows: by what was refused. */
static const char *
general(enum verdict_phase phase)
{
	switch (phase) {
	case VERDICT_MAIL:
		return "send.from_refused";
	case VERDICT_RCPT:
		return "send.rcpt_unknown";
	default:
		return "send.content_refused";
	}
}

struct verdict
verdict_of(enum verdict_phase phase, unsigned int code, const char *text)
{
	enum send_result by_class = code >= 500 ? SEND_PERM : SEND_TEMP;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fits(&rows[i], phase, code, text))
			return (struct verdict){ rows[i].result != 0 ? rows[i].result : by_class, rows[i].code };
	/* A refused EHLO is the server's state, not the message's fault. */
	if (by_class == SEND_TEMP || phase == VERDICT_EHLO)
		return (struct verdict){ SEND_TEMP, "send.temp" };
	return (struct verdict){ SEND_PERM, general(phase) };
}
