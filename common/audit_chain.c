#include "audit_chain.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TIME_FORM "dddd-dd-ddTdd:dd:dd.dddZ"
#define HASH_WORD " hash="

_Static_assert(AUDIT_HASH_N == crypto_generichash_BYTES, "BLAKE2b-256");

/* ---- numbers and hashes as text ---- */

int
audit_number_parse(struct slice s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 19 || (s.n > 1 && s.p[0] == '0'))
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = v;
	return 0;
}

void
audit_hex(const uint8_t hash[AUDIT_HASH_N], char out[AUDIT_HEX_N + 1])
{
	(void)sodium_bin2hex(out, AUDIT_HEX_N + 1, hash, AUDIT_HASH_N);
}

int
audit_hex_parse(struct slice s, uint8_t out[AUDIT_HASH_N])
{
	static const char digits[] = "0123456789abcdef";

	if (s.n != AUDIT_HEX_N)
		return -1;
	memset(out, 0, AUDIT_HASH_N);
	for (size_t i = 0; i < s.n; i++) {
		const char *d = s.p[i] != '\0' ? strchr(digits, s.p[i]) : NULL;

		if (d == NULL)
			return -1;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (uint8_t)(d - digits));
	}
	return 0;
}

void
audit_chain_hash(const uint8_t before[AUDIT_HASH_N], struct slice chained, uint8_t out[AUDIT_HASH_N])
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, NULL, 0, AUDIT_HASH_N);
	crypto_generichash_update(&s, before, AUDIT_HASH_N);
	crypto_generichash_update(&s, chained.p, chained.n);
	crypto_generichash_final(&s, out, AUDIT_HASH_N);
}

void
audit_chain_digest(struct slice s, uint8_t out[AUDIT_HASH_N])
{
	crypto_generichash(out, AUDIT_HASH_N, s.p, s.n, NULL, 0);
}

/* ---- lines ---- */

static bool
is_printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* The next word of rest; false when there is none. */
static bool
word(struct slice *rest, struct slice *out)
{
	const uint8_t *space = rest->n > 0 ? memchr(rest->p, ' ', rest->n) : NULL;
	size_t n = space != NULL ? (size_t)(space - rest->p) : rest->n;

	*out = slice_mem(rest->p, n);
	rest->p += n + (space != NULL ? 1 : 0);
	rest->n -= n + (space != NULL ? 1 : 0);
	return n > 0;
}

static bool
is_time(struct slice s)
{
	if (s.n != sizeof(TIME_FORM) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (TIME_FORM[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != TIME_FORM[i])
			return false;
	return true;
}

static bool
is_pair(struct slice s)
{
	const uint8_t *eq = memchr(s.p, '=', s.n);

	return eq != NULL && eq != s.p;
}

static bool
are_pairs(struct slice s)
{
	struct slice w;

	while (s.n > 0)
		if (s.p[s.n - 1] == ' ' || !word(&s, &w) || !is_pair(w))
			return false;
	return true;
}

/* Cut " hash=..." off the end. */
static int
take_hash(struct slice *line, uint8_t out[AUDIT_HASH_N])
{
	const size_t n = sizeof(HASH_WORD) - 1 + AUDIT_HEX_N;

	if (line->n <= n || memcmp(line->p + line->n - n, HASH_WORD, sizeof(HASH_WORD) - 1) != 0)
		return -1;
	line->n -= n;
	return audit_hex_parse(slice_mem(line->p + line->n + sizeof(HASH_WORD) - 1, AUDIT_HEX_N), out);
}

int
audit_line_parse(struct slice line, struct audit_line *l)
{
	struct slice rest, seq, pid;

	if (line.n > LIM_AUDIT_LINE || !is_printable(line) || take_hash(&line, l->hash) == -1)
		return -1;
	l->chained = rest = line;
	if (!word(&rest, &seq) || audit_number_parse(seq, &l->seq) == -1 || l->seq == 0)
		return -1;
	if (!word(&rest, &l->time) || !is_time(l->time) || !word(&rest, &l->who))
		return -1;
	if (!word(&rest, &pid) || !is_pair(pid) || !word(&rest, &l->event))
		return -1;
	l->fields = rest;
	return are_pairs(rest) ? 0 : -1;
}

struct slice
audit_line_value(const struct audit_line *l, const char *key)
{
	struct slice rest = l->fields, w;
	size_t n = strlen(key);

	while (word(&rest, &w))
		if (w.n > n && memcmp(w.p, key, n) == 0 && w.p[n] == '=')
			return slice_mem(w.p + n + 1, w.n - n - 1);
	return SLICE_NONE;
}

bool
audit_line_follows(const struct audit_line *l, const struct audit_head *head)
{
	uint8_t hash[AUDIT_HASH_N];

	audit_chain_hash(head->hash, l->chained, hash);
	return l->seq == head->seq + 1 && memcmp(hash, l->hash, sizeof(hash)) == 0;
}

/* ---- names of files ---- */

void
audit_file_name(uint64_t number, char out[AUDIT_NAME_N])
{
	snprintf(out, AUDIT_NAME_N, "audit-%06" PRIu64 ".log", number % 1000000000000u);
}

uint64_t
audit_file_number(const char *name)
{
	size_t n = strspn(name, "audit-") == 6 ? strspn(name + 6, "0123456789") : 0;
	char same[AUDIT_NAME_N];
	uint64_t number = 0;

	for (size_t i = 0; n <= 12 && i < n; i++)
		number = number * 10 + (uint64_t)(name[6 + i] - '0');
	audit_file_name(number, same);
	return strcmp(name, same) == 0 ? number : 0;
}
