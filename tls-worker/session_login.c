/*
 * From the dialed socket to "logged in": who has the turn, and what a failure
 * is called in each turn.
 */
#include "session_private.h"

#include "context.h"

void
session_dialed_start(struct session *s)
{
	if (s->security == SECURITY_TLS) {
		session_step(s, STEP_TLS);
		session_tls(s);
		return;
	}
	/* With STARTTLS the greeting belongs to the way to TLS. */
	session_step(s, s->security == SECURITY_STARTTLS ? STEP_TLS : STEP_CAPABILITY);
	s->phase = SP_LOGIN;
	session_login(s);
}

static int
tls_begin(struct session *s)
{
	SSL *ssl = context_connection(session_conf.tls, session_conf.host);

	if (ssl == NULL || link_tls_start(&s->link, ssl) == -1) {
		session_fail(s, "tls.handshake", "no memory for TLS");
		return -1;
	}
	s->phase = SP_HANDSHAKE;
	return 0;
}

void
session_tls(struct session *s)
{
	char detail[LIM_DETAIL + 1] = "";
	const char *code;
	int r;

	if (s->link.ssl == NULL && tls_begin(s) == -1)
		return;
	if ((r = link_handshake(&s->link, s->service, &code, detail)) == -1) {
		session_fail(s, code, detail);
		return;
	}
	if (r == 0) {
		session_watch(s, !s->link.read_wants_write, s->link.read_wants_write);
		return;
	}
	s->link.heard = false;	/* from here on: of the protocol */
	steps_ok(&s->steps);
	session_step(s, STEP_CAPABILITY);
	s->phase = SP_LOGIN;
	if (s->security == SECURITY_STARTTLS)
		(void)login_secured(s->login);
	session_login(s);
}

/* 1 all is written, 0 the socket is full, -1 the session is gone. */
static int
send_out(struct session *s)
{
	struct login *l = s->login;
	ssize_t r;

	while (s->out_at < l->out_n) {
		r = link_write(&s->link, l->out + s->out_at, l->out_n - s->out_at);
		if (r == LINK_AGAIN) {
			session_watch(s, s->link.write_wants_read, !s->link.write_wants_read);
			return 0;
		}
		if (r == LINK_ERROR) {
			session_fail(s, "net.reset", "the server closed the connection");
			return -1;
		}
		s->out_at += (size_t)r;
	}
	login_sent(l);
	s->out_at = 0;
	return 1;
}

/* 1 something was read, 0 nothing is there, -1 the session is gone. */
static int
read_in(struct session *s)
{
	uint8_t buf[4096];
	size_t room = login_room(s->login);
	ssize_t r = link_read(&s->link, buf, room < sizeof(buf) ? room : sizeof(buf));

	if (r == LINK_AGAIN) {
		session_watch(s, !s->link.read_wants_write, s->link.read_wants_write);
		return 0;
	}
	if (r <= 0) {
		session_fail(s, "net.reset", "the server closed the connection");
		return -1;
	}
	s->link.heard = true;
	(void)login_input(s->login, buf, (size_t)r);
	return 1;
}

static int
ask_vault(struct session *s)
{
	struct msg_auth_begin m = { .ticket = s->steps.ticket };
	uint8_t binding[LIM_CHANNEL_BINDING];
	struct wbuf list;
	size_t n = 0;
	int r = -1;

	steps_ok(&s->steps);
	session_step(s, STEP_AUTH);
	wbuf_init(&list, 4096);
	for (size_t i = 0; i < s->login->n_mechanisms; i++)
		list_add(&list, slice_str(s->login->mechanisms[i]));
	m.mechanisms = wbuf_slice(&list);
	m.binding = (uint8_t)link_binding(&s->link, binding, &n);
	m.binding_data = (struct slice){ binding, n };
	if (!list.failed && session_vault() != NULL)
		r = send_auth_begin(session_vault(), &m);
	wbuf_free(&list);
	s->auth_begun = r == 0;
	return r;
}

static int
pass_scram(struct session *s)
{
	const struct scram_first *f = &s->login->server_first;
	struct msg_scram_first first = { .ticket = s->steps.ticket, .nonce = slice_str(f->nonce),
		.salt = { f->salt, f->salt_n }, .iterations = f->iterations };
	struct msg_scram_final final = { .ticket = s->steps.ticket,
		.signature = { s->login->signature, sizeof(s->login->signature) } };

	return s->login->scram == LSCRAM_FIRST ? send_scram_first(session_vault(), &first)
					       : send_scram_final(session_vault(), &final);
}

static int
pass_challenge(struct session *s)
{
	struct msg_auth_challenge m = {
		.ticket = s->steps.ticket,
		.data = { s->login->challenge, s->login->challenge_n },
	};

	if (session_vault() == NULL)
		return -1;
	return s->login->scram != LSCRAM_NONE ? pass_scram(s) : send_auth_challenge(session_vault(), &m);
}

/* The server is not read while the vault has the turn. */
static void
turn_to_vault(struct session *s, int sent)
{
	if (sent == -1) {
		session_fail(s, "vault.away", "the vault is not there");
		return;
	}
	s->phase = SP_VAULT;
	session_watch(s, false, false);
}

static void
login_over(struct session *s)
{
	if (s->login->want == LOGIN_DONE)
		session_copy(s);
	else
		session_fail(s, s->login->code, s->login->detail);
}

void
session_login(struct session *s)
{
	for (;;) {
		if (s->login->want != LOGIN_FAILED && send_out(s) != 1)
			return;
		switch (login_input(s->login, NULL, 0)) {
		case LOGIN_READ:
			if (s->login->out_n > 0)
				break;	/* an early line was answered */
			if (read_in(s) != 1)
				return;
			break;
		case LOGIN_HANDSHAKE:
			session_tls(s);
			return;
		case LOGIN_CREDENTIAL:
			turn_to_vault(s, ask_vault(s));
			return;
		case LOGIN_CHALLENGE:
			turn_to_vault(s, pass_challenge(s));
			return;
		case LOGIN_DONE:
		case LOGIN_FAILED:
			login_over(s);
			return;
		}
	}
}

void
session_timeout(struct session *s)
{
	bool greeting = s->login->state == LS_GREETING;

	switch (s->phase) {
	case SP_HANDSHAKE:
		session_fail(s, s->link.heard ? "tls.handshake" : "net.timeout", "no answer to the TLS handshake");
		break;
	case SP_VAULT:
		session_fail(s, "vault.away", "the vault does not answer");
		break;
	case SP_LOGIN:
		if (greeting)
			session_fail(s, "net.no_greeting", "the server says nothing");
		else
			session_fail(s, "net.timeout", "the server does not answer");
		break;
	default:
		session_fail(s, "net.timeout", "no connection in time");
		break;
	}
}
