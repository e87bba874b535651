/*
 * engine_code.c - which code of the error table a refusal is.
 */
#include "engine.h"

#include <string.h>
#include <strings.h>

/* Case-insensitive search in a server's text, which has no end mark. */
static bool
says(struct slice text, const char *words)
{
	size_t n = strlen(words), i;

	for (i = 0; i + n <= text.n; i++) {
		if (strncasecmp((const char *)text.p + i, words, n) == 0)
			return true;
	}
	return false;
}

const char *
engine_code(const struct imap_response *r, const char *otherwise)
{
	if (says(r->text, "too many") && says(r->text, "connection"))
		return "sync.too_many_connections";
	if (says(r->text, "maximum number of connections"))
		return "sync.too_many_connections";
	if (says(r->text, "throttled") || r->code == IMAP_CODE_LIMIT)
		return "sync.throttled";
	if (says(r->text, "bandwidth limit"))
		return "sync.bandwidth";
	switch (r->code) {
	case IMAP_CODE_NONEXISTENT:
	case IMAP_CODE_TRYCREATE:
		return "sync.folder_missing";
	case IMAP_CODE_NOPERM:
	case IMAP_CODE_READ_ONLY:
		return "sync.folder_denied";
	case IMAP_CODE_OVERQUOTA:
		return "sync.mailbox_full";
	case IMAP_CODE_INUSE:
	case IMAP_CODE_UNAVAILABLE:
	case IMAP_CODE_SERVERBUG:
		return "auth.temp_unavailable";
	default:
		return r->status == IMAP_BAD ? "sync.protocol_error" : otherwise;
	}
}

/* Refused now, perhaps not later. */
bool
engine_temporary(const struct imap_response *r)
{
	const char *code = engine_code(r, "");

	return strcmp(code, "sync.throttled") == 0 || strcmp(code, "sync.too_many_connections") == 0 ||
	       strcmp(code, "sync.bandwidth") == 0 || strcmp(code, "auth.temp_unavailable") == 0;
}
