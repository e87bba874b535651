#include "link_set.h"

#include <string.h>

#include "audit.h"
#include "link_parse.h"
#include "link_seal.h"

static json_t *
given(json_t *object, const char *name)
{
	json_t *v = json_object_get(object, name);

	return json_is_null(v) ? NULL : v;
}

static json_t *
problem_error(const struct link_problem *p)
{
	json_t *error = jmap_set_error("invalidProperties", p->description);

	ju_set(error, "properties", json_pack("[s]", p->property));
	return error;
}

/*
 * The credentials that this change brings and needs. NULL when all is well,
 * else the SetError. imap_new, smtp_new: that endpoint is new or changed.
 */
static json_t *
take_credentials(struct jmap_call *call, const struct rec_link *r, json_t *object, bool imap_new, bool smtp_new,
    struct link_seals *seals)
{
	json_t *main_one = given(object, "credential"), *smtp_one = given(object, "smtpCredential");
	bool both = r->imap_host.n > 0 && r->smtp_host.n > 0;
	bool two_users = both && !slice_eq(r->imap_user, r->smtp_user);
	struct link_problem p = { 0 };

	if (imap_new && main_one == NULL)
		return jmap_set_error("credentialRequired", "enter the credential again: the server changed");
	if (smtp_new && main_one == NULL && smtp_one == NULL)
		return jmap_set_error("credentialRequired", "enter the credential again: the server changed");
	if (two_users && smtp_one == NULL && (smtp_new || main_one != NULL))
		return jmap_set_error("credentialRequired", "smtp.user differs: smtpCredential is needed");
	switch (link_seal(&call->arena, r, main_one, smtp_one, seals, &p)) {
	case SEAL_INVALID:
		return problem_error(&p);
	case SEAL_REFUSED:
		audit_tell_credential_clear(&(struct audit_credential_clear){ .uid = call_uid(call) });
		return jmap_set_error("forbidden", p.description);
	case SEAL_OK:
		break;
	}
	return NULL;
}

/* Encode the record and ask; w is freed. */
static void
ask(struct jmap_set *set, struct msg_link_set *m, const struct rec_link *r)
{
	struct wbuf w = { .max = 16384 };

	rec_link_encode(&w, r);
	m->record = wbuf_slice(&w);
	m->uid = call_uid(jmap_set_call(set));
	if (w.failed)
		jmap_set_fail_type(set, "tooLarge", "a property is too long");
	else
		jmap_set_ask(set, MSG_link_set, m, -1);
	wbuf_free(&w);
}

static json_t *
read_link(struct arena *arena, json_t *object, struct rec_link *r)
{
	json_t *verify = given(object, "verify");
	struct link_problem p;

	if (verify != NULL && !json_is_boolean(verify))
		return problem_error(&(struct link_problem){ "verify", "a boolean" });
	if (link_parse(arena, object, r, &p) == -1 || link_check(r, &p) == -1)
		return problem_error(&p);
	return NULL;
}

void
link_create(struct jmap_set *set, json_t *object)
{
	struct arena *arena = &jmap_set_call(set)->arena;
	struct msg_link_set m = { .action = SET_CREATE };
	struct link_seals seals = { 0 };
	struct rec_link r = { 0 };
	json_t *error = read_link(arena, object, &r);

	if (error == NULL)
		error = take_credentials(jmap_set_call(set), &r, object, true, r.smtp_host.n > 0, &seals);
	if (error != NULL) {
		jmap_set_fail(set, error);
		return;
	}
	m.verify = !json_is_false(given(object, "verify"));
	m.seal = seals.seal;
	m.smtp_seal = seals.smtp_seal;
	ask(set, &m, &r);
}

/* A rename or a pause connects to nobody unless asked to; what concerns the
 * login is verified unless asked not to. */
static bool
wants_verify(json_t *changed, bool new_login)
{
	json_t *verify = given(changed, "verify");

	if (verify != NULL)
		return json_is_true(verify);
	return new_login || given(changed, "credential") != NULL || given(changed, "smtpCredential") != NULL;
}

