#include "email_set.h"

#include <stdlib.h>
#include <string.h>

#include "email_maps.h"
#include "jmap_patch.h"

/* What one update says about keywords or mailboxes. */
struct change {
	bool whole;		/* the entire map is replaced */
	struct wbuf all, add, del;
};

static void
change_free(struct change *c)
{
	wbuf_free(&c->all);
	wbuf_free(&c->add);
	wbuf_free(&c->del);
}

/* The member of "keywords/x"; malloc'd. */
static char *
member(const char *key)
{
	const char *slash = strchr(key, '/');

	return slash != NULL && strchr(slash + 1, '/') == NULL ? jmap_patch_property(slash + 1) : NULL;
}

static int
keyword_patch(struct change *c, const char *name, json_t *value)
{
	struct wbuf *w = json_is_null(value) ? &c->del : &c->add;
	char word[256];

	if ((!json_is_null(value) && !json_is_true(value)) || email_keyword(name, word) == -1)
		return -1;
	if (w->n > 0)
		w_raw(w, " ", 1);
	w_raw(w, word, strlen(word));
	return 0;
}

static int
mailbox_patch(const struct jmap_call *call, struct change *c, const char *name, json_t *value)
{
	const char *id = call_resolve_id(call, name);
	uint64_t n;

	if ((!json_is_null(value) && !json_is_true(value)) || id == NULL || jmap_id_parse(id, 'M', &n) == -1)
		return -1;
	ids_add(json_is_null(value) ? &c->del : &c->add, n);
	return 0;
}

/* One key of the patch. 0, or -1 when its value is not allowed. */
static int
read_key(const struct jmap_call *call, const char *key, json_t *value, struct change *keywords,
    struct change *mailboxes)
{
	bool is_keyword = strncmp(key, "keywords", 8) == 0;
	char *name;
	int r;

	if (strcmp(key, "keywords") == 0) {
		keywords->whole = true;
		return email_keywords_read(value, &keywords->all) == NULL ? 0 : -1;
	}
	if (strcmp(key, "mailboxIds") == 0) {
		mailboxes->whole = true;
		return email_mailboxes_read(call, value, &mailboxes->all) == NULL ? 0 : -1;
	}
	if (!is_keyword && strncmp(key, "mailboxIds/", 11) != 0)
		return 0;	/* an immutable property with its present value */
	if ((name = member(key)) == NULL)
		return -1;
	r = is_keyword ? keyword_patch(keywords, name, value) : mailbox_patch(call, mailboxes, name, value);
	free(name);
	return r;
}

static int
read_patch(const struct jmap_call *call, json_t *patch, struct change *keywords, struct change *mailboxes,
    const char **bad)
{
	const char *key;
	json_t *value;

	json_object_foreach(patch, key, value)
		if (read_key(call, key, value, keywords, mailboxes) == -1) {
			*bad = strncmp(key, "keywords", 8) == 0 ? "keywords" : "mailboxIds";
			return -1;
		}
	return 0;
}

static const char *
too_many(const struct change *keywords, const struct change *mailboxes)
{
	if (keywords->all.failed || keywords->add.failed || keywords->del.failed)
		return "tooManyKeywords";
	if (mailboxes->all.failed || mailboxes->add.failed || mailboxes->del.failed)
		return "tooManyMailboxes";
	return NULL;
}

void
email_update(struct jmap_set *set, const struct jmap_set_update *u)
{
	const struct jmap_call *call = jmap_set_call(set);
	struct change k = { false, { .max = LIM_KEYWORDS }, { .max = LIM_KEYWORDS }, { .max = LIM_KEYWORDS } };
	struct change b = { false, { .max = 64 * 8 }, { .max = 64 * 8 }, { .max = 64 * 8 } };
	json_t *mailboxes = json_object_get(u->changed, "mailboxIds");
	struct msg_email_update m = { .account = call->account, .id = u->id };
	const char *bad = NULL, *error;

	if (mailboxes != NULL && json_object_size(mailboxes) == 0)
		bad = "mailboxIds";
	else
		(void)read_patch(call, u->patch, &k, &b, &bad);
	m.set_keywords = k.whole;
	m.keywords = wbuf_slice(&k.all);
	m.keywords_add = wbuf_slice(&k.add);
	m.keywords_del = wbuf_slice(&k.del);
	m.set_mailboxes = b.whole;
	m.mailboxes = wbuf_slice(&b.all);
	m.mailboxes_add = wbuf_slice(&b.add);
	m.mailboxes_del = wbuf_slice(&b.del);
	if ((error = too_many(&k, &b)) != NULL)
		jmap_set_fail_type(set, error, NULL);
	else if (bad != NULL)
		jmap_set_bad_property(set, bad, NULL);
	else
		jmap_set_ask(set, MSG_email_update, &m, -1);
	change_free(&k);
	change_free(&b);
}

void
email_destroy(struct jmap_set *set, uint64_t id)
{
	struct msg_email_destroy m = { .account = jmap_set_call(set)->account, .id = id };

	jmap_set_ask(set, MSG_email_destroy, &m, -1);
}

/* ---- Email/fetchContent ---- */

struct fetch {
	struct jmap_call *call;
	json_t *ids;		/* borrowed */
	size_t next;
	json_t *fetched, *failed;
};

static void
fetch_free(void *arg)
{
	struct fetch *f = arg;

	json_decref(f->fetched);
	json_decref(f->failed);
}

static void fetch_next(struct fetch *);

static void
on_fetched(void *ctx, const struct store_answer *a)
{
	struct fetch *f = ctx;
	json_t *id = json_array_get(f->ids, f->next - 1);

	if (a->m == NULL) {
		call_store_error(f->call, a);
		return;
	}
	if (a->error == NULL)
		ju_push(f->fetched, json_incref(id));
	else
		ju_set(f->failed, json_string_value(id), jmap_set_error(a->error, NULL));
	fetch_next(f);
}

static void
fetch_next(struct fetch *f)
{
	struct msg_email_content m = { .account = f->call->account, .uid = call_uid(f->call) };
	json_t *o;

	while (f->next < json_array_size(f->ids)) {
		const char *id = json_string_value(json_array_get(f->ids, f->next++));

		if (jmap_id_parse(id, 'E', &m.id) == -1) {
			ju_set(f->failed, id, jmap_set_error("notFound", NULL));
			continue;
		}
		if (store_ask(&f->call->scope, MSG_email_content, &m, -1, on_fetched, f) == -1)
			call_error(f->call, store_ask_error(), NULL);
		return;
	}
	o = call_response(f->call);
	ju_set(o, "fetched", json_incref(f->fetched));
	ju_set(o, "notFetched", json_object_size(f->failed) > 0 ? json_incref(f->failed) : json_null());
	call_done(f->call, o);
}

void
email_fetch_content_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "ids", NULL };
	json_t *ids = json_object_get(call->args, "ids"), *id;
	struct fetch *f;
	size_t i;

	if (!call_arguments_known(call, arguments, NULL))
		return;
	json_array_foreach(ids, i, id)
		if (!json_is_string(id))
			ids = NULL;
	if (!json_is_array(ids)) {
		call_bad_argument(call, "ids");
		return;
	}
	if (json_array_size(ids) > LIM_JMAP_GET) {
		call_error(call, "requestTooLarge", NULL);
		return;
	}
	if ((f = call_state(call, sizeof(*f), fetch_free)) == NULL)
		return;
	*f = (struct fetch){ .call = call, .ids = ids, .fetched = json_array(), .failed = json_object() };
	fetch_next(f);
}
