#include "sasl.h"

#define PINNED RECORD_PIN(0)	/* of the one service at hand */
#define PINNED_PLUS RECORD_PIN_PLUS(0)
#define NEXT_ROW (1u << 1)	/* behind -PLUS, the first: the same without it */

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

/* Some servers offer -PLUS and know another binding than ours (Cyrus under TLS
 * 1.3): then without it, once, unless this service has been bound before. */
static void
plus_answer(struct sasl *s, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	if (s->step == 1) {
		if ((s->scram.step != SCRAM_AWAITS_FIRST && s->scram.step != SCRAM_AWAITS_FINAL) ||
		    (s->offered & NEXT_ROW) == 0 || (s->pins & PINNED_PLUS) != 0) {
			out->failed = true;
			return;
		}
		s->mech++;
		s->scram.plus = false;
	}
	scram_answer(s, c, challenge, out);
}

/* The first row that the server offers wins. */
static const struct sasl_mech mechs[] = {
	{ "SCRAM-SHA-256-PLUS", 2, SASL_SCRAM_PLUS, plus_answer },
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
	s->pins = c->pins >> service & (PINNED | PINNED_PLUS);
	for (size_t i = 0; s->mech == NULL && i < MECHS; i++)
		if ((s->offered & 1u << i) != 0 && (mechs[i].kind == SASL_CLEAR || scram_fits(c)) &&
		    (mechs[i].kind != SASL_CLEAR || (s->pins & PINNED) == 0) &&
		    (mechs[i].kind == SASL_SCRAM_PLUS ? s->scram.binding != BINDING_NONE : (s->pins & PINNED_PLUS) == 0))
			s->mech = &mechs[i];
	if (s->mech == NULL)
		return s->pins != 0 ? "auth.downgrade" : "auth.no_mechanism";
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

unsigned int
sasl_pins(const struct sasl *s, enum service service)
{
	return s->pins << service | RECORD_PIN(service) | (s->scram.plus ? RECORD_PIN_PLUS(service) : 0);
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
