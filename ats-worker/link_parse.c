#include "link_parse.h"

#include <string.h>

#include "ats.h"
#include "link_set.h"
#include "seal_format.h"
#include "word_json.h"

static int
bad(struct link_problem *p, const char *property, const char *description)
{
	*p = (struct link_problem){ property, description };
	return -1;
}

/* A misspelt member must not pass for one that is left out. names ends with NULL. */
static bool
only_known(json_t *v, const char *const *names)
{
	const char *name;
	json_t *item;

	json_object_foreach(v, name, item) {
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], name) != 0)
			i++;
		if (names[i] == NULL)
			return false;
	}
	return true;
}

/* ---- endpoints ---- */

struct endpoint {
	struct slice host, user;
	uint16_t port;
	uint8_t security;
};

static struct slice
canonical(struct arena *arena, struct slice host)
{
	char name[LIM_HOST + 1];

	if (seal_host_canonical(host, name) == -1)
		return SLICE_NONE;
	return arena_copy(arena, slice_str(name));
}

static int
read_port(json_t *v, uint8_t security, bool imap, uint16_t *port)
{
	uint64_t n;

	if (v == NULL || json_is_null(v)) {
		*port = imap ? (security == SECURITY_TLS ? 993 : 143) : (security == SECURITY_TLS ? 465 : 587);
		return 0;
	}
	if (ju_get_uint(v, &n) == -1 || n == 0 || n > 65535)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

/* Pairs that cannot work are told before anything is tried. */
static bool
port_conflict(const struct endpoint *e)
{
	bool tls_port = e->port == 993 || e->port == 465, plain_port = e->port == 143 || e->port == 587;

	return (tls_port && e->security == SECURITY_STARTTLS) || (plain_port && e->security == SECURITY_TLS);
}

/* e holds the provider's preset, which counts where no host is given. */
static const char *
read_endpoint(struct arena *arena, json_t *v, bool imap, struct endpoint *e)
{
	static const char *const names[] = { "host", "port", "security", "user", NULL };
	json_t *security = json_object_get(v, "security"), *user = json_object_get(v, "user");
	json_t *host = json_object_get(v, "host");

	if (!only_known(v, names))
		return "unknown member; known are host, port, security, user";
	if (host != NULL)
		*e = (struct endpoint){ .host = canonical(arena, ju_slice(host)), .security = SECURITY_TLS };
	if (!json_is_object(v) || e->host.n == 0)
		return "host must be a host name in ASCII form or an IP address";
	if (security != NULL && !json_is_null(security)) {
		int n = word_number(words_security, security);

		if (n == -1)
			return "security must be tls, starttls or none";
		e->security = (uint8_t)n;
	}
	if ((host != NULL || json_object_get(v, "port") != NULL) &&
	    read_port(json_object_get(v, "port"), e->security, imap, &e->port) == -1)
		return "port must be 1 to 65535";
	if (port_conflict(e))
		return "cfg.port_mode_conflict: use 993 or 465 with tls, 143 or 587 with starttls";
	e->user = ju_slice(user);
	if ((user != NULL && !json_is_null(user) && !json_is_string(user)) || e->user.n > LIM_USER)
		return "user must be a string";
	return NULL;
}

static struct endpoint
preset_imap(struct arena *arena, const struct rec_link *r)
{
	const struct rec_provider *p = ats_provider_find(r->provider);

	if (p == NULL || p->imap_host.n == 0)
		return (struct endpoint){ 0 };
	return (struct endpoint){ canonical(arena, p->imap_host), SLICE_NONE, p->imap_port, p->imap_security };
}

static struct endpoint
preset_smtp(struct arena *arena, const struct rec_link *r)
{
	const struct rec_provider *p = ats_provider_find(r->provider);

	if (p == NULL || p->smtp_host.n == 0)
		return (struct endpoint){ 0 };
	return (struct endpoint){ canonical(arena, p->smtp_host), SLICE_NONE, p->smtp_port, p->smtp_security };
}

static int
parse_imap(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	struct endpoint e = preset_imap(arena, r);
	const char *wrong = json_is_null(v) ? NULL : read_endpoint(arena, v, true, &e);

	r->imap_host = e.host;
	r->imap_port = e.port;
	r->imap_security = e.security;
	r->imap_user = e.user;
	return wrong == NULL ? 0 : bad(p, "imap", wrong);
}

static int
parse_smtp(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	struct endpoint e = preset_smtp(arena, r);
	const char *wrong = json_is_null(v) ? NULL : read_endpoint(arena, v, false, &e);

	r->smtp_host = e.host;
	r->smtp_port = e.port;
	r->smtp_security = e.security;
	r->smtp_user = e.user;
	return wrong == NULL ? 0 : bad(p, "smtp", wrong);
}

/* A preset fills what the client leaves out; imap and smtp come after it. */
static int
parse_provider(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	const struct rec_provider *preset = json_is_string(v) ? ats_provider_find(ju_slice(v)) : NULL;

	if (json_is_null(v)) {
		r->provider = SLICE_NONE;
		return 0;
	}
	if (preset == NULL)
		return bad(p, "provider", "no provider of that id");
	r->provider = preset->id;
	return parse_imap(arena, json_null(), r, p) == 0 ? parse_smtp(arena, json_null(), r, p) : -1;
}

/* ---- the other properties ---- */

static int
parse_name(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	(void)arena;
	r->name = ju_slice(v);
	return (json_is_string(v) && r->name.n <= LIM_NAME) || json_is_null(v) ? 0 : bad(p, "name", "a string");
}

static int
parse_address(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	struct slice s = ju_slice(v);
	const uint8_t *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;

	(void)arena;
	if (at == NULL || at == s.p || at == s.p + s.n - 1 || s.n > LIM_ADDRESS)
		return bad(p, "address", "not an email address");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("<>,;\"", s.p[i]) != NULL)
			return bad(p, "address", "not an email address");
	r->address = s;
	return 0;
}

