#include "sse.h"

#include <stdlib.h>
#include <string.h>

#include "enums.h"

static const char *const type_names[OBJ__COUNT] = { [OBJ_LINK] = "Link", [OBJ_CORRESPONDENT] = "Correspondent",
	[OBJ_NOTE] = "Note", [OBJ_REVIEW] = "Review", [OBJ_MAILBOX] = "Mailbox", [OBJ_EMAIL] = "Email",
	[OBJ_THREAD] = "Thread", [OBJ_IDENTITY] = "Identity", [OBJ_SUBMISSION] = "EmailSubmission" };

const char *
sse_type_name(unsigned int type)
{
	return type < OBJ__COUNT ? type_names[type] : NULL;
}

static uint32_t
type_bit(const char *name, size_t n)
{
	for (unsigned int i = 0; i < OBJ__COUNT; i++)
		if (type_names[i] != NULL && strlen(type_names[i]) == n && memcmp(type_names[i], name, n) == 0)
			return 1u << i;
	return 0;
}

static uint32_t
read_types(const char *s)
{
	uint32_t bits = 0;

	if (s == NULL || strcmp(s, "*") == 0)
		return UINT32_MAX;
	while (*s != '\0') {
		size_t n = strcspn(s, ",");

		bits |= type_bit(s, n);
		s += n + (s[n] == ',' ? 1 : 0);
	}
	return bits;
}

static int
read_ping(const char *s, unsigned int *out)
{
	unsigned long n;

	*out = 0;
	if (s == NULL)
		return 0;
	if (*s == '\0' || strlen(s) > 9 || strspn(s, "0123456789") != strlen(s))
		return -1;
	n = strtoul(s, NULL, 10);
	if (n != 0)
		*out = n < LIM_PING_MIN_SECONDS ? LIM_PING_MIN_SECONDS : n > LIM_PING_MAX_SECONDS ? LIM_PING_MAX_SECONDS : (unsigned int)n;
	return 0;
}

int
sse_args_read(const struct http_target *t, struct sse_args *a)
{
	const char *close = http_target_query(t, "closeafter");

	a->types = read_types(http_target_query(t, "types"));
	a->close_after_state = close != NULL && strcmp(close, "state") == 0;
	if (close != NULL && !a->close_after_state && strcmp(close, "no") != 0)
		return -1;
	return read_ping(http_target_query(t, "ping"), &a->ping);
}

void
sse_event(struct wbuf *w, const char *name, const char *text)
{
	w_raw(w, "event: ", 7);
	w_raw(w, name, strlen(name));
	w_raw(w, "\ndata: ", 7);
	w_raw(w, text, strlen(text));
	w_raw(w, "\n\n", 2);
}
