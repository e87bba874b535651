#include "cred.h"

struct sasl_mech {
	const char *name;
	unsigned int steps;
	void (*answer)(unsigned int step, const struct seal_plain *, struct slice challenge, struct wbuf *out);
};

/* RFC 4616: authorization id (empty), NUL, user, NUL, password. */
static void
plain_answer(unsigned int step, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	(void)step;
	(void)challenge;
	w_u8(out, 0);
	w_raw(out, c->user.p, c->user.n);
	w_u8(out, 0);
	w_raw(out, c->secret.p, c->secret.n);
}

/* The prompts of LOGIN differ between servers, their order never does. */
static void
login_answer(unsigned int step, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	struct slice s = step == 0 ? c->user : c->secret;

	(void)challenge;
	w_raw(out, s.p, s.n);
}

/* The first row that the server offers wins. */
static const struct sasl_mech mechs[] = {
	{ "PLAIN", 1, plain_answer },
	{ "LOGIN", 2, login_answer },
};

int
sasl_begin(struct sasl *s, struct slice offered)
{
	*s = (struct sasl){ 0 };
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		struct slice list = offered, item;

		while (list_next(&list, &item))
			if (s->mech == NULL && slice_case_eq_str(item, mechs[i].name))
				s->mech = &mechs[i];
	}
	return s->mech != NULL ? 0 : -1;
}

const char *
sasl_name(const struct sasl *s)
{
	return s->mech != NULL ? s->mech->name : "none";
}

int
sasl_step(struct sasl *s, const struct seal_plain *c, struct slice challenge, struct wbuf *out)
{
	if (s->mech == NULL || s->step >= s->mech->steps)
		return -1;
	s->mech->answer(s->step++, c, challenge, out);
	return out->failed ? -1 : 0;
}
