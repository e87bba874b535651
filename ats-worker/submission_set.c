#include "submission_set.h"

#include <string.h>
#include <time.h>

#include "envelope.h"
#include "word_json.h"

/* One create on its way: identity, then email, then the submission. Records
 * are decoded from copies in the call's arena. */
struct create {
	json_t *object;
	uint64_t identity, email;
	struct slice identity_email;
	struct rec_submission rec;
};

static json_t *
given(json_t *object, const char *name)
{
	json_t *v = json_object_get(object, name);

	return json_is_null(v) ? NULL : v;
}

/* "emailId" or "identityId": a creation reference is resolved. */
static int
read_id(struct jmap_set *set, json_t *object, const char *name, char letter, uint64_t *out)
{
	const char *s = json_string_value(given(object, name));

	return s != NULL && (s = call_resolve_id(jmap_set_call(set), s)) != NULL ? jmap_id_parse(s, letter, out) : -1;
}

/* ---- our own properties ---- */

static int
read_text(json_t *object, const char *name, struct slice *out)
{
	json_t *v = given(object, name);

	*out = ju_slice(v);
	return v == NULL || (json_is_string(v) && out->n <= LIM_EXTERNAL_ID) ? 0 : -1;
}

static int
read_stop(json_t *v, uint8_t *out)
{
	json_t *reply = json_object_get(v, "reply"), *bounce = json_object_get(v, "bounce");

	*out = (uint8_t)((json_is_true(reply) ? STOP_ON_REPLY : 0) | (json_is_true(bounce) ? STOP_ON_BOUNCE : 0));
	return v == NULL || json_is_object(v) ? 0 : -1;
}

/* NULL = good, else the property. */
static const char *
read_additions(json_t *object, struct rec_submission *r)
{
	json_t *bulk = given(object, "bulk"), *signature = given(object, "signature");
	int n = signature != NULL ? word_number(words_signature, signature) : SIGNATURE_AUTO;

	if (read_text(object, "sequenceId", &r->sequence_id) == -1)
		return "sequenceId";
	if (read_text(object, "idempotencyKey", &r->idempotency_key) == -1)
		return "idempotencyKey";
	if (read_stop(given(object, "stopOn"), &r->stop_on) == -1)
		return "stopOn";
	if (bulk != NULL && !json_is_boolean(bulk))
		return "bulk";
	if (n == -1)
		return "signature";
	r->bulk = json_is_true(bulk);
	r->signature = (uint8_t)n;
	return NULL;
}

/* ---- create ---- */

static bool
from_allowed(const struct rec_header *h, struct slice identity)
{
	struct slice list = h->from, item;
	struct rec_address a;
	size_t n = 0;

	while (list_next(&list, &item)) {
		if (rec_address_decode(item, &a) == -1 || !address_same(a.email, identity))
			return false;
		n++;
	}
	return n > 0;
}

static void
send_submission(struct jmap_set *set, struct create *c, const struct envelope *e)
{
	struct msg_submission_set m = { .account = jmap_set_call(set)->account, .action = SET_CREATE };
	struct wbuf w = { .max = 65536 };

	jmap_set_note(set, ju_id('E', c->email));
	c->rec.email = c->email;
	c->rec.identity = c->identity;
	c->rec.from = e->from;
	c->rec.rcpts = e->rcpts;
	c->rec.send_at = e->send_at;
	c->rec.state = SUB_QUEUED;
	c->rec.undo = UNDO_PENDING;
	rec_submission_encode(&w, &c->rec);
	m.record = wbuf_slice(&w);
	if (w.failed)
		jmap_set_fail_type(set, "tooLarge", NULL);
	else
		jmap_set_ask(set, MSG_submission_set, &m, -1);
	wbuf_free(&w);
}

/* The row's bytes live as long as the call. */
static struct slice
keep_row(struct jmap_set *set, const struct store_answer *a)
{
	return a->rows->n == 1 ? arena_copy(&jmap_set_call(set)->arena, a->rows->rows[0].data) : SLICE_NONE;
}

static void
on_email(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	struct create *c = jmap_set_scratch(set, sizeof(*c));
	struct envelope e = { 0 };
	struct rec_email email;
	struct rec_header h;

	if (a->error != NULL)
		jmap_set_fail_type(set, a->error, NULL);
	else if (rec_email_decode(keep_row(set, a), &email) == -1 || rec_header_decode(email.header, &h) == -1)
		jmap_set_bad_property(set, "emailId", "no such email");
	else if (!from_allowed(&h, c->identity_email))
		jmap_set_fail_type(set, "forbiddenFrom", "From must be the identity's address");
	else if (envelope_read(&jmap_set_call(set)->arena, given(c->object, "envelope"), &h, c->identity_email,
		     (uint64_t)time(NULL), &e) == -1)
		jmap_set_fail(set, e.error);
	else
		send_submission(set, c, &e);
}

static void
ask_one(struct jmap_set *set, enum obj_type type, uint64_t id, store_cb cb)
{
	struct msg_get m = { .account = jmap_set_call(set)->account, .type = (uint8_t)type };
	struct wbuf ids = { .max = 8 };

	ids_add(&ids, id);
	m.ids = wbuf_slice(&ids);
	jmap_set_wait(set, MSG_get, &m, -1, cb);
	wbuf_free(&ids);
}

static void
on_identity(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	struct create *c = jmap_set_scratch(set, sizeof(*c));
	struct rec_identity identity;

	if (a->error != NULL)
		jmap_set_fail_type(set, a->error, NULL);
	else if (rec_identity_decode(keep_row(set, a), &identity) == -1)
		jmap_set_bad_property(set, "identityId", "no such identity");
	else {
		c->identity_email = identity.email;
		ask_one(set, OBJ_EMAIL, c->email, on_email);
	}
}

