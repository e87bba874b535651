#include "http_target.h"

#include <string.h>

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The decoded copy, NUL-terminated in t->text; NULL when malformed. */
static const char *
decode(struct http_target *t, struct slice s)
{
	char *out = t->text + t->used;

	if (s.n >= sizeof(t->text) - t->used)
		return NULL;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || hex(s.p[i + 1]) == -1 || hex(s.p[i + 2]) == -1)
				return NULL;
			c = (uint8_t)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
			i += 2;
		}
		if (c < ' ' || c == 0x7f)
			return NULL;
		t->text[t->used++] = (char)c;
	}
	t->text[t->used++] = '\0';
	return out;
}

/* Cut *rest at the first sep; false when nothing is left. */
static bool
cut(struct slice *rest, char sep, struct slice *item)
{
	const uint8_t *end;

	if (rest->p == NULL)
		return false;
	end = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;
	*item = slice_mem(rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n);
	*rest = end != NULL ? slice_mem(end + 1, rest->n - item->n - 1) : SLICE_NONE;
	return true;
}

static int
parse_query(struct http_target *t, struct slice query)
{
	struct slice item, name;

	while (cut(&query, '&', &item)) {
		struct http_query_item *q = &t->query[t->nquery];

		if (item.n == 0)
			continue;
		if (t->nquery == LIM_HTTP_QUERY || !cut(&item, '=', &name))
			return -1;
		q->name = decode(t, name);
		q->value = decode(t, item);
		if (q->name == NULL || q->value == NULL)
			return -1;
		t->nquery++;
	}
	return 0;
}

int
http_target_parse(struct http_target *t, struct slice target)
{
	struct slice path, segment;

	t->nsegments = t->nquery = t->used = 0;
	if (target.n == 0 || target.p[0] != '/' || !cut(&target, '?', &path))
		return -1;
	path = slice_mem(path.p + 1, path.n - 1);
	while (cut(&path, '/', &segment)) {
		if (t->nsegments == LIM_HTTP_SEGMENTS || (t->segments[t->nsegments] = decode(t, segment)) == NULL)
			return -1;
		t->nsegments++;
	}
	return parse_query(t, target);
}

const char *
http_target_query(const struct http_target *t, const char *name)
{
	for (size_t i = 0; i < t->nquery; i++)
		if (strcmp(t->query[i].name, name) == 0)
			return t->query[i].value;
	return NULL;
}
