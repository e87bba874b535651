/*
 * json_write.c - text into one buffer that grows by doubling; see json_write.h.
 */
#include "json_write.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "secret.h"

#define FIRST_SIZE 16384
#define NUMBER_TEXT 32

/* What answers are written into may hold what a request held: wiped like it. */
struct text {
	char *p;
	size_t n, cap;
	bool failed;
};

/* Room for n bytes more, or NULL. */
static char *
room(struct text *t, size_t n)
{
	size_t cap = t->cap != 0 ? t->cap : FIRST_SIZE;
	char *p;

	if (n <= t->cap - t->n)
		return t->p + t->n;
	while (cap - t->n < n && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (t->failed || cap - t->n < n || (p = secret_realloc(t->p, cap)) == NULL) {
		t->failed = true;
		return NULL;
	}
	t->p = p;
	t->cap = cap;
	return t->p + t->n;
}

static void
put(struct text *t, const char *s, size_t n)
{
	char *p = room(t, n);

	if (p == NULL)
		return;
	memcpy(p, s, n);
	t->n += n;
}

static void
put_char(struct text *t, char c)
{
	put(t, &c, 1);
}

/* RFC 8259 s. 7: the quote, the backslash, and what is below the space. */
static bool
is_plain(char c)
{
	return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

static void
put_escaped(struct text *t, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(from, c) : NULL;
	char known[2] = { '\\', at != NULL ? to[at - from] : 'u' };

	put(t, known, sizeof(known));
	if (at == NULL)
		put(t, (char[]){ '0', '0', hex[c >> 4 & 15], hex[c & 15] }, 4);
}

static void
put_string(struct text *t, const char *s, size_t n)
{
	size_t plain;

	put_char(t, '"');
	while (n > 0) {
		for (plain = 0; plain < n && is_plain(s[plain]); plain++)
			;
		put(t, s, plain);
		if (plain < n)
			put_escaped(t, s[plain++]);
		s += plain;
		n -= plain;
	}
	put_char(t, '"');
}

static void
put_integer(struct text *t, json_int_t v)
{
	char digits[NUMBER_TEXT], *p = digits + sizeof(digits);
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) != 0);
	if (v < 0)
		*--p = '-';
	put(t, p, (size_t)(digits + sizeof(digits) - p));
}

/* Rare: a link's rate, and what a client sent and gets back. */
static void
put_real(struct text *t, const json_t *v)
{
	char text[NUMBER_TEXT];
	size_t n = json_dumpb(v, text, sizeof(text), JSON_ENCODE_ANY);

	if (n > sizeof(text))
		t->failed = true;
	else
		put(t, text, n);
}

static void put_value(struct text *, const json_t *);

static void
put_array(struct text *t, const json_t *v)
{
	size_t n = json_array_size(v);

	put_char(t, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_char(t, ',');
		put_value(t, json_array_get(v, i));
	}
	put_char(t, ']');
}

static void
put_object(struct text *t, const json_t *v)
{
	json_t *o = (json_t *)(uintptr_t)v;	/* iterating changes nothing */
	bool first = true;

	put_char(t, '{');
	for (void *i = json_object_iter(o); i != NULL; i = json_object_iter_next(o, i)) {
		if (!first)
			put_char(t, ',');
		first = false;
		put_string(t, json_object_iter_key(i), json_object_iter_key_len(i));
		put_char(t, ':');
		put_value(t, json_object_iter_value(i));
	}
	put_char(t, '}');
}

static void
put_value(struct text *t, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		put_object(t, v);
		break;
	case JSON_ARRAY:
		put_array(t, v);
		break;
	case JSON_STRING:
		put_string(t, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		put_integer(t, json_integer_value(v));
		break;
	case JSON_REAL:
		put_real(t, v);
		break;
	case JSON_TRUE:
		put(t, "true", 4);
		break;
	case JSON_FALSE:
		put(t, "false", 5);
		break;
	case JSON_NULL:
		put(t, "null", 4);
		break;
	}
}

static void
text_free(const void *p, size_t n, void *arg)
{
	(void)p;
	(void)n;
	secret_free(arg);
}

int
json_write(struct evbuffer *out, const json_t *value)
{
	struct text t = { 0 };

	if (value != NULL)
		put_value(&t, value);
	if (value == NULL || t.failed || evbuffer_add_reference(out, t.p, t.n, text_free, t.p) == -1) {
		secret_free(t.p);
		return -1;
	}
	return 0;
}
