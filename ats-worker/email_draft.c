#include "email_draft.h"

#include <string.h>
#include <strings.h>

#include "email_header.h"
#include "jmap_date.h"

/* What goes into a header line must not end it. */
static bool
one_line(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool
absent(const json_t *v)
{
	return v == NULL || json_is_null(v);
}

/* [{name, email}] as a list of rec address. */
static int
read_addresses(struct arena *arena, json_t *v, struct slice *out)
{
	struct wbuf list = { .max = LIM_ADDRESSES_HEADER * 602 };
	json_t *item;
	size_t i;
	int r = json_is_array(v) && json_array_size(v) <= LIM_ADDRESSES_HEADER ? 0 : -1;

	json_array_foreach(v, i, item) {
		struct rec_address a = { ju_slice(json_object_get(item, "name")),
			ju_slice(json_object_get(item, "email")) };
		struct wbuf one = { .max = 600 };

		if (a.email.n == 0 || !one_line(a.name) || !one_line(a.email) || memchr(a.email.p, ' ', a.email.n) != NULL)
			r = -1;
		rec_address_encode(&one, &a);
		if (one.failed || r == -1)
			r = -1;
		else
			list_add(&list, wbuf_slice(&one));
		wbuf_free(&one);
	}
	*out = arena_take(arena, &list);
	return r;
}

static bool
message_id_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return s.n > 0 && s.n <= LIM_MESSAGE_ID - 2;
}

static int
read_message_ids(struct arena *arena, json_t *v, size_t max, struct slice *out)
{
	struct wbuf list = { .max = LIM_REFERENCES * (LIM_MESSAGE_ID + 2) };
	json_t *item;
	size_t i;
	int r = json_is_array(v) && json_array_size(v) <= max ? 0 : -1;

	json_array_foreach(v, i, item) {
		if (!message_id_ok(ju_slice(item)))
			r = -1;
		else
			list_add(&list, ju_slice(item));
	}
	*out = arena_take(arena, &list);
	return r;
}

static int
read_message_id(struct arena *arena, json_t *v, struct rec_draft *d)
{
	struct slice list;

	if (read_message_ids(arena, v, 1, &list) == -1)
		return -1;
	(void)list_next(&list, &d->message_id);
	return 0;
}

/* One of the convenience properties (RFC 8621 s. 4.1.3). */
static int
read_field(struct arena *arena, const char *property, json_t *v, struct rec_draft *d)
{
	struct {
		const char *name;
		struct slice *out;
	} addresses[] = { { "from", &d->from }, { "sender", &d->sender }, { "to", &d->to }, { "cc", &d->cc },
		{ "bcc", &d->bcc }, { "replyTo", &d->reply_to } };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (strcmp(property, addresses[i].name) == 0)
			return read_addresses(arena, v, addresses[i].out);
	if (strcmp(property, "messageId") == 0)
		return read_message_id(arena, v, d);
	if (strcmp(property, "inReplyTo") == 0)
		return read_message_ids(arena, v, LIM_REFERENCES, &d->in_reply_to);
	if (strcmp(property, "references") == 0)
		return read_message_ids(arena, v, LIM_REFERENCES, &d->references);
	if (strcmp(property, "sentAt") == 0)
		return json_is_string(v) ? jmap_date_parse(json_string_value(v), false, &d->sent_at) : -1;
	d->subject = ju_slice(v);
	return json_is_string(v) && d->subject.n <= LIM_SUBJECT && one_line(d->subject) ? 0 : -1;
}

/* ---- header:Name and header:Name:asText ---- */

static bool
field_name_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == ':')
			return false;
	return n > 0 && n <= 76;
}

/* Fields that have a property of their own, describe the body, or belong to
 * the way of the message. */
static bool
field_reserved(const char *s, size_t n)
{
	static const char *const names[] = { "MIME-Version", "Received", "Return-Path", "Resent-Date", "Resent-From",
		"Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-Sender", "Resent-Message-ID" };

	if (n >= 8 && strncasecmp(s, "Content-", 8) == 0)
		return true;
	for (const struct email_field *f = email_fields; f->property != NULL; f++)
		if (strlen(f->field) == n && strncasecmp(s, f->field, n) == 0)
			return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && strncasecmp(s, names[i], n) == 0)
			return true;
	return false;
}

static int
read_extra(struct arena *arena, const char *property, json_t *v, struct wbuf *extra)
{
	const char *name = property + 7, *form = strchrnul(name, ':');
	size_t n = (size_t)(form - name);
	struct slice value = ju_slice(v);
	char *line;

	if (*form != '\0' && strcmp(form, ":asText") != 0 && strcmp(form, ":asRaw") != 0)
		return -1;
	while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = slice_mem(value.p + 1, value.n - 1);
	if (!json_is_string(v) || !field_name_ok(name, n) || field_reserved(name, n) || !one_line(value) ||
	    value.n + n + 2 > LIM_DRAFT_HEADER)
		return -1;
	line = arena_printf(arena, "%.*s: %.*s", (int)n, name, (int)value.n, (const char *)value.p);
	list_add(extra, slice_str(line));
	return 0;
}

const char *
email_draft_read(struct arena *arena, json_t *object, struct rec_draft *d)
{
	struct wbuf extra = { .max = 64 * (LIM_DRAFT_HEADER + 2) };
	const char *name, *bad = NULL;
	json_t *v;

	json_object_foreach(object, name, v) {
		const struct email_field *f = email_field_find(name);
		int r = 0;

		if (absent(v) || bad != NULL)
			continue;
		if (f != NULL) {
			/* The same field twice would be ambiguous. */
			r = absent(json_object_get(object, f->property)) ? read_field(arena, f->property, v, d) : -1;
		} else if (strncmp(name, "header:", 7) == 0)
			r = read_extra(arena, name, v, &extra);
		else
			for (f = email_fields; f->property != NULL; f++)
				if (strcmp(f->property, name) == 0)
					r = read_field(arena, name, v, d);
		bad = r == -1 ? name : NULL;
	}
	d->extra = arena_take(arena, &extra);
	if (bad == NULL && list_count(d->extra) > 64)
		bad = "header:";
	return bad;
}
