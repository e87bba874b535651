/*
 * type_link.c - Link: one linked mailbox, as the ATS reads it.
 */
#include <string.h>

#include "filters.h"
#include "link_set.h"
#include "probe_steps.h"

static json_t *
endpoint(struct slice host, uint16_t port, uint8_t security, struct slice user)
{
	json_t *o;

	if (host.n == 0)
		return json_null();
	o = json_object();
	ju_set(o, "host", ju_str(host));
	ju_set(o, "port", json_integer(port));
	ju_set(o, "security", word_json(words_security, security));
	ju_set(o, "user", ju_str(user));
	return o;
}

static json_t *
render_folders(const struct jmap_render *r)
{
	const struct rec_link *x = &r->rec->link;
	json_t *o, *also;

	if (x->inbox.n == 0 && x->sent.n == 0 && x->also.n == 0 && !x->all_folders)
		return json_null();
	o = json_object();
	also = ju_strings(x->also);
	if (x->all_folders)
		ju_push(also, json_string(LINK_ALL_FOLDERS));
	ju_set(o, "inbox", ju_str_or_null(x->inbox));
	ju_set(o, "sent", ju_str_or_null(x->sent));
	ju_set(o, "also", also);
	return o;
}

static json_t *
render_policy(const struct jmap_render *r)
{
	const struct rec_link *x = &r->rec->link;
	json_t *o;

	if (x->content == CONTENT_DEFAULT && !x->own_period && !x->own_first)
		return json_null();
	o = json_object();
	ju_set(o, "content", word_json(words_content, x->content));
	ju_set(o, "periodDays", x->own_period ? ju_uint(x->period_days) : json_null());
	ju_set(o, "first", x->own_first ? ju_uint(x->first) : json_null());
	return o;
}

static json_t *
render_progress(const struct jmap_render *r)
{
	const struct rec_link *x = &r->rec->link;
	json_t *o = json_object();

	ju_set(o, "phase", word_json(words_phase, x->phase));
	ju_set(o, "done", ju_uint(x->done));
	ju_set(o, "total", ju_uint(x->total));
	ju_set(o, "rate", json_real(x->rate / 10.0));
	ju_set(o, "secondsLeft", x->left != 0 ? ju_uint(x->left) : json_null());
	return o;
}

static json_t *
render_nothing(const struct jmap_render *r)
{
	(void)r;
	return json_null();
}

JMAP_DECODE(link)
JMAP_RENDER(link, render_address, ju_str(x->address))
JMAP_RENDER(link, render_name, ju_str(x->name))
JMAP_RENDER(link, render_provider, ju_str_or_null(x->provider))
JMAP_RENDER(link, render_mode, word_json(words_mode, x->mode))
JMAP_RENDER(link, render_imap, endpoint(x->imap_host, x->imap_port, x->imap_security, x->imap_user))
JMAP_RENDER(link, render_smtp, endpoint(x->smtp_host, x->smtp_port, x->smtp_security, x->smtp_user))
JMAP_RENDER(link, render_paused, json_boolean(x->paused))
JMAP_RENDER(link, render_state, word_json(words_link_state, x->state))
JMAP_RENDER(link, render_error, error_json(x->error_code, x->error_detail, x->error_since))
JMAP_RENDER(link, render_fresh, x->fresh != 0 ? ju_uint(x->fresh - 1) : json_null())
JMAP_RENDER(link, render_last, ju_date(x->last_sync_at))
JMAP_RENDER(link, render_linked, ju_date(x->linked_at))
JMAP_RENDER(link, render_expires, ju_date(x->expires_at))

static const struct jmap_prop props[] = {
	{ "address", PROP_IMMUTABLE, render_address },
	{ "name", 0, render_name },
	{ "provider", 0, render_provider },
	{ "mode", 0, render_mode },
	{ "imap", 0, render_imap },
	{ "smtp", 0, render_smtp },
	{ "credential", PROP_WRITE_ONLY, render_nothing },
	{ "smtpCredential", PROP_WRITE_ONLY, render_nothing },
	{ "folders", 0, render_folders },
	{ "policy", 0, render_policy },
	{ "verify", PROP_WRITE_ONLY, render_nothing },
	{ "paused", 0, render_paused },
	{ "state", PROP_SERVER_SET, render_state },
	{ "error", PROP_SERVER_SET, render_error },
	{ "progress", PROP_SERVER_SET, render_progress },
	{ "freshness", PROP_SERVER_SET, render_fresh },
	{ "lastSyncAt", PROP_SERVER_SET, render_last },
	{ "linkedAt", PROP_SERVER_SET, render_linked },
	{ "expiresAt", PROP_SERVER_SET, render_expires },
	{ 0 },
};

static enum filter_result
filter(struct arena *arena, struct rec_filter *f, const char *name, json_t *value)
{
	(void)arena;
	if (strcmp(name, "address") == 0)
		return filter_text(value, LIM_ADDRESS, &f->email);
	if (strcmp(name, "text") == 0)
		return filter_text(value, LIM_NAME, &f->text);
	if (strcmp(name, "state") == 0)
		return filter_word(value, words_link_state, &f->state);
	return FILTER_UNKNOWN;
}

static const char *const set_arguments[] = { "onDestroyKeepNotes", NULL };

const struct jmap_type type_link = { .name = "Link", .letter = 'L', .obj = OBJ_LINK, .decode = link_decode,
	.props = props, .filter = filter, .set_arguments = set_arguments, .set_check = link_set_check, .create = link_create,
	.update = link_update, .destroy = link_destroy,
	.destroy_reminder = "The credential is deleted here. Revoke the app password or the access at the provider too.",
	.set_finish = link_set_finish };
