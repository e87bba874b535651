#include "jmap_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Digits only, no leading zero; *s is left behind them. */
static int
parse_decimal(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	*s = p;
	*out = v;
	return 0;
}

int
jmap_id_parse(const char *s, char letter, uint64_t *id)
{
	if (*s++ != letter || parse_decimal(&s, id) == -1)
		return -1;
	return *s == '\0' && *id != 0 ? 0 : -1;
}

void
jmap_id_print(char out[JMAP_ID_MAX], char letter, uint64_t id)
{
	(void)snprintf(out, JMAP_ID_MAX, "%c%" PRIu64, letter, id);
}

static int
parse_part(const char *s, char part[65])
{
	size_t n = strlen(s);

	if (n == 0 || n > 64 || strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != n)
		return -1;
	memcpy(part, strcmp(s, "0") == 0 ? "" : s, strcmp(s, "0") == 0 ? 1 : n + 1);
	return 0;
}

int
jmap_blob_parse(const char *s, struct jmap_blob *b)
{
	memset(b, 0, sizeof(*b));
	b->kind = BLOB_RAW;
	if (s[0] == 'B')
		return jmap_id_parse(s, 'B', &b->id);
	b->kind = BLOB_PART;
	if (*s++ != 'P' || parse_decimal(&s, &b->id) == -1 || b->id == 0 || *s++ != '-')
		return -1;
	return parse_part(s, b->part);
}

void
jmap_blob_print_raw(char out[JMAP_ID_MAX], uint64_t blob)
{
	jmap_id_print(out, 'B', blob);
}

void
jmap_blob_print_part(char out[JMAP_ID_MAX], uint64_t email, struct slice part)
{
	int n = snprintf(out, JMAP_ID_MAX, "P%" PRIu64 "-%s", email, part.n == 0 ? "0" : "");
	size_t at = (size_t)n;

	for (size_t i = 0; i < part.n && at < JMAP_ID_MAX - 1; i++)
		out[at++] = (char)part.p[i];
	out[at] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
jmap_state_parse(const char *s, uint64_t *epoch, uint64_t *state)
{
	uint64_t v = 0;
	int n = 0, d;

	for (; (d = hex_digit(*s)) != -1 && n < 16; s++, n++)
		v = v << 4 | (uint64_t)d;
	if (n == 0 || *s++ != '-' || parse_decimal(&s, state) == -1 || *s != '\0')
		return -1;
	*epoch = v;
	return 0;
}

void
jmap_state_print(char out[JMAP_STATE_MAX], uint64_t epoch, uint64_t state)
{
	(void)snprintf(out, JMAP_STATE_MAX, "%" PRIx64 "-%" PRIu64, epoch, state);
}
