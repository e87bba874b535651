#include "compose_header.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "rfc2047.h"
#include "utf8.h"

#define FOLD_AT 76

static void
put(struct wbuf *out, const char *s)
{
	w_raw(out, s, strlen(s));
}

/* One line of clean text: the only form in which text gets into a header. */
static void
one_line(struct wbuf *line, struct slice text)
{
	wbuf_init(line, 0);
	(void)utf8_clean(line, &text, (size_t)LIM_HEADER_VALUE);
	utf8_one_line(line, 0);
}

/* Words with a fold before the one that would cross the border. */
static void
put_folded(struct wbuf *out, struct slice text, size_t column)
{
	while (text.n > 0) {
		const uint8_t *space = memchr(text.p + 1, ' ', text.n - 1);
		size_t n = space != NULL ? (size_t)(space - text.p) : text.n;

		if (column + n > FOLD_AT && text.p[0] == ' ') {
			put(out, "\r\n");
			column = 0;
		}
		w_raw(out, text.p, n);
		column += n;
		text.p += n;
		text.n -= n;
	}
}

static void
put_text_field(struct wbuf *out, const char *name, struct slice text)
{
	size_t column = strlen(name) + 2;
	struct wbuf line;

	one_line(&line, text);
	put(out, name);
	put(out, ": ");
	if (rfc2047_needed(wbuf_slice(&line)))
		rfc2047_encode(out, wbuf_slice(&line), &column);
	else
		put_folded(out, wbuf_slice(&line), column);
	put(out, "\r\n");
	wbuf_free(&line);
}

/* ---- addresses ---- */

static bool
atom_char(uint8_t c)
{
	return c > ' ' && c != 0x7f && strchr("()<>@,;:\\\"[]", c) == NULL;
}

static bool
quoted_local(struct slice s)
{
	for (size_t i = 1; i + 1 < s.n; i++) {
		if (s.p[i] < ' ' || s.p[i] == 0x7f || s.p[i] == '"')
			return false;
		if (s.p[i] == '\\' && ++i + 1 >= s.n)
			return false;
	}
	return s.n >= 2 && s.p[s.n - 1] == '"';
}

static bool
atoms(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!atom_char(s.p[i]))
			return false;
	return s.n > 0;
}

/* An address literal, RFC 5321 s. 4.1.3. */
static bool
literal(struct slice s)
{
	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("[]\\", s.p[i]) != NULL)
			return false;
	return true;
}

static bool
address_valid(struct slice a)
{
	const uint8_t *at = a.n > 0 ? memrchr(a.p, '@', a.n) : NULL;
	struct slice local = a, domain = SLICE_NONE;

	if (!utf8_valid(a))
		return false;
	if (at != NULL) {
		local.n = (size_t)(at - a.p);
		domain = slice_mem(at + 1, a.n - local.n - 1);
		if (!atoms(domain) && !literal(domain))
			return false;
	}
	return atoms(local) || (local.n > 0 && local.p[0] == '"' && quoted_local(local));
}

static bool
phrase_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && (!atom_char(s.p[i]) || s.p[i] == '.'))
			return false;
	return true;
}

static void
put_quoted(struct wbuf *out, struct slice s)
{
	w_u8(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			w_u8(out, '\\');
		w_u8(out, s.p[i]);
	}
	w_u8(out, '"');
}

static void
put_phrase(struct wbuf *out, struct slice name, size_t *column)
{
	size_t start = out->n;

	if (rfc2047_needed(name)) {
		rfc2047_encode(out, name, column);
		return;
	}
	if (phrase_plain(name))
		w_raw(out, name.p, name.n);
	else
		put_quoted(out, name);
	*column += out->n - start;
}

static bool
put_address(struct wbuf *out, const struct rec_address *a, size_t *column)
{
	struct wbuf name;
	size_t start;

	if (!address_valid(a->email))
		return false;
	one_line(&name, a->name);
	if (name.n > 0) {
		put_phrase(out, wbuf_slice(&name), column);
		put(out, *column + a->email.n + 3 > FOLD_AT ? "\r\n <" : " <");
	}
	start = out->n;
	w_raw(out, a->email.p, a->email.n);
	if (name.n > 0)
		w_u8(out, '>');
	*column += out->n - start;
	wbuf_free(&name);
	return true;
}