void
submission_create(struct jmap_set *set, json_t *object)
{
	struct create *c = jmap_set_scratch(set, sizeof(*c));
	json_t *undo = given(object, "undoStatus"), *envelope = given(object, "envelope");
	const char *bad;

	c->object = object;
	if (jmap_set_call(set)->mode == MODE_RECEIVE_ONLY)
		jmap_set_fail_type(set, "forbiddenToSend", "this link only receives");
	else if (undo != NULL && !slice_eq_str(ju_slice(undo), "pending"))
		jmap_set_bad_property(set, "undoStatus", NULL);
	else if (envelope != NULL && !json_is_object(envelope))
		jmap_set_bad_property(set, "envelope", "an object");
	else if (read_id(set, object, "emailId", 'E', &c->email) == -1)
		jmap_set_bad_property(set, "emailId", "no such email");
	else if (read_id(set, object, "identityId", 'I', &c->identity) == -1)
		jmap_set_bad_property(set, "identityId", "no such identity");
	else if ((bad = read_additions(object, &c->rec)) != NULL)
		jmap_set_bad_property(set, bad, NULL);
	else
		ask_one(set, OBJ_IDENTITY, c->identity, on_identity);
}

void
submission_created_row(struct jmap_set *set, const union jmap_record *rec)
{
	jmap_set_note(set, ju_id('E', rec->submission.email));
}

/* ---- update and destroy ---- */

void
submission_update(struct jmap_set *set, const struct jmap_set_update *u)
{
	struct msg_submission_set m = { .account = jmap_set_call(set)->account, .id = u->id, .action = SET_UPDATE };
	struct rec_submission r = u->rec->submission;
	struct wbuf w = { .max = 65536 };

	jmap_set_note(set, ju_id('E', r.email));
	if (!slice_eq_str(ju_slice(json_object_get(u->changed, "undoStatus")), "canceled")) {
		jmap_set_bad_property(set, "undoStatus", "only canceled can be set");
		return;
	}
	r.undo = UNDO_CANCELED;
	rec_submission_encode(&w, &r);
	m.record = wbuf_slice(&w);
	if (u->rec->submission.undo == UNDO_CANCELED)
		jmap_set_unchanged(set);
	else if (w.failed)
		jmap_set_fail_type(set, "serverFail", NULL);
	else
		jmap_set_ask(set, MSG_submission_set, &m, -1);
	wbuf_free(&w);
}

static void
on_destroy_row(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	struct msg_submission_set m = { .account = jmap_set_call(set)->account, .id = jmap_set_id(set),
		.action = SET_DESTROY };
	struct rec_submission r;

	if (a->error != NULL)
		jmap_set_fail_type(set, a->error, NULL);
	else if (a->rows->n != 1 || rec_submission_decode(a->rows->rows[0].data, &r) == -1)
		jmap_set_fail_type(set, "notFound", NULL);
	else {
		jmap_set_note(set, ju_id('E', r.email));
		jmap_set_ask(set, MSG_submission_set, &m, -1);
	}
}

/* The row first: onSuccess... may want to know its email. */
void
submission_destroy(struct jmap_set *set, uint64_t id)
{
	ask_one(set, OBJ_SUBMISSION, id, on_destroy_row);
}

/* ---- onSuccessUpdateEmail, onSuccessDestroyEmail ---- */

const char *
submission_set_check(struct jmap_call *call)
{
	json_t *update = given(call->args, "onSuccessUpdateEmail"), *destroy = given(call->args, "onSuccessDestroyEmail");
	const char *key;
	json_t *v;
	size_t i;

	if (update != NULL && !json_is_object(update))
		return "onSuccessUpdateEmail";
	json_object_foreach(update, key, v)
		if (!json_is_object(v))
			return "onSuccessUpdateEmail";
	if (destroy != NULL && !json_is_array(destroy))
		return "onSuccessDestroyEmail";
	json_array_foreach(destroy, i, v)
		if (!json_is_string(v))
			return "onSuccessDestroyEmail";
	return NULL;
}

static bool
has_string(json_t *list, const char *s)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (strcmp(json_string_value(v), s) == 0)
			return true;
	return false;
}

/* The email of a submission that this call changed with success, else NULL. */
static const char *
email_of(const struct jmap_batch *batch, const char *key)
{
	bool ok = key[0] == '#' ? json_object_get(jmap_batch_created(batch), key + 1) != NULL
				: json_object_get(jmap_batch_updated(batch), key) != NULL ||
					    has_string(jmap_batch_destroyed(batch), key);

	return ok ? json_string_value(json_object_get(jmap_batch_notes(batch), key)) : NULL;
}

void
submission_set_finish(struct jmap_batch *batch)
{
	struct jmap_call *call = jmap_batch_call(batch);
	json_t *update = json_object(), *destroy = json_array(), *v, *args;
	const char *key, *email;
	size_t i;

	json_object_foreach(given(call->args, "onSuccessUpdateEmail"), key, v)
		if ((email = email_of(batch, key)) != NULL)
			ju_set(update, email, json_incref(v));
	json_array_foreach(given(call->args, "onSuccessDestroyEmail"), i, v)
		if ((email = email_of(batch, json_string_value(v))) != NULL)
			ju_push(destroy, json_string(email));
	if (json_object_size(update) > 0 || json_array_size(destroy) > 0) {
		args = call_response(call);
		ju_set(args, "update", json_incref(update));
		ju_set(args, "destroy", json_incref(destroy));
		call_push_implicit(call, "Email/set", args);
	}
	json_decref(update);
	json_decref(destroy);
}
