/*
 * jmap_query.c - /query (RFC 8620 s. 5.5) for every type.
 */
#include <string.h>

#include "jmap_type.h"

#define QUERY_LIMIT LIM_IDS	/* ids in one answer */

struct jmap_query {
	bool ascending, total, has_anchor, limited;
	int64_t position, anchor_offset;
	uint64_t anchor;
	const char *anchor_text;
	uint32_t limit;
	struct rec_filter filter;
	struct wbuf encoded;
};

static void
query_free(void *arg)
{
	struct jmap_query *q = arg;

	wbuf_free(&q->encoded);
}

/* ---- filter ---- */

/* AND of conditions is one filter as long as no field is wanted twice. */
static enum filter_result
read_filter(struct jmap_call *call, struct jmap_query *q, json_t *filter, json_t *seen, int depth)
{
	const struct jmap_type *t = call->method->type;
	json_t *value, *conditions = json_object_get(filter, "conditions");
	enum filter_result r = FILTER_OK;
	const char *name;
	size_t i;

	if (!json_is_object(filter) || depth > 8)
		return FILTER_INVALID;
	if (json_object_get(filter, "operator") != NULL) {
		if (!json_is_array(conditions))
			return FILTER_INVALID;
		if (!slice_eq_str(ju_slice(json_object_get(filter, "operator")), "AND"))
			return FILTER_UNKNOWN;
		json_array_foreach(conditions, i, value)
			if (r == FILTER_OK)
				r = read_filter(call, q, value, seen, depth + 1);
		return r;
	}
	json_object_foreach(filter, name, value) {
		if (t->filter == NULL || json_object_get(seen, name) != NULL)
			return FILTER_UNKNOWN;
		ju_set(seen, name, json_true());
		if ((r = t->filter(&call->arena, &q->filter, name, value)) != FILTER_OK)
			return r;
	}
	return FILTER_OK;
}

static int
query_filter(struct jmap_call *call, struct jmap_query *q)
{
	json_t *filter = json_object_get(call->args, "filter"), *seen;
	enum filter_result r = FILTER_OK;

	if (filter != NULL && !json_is_null(filter)) {
		seen = json_object();
		r = read_filter(call, q, filter, seen, 0);
		json_decref(seen);
	}
	if (r == FILTER_UNKNOWN)
		call_error(call, "unsupportedFilter", NULL);
	else if (r == FILTER_INVALID)
		call_bad_argument(call, "filter");
	return r == FILTER_OK ? 0 : -1;
}

/* ---- sort ---- */

static int
query_sort(struct jmap_call *call, struct jmap_query *q)
{
	json_t *sort = json_object_get(call->args, "sort"), *item = json_array_get(sort, 0);
	json_t *up = json_object_get(item, "isAscending");
	const char *property = json_string_value(json_object_get(item, "property"));

	if (sort == NULL || json_is_null(sort) || (json_is_array(sort) && json_array_size(sort) == 0))
		return 0;
	if (!json_is_array(sort) || property == NULL || (up != NULL && !json_is_boolean(up))) {
		call_bad_argument(call, "sort");
		return -1;
	}
	if (json_array_size(sort) > 1 || call->method->type->sort == NULL ||
	    strcmp(property, call->method->type->sort) != 0 || json_object_get(item, "collation") != NULL) {
		call_error(call, "unsupportedSort", NULL);
		return -1;
	}
	q->ascending = up == NULL || json_is_true(up);	/* RFC 8620 s. 5.5: true by default */
	return 0;
}

/* ---- window ---- */

static int
get_int(json_t *v, int64_t *out)
{
	*out = json_integer_value(v);
	return v == NULL || json_is_null(v) ||
		       (json_is_integer(v) && *out <= JMAP_UINT_MAX && *out >= -JMAP_UINT_MAX)
	    ? 0
	    : -1;
}

static const char *
query_window(struct jmap_call *call, struct jmap_query *q)
{
	json_t *limit = json_object_get(call->args, "limit"), *anchor = json_object_get(call->args, "anchor");
	json_t *total = json_object_get(call->args, "calculateTotal");
	json_t *collapse = json_object_get(call->args, "collapseThreads");
	uint64_t n = QUERY_LIMIT;

	if (get_int(json_object_get(call->args, "position"), &q->position) == -1)
		return "position";
	if (get_int(json_object_get(call->args, "anchorOffset"), &q->anchor_offset) == -1)
		return "anchorOffset";
	if (limit != NULL && !json_is_null(limit) && ju_get_uint(limit, &n) == -1)
		return "limit";
	if (total != NULL && !json_is_boolean(total))
		return "calculateTotal";
	if (collapse != NULL && !json_is_false(collapse))
		return "collapseThreads";
	if (anchor != NULL && !json_is_null(anchor)) {
		if ((q->anchor_text = json_string_value(anchor)) == NULL)
			return "anchor";
		q->has_anchor = true;
	}
	q->total = json_is_true(total);
	q->limited = n >= QUERY_LIMIT;
	q->limit = n < QUERY_LIMIT ? (uint32_t)n : QUERY_LIMIT;
	return NULL;
}

