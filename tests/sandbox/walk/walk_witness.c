/* The peers beside the attacker: wired before, served all the time. */
#include "walk.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVED_MS 10000

/* The answer of that type on sock; others that come by themselves are passed over. */
static bool
answered(int sock, enum msg_type type, union msg *m)
{
	int got;

	while ((got = walk_receive(sock, m, NULL, SERVED_MS)) > 0)
		if (got == (int)type)
			return true;
	return false;
}

/* ---- the store: two links, so that one can be attacked and one stays ---- */

static void
link_record(struct wbuf *w, int no)
{
	char address[64];
	struct rec_link r = { .mode = MODE_TWO_WAY, .imap_host = slice_str(WALK_HOST), .imap_port = 993,
		.imap_security = SECURITY_TLS, .smtp_host = slice_str(WALK_HOST), .smtp_port = 465,
		.smtp_security = SECURITY_TLS };

	snprintf(address, sizeof(address), "walk%d@agency.example", no);
	r.address = r.imap_user = r.smtp_user = slice_str(address);
	wbuf_reset(w);
	rec_link_encode(w, &r);
}

static const char *
refusal(int control)
{
	static char text[LIM_DETAIL + 1];
	union msg m;

	if (answered(control, MSG_set_done, &m))
		snprintf(text, sizeof(text), "%.*s %.*s", (int)m.set_done.property.n, (const char *)m.set_done.property.p,
		    (int)m.set_done.description.n, (const char *)m.set_done.description.p);
	return text;
}

static void
make_link(struct walk *w, int no)
{
	int control = w->witness[ROLE_CONTROL], vault = w->witness[ROLE_VAULT];
	struct wbuf record = { 0 };
	struct msg_link_set m = { .req = (uint32_t)no, .action = SET_CREATE, .seal = slice_mem(&no, sizeof(no)) };
	union msg got;

	link_record(&record, no);
	m.record = wbuf_slice(&record);
	walk_send(control, MSG_link_set, &m, -1);
	if (!answered(vault, MSG_seal_open, &got))
		walk_die("the store does not ask the vault: %s", refusal(control));
	walk_send(vault, MSG_seal_opened, &(struct msg_seal_opened){ .req = got.seal_open.req,
	    .record = slice_str("record") }, -1);
	if (!answered(control, MSG_set_done, &got) || got.set_done.error.n > 0 || got.set_done.id != (uint64_t)no)
		walk_die("no link %d: %.*s", no, (int)got.set_done.error.n, (const char *)got.set_done.error.p);
	wbuf_free(&record);
}

void
witness_begin(struct walk *w)
{
	enum role self = w->life.role;

	if (walk_ends_with_peer(self) || self == ROLE_IMAP || self == ROLE_ATS)
		return;	/* one peer: nobody is beside it */
	for (enum role r = ROLE_MASTER + 1; r < ROLE__COUNT; r++)
		if (walk_wired(self, r) && (self != ROLE_STORE || role_table[r].scope <= SCOPE_ATS))
			w->witness[r] = life_wire(&w->life, r, 0);
	if (self != ROLE_STORE)
		return;
	/* A parser that is given a job and does nothing would be ended for that. */
	(void)life_settle(&w->life);
	make_link(w, 1);
	make_link(w, 2);
	w->witness[ROLE_IMAP] = life_wire(&w->life, ROLE_IMAP, 2);
	w->witness[ROLE_SMTP] = life_wire(&w->life, ROLE_SMTP, 2);
}

void
witness_renew(struct walk *w)
{
	for (enum role r = ROLE_MASTER + 1; r < ROLE__COUNT && w->life.role == ROLE_TLS; r++)
		if (w->witness[r] != -1) {
			close(w->witness[r]);
			w->witness[r] = life_wire(&w->life, r, 0);
		}
}

/* A tls-worker has one vault and one dialer: a new one takes the place of the
 * old, and the attacker was the new one. */
static bool
replaced(const struct walk *w, enum role r)
{
	return w->life.role == ROLE_TLS && r == w->peer;
}

