/*
 * pause.c - how long a server that has had enough of us is left alone. It
 * refuses whoever comes back at once, and may count each try.
 */
#include "engine.h"

#include <string.h>
#include <strings.h>

/* "Suggested Backoff Time: 299961 milliseconds": the first number behind the words, or 0. */
static uint64_t
suggested(struct slice text)
{
	static const char words[] = "backoff time";
	uint64_t ms = 0;
	size_t i, n = sizeof(words) - 1;

	for (i = 0; i + n <= text.n && strncasecmp((const char *)text.p + i, words, n) != 0; i++)
		;
	for (i += n; i < text.n && (text.p[i] < '0' || text.p[i] > '9'); i++)
		;
	for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && ms < LIM_PAUSE_MAX_MS; i++)
		ms = ms * 10 + (text.p[i] - '0');
	return ms < LIM_PAUSE_MAX_MS ? ms : LIM_PAUSE_MAX_MS;
}

uint64_t
pause_for(const char *code, struct slice text)
{
	uint64_t ms;

	if (strcmp(code, "sync.too_many_connections") == 0)
		return LIM_PAUSE_CONNECTIONS_MS;
	if (strcmp(code, "sync.bandwidth") == 0)
		return LIM_PAUSE_MAX_MS;
	if (strcmp(code, "sync.throttled") != 0)
		return 0;
	ms = suggested(text);
	return ms > LIM_PAUSE_THROTTLED_MS ? ms : LIM_PAUSE_THROTTLED_MS;
}
