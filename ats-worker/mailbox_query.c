#include <stdlib.h>
#include <string.h>

#include "jmap_type.h"
#include "type_mailbox.h"
#include "word_json.h"

struct found {
	uint64_t id;
	struct rec_mailbox rec;
};

/* The keys to sort by, in order of weight; negative = descending. */
enum sort_key { SORT_END, SORT_NAME, SORT_ORDER };
static const int *sort_keys;

static bool
matches(const struct rec_mailbox *m, const char *name, json_t *v)
{
	uint64_t parent = 0;

	if (strcmp(name, "role") == 0)
		return json_is_null(v) ? m->role == MBOX_NONE : word_number(words_mailbox_role, v) == m->role;
	if (strcmp(name, "hasAnyRole") == 0)
		return json_is_true(v) == (m->role != MBOX_NONE);
	if (strcmp(name, "isSubscribed") == 0)
		return json_is_true(v) == m->synced;
	if (strcmp(name, "parentId") == 0) {
		if (json_is_string(v) && jmap_id_parse(json_string_value(v), 'M', &parent) == -1)
			return false;
		return m->parent == parent;
	}
	return json_string_length(v) == 0 ||
	       (m->name.n > 0 && memmem(m->name.p, m->name.n, json_string_value(v), json_string_length(v)) != NULL);
}

/* NULL when the filter is one we know. */
static const char *
filter_problem(json_t *filter)
{
	static const char *const names[] = { "role", "hasAnyRole", "isSubscribed", "parentId", "name" };
	const char *name;
	json_t *v;

	if (filter == NULL || json_is_null(filter))
		return NULL;
	if (!json_is_object(filter))
		return "invalidArguments";
	json_object_foreach(filter, name, v) {
		size_t i = 0;

		while (i < 5 && strcmp(name, names[i]) != 0)
			i++;
		if (i == 5)
			return "unsupportedFilter";
		if ((i == 1 || i == 2) ? !json_is_boolean(v) : !json_is_string(v) && (i == 4 || !json_is_null(v)))
			return "invalidArguments";
	}
	return NULL;
}

static const char *
sort_problem(json_t *sort, int keys[4])
{
	json_t *item;
	size_t i;

	keys[0] = SORT_END;
	if (sort == NULL || json_is_null(sort))
		return NULL;
	if (!json_is_array(sort) || json_array_size(sort) > 3)
		return "invalidArguments";
	json_array_foreach(sort, i, item) {
		struct slice property = ju_slice(json_object_get(item, "property"));
		int sign = json_is_false(json_object_get(item, "isAscending")) ? -1 : 1;

		if (slice_eq_str(property, "name"))
			keys[i] = sign * SORT_NAME;
		else if (slice_eq_str(property, "sortOrder"))
			keys[i] = sign * SORT_ORDER;
		else
			return "unsupportedSort";
		keys[i + 1] = SORT_END;
	}
	return NULL;
}

static int
by_name(const struct found *a, const struct found *b)
{
	size_t n = a->rec.name.n < b->rec.name.n ? a->rec.name.n : b->rec.name.n;
	int r = n > 0 ? strncasecmp((const char *)a->rec.name.p, (const char *)b->rec.name.p, n) : 0;

	return r != 0 ? r : (a->rec.name.n > b->rec.name.n) - (a->rec.name.n < b->rec.name.n);
}

static int
by_order(const struct found *a, const struct found *b)
{
	int x = a->rec.role == MBOX_NONE ? 100 : a->rec.role, y = b->rec.role == MBOX_NONE ? 100 : b->rec.role;

	return x - y;
}

static int
compare(const void *x, const void *y)
{
	const struct found *a = x, *b = y;

	for (const int *k = sort_keys; *k != SORT_END; k++) {
		int r = abs(*k) == SORT_NAME ? by_name(a, b) : by_order(a, b);

		if (r != 0)
			return *k < 0 ? -r : r;
	}
	return a->id < b->id ? -1 : a->id > b->id;
}

static size_t
collect(const struct store_rows *rows, json_t *filter, struct found *out)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const char *name;
		json_t *v;
		bool ok = rec_mailbox_decode(rows->rows[i].data, &out[n].rec) == 0;

		json_object_foreach(filter, name, v)
			ok = ok && matches(&out[n].rec, name, v);
		out[n].id = rows->rows[i].id;
		n += ok ? 1 : 0;
	}
	return n;
}

static void
on_mailboxes(void *ctx, const struct store_answer *a)
{
	struct jmap_call *call = ctx;
	struct found *found;
	json_t *ids;
	int keys[4];
	size_t n;

	if (a->error != NULL) {
		call_store_error(call, a);
		return;
	}
	if ((found = arena_alloc(&call->arena, (a->rows->n + 1) * sizeof(*found))) == NULL) {
		call_error(call, "serverFail", NULL);
		return;
	}
	n = collect(a->rows, json_object_get(call->args, "filter"), found);
	(void)sort_problem(json_object_get(call->args, "sort"), keys);
	sort_keys = keys;
	qsort(found, n, sizeof(*found), compare);
	ids = json_array();
	for (size_t i = 0; i < n; i++)
		ju_push(ids, ju_id('M', found[i].id));
	(void)json_object_del(call->args, "sortAsTree");
	(void)json_object_del(call->args, "filterAsTree");
	jmap_query_local(call, ids, a->m->get_done.epoch, a->m->get_done.state);
}

void
mailbox_query_run(struct jmap_call *call)
{
	struct msg_get m = { .account = call->account, .type = OBJ_MAILBOX, .all = true };
	const char *problem = filter_problem(json_object_get(call->args, "filter"));
	int keys[4];

	if (problem == NULL)
		problem = sort_problem(json_object_get(call->args, "sort"), keys);
	if (problem == NULL &&
	    (json_is_true(json_object_get(call->args, "sortAsTree")) ||
		json_is_true(json_object_get(call->args, "filterAsTree"))))
		problem = "invalidArguments";
	if (problem != NULL)
		call_error(call, problem, NULL);
	else if (store_ask(&call->scope, MSG_get, &m, -1, on_mailboxes, call) == -1)
		call_error(call, store_ask_error(), NULL);
}