void
link_update(struct jmap_set *set, const struct jmap_set_update *u)
{
	struct arena *arena = &jmap_set_call(set)->arena;
	struct msg_link_set m = { .id = u->id, .action = SET_UPDATE };
	struct link_seals seals = { 0 };
	struct rec_link r = u->rec->link;
	json_t *error = read_link(arena, u->changed, &r);
	bool imap_new = false, smtp_new = false;

	if (error == NULL) {
		link_compare(&u->rec->link, &r, &imap_new, &smtp_new);
		error = take_credentials(jmap_set_call(set), &r, u->changed, imap_new, smtp_new, &seals);
	}
	if (error != NULL) {
		jmap_set_fail(set, error);
		return;
	}
	m.verify = wants_verify(u->changed, imap_new || smtp_new);
	m.seal = seals.seal;
	m.smtp_seal = seals.smtp_seal;
	ask(set, &m, &r);
}

/* A wrong type must not pass for "no": the notes would be erased. */
const char *
link_set_check(struct jmap_call *call)
{
	json_t *keep = json_object_get(call->args, "onDestroyKeepNotes");

	return keep == NULL || json_is_null(keep) || json_is_boolean(keep) ? NULL : "onDestroyKeepNotes";
}

void
link_destroy(struct jmap_set *set, uint64_t id)
{
	json_t *keep = json_object_get(jmap_set_call(set)->args, "onDestroyKeepNotes");
	struct msg_link_set m = { .id = id, .action = SET_DESTROY, .keep_notes = json_is_true(keep),
		.uid = call_uid(jmap_set_call(set)) };

	jmap_set_ask(set, MSG_link_set, &m, -1);
}

void
link_set_finish(struct jmap_batch *batch)
{
	(void)batch;
	accounts_dirty();	/* the next request sees its own writes */
}

/* ---- Link/test ---- */

static void
on_tested(void *ctx, const struct store_answer *a)
{
	struct jmap_call *call = ctx;
	bool failed = a->error != NULL && strcmp(a->error, "verifyFailed") == 0;
	json_t *o;

	if (a->error != NULL && !failed) {
		call_store_error(call, a);
		return;
	}
	o = call_response(call);
	ju_set(o, "steps", a->steps != NULL ? json_incref(a->steps) : json_array());
	ju_set(o, "ok", json_boolean(!failed));
	call_done(call, o);
}

/* error: of a SetError, as the method's own error; stolen. */
static void
test_refused(struct jmap_call *call, json_t *error)
{
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *text = json_string_value(json_object_get(error, "description"));
	bool invalid = type == NULL || strcmp(type, "invalidProperties") == 0;
	char *copy = arena_printf(&call->arena, "%s", text != NULL ? text : "");
	char *kind = arena_printf(&call->arena, "%s", invalid ? "invalidArguments" : type);

	json_decref(error);
	call_error(call, kind != NULL ? kind : "serverFail", copy);
}

static void
test_new(struct jmap_call *call, json_t *link, struct msg_link_set *m)
{
	struct wbuf w = { .max = 16384 };
	struct link_seals seals = { 0 };
	struct rec_link r = { 0 };
	json_t *error = read_link(&call->arena, link, &r);

	if (error == NULL)
		error = take_credentials(call, &r, link, true, r.smtp_host.n > 0, &seals);
	if (error != NULL) {
		test_refused(call, error);
		return;
	}
	rec_link_encode(&w, &r);
	m->record = wbuf_slice(&w);
	m->seal = seals.seal;
	m->smtp_seal = seals.smtp_seal;
	if (w.failed || store_ask(&call->scope, MSG_link_set, m, -1, on_tested, call) == -1)
		call_error(call, w.failed ? "invalidArguments" : store_ask_error(), NULL);
	wbuf_free(&w);
}

void
link_test_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "id", "link", "sendTestMail", NULL };
	json_t *id = given(call->args, "id"), *link = given(call->args, "link");
	json_t *mail = given(call->args, "sendTestMail");
	struct msg_link_set m = { .action = SET_TEST, .verify = true, .send_test = json_is_true(mail),
		.uid = call_uid(call) };

	if (!call_arguments_known(call, arguments, NULL))
		return;
	if ((id != NULL) == (link != NULL) || (link != NULL && !json_is_object(link)))
		call_error(call, "invalidArguments", "exactly one of id and link is needed");
	else if (mail != NULL && !json_is_boolean(mail))
		call_bad_argument(call, "sendTestMail");
	else if (link != NULL)
		test_new(call, link, &m);
	else if (!json_is_string(id) || jmap_id_parse(json_string_value(id), 'L', &m.id) == -1)
		call_error(call, "notFound", "no such link");
	else if (store_ask(&call->scope, MSG_link_set, &m, -1, on_tested, call) == -1)
		call_error(call, store_ask_error(), NULL);
}