static int
parse_mode(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	int n = json_is_null(v) ? MODE_TWO_WAY : word_number(words_mode, v);

	(void)arena;
	if (n == -1)
		return bad(p, "mode", "twoWay, receiveOnly or sendOnly");
	r->mode = (uint8_t)n;
	return 0;
}

static int
parse_paused(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	(void)arena;
	r->paused = json_is_true(v);
	return json_is_boolean(v) || json_is_null(v) ? 0 : bad(p, "paused", "a boolean");
}

static int
optional_text(json_t *v, size_t max, struct slice *out)
{
	*out = ju_slice(v);
	return (v == NULL || json_is_null(v) || json_is_string(v)) && out->n <= max ? 0 : -1;
}

static int
parse_folders(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	static const char *const names[] = { "inbox", "sent", "also", NULL };
	json_t *also = json_object_get(v, "also"), *item;
	struct wbuf w = { .max = LIM_ALSO_FOLDERS * (LIM_MAILBOX_NAME + 2) };
	size_t i;

	r->all_folders = false;
	if ((!json_is_object(v) && !json_is_null(v)) || !only_known(v, names) ||
	    optional_text(json_object_get(v, "inbox"), LIM_MAILBOX_NAME, &r->inbox) == -1 ||
	    optional_text(json_object_get(v, "sent"), LIM_MAILBOX_NAME, &r->sent) == -1 ||
	    (also != NULL && !json_is_null(also) && !json_is_array(also)) ||
	    json_array_size(also) > LIM_ALSO_FOLDERS)
		return bad(p, "folders", "{inbox, sent, also: []}");
	json_array_foreach(also, i, item) {
		struct slice name = ju_slice(item);

		if (name.n == 0 || name.n > LIM_MAILBOX_NAME) {
			wbuf_free(&w);
			return bad(p, "folders", "also must hold folder names");
		}
		if (slice_eq_str(name, LINK_ALL_FOLDERS))
			r->all_folders = true;
		else
			list_add(&w, name);
	}
	r->also = arena_take(arena, &w);
	return 0;
}