bool
witness_undisturbed(struct walk *w)
{
	for (int r = 0; r < ROLE__COUNT; r++) {
		struct pollfd p = { w->witness[r], POLLIN | POLLRDHUP, 0 };

		if (w->witness[r] == -1 || replaced(w, (enum role)r))
			continue;
		while (poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP)) == 0)
			(void)walk_receive(w->witness[r], NULL, NULL, 0);
		if ((p.revents & (POLLRDHUP | POLLHUP)) != 0) {
			walk_failed(w, "its channel to a %s that did nothing is closed", role_name((unsigned int)r));
			return false;
		}
	}
	return life_answers(&w->life);
}

/* ---- is anybody served? ---- */

static bool
ask_vault(struct walk *w)
{
	union msg m;

	walk_send(w->witness[ROLE_STORE], MSG_seal_open, &(struct msg_seal_open){ .req = 7, .seal = slice_str("no seal") },
	    -1);
	return answered(w->witness[ROLE_STORE], MSG_seal_opened, &m) && m.seal_opened.req == 7 && m.seal_opened.code.n > 0;
}

/* Port 1 of this machine: nobody listens there. */
static bool
ask_dialer(struct walk *w)
{
	union msg m;

	walk_send(w->witness[ROLE_TLS], MSG_dial, &(struct msg_dial){ .req = 7, .port = 1 }, -1);
	return answered(w->witness[ROLE_TLS], MSG_dial_failed, &m) && m.dial_failed.req == 7;
}

static bool
ask_store(struct walk *w)
{
	union msg m;
	int control = w->witness[ROLE_CONTROL], rows = 0, type;

	walk_send(control, MSG_get, &(struct msg_get){ .req = 7, .type = OBJ_LINK, .all = true }, -1);
	while ((type = walk_receive(control, &m, NULL, SERVED_MS)) > 0 && type != MSG_get_done)
		if (type == MSG_row) {
			rows++;
			walk_send(control, MSG_credit, &(struct msg_credit){ .n = 1 }, -1);
		}
	return type == MSG_get_done && rows == 2 && m.get_done.error.n == 0;
}

/* Through its own socket: an HTTP request, or bytes that control does not like. */
static bool
ask_listener(struct walk *w, const char *request, size_t n)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char answer[64];
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", w->life.dir);
	ok = connect(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0 && send(sock, request, n, MSG_NOSIGNAL) == (ssize_t)n &&
	    poll(&(struct pollfd){ sock, POLLIN, 0 }, 1, SERVED_MS) == 1 && recv(sock, answer, sizeof(answer), 0) >= 0;
	close(sock);
	return ok;
}

/* A stream is asked for; the walk is its dialer and says no. */
static bool
ask_tls(struct walk *w)
{
	struct msg_stream_open m = { .ticket = 7, .service = SERVICE_IMAP, .port = 1, .security = SECURITY_TLS };
	unsigned int before = w->life.seen[MSG_stream_end];
	int sv[2], dialer = life_wire(&w->life, ROLE_DIALER, 0);
	union msg got;
	bool ok;

	if (w->witness[ROLE_DIALER] != -1)
		close(w->witness[ROLE_DIALER]);
	w->witness[ROLE_DIALER] = dialer;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		return false;
	life_send(&w->life, MSG_stream_open, &m, sv[1]);
	ok = answered(dialer, MSG_dial, &got) && got.dial.port == 1;
	walk_send(dialer, MSG_dial_failed, &(struct msg_dial_failed){ .req = got.dial.req, .step = STEP_TCP,
	    .code = slice_str("net.refused") }, -1);
	while (ok && w->life.seen[MSG_stream_end] == before)
		ok = life_hear(&w->life, SERVED_MS);
	close(sv[0]);
	return ok;
}

bool
witness_served(struct walk *w)
{
	static const char get[] = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", zeros[64];

	switch (w->life.role) {
	case ROLE_VAULT:
		return ask_vault(w);
	case ROLE_DIALER:
		return ask_dialer(w);
	case ROLE_STORE:
		return ask_store(w);
	case ROLE_TLS:
		return ask_tls(w);
	case ROLE_ATS:
		return ask_listener(w, get, sizeof(get) - 1);
	case ROLE_CONTROL:
		return ask_listener(w, zeros, sizeof(zeros));
	default:
		return life_settle(&w->life);
	}
}
