/*
 * type_provider.c - the presets of the provider file: read-only, known here
 * from the start. Ids are words, so /get and /query are their own.
 */
#include <string.h>

#include "ats.h"
#include "jmap_type.h"
#include "type_provider.h"
#include "word_json.h"

static json_t *
endpoint(struct slice host, uint16_t port, uint8_t security)
{
	json_t *o;

	if (host.n == 0)
		return json_null();
	o = json_object();
	ju_set(o, "host", ju_str(host));
	ju_set(o, "port", json_integer(port));
	ju_set(o, "security", word_json(words_security, security));
	return o;
}

static json_t *
folders(const struct jmap_render *r)
{
	const struct rec_provider *x = &r->rec->provider;
	json_t *o;

	if (x->inbox.n == 0 && x->sent.n == 0)
		return json_null();
	o = json_object();
	ju_set(o, "inbox", ju_str_or_null(x->inbox));
	ju_set(o, "sent", ju_str_or_null(x->sent));
	return o;
}

JMAP_RENDER(provider, render_id, ju_str(x->id))
JMAP_RENDER(provider, render_label, ju_str(x->label))
JMAP_RENDER(provider, render_domains, ju_strings(x->domains))
JMAP_RENDER(provider, render_imap, endpoint(x->imap_host, x->imap_port, x->imap_security))
JMAP_RENDER(provider, render_smtp, endpoint(x->smtp_host, x->smtp_port, x->smtp_security))
JMAP_RENDER(provider, render_auth, ju_strings(x->auth))
JMAP_RENDER(provider, render_help, ju_str_or_null(x->help))
JMAP_RENDER(provider, render_checked, ju_str_or_null(x->checked_on))

static const struct jmap_prop props[] = {
	{ "id", PROP_SERVER_SET, render_id },
	{ "label", PROP_SERVER_SET, render_label },
	{ "domains", PROP_SERVER_SET, render_domains },
	{ "imap", PROP_SERVER_SET, render_imap },
	{ "smtp", PROP_SERVER_SET, render_smtp },
	{ "auth", PROP_SERVER_SET, render_auth },
	{ "folders", PROP_SERVER_SET, folders },
	{ "help", PROP_SERVER_SET, render_help },
	{ "checkedOn", PROP_SERVER_SET, render_checked },
	{ 0 },
};

const struct jmap_type type_provider = { .name = "Provider", .props = props };

static json_t *
provider_json(size_t i, json_t *names)
{
	/* The record in place: the union is only a view of it. */
	union jmap_record rec = { .provider = ats_config.providers[i] };
	struct jmap_render r = { .rec = &rec };
	json_t *o = jmap_render_object(&type_provider, names, &r);

	ju_set(o, "id", ju_str(rec.provider.id));
	return o;
}

static void
get_by_ids(json_t *ids, json_t *names, json_t *list, json_t *not_found)
{
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id) {
		const struct rec_provider *p = ats_provider_find(ju_slice(id));

		if (ids_earlier(ids, i))
			continue;
		if (p != NULL)
			ju_push(list, provider_json((size_t)(p - ats_config.providers), names));
		else
			ju_push(not_found, json_incref(id));
	}
}

/* The presets change only with a restart. */
static json_t *
provider_state(void)
{
	return ju_state(0, ats_config.nproviders);
}

void
provider_get_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "ids", "properties", NULL };
	json_t *ids = json_object_get(call->args, "ids"), *names = json_object_get(call->args, "properties");
	json_t *o, *list, *not_found;

	if (!call_arguments_known(call, arguments, NULL) || jmap_check_properties(call, &type_provider, names) == -1)
		return;
	if (ids != NULL && !json_is_null(ids) && !json_is_array(ids)) {
		call_bad_argument(call, "ids");
		return;
	}
	if (json_array_size(ids) > LIM_JMAP_GET) {
		call_error(call, "requestTooLarge", NULL);
		return;
	}
	names = json_is_array(names) ? names : NULL;
	list = json_array();
	not_found = json_array();
	get_by_ids(ids, names, list, not_found);
	for (size_t i = 0; !json_is_array(ids) && i < ats_config.nproviders; i++)
		ju_push(list, provider_json(i, names));
	o = call_response(call);
	ju_set(o, "state", provider_state());
	ju_set(o, "list", list);
	ju_set(o, "notFound", not_found);
	call_done(call, o);
}

static bool
has_domain(const struct rec_provider *p, struct slice domain)
{
	struct slice list = p->domains, item;

	while (list_next(&list, &item)) {
		bool same = item.n == domain.n;

		for (size_t i = 0; same && i < item.n; i++)
			same = (item.p[i] | 0x20) == (domain.p[i] | 0x20);
		if (same)
			return true;
	}
	return false;
}

void
provider_query_run(struct jmap_call *call)
{
	json_t *filter = json_object_get(call->args, "filter"), *sort = json_object_get(call->args, "sort");
	json_t *domain = json_object_get(filter, "domain"), *ids;

	if (json_array_size(sort) > 0) {
		call_error(call, "unsupportedSort", NULL);
		return;
	}
	if (json_object_size(filter) != (json_is_string(domain) ? 1 : 0)) {
		call_error(call, "unsupportedFilter", NULL);
		return;
	}
	ids = json_array();
	for (size_t i = 0; i < ats_config.nproviders; i++)
		if (domain == NULL || has_domain(&ats_config.providers[i], ju_slice(domain)))
			ju_push(ids, ju_str(ats_config.providers[i].id));
	jmap_query_local(call, ids, 0, ats_config.nproviders);
}

/* Without a preset: the names that most providers use. Guesses, said so. */
static json_t *
guess(struct slice domain)
{
	json_t *o = json_object(), *imap, *smtp;
	char host[LIM_HOST + 1];

	(void)snprintf(host, sizeof(host), "imap.%.*s", (int)domain.n, (const char *)domain.p);
	imap = endpoint(slice_str(host), 993, SECURITY_TLS);
	(void)snprintf(host, sizeof(host), "smtp.%.*s", (int)domain.n, (const char *)domain.p);
	smtp = endpoint(slice_str(host), 465, SECURITY_TLS);
	ju_set(o, "origin", json_string("guess"));
	ju_set(o, "provider", json_null());
	ju_set(o, "imap", imap);
	ju_set(o, "smtp", smtp);
	return o;
}

static json_t *
preset(size_t i)
{
	json_t *o = provider_json(i, NULL);

	ju_set(o, "origin", json_string("preset"));
	ju_set(o, "provider", ju_str(ats_config.providers[i].id));
	return o;
}

void
provider_discover_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "address", NULL };
	struct slice address = ju_slice(json_object_get(call->args, "address")), domain = SLICE_NONE;
	const uint8_t *at = address.n > 0 ? memrchr(address.p, '@', address.n) : NULL;
	json_t *o, *list;

	if (!call_arguments_known(call, arguments, NULL))
		return;
	if (at != NULL)
		domain = slice_mem(at + 1, address.n - (size_t)(at + 1 - address.p));
	if (domain.n == 0 || domain.n > LIM_HOST - 5) {
		call_bad_argument(call, "address");
		return;
	}
	list = json_array();
	for (size_t i = 0; i < ats_config.nproviders; i++)
		if (has_domain(&ats_config.providers[i], domain))
			ju_push(list, preset(i));
	if (json_array_size(list) == 0)
		ju_push(list, guess(domain));
	o = call_response(call);
	ju_set(o, "candidates", list);
	call_done(call, o);
}
