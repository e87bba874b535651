#include "http_head.h"

#include <string.h>

static bool
is_tchar(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar(s.p[i]))
			return false;
	return s.n > 0;
}

/* One line without its CRLF; false when none is left. */
static bool
next_line(struct slice *raw, struct slice *line)
{
	const uint8_t *end;

	if (raw->n == 0)
		return false;
	end = memmem(raw->p, raw->n, "\r\n", 2);
	line->p = raw->p;
	line->n = end != NULL ? (size_t)(end - raw->p) : raw->n;
	raw->p += line->n + (end != NULL ? 2 : 0);
	raw->n -= line->n + (end != NULL ? 2 : 0);
	return true;
}

static bool
next_word(struct slice *line, struct slice *word)
{
	const uint8_t *sp = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;

	*word = (struct slice){ line->p, sp != NULL ? (size_t)(sp - line->p) : line->n };
	line->p += word->n + (sp != NULL ? 1 : 0);
	line->n -= word->n + (sp != NULL ? 1 : 0);
	return word->n > 0;
}

static bool
target_clean(struct slice t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] >= 0x7f || t.p[i] == '#')
			return false;
	return t.n > 0;
}

/* absolute-form (RFC 9112 s. 3.2.2) is cut to its path. */
static bool
target_parse(struct slice t, struct slice *out)
{
	static const char *const schemes[] = { "http://", "https://" };

	if (!target_clean(t))
		return false;
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);
		const uint8_t *slash;

		if (t.n < n || !slice_case_eq_str(slice_mem(t.p, n), schemes[i]))
			continue;
		if ((slash = memchr(t.p + n, '/', t.n - n)) == NULL)
			return false;
		t.n -= (size_t)(slash - t.p);
		t.p = slash;
	}
	*out = t;
	return t.p[0] == '/' || slice_eq_str(t, "*");
}

static int
request_line(struct slice line, struct http_head *h)
{
	struct slice target, version;

	if (!next_word(&line, &h->method) || !next_word(&line, &target) || !next_word(&line, &version) || line.n != 0)
		return 400;
	if (!is_token(h->method) || h->method.n > LIM_HTTP_METHOD || !target_parse(target, &h->target))
		return 400;
	if (slice_eq_str(version, "HTTP/1.1"))
		h->minor = 1;
	else if (slice_eq_str(version, "HTTP/1.0"))
		h->minor = 0;
	else
		return version.n == 8 && memcmp(version.p, "HTTP/", 5) == 0 ? 505 : 400;
	return 0;
}

static struct slice
trim(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static int
header_line(struct slice line, struct http_head *h)
{
	const uint8_t *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
	struct http_header *out = &h->headers[h->nheaders];

	if (h->nheaders == LIM_HTTP_HEADERS)
		return 431;
	if (colon == NULL)
		return 400;
	out->name = slice_mem(line.p, (size_t)(colon - line.p));
	out->value = trim(slice_mem(colon + 1, line.n - out->name.n - 1));
	if (!is_token(out->name))
		return 400;
	for (size_t i = 0; i < out->value.n; i++)
		if ((out->value.p[i] < ' ' && out->value.p[i] != '\t') || out->value.p[i] == 0x7f)
			return 400;
	h->nheaders++;
	return 0;
}

static int
content_length(struct slice v, struct http_head *h)
{
	if (h->has_length || v.n == 0 || v.n > 15)
		return 400;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return 400;
		h->length = h->length * 10 + (uint64_t)(v.p[i] - '0');
	}
	h->has_length = true;
	return 0;
}

static int
transfer_encoding(struct slice v, struct http_head *h)
{
	if (h->chunked || h->minor == 0)
		return 400;
	if (!slice_case_eq_str(v, "chunked"))
		return 501;
	h->chunked = true;
	return 0;
}

/* Connection is a list; only these two words mean something here. */
static void
connection(struct slice v, struct http_head *h)
{
	while (v.n > 0) {
		const uint8_t *comma = memchr(v.p, ',', v.n);
		size_t n = comma != NULL ? (size_t)(comma - v.p) : v.n;
		struct slice word = trim(slice_mem(v.p, n));

		if (slice_case_eq_str(word, "close"))
			h->keep_alive = false;
		else if (slice_case_eq_str(word, "keep-alive") && h->minor == 0)
			h->keep_alive = true;
		n += comma != NULL ? 1 : 0;
		v = slice_mem(v.p + n, v.n - n);
	}
}

static int
header_meaning(const struct http_header *hd, struct http_head *h)
{
	if (slice_case_eq_str(hd->name, "content-length"))
		return content_length(hd->value, h);
	if (slice_case_eq_str(hd->name, "transfer-encoding"))
		return transfer_encoding(hd->value, h);
	if (slice_case_eq_str(hd->name, "connection"))
		connection(hd->value, h);
	if (slice_case_eq_str(hd->name, "expect")) {
		if (!slice_case_eq_str(hd->value, "100-continue"))
			return 417;
		h->expect_continue = h->minor == 1;
	}
	if (slice_case_eq_str(hd->name, "host")) {
		if (h->host.n > 0 || hd->value.n == 0)
			return 400;
		h->host = hd->value;
	}
	return 0;
}

int
http_head_parse(struct slice raw, struct http_head *h)
{
	struct slice line;
	int status;

	memset(h, 0, sizeof(*h));
	if (!next_line(&raw, &line))
		return 400;
	if ((status = request_line(line, h)) != 0)
		return status;
	h->keep_alive = h->minor == 1;
	while (next_line(&raw, &line))
		if ((status = header_line(line, h)) != 0)
			return status;
	for (size_t i = 0; i < h->nheaders; i++)
		if ((status = header_meaning(&h->headers[i], h)) != 0)
			return status;
	if (h->chunked && h->has_length)
		return 400;
	return h->minor == 1 && h->host.n == 0 ? 400 : 0;
}