static struct jmap_query *
query_read(struct jmap_call *call)
{
	static const char *const arguments[] = { "filter", "sort", "position", "anchor", "anchorOffset", "limit",
		"calculateTotal", NULL };
	static const char *const email_arguments[] = { "collapseThreads", NULL };
	struct jmap_query *q;
	const char *bad;

	if (!call_arguments_known(call, arguments, call->method->type->obj == OBJ_EMAIL ? email_arguments : NULL) ||
	    (q = call_state(call, sizeof(*q), query_free)) == NULL)
		return NULL;
	if ((bad = query_window(call, q)) != NULL) {
		call_bad_argument(call, bad);
		return NULL;
	}
	return q;
}

static json_t *
query_response(struct jmap_call *call, const struct jmap_query *q, json_t *state, uint64_t position, json_t *ids)
{
	json_t *o = call_response(call);

	ju_set(o, "queryState", state);
	ju_set(o, "canCalculateChanges", json_false());
	ju_set(o, "position", ju_uint(position));
	if (q->limited)
		ju_set(o, "limit", ju_uint(QUERY_LIMIT));
	ju_set(o, "ids", ids);
	return o;
}

/* ---- by the store ---- */

static void query_ask(struct jmap_call *, struct msg_query *, store_cb);

static void
on_ids(void *ctx, const struct store_answer *a)
{
	struct jmap_call *call = ctx;
	struct jmap_query *q = call->state;
	const struct msg_query_done *m;
	json_t *o;

	if (a->error != NULL) {
		call_store_error(call, a);
		return;
	}
	m = &a->m->query_done;
	/* To the store no limit is its own; to the ATS 0 is none at all. */
	o = query_response(call, q, ju_state(m->epoch, m->state), m->position,
	    ju_ids(call->method->type->letter, q->limit == 0 ? SLICE_NONE : m->ids));
	if (q->total)
		ju_set(o, "total", ju_uint(m->total));
	call_done(call, o);
}

static uint32_t
clamp_position(int64_t p)
{
	return p < 0 ? 0 : p > UINT32_MAX ? UINT32_MAX : (uint32_t)p;
}

/* A first look told where the anchor is, or how many there are. */
static void
on_place(void *ctx, const struct store_answer *a)
{
	struct jmap_call *call = ctx;
	struct jmap_query *q = call->state;
	struct msg_query m = { .limit = q->limit, .total = q->total };
	int64_t base;

	if (a->error != NULL) {
		call_store_error(call, a);
		return;
	}
	base = q->has_anchor ? a->m->query_done.position : a->m->query_done.total;
	m.position = clamp_position(base + (q->has_anchor ? q->anchor_offset : q->position));
	query_ask(call, &m, on_ids);
}

static void
query_ask(struct jmap_call *call, struct msg_query *m, store_cb cb)
{
	struct jmap_query *q = call->state;

	m->account = call->account;
	m->type = (uint8_t)call->method->type->obj;
	m->ascending = q->ascending;
	m->filter = wbuf_slice(&q->encoded);
	if (store_ask(&call->scope, MSG_query, m, -1, cb, call) == -1)
		call_error(call, store_ask_error(), NULL);
}

void
jmap_query_run(struct jmap_call *call)
{
	struct jmap_query *q = query_read(call);
	struct msg_query m = { 0 };

	if (q == NULL || query_filter(call, q) == -1 || query_sort(call, q) == -1)
		return;
	wbuf_init(&q->encoded, 8192);
	rec_filter_encode(&q->encoded, &q->filter);
	if (q->encoded.failed) {
		call_bad_argument(call, "filter");
		return;
	}
	if (q->has_anchor && jmap_id_parse(q->anchor_text, call->method->type->letter, &q->anchor) == -1) {
		call_error(call, "anchorNotFound", NULL);
		return;
	}
	m = (struct msg_query){ .anchor = q->anchor, .limit = q->limit, .total = q->total,
		.position = q->has_anchor ? 0 : clamp_position(q->position) };
	if (q->has_anchor && q->anchor_offset != 0) {
		m.limit = 1;
		query_ask(call, &m, on_place);
	} else if (!q->has_anchor && q->position < 0) {
		m.limit = 0;
		m.total = true;
		query_ask(call, &m, on_place);
	} else
		query_ask(call, &m, on_ids);
}

/* ---- over a list made here ---- */

static int64_t
local_anchor(json_t *ids, const char *anchor)
{
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
		if (strcmp(json_string_value(id), anchor) == 0)
			return (int64_t)i;
	return -1;
}

void
jmap_query_local(struct jmap_call *call, json_t *ids, uint64_t epoch, uint64_t state)
{
	struct jmap_query *q = query_read(call);
	int64_t n = (int64_t)json_array_size(ids), at;
	json_t *page, *o;

	if (q == NULL) {
		json_decref(ids);
		return;
	}
	at = q->has_anchor ? local_anchor(ids, q->anchor_text) : q->position < 0 ? q->position + n : q->position;
	if (q->has_anchor && at == -1) {
		json_decref(ids);
		call_error(call, "anchorNotFound", NULL);
		return;
	}
	at = q->has_anchor ? at + q->anchor_offset : at;
	at = at < 0 ? 0 : at;
	page = json_array();
	for (int64_t i = at; i < n && i - at < q->limit; i++)
		ju_push(page, json_incref(json_array_get(ids, (size_t)i)));
	o = query_response(call, q, ju_state(epoch, state), (uint64_t)at, page);
	if (q->total)
		ju_set(o, "total", ju_uint((uint64_t)n));
	json_decref(ids);
	call_done(call, o);
}
