/*
 * The IMAP side of a login: greeting, CAPABILITY, STARTTLS, AUTHENTICATE or
 * LOGIN. Tags are P1 to P5, each used once.
 */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "login.h"
#include "secret.h"

/* Cut the next word off; false when there is none. Words end at a space. */
static bool
next_word(struct slice *rest, struct slice *word)
{
	while (rest->n > 0 && *rest->p == ' ') {
		rest->p++;
		rest->n--;
	}
	*word = (struct slice){ rest->p, 0 };
	while (rest->n > 0 && *rest->p != ' ') {
		rest->p++;
		rest->n--;
		word->n++;
	}
	return word->n > 0;
}

static void
read_capabilities(struct login *l, struct slice words)
{
	struct slice w;

	l->n_mechanisms = 0;
	l->offers_starttls = l->login_disabled = l->sasl_ir = false;
	while (next_word(&words, &w)) {
		if (slice_case_eq_str(w, "STARTTLS"))
			l->offers_starttls = true;
		else if (slice_case_eq_str(w, "LOGINDISABLED"))
			l->login_disabled = true;
		else if (slice_case_eq_str(w, "SASL-IR"))
			l->sasl_ir = true;
		else if (w.n > 5 && slice_case_eq_str((struct slice){ w.p, 5 }, "AUTH="))
			login_add_mechanism(l, (struct slice){ w.p + 5, w.n - 5 });
	}
}

/* The words of "[CAPABILITY a b c] text", of an OK. */
static bool
capability_code(struct slice text, struct slice *words)
{
	static const char start[] = "[CAPABILITY ";
	const uint8_t *end = text.n > 0 ? memchr(text.p, ']', text.n) : NULL;
	size_t n = sizeof(start) - 1;

	if (end == NULL || (size_t)(end - text.p) < n || !slice_case_eq_str((struct slice){ text.p, n }, start))
		return false;
	*words = (struct slice){ text.p + n, (size_t)(end - text.p) - n };
	return true;
}

/* The worker need not ask again: it finds them in front of all that comes. Only
 * the words, for the text may be an echo of what was sent. */
static void
tell_capabilities(struct login *l, struct slice answer)
{
	static const char start[] = "* OK [CAPABILITY ", end[] = "] in\r\n";
	size_t room = sizeof(l->in) - l->in_n, n = sizeof(start) - 1, rest = sizeof(end) - 1;
	struct slice words;
	uint8_t *p = l->in;

	answer.p += 2;	/* OK */
	answer.n -= 2;
	while (answer.n > 0 && *answer.p == ' ') {
		answer.p++;
		answer.n--;
	}
	if (!capability_code(answer, &words) || n + words.n + rest > room)
		return;
	memmove(p + n + words.n + rest, p, l->in_n);
	memcpy(p, start, n);
	memcpy(p + n, words.p, words.n);
	memcpy(p + n + words.n, end, rest);
	l->in_n += n + words.n + rest;
	l->told = true;
}

static enum login_want
capability_known(struct login *l)
{
	if (l->starttls) {
		if (!l->offers_starttls)
			return login_fail(l, "tls.starttls_missing", SLICE_NONE);
		l->state = LS_STARTTLS;
		login_put_str(l, "P2 STARTTLS\r\n");
		return LOGIN_READ;
	}
	/* Every server has the LOGIN command unless it says otherwise. */
	if (!l->login_disabled && !login_offers(l, slice_str("LOGIN"))) {
		login_add_mechanism(l, slice_str("LOGIN"));
		l->login_command = true;
	}
	l->state = LS_READY;
	if (l->n_mechanisms == 0)
		return login_fail(l, l->login_disabled ? "auth.login_disabled" : "auth.no_mechanism", SLICE_NONE);
	return LOGIN_CREDENTIAL;
}

static enum login_want
on_greeting(struct login *l, struct slice line)
{
	struct slice rest = line, star, word;

	if (!next_word(&rest, &star) || !slice_eq_str(star, "*") || !next_word(&rest, &word) ||
	    !slice_case_eq_str(word, "OK")) {
		if (slice_eq_str(star, "*") && slice_case_eq_str(word, "PREAUTH"))
			return login_fail(l, l->starttls ? "tls.starttls_missing" : "auth.no_mechanism", line);
		return login_fail(l, codes_greeting(SERVICE_IMAP, line), line);
	}
	while (rest.n > 0 && *rest.p == ' ') {
		rest.p++;
		rest.n--;
	}
	l->state = LS_CAPABILITY;
	if (capability_code(rest, &word)) {
		read_capabilities(l, word);
		return capability_known(l);
	}
	login_put_str(l, "P1 CAPABILITY\r\n");
	return LOGIN_READ;
}

