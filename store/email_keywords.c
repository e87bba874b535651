#include "email_keywords.h"

#include <string.h>

static const struct {
	const char *keyword, *flag;
} system_flags[] = {
	{ "$seen", "\\Seen" },
	{ "$answered", "\\Answered" },
	{ "$flagged", "\\Flagged" },
	{ "$draft", "\\Draft" },
};
#define NSYSTEM (sizeof(system_flags) / sizeof(system_flags[0]))

void
keywords_clear(struct keywords *k)
{
	k->n = 0;
	k->text[0] = '\0';
}

struct slice
keywords_slice(const struct keywords *k)
{
	return slice_mem(k->text, k->n);
}

bool
keywords_next(struct slice *set, struct slice *keyword)
{
	size_t n = 0;

	while (set->n > 0 && *set->p == ' ') {
		set->p++;
		set->n--;
	}
	while (n < set->n && set->p[n] != ' ')
		n++;
	*keyword = slice_mem(set->p, n);
	if (n == 0)
		return false;
	*set = slice_mem(set->p + n, set->n - n);
	return true;
}

/* RFC 8621 s. 4.1.1: the characters of an IMAP flag-keyword, printable ASCII. */
static bool
keyword_valid(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("(){]%*\"\\", s.p[i]) != NULL)
			return false;
	return s.n > 0 && s.n <= 255;
}

static int
compare(struct slice a, struct slice b)
{
	int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

/* Where the keyword is, or where it belongs. */
static size_t
position(const struct keywords *k, struct slice keyword, bool *there)
{
	struct slice rest = keywords_slice(k), item;

	*there = false;
	while (keywords_next(&rest, &item)) {
		int c = compare(item, keyword);

		if (c >= 0) {
			*there = c == 0;
			return (size_t)((const char *)item.p - k->text);
		}
	}
	return k->n;
}

static bool
insert_lower(struct keywords *k, struct slice keyword)
{
	bool there, end;
	size_t at = position(k, keyword, &there);
	size_t add = keyword.n + (k->n > 0 ? 1 : 0);

	if (there)
		return true;
	if (add > LIM_KEYWORDS - k->n)
		return false;
	end = at == k->n;
	memmove(k->text + at + add, k->text + at, k->n - at);
	if (end && k->n > 0)
		k->text[at++] = ' ';
	memcpy(k->text + at, keyword.p, keyword.n);
	if (!end)
		k->text[at + keyword.n] = ' ';
	k->n += add;
	k->text[k->n] = '\0';
	return true;
}

static bool
lower(struct slice in, char *out)
{
	if (!keyword_valid(in))
		return false;
	for (size_t i = 0; i < in.n; i++)
		out[i] = (char)(in.p[i] >= 'A' && in.p[i] <= 'Z' ? in.p[i] + 32 : in.p[i]);
	return true;
}

bool
keywords_add(struct keywords *k, struct slice keyword)
{
	char low[256];

	return lower(keyword, low) && insert_lower(k, slice_mem(low, keyword.n));
}

void
keywords_del(struct keywords *k, struct slice keyword)
{
	char low[256];
	bool there;
	size_t at, gap;

	if (!lower(keyword, low))
		return;
	at = position(k, slice_mem(low, keyword.n), &there);
	if (!there)
		return;
	gap = keyword.n;
	if (at + gap < k->n)
		gap++;
	else if (at > 0) {
		at--;
		gap++;
	}
	memmove(k->text + at, k->text + at + gap, k->n - at - gap);
	k->n -= gap;
	k->text[k->n] = '\0';
}

bool
keywords_load(struct keywords *k, struct slice s)
{
	keywords_clear(k);
	return keywords_patch(k, s, SLICE_NONE);
}

bool
keywords_has(struct slice set, const char *keyword)
{
	struct slice item;

	while (keywords_next(&set, &item))
		if (slice_case_eq_str(item, keyword))
			return true;
	return false;
}

bool
keywords_patch(struct keywords *k, struct slice add, struct slice del)
{
	struct slice item;
	bool ok = true;

	while (keywords_next(&del, &item))
		keywords_del(k, item);
	while (keywords_next(&add, &item))
		ok &= keywords_add(k, item);
	return ok;
}

void
keywords_diff(struct slice a, struct slice b, struct keywords *add, struct keywords *del)
{
	keywords_load(add, b);
	keywords_patch(add, SLICE_NONE, a);
	keywords_load(del, a);
	keywords_patch(del, SLICE_NONE, b);
}

/* ---- IMAP ---- */

void
keywords_from_flags(struct keywords *k, struct slice flags, bool *deleted)
{
	struct slice item;

	keywords_clear(k);
	*deleted = false;
	while (keywords_next(&flags, &item)) {
		if (item.p[0] != '\\') {
			(void)keywords_add(k, item);
			continue;
		}
		*deleted |= slice_case_eq_str(item, "\\Deleted");
		for (size_t i = 0; i < NSYSTEM; i++)
			if (slice_case_eq_str(item, system_flags[i].flag))
				(void)keywords_add(k, slice_str(system_flags[i].keyword));
	}
}

static struct slice
flag_of(struct slice keyword)
{
	for (size_t i = 0; i < NSYSTEM; i++)
		if (slice_eq_str(keyword, system_flags[i].keyword))
			return slice_str(system_flags[i].flag);
	return keyword;
}

void
keywords_to_flags(struct slice set, struct keywords *flags)
{
	struct slice item;

	keywords_clear(flags);
	while (keywords_next(&set, &item)) {
		struct slice f = flag_of(item);

		if (flags->n + f.n + 1 > LIM_KEYWORDS)
			break;
		if (flags->n > 0)
			flags->text[flags->n++] = ' ';
		memcpy(flags->text + flags->n, f.p, f.n);
		flags->n += f.n;
	}
	flags->text[flags->n] = '\0';
}
