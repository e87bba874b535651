/*
 * type_identity.c - Identity (RFC 8621 s. 6). Reading only: addresses are
 * fixed by the link.
 */
#include "jmap_type.h"

static json_t *
render_null(const struct jmap_render *r)
{
	(void)r;
	return json_null();
}

JMAP_DECODE(identity)
JMAP_RENDER(identity, render_name, ju_str(x->name))
JMAP_RENDER(identity, render_email, ju_str(x->email))
JMAP_RENDER(identity, render_text, ju_str(x->text_signature))
JMAP_RENDER(identity, render_html, ju_str(x->html_signature))

static json_t *
render_false(const struct jmap_render *r)
{
	(void)r;
	return json_false();
}

static const struct jmap_prop props[] = {
	{ "name", 0, render_name },
	{ "email", PROP_IMMUTABLE, render_email },
	{ "replyTo", 0, render_null },
	{ "bcc", 0, render_null },
	{ "textSignature", 0, render_text },
	{ "htmlSignature", 0, render_html },
	{ "mayDelete", PROP_SERVER_SET, render_false },
	{ 0 },
};

const struct jmap_type type_identity = { .name = "Identity", .letter = 'I', .obj = OBJ_IDENTITY,
	.decode = identity_decode, .props = props };