static enum login_want
on_untagged(struct login *l, struct slice rest, struct slice line)
{
	struct slice word;

	if (!next_word(&rest, &word))
		return LOGIN_READ;
	if (slice_case_eq_str(word, "BYE")) {
		struct slice bye = { word.p, (size_t)(line.p + line.n - word.p) };

		return login_fail(l, l->state >= LS_AUTH ? codes_auth(SERVICE_IMAP, bye) : "net.bye", line);
	}
	/* After the login its capabilities are the worker's to ask for again. */
	if (l->state == LS_CAPABILITY && slice_case_eq_str(word, "CAPABILITY"))
		read_capabilities(l, rest);
	return LOGIN_READ;
}

static enum login_want
on_refused(struct login *l, struct slice answer)
{
	switch (l->state) {
	case LS_STARTTLS:
		return login_fail(l, "tls.starttls_rejected", answer);
	case LS_CAPABILITY:
		return login_fail(l, "net.not_imap", answer);
	case LS_AUTH:
		if (login_unbound(l, answer))
			return LOGIN_CHALLENGE;
		/* FALLTHROUGH */
	default:
		return login_fail(l, codes_auth(SERVICE_IMAP, answer), answer);
	}
}

static enum login_want
on_tagged(struct login *l, struct slice rest)
{
	struct slice answer, word;

	while (rest.n > 0 && *rest.p == ' ') {
		rest.p++;
		rest.n--;
	}
	answer = rest;
	(void)next_word(&rest, &word);
	if (!slice_case_eq_str(word, "OK"))
		return on_refused(l, answer);
	switch (l->state) {
	case LS_CAPABILITY:
		return capability_known(l);
	case LS_STARTTLS:
		return LOGIN_HANDSHAKE;
	case LS_AUTH:
		if (login_accepted(l, answer) != LOGIN_DONE)
			return LOGIN_FAILED;
		tell_capabilities(l, answer);
		return LOGIN_DONE;
	default:
		return login_fail(l, "sync.protocol_error", answer);
	}
}

static void
put_literal(struct login *l, size_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "{%zu}\r\n", n);
	login_put_str(l, text);
}

static enum login_want
on_continue(struct login *l, struct slice rest)
{
	struct slice word;

	switch (l->state) {
	case LS_AUTH:
		if (l->login_command)
			break;
		(void)next_word(&rest, &word);
		return login_challenged(l, word);
	case LS_SEND_USER:
		login_put(l, (struct slice){ l->user, l->user_n });
		login_put_str(l, " ");
		put_literal(l, l->held_n);
		l->state = LS_SEND_SECRET;
		return l->want;
	case LS_SEND_SECRET:
		login_put(l, (struct slice){ l->held, l->held_n });
		login_put_str(l, "\r\n");
		secret_wipe(l->held, sizeof(l->held));
		l->holding = false;
		l->state = LS_AUTH;
		return l->want;
	default:
		break;
	}
	return login_fail(l, "sync.protocol_error", slice_str("an unexpected continuation"));
}

static const char *
current_tag(const struct login *l)
{
	switch (l->state) {
	case LS_CAPABILITY:
		return l->secured ? "P3" : "P1";
	case LS_STARTTLS:
		return "P2";
	default:
		return l->again ? "P5" : "P4";
	}
}

enum login_want
login_imap_line(struct login *l, struct slice line)
{
	struct slice rest = line, tag;

	if (l->state == LS_GREETING)
		return on_greeting(l, line);
	if (!next_word(&rest, &tag))
		return login_fail(l, "sync.protocol_error", line);
	if (slice_eq_str(tag, "*"))
		return on_untagged(l, rest, line);
	if (slice_eq_str(tag, "+"))
		return on_continue(l, rest);
	if (slice_eq_str(tag, current_tag(l)))
		return on_tagged(l, rest);
	return login_fail(l, "sync.protocol_error", line);
}

enum login_want
login_imap_begin(struct login *l, struct slice mechanism, struct slice data)
{
	bool is_login = slice_case_eq_str(mechanism, "LOGIN");

	if (is_login && l->login_command) {
		if (data.n > sizeof(l->user))
			return login_fail(l, "auth.unknown", slice_str("user name too long"));
		if (data.n > 0)
			memcpy(l->user, data.p, data.n);
		l->user_n = data.n;
		l->state = LS_ASK_SECRET;
		l->challenge_n = 0;
		return LOGIN_CHALLENGE;
	}
	l->login_command = false;
	l->state = LS_AUTH;
	login_put_str(l, l->again ? "P5 AUTHENTICATE " : "P4 AUTHENTICATE ");
	login_put(l, mechanism);
	/* SASL LOGIN asks for the user name first, whatever SASL-IR says. */
	if (l->sasl_ir && !is_login && sasl_base64_len(data.n) + l->out_n < LIM_LOGIN_IR_IMAP) {
		login_put_str(l, " ");
		if (data.n == 0)
			login_put_str(l, "=");
		login_put_base64(l, data);
	} else
		login_hold(l, data);
	login_put_str(l, "\r\n");
	return l->want;
}

enum login_want
login_imap_secret(struct login *l, struct slice secret)
{
	login_hold(l, secret);
	login_put_str(l, "P4 LOGIN ");
	put_literal(l, l->user_n);
	l->state = LS_SEND_USER;
	return l->want;
}
