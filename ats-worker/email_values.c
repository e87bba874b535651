#include "email_values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "email_body.h"

struct value {
	struct work *work;
	json_t *values;		/* the bodyValues object, borrowed from the list */
	uint64_t email;
	struct slice part;	/* in the kept rows */
	bool html;
};

struct work {
	struct jmap_call *call;
	struct jmap_get *get;
	struct value *list;
	size_t n, next, done, cap, bytes;
};

static void
work_free(void *arg)
{
	struct work *w = arg;

	free(w->list);
}

static bool
wanted(const struct email_options *o, const struct rec_part *p)
{
	if (p->multipart || p->type.n < 5 || strncasecmp((const char *)p->type.p, "text/", 5) != 0)
		return false;
	return o->all || (o->text && (p->flags & PART_TEXT_BODY) != 0) || (o->html && (p->flags & PART_HTML_BODY) != 0);
}

static void
work_add(struct work *w, struct value v)
{
	if (w->n == w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 32;
		struct value *grown = reallocarray(w->list, cap, sizeof(*grown));

		if (grown == NULL) {
			ju_fail();
			return;
		}
		w->list = grown;
		w->cap = cap;
	}
	v.work = w;
	w->list[w->n++] = v;
}

static void
collect_email(struct work *w, const struct store_row *row, json_t *object)
{
	union jmap_record rec;
	struct slice item;
	struct rec_part p;

	if (type_email.decode(row->data, &rec) == -1)
		return;
	while (list_next(&rec.email.parts, &item))
		if (rec_part_decode(item, &p) == 0 && wanted(w->get->options, &p))
			work_add(w, (struct value){ .values = json_object_get(object, "bodyValues"), .email = row->id,
			    .part = p.part_id, .html = slice_case_eq_str(p.type, "text/html") });
}

/* The list has one object for each row that could be decoded, in order. */
static void
collect(struct work *w)
{
	union jmap_record rec;
	size_t at = 0;

	for (size_t i = 0; i < w->get->rows.n; i++) {
		if (type_email.decode(w->get->rows.rows[i].data, &rec) == -1)
			continue;
		collect_email(w, &w->get->rows.rows[i], json_array_get(w->get->list, at++));
	}
}

/* RFC 8621 s. 4.1.4: CRLF becomes LF. In place, on a copy of ours. */
static size_t
unify_lines(uint8_t *p, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		if (p[i] != '\r' || i + 1 == n || p[i + 1] != '\n')
			p[at++] = p[i];
	return at;
}

static json_t *
value_json(const struct value *v, struct slice text, uint32_t flags)
{
	const struct email_options *o = v->work->get->options;
	uint8_t *copy = malloc(text.n + 1);
	bool cut;
	json_t *obj;

	if (copy == NULL)
		return NULL;
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	text = slice_mem(copy, unify_lines(copy, text.n));
	cut = email_body_truncate(&text, o->max, v->html);
	obj = json_object();
	ju_set(obj, "value", ju_str(text));
	ju_set(obj, "isEncodingProblem", json_boolean((flags & BLOB_ENCODING_PROBLEM) != 0));
	ju_set(obj, "isTruncated", json_boolean(cut || (flags & BLOB_TRUNCATED) != 0));
	free(copy);
	return obj;
}

static void
value_set(const struct value *v, json_t *obj)
{
	char part[65];

	if (slice_copy(v->part, part, sizeof(part)) == 0)
		ju_set(v->values, part, obj);
	else
		json_decref(obj);
}

static void on_text(void *, const struct store_answer *);

static int
ask_next(struct work *w)
{
	struct value *v = &w->list[w->next++];
	struct msg_blob_get m = { .account = w->call->account, .kind = BLOB_TEXT, .id = v->email, .part = v->part,
		.uid = call_uid(w->call) };

	return store_ask(&w->call->scope, MSG_blob_get, &m, -1, on_text, v);
}

static void
on_text(void *ctx, const struct store_answer *a)
{
	struct value *v = ctx;
	struct work *w = v->work;
	struct body body = { 0 };

	if (a->m == NULL) {
		call_store_error(w->call, a);
		return;
	}
	/* A text that is not there stays empty; the rest of the answer is good. */
	if (a->error == NULL && body_open(&body, a->m->blob_data.data, a->fd) == 0)
		value_set(v, value_json(v, body.data, a->m->blob_data.flags));
	else
		value_set(v, value_json(v, SLICE_NONE, BLOB_ENCODING_PROBLEM));
	w->bytes += body.data.n;
	body_close(&body);
	w->done++;
	if (w->bytes > LIM_BODY_VALUES)
		call_error(w->call, "requestTooLarge", "the texts asked for are too large together");
	else if (w->next < w->n && ask_next(w) == -1)
		call_error(w->call, store_ask_error(), NULL);
	else if (w->done == w->n)
		jmap_get_reply(w->call, w->get);
}

static bool
asked_for_values(const struct jmap_get *get)
{
	json_t *name;
	size_t i;

	json_array_foreach(get->properties, i, name)
		if (strcmp(json_string_value(name), "bodyValues") == 0)
			return true;
	return get->properties == NULL;
}

void
email_values_fetch(struct jmap_call *call, struct jmap_get *get)
{
	const struct email_options *o = get->options;
	struct work *w;

	if (!asked_for_values(get) || (!o->text && !o->html && !o->all)) {
		jmap_get_reply(call, get);
		return;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		call_error(call, "serverFail", "out of memory");
		return;
	}
	*w = (struct work){ .call = call, .get = get };
	get->work = w;
	get->work_free = work_free;
	collect(w);
	if (w->n == 0) {
		jmap_get_reply(call, get);
		return;
	}
	for (size_t i = 0; i < LIM_VALUES_WINDOW && w->next < w->n; i++)
		if (ask_next(w) == -1) {
			call_error(call, store_ask_error(), NULL);
			return;
		}
}