/* null or absent: *own is false, the configuration's word holds. */
static int
optional_u32(json_t *v, uint32_t *out, bool *own)
{
	uint64_t n = 0;

	*own = v != NULL && !json_is_null(v);
	if (*own && (ju_get_uint(v, &n) == -1 || n > UINT32_MAX))
		return -1;
	*out = (uint32_t)n;
	return 0;
}

static int
parse_policy(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	static const char *const names[] = { "content", "periodDays", "first", NULL };
	json_t *content = json_object_get(v, "content");
	int n = content == NULL || json_is_null(content) ? CONTENT_DEFAULT : word_number(words_content, content);

	(void)arena;
	if ((!json_is_object(v) && !json_is_null(v)) || !only_known(v, names) || n == -1 ||
	    optional_u32(json_object_get(v, "periodDays"), &r->period_days, &r->own_period) == -1 ||
	    optional_u32(json_object_get(v, "first"), &r->first, &r->own_first) == -1)
		return bad(p, "policy", "{content: all|headers|matched, periodDays, first}");
	r->content = (uint8_t)n;
	return 0;
}

static int
parse_skip(struct arena *arena, json_t *v, struct rec_link *r, struct link_problem *p)
{
	(void)arena;
	(void)v;
	(void)r;
	(void)p;
	return 0;
}

/* In this order: the provider fills, imap and smtp override. */
static const struct {
	const char *name;
	int (*parse)(struct arena *, json_t *, struct rec_link *, struct link_problem *);
} parsers[] = { { "address", parse_address }, { "name", parse_name }, { "mode", parse_mode },
	{ "provider", parse_provider }, { "imap", parse_imap }, { "smtp", parse_smtp }, { "folders", parse_folders },
	{ "policy", parse_policy }, { "paused", parse_paused }, { "credential", parse_skip },
	{ "smtpCredential", parse_skip }, { "verify", parse_skip } };

int
link_parse(struct arena *arena, json_t *given, struct rec_link *r, struct link_problem *p)
{
	const size_t n = sizeof(parsers) / sizeof(parsers[0]);
	const char *name;
	json_t *v;

	json_object_foreach(given, name, v) {
		size_t i = 0;

		while (i < n && strcmp(parsers[i].name, name) != 0)
			i++;
		if (i == n)
			return bad(p, name, "unknown property");
	}
	for (size_t i = 0; i < n; i++)
		if ((v = json_object_get(given, parsers[i].name)) != NULL && parsers[i].parse(arena, v, r, p) == -1)
			return -1;
	if (r->mode == 0)
		r->mode = MODE_TWO_WAY;
	/* The login name is mostly the address. */
	if (r->imap_host.n > 0 && r->imap_user.n == 0)
		r->imap_user = r->address;
	if (r->smtp_host.n > 0 && r->smtp_user.n == 0)
		r->smtp_user = r->address;
	return 0;
}

int
link_check(const struct rec_link *r, struct link_problem *p)
{
	if (r->address.n == 0)
		return bad(p, "address", "required");
	if (r->mode != MODE_SEND_ONLY && r->imap_host.n == 0)
		return bad(p, "imap", "required unless a provider fills it");
	if (r->mode != MODE_RECEIVE_ONLY && r->smtp_host.n == 0)
		return bad(p, "smtp", "required unless a provider fills it");
	return 0;
}

void
link_compare(const struct rec_link *was, const struct rec_link *is, bool *imap, bool *smtp)
{
	*imap = !slice_eq(was->imap_host, is->imap_host) || was->imap_port != is->imap_port ||
		was->imap_security != is->imap_security || !slice_eq(was->imap_user, is->imap_user);
	*smtp = !slice_eq(was->smtp_host, is->smtp_host) || was->smtp_port != is->smtp_port ||
		was->smtp_security != is->smtp_security || !slice_eq(was->smtp_user, is->smtp_user);
}