/* Every address begins a line when there is more than one. */
static bool
put_addresses(struct wbuf *out, const char *name, struct slice list)
{
	size_t column = strlen(name) + 2;
	struct rec_address a;
	struct slice item;
	bool first = true;

	if (list.n == 0)
		return true;
	put(out, name);
	put(out, ": ");
	while (list_next(&list, &item)) {
		if (!first) {
			put(out, ",\r\n ");
			column = 1;
		}
		first = false;
		if (rec_address_decode(item, &a) == -1 || !put_address(out, &a, &column))
			return false;
	}
	put(out, "\r\n");
	return true;
}

/* ---- ids, date, further fields ---- */

bool
compose_id_valid(struct slice id)
{
	if (id.n == 0 || id.n > LIM_COMPOSE_ID || !utf8_valid(id))
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] == 0x7f || id.p[i] == '<' || id.p[i] == '>')
			return false;
	return true;
}

static bool
put_ids(struct wbuf *out, const char *name, struct slice list)
{
	struct slice id;
	bool first = true;

	if (list.n == 0)
		return true;
	put(out, name);
	put(out, ":");
	while (list_next(&list, &id)) {
		if (!compose_id_valid(id))
			return false;
		put(out, first && id.n < FOLD_AT - 20 ? " <" : "\r\n <");
		w_raw(out, id.p, id.n);
		w_u8(out, '>');
		first = false;
	}
	put(out, "\r\n");
	return true;
}

static bool
put_message_id(struct wbuf *out, struct slice id)
{
	struct wbuf list;
	bool ok;

	if (id.n == 0)
		return true;
	wbuf_init(&list, 0);
	list_add(&list, id);
	ok = put_ids(out, "Message-ID", wbuf_slice(&list));
	wbuf_free(&list);
	return ok;
}

static bool
put_date(struct wbuf *out, uint64_t sent_at)
{
	time_t t = sent_at != 0 ? (time_t)sent_at : time(NULL);
	char text[64];
	struct tm tm;

	if (sent_at > INT64_MAX || gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900)
		return false;
	if (strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", &tm) == 0)
		return false;
	put(out, text);
	return true;
}

/* Fields that are written from the draft itself, or that only servers write. */
static bool
reserved(const char *name)
{
	static const char *const names[] = { "From", "Sender", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date",
		"Message-ID", "In-Reply-To", "References", "MIME-Version", "Received", "Return-Path" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return strncasecmp(name, "Content-", 8) == 0 || strncasecmp(name, "Resent-", 7) == 0;
}

static bool
put_extra(struct wbuf *out, struct slice line)
{
	const uint8_t *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
	char name[78];

	if (colon == NULL || memchr(line.p, '\n', line.n) != NULL || memchr(line.p, '\r', line.n) != NULL ||
	    slice_copy(slice_mem(line.p, (size_t)(colon - line.p)), name, sizeof(name)) == -1 || name[0] == '\0')
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (*c <= ' ' || *c == 0x7f)
			return false;
	if (reserved(name))
		return false;
	put_text_field(out, name, slice_mem(colon + 1, line.n - (size_t)(colon + 1 - line.p)));
	return true;
}

const char *
compose_header(struct wbuf *out, const struct rec_draft *d)
{
	struct slice extra = d->extra, line;

	if (!put_date(out, d->sent_at))
		return "invalidDraft";
	if (!put_addresses(out, "From", d->from) || !put_addresses(out, "Sender", d->sender) ||
	    !put_addresses(out, "Reply-To", d->reply_to) || !put_addresses(out, "To", d->to) ||
	    !put_addresses(out, "Cc", d->cc) || !put_addresses(out, "Bcc", d->bcc))
		return "invalidAddress";
	if (d->subject.n > 0)
		put_text_field(out, "Subject", d->subject);
	if (!put_message_id(out, d->message_id) || !put_ids(out, "In-Reply-To", d->in_reply_to) ||
	    !put_ids(out, "References", d->references))
		return "invalidHeader";
	while (list_next(&extra, &line))
		if (!put_extra(out, line))
			return "invalidHeader";
	put(out, "MIME-Version: 1.0\r\n");
	return NULL;
}

/* ---- parameters of Content-* fields ---- */

static bool
parameter_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

void
compose_parameter(struct wbuf *out, const char *name, struct slice value)
{
	static const char hex[] = "0123456789ABCDEF";

	put(out, ";\r\n ");
	put(out, name);
	if (parameter_plain(value)) {
		w_u8(out, '=');
		put_quoted(out, value);
		return;
	}
	put(out, "*=utf-8''");
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
		    c == '.' || c == '_') {
			w_u8(out, c);
			continue;
		}
		w_u8(out, '%');
		w_u8(out, (uint8_t)hex[c >> 4]);
		w_u8(out, (uint8_t)hex[c & 15]);
	}
}
