#include "link_seal.h"

#include <sodium.h>
#include <string.h>

#include "ats.h"
#include "seal_format.h"

#define SEALED_MAX (LIM_SEAL_PLAIN + crypto_box_SEALBYTES)

static void
add_endpoint(struct wbuf *list, enum service service, const struct rec_link *r)
{
	bool imap = service == SERVICE_IMAP;
	char text[SEAL_ENDPOINT_MAX], host[LIM_HOST + 1];

	if (slice_copy(imap ? r->imap_host : r->smtp_host, host, sizeof(host)) == -1 ||
	    seal_endpoint(text, service, imap ? r->imap_security : r->smtp_security, host,
		imap ? r->imap_port : r->smtp_port) == -1) {
		list->failed = true;
		return;
	}
	list_add(list, slice_str(text));
}

/* Encode, seal, wipe. Empty on failure. */
static struct slice
seal_password(struct arena *arena, const struct rec_link *r, struct slice user, struct slice secret,
    struct slice endpoints)
{
	struct seal_plain plain = { .kind = SEAL_KIND_PASSWORD, .ats = slice_str(ats_config.name),
		.address = r->address, .user = user, .secret = secret, .endpoints = endpoints };
	uint8_t *out = arena_alloc(arena, SEALED_MAX);
	struct slice sealed = SLICE_NONE;
	struct wbuf w;

	if (out == NULL || seal_wbuf_init(&w) == -1)
		return SLICE_NONE;
	if (seal_plain_encode(&w, &plain) == 0 && crypto_box_seal(out, w.p, w.n, ats_config.public_key) == 0)
		sealed = slice_mem(out, w.n + crypto_box_SEALBYTES);
	seal_wbuf_wipe(&w);
	return sealed;
}

static struct slice
decode_sealed(struct arena *arena, struct slice text)
{
	uint8_t *out = arena_alloc(arena, SEALED_MAX);
	size_t n = 0;

	if (out == NULL || text.n == 0 ||
	    sodium_base642bin(out, SEALED_MAX, (const char *)text.p, text.n, NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n <= crypto_box_SEALBYTES)
		return SLICE_NONE;
	return slice_mem(out, n);
}

static enum seal_status
problem(struct link_problem *p, const char *property, const char *description, enum seal_status status)
{
	*p = (struct link_problem){ property, description };
	return status;
}

/* One credential object into one seal. */
static enum seal_status
seal_one(struct arena *arena, const struct rec_link *r, json_t *v, struct slice user, struct slice endpoints,
    struct slice *out, struct link_problem *p)
{
	struct slice type = ju_slice(json_object_get(v, "type"));
	struct slice secret = ju_slice(json_object_get(v, "secret"));

	if (slice_eq_str(type, "sealed")) {
		*out = decode_sealed(arena, ju_slice(json_object_get(v, "data")));
		return out->n > 0 ? SEAL_OK : problem(p, p->property, "data must be base64 of a seal", SEAL_INVALID);
	}
	if (slice_eq_str(type, "oauth2"))
		return problem(p, p->property, "oauth2 is not supported yet", SEAL_INVALID);
	if (!slice_eq_str(type, "password"))
		return problem(p, p->property, "type must be password or sealed", SEAL_INVALID);
	if (ats_config.sealed_only)
		return problem(p, p->property, "only sealed credentials are accepted here", SEAL_REFUSED);
	if (secret.n == 0 || secret.n > LIM_SECRET)
		return problem(p, p->property, "secret must be a string of 1 to 2048 bytes", SEAL_INVALID);
	*out = seal_password(arena, r, user, secret, endpoints);
	return out->n > 0 ? SEAL_OK : problem(p, p->property, "it could not be sealed: a value is too long", SEAL_INVALID);
}

enum seal_status
link_seal(struct arena *arena, const struct rec_link *r, json_t *credential, json_t *smtp_credential,
    struct link_seals *out, struct link_problem *p)
{
	struct wbuf main_list = { .max = 4096 }, smtp_list = { .max = 4096 };
	bool imap = r->imap_host.n > 0, smtp = r->smtp_host.n > 0;
	struct slice user = imap ? r->imap_user : r->smtp_user;
	enum seal_status status = SEAL_OK;

	if (imap)
		add_endpoint(&main_list, SERVICE_IMAP, r);
	if (smtp && smtp_credential == NULL)
		add_endpoint(&main_list, SERVICE_SMTP, r);
	if (smtp)
		add_endpoint(&smtp_list, SERVICE_SMTP, r);
	p->property = "credential";
	if (main_list.failed || smtp_list.failed)
		status = problem(p, "imap", "an endpoint is not usable", SEAL_INVALID);
	else if (credential != NULL && main_list.n > 0)
		status = seal_one(arena, r, credential, user, wbuf_slice(&main_list), &out->seal, p);
	p->property = status == SEAL_OK ? "smtpCredential" : p->property;
	if (status == SEAL_OK && smtp_credential != NULL && smtp)
		status = seal_one(arena, r, smtp_credential, r->smtp_user, wbuf_slice(&smtp_list), &out->smtp_seal, p);
	wbuf_free(&main_list);
	wbuf_free(&smtp_list);
	return status;
}
