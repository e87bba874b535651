#include "sasl.h"

struct sasl_mech {
	const char *name;
	unsigned int steps;
	enum { SASL_CLEAR, SASL_SCRAM, SASL_SCRAM_PLUS } kind;
	void (*answer)(struct sasl *, const struct seal_plain *, struct slice challenge, struct wbuf *out);
};

/* RFC 4616: authorization id (empty), NUL, user, NUL, password. */
static void
plain_answer(struct sasl *s, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	(void)s;
	(void)challenge;
	w_u8(out, 0);
	w_raw(out, c->user.p, c->user.n);
	w_u8(out, 0);
	w_raw(out, c->secret.p, c->secret.n);
}

/* The prompts of LOGIN differ between servers, their order never does. */
static void
login_answer(struct sasl *s, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	struct slice text = s->step == 0 ? c->user : c->secret;

	(void)challenge;
	w_raw(out, text.p, text.n);
}

/* What follows it comes as fields, not as challenges. */
static void
scram_answer(struct sasl *s, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	(void)challenge;
	scram_client_first(&s->scram, c, out);
}

/* The first row that the server offers wins. */
static const struct sasl_mech mechs[] = {
	{ "SCRAM-SHA-256-PLUS", 1, SASL_SCRAM_PLUS, scram_answer },
	{ "SCRAM-SHA-256", 1, SASL_SCRAM, scram_answer },
	{ "PLAIN", 1, SASL_CLEAR, plain_answer },
	{ "LOGIN", 2, SASL_CLEAR, login_answer },
};
#define MECHS (sizeof(mechs) / sizeof(mechs[0]))

int
sasl_begin(struct sasl *s, struct slice offered, uint8_t binding, struct slice binding_data)
{
	struct slice item;

	*s = (struct sasl){ 0 };
	while (list_next(&offered, &item))
		for (size_t i = 0; i < MECHS; i++)
			if (slice_case_eq_str(item, mechs[i].name)) {
				s->offered |= 1u << i;
				s->scram.plus_offered |= mechs[i].kind == SASL_SCRAM_PLUS;
			}
	return s->offered == 0 ? -1 : scram_bind(&s->scram, binding, binding_data);
}

const char *
sasl_pick(struct sasl *s, const struct seal_plain *c, enum service service)
{
	bool pinned = (c->pins & RECORD_PIN(service)) != 0;

	for (size_t i = 0; s->mech == NULL && i < MECHS; i++)
		if ((s->offered & 1u << i) != 0 &&
		    (mechs[i].kind == SASL_CLEAR ? !pinned : scram_fits(c)) &&
		    (mechs[i].kind != SASL_SCRAM_PLUS || s->scram.binding != BINDING_NONE))
			s->mech = &mechs[i];
	if (s->mech == NULL)
		return pinned ? "auth.downgrade" : "auth.no_mechanism";
	s->scram.plus = s->mech->kind == SASL_SCRAM_PLUS;
	return "";
}

const char *
sasl_name(const struct sasl *s)
{
	for (size_t i = 0; s->mech == NULL && i < MECHS; i++)
		if ((s->offered & 1u << i) != 0)
			return mechs[i].name;
	return s->mech != NULL ? s->mech->name : "none";
}

bool
sasl_is_scram(const struct sasl *s)
{
	return s->mech != NULL && s->mech->kind != SASL_CLEAR;
}

int
sasl_step(struct sasl *s, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	if (s->mech == NULL || s->step >= s->mech->steps)
		return -1;
	s->mech->answer(s, c, challenge, out);
	s->step++;
	return out->failed ? -1 : 0;
}
