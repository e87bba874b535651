/*
 * Whole sessions: real channels to a scripted master, dialer and vault, a real
 * OpenSSL server in a child process at the other end of a socketpair.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "certs.h"
#include "child.h"
#include "context.h"
#include "log.h"
#include "loop.h"
#include "peers.h"
#include "session.h"

#define HOST "mail.example.org"
#define TICKET 0x1122334455667788u
#define BULK (1024 * 1024)

/* ---- the other ends ---- */

static struct {
	struct { uint8_t step; bool ok; } steps[16];
	size_t n_steps;
	char code[LIM_CODE + 1], detail[LIM_DETAIL + 1];
	unsigned int ready, ended, begun, results;
	bool result_ok, vault_refuses, private_address, no_dial;
	int server;	/* our end of the dialed connection, given to the dialer */
} seen;

static int
on_step(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	assert_true(seen.n_steps < 16);
	assert_int_equal(m->stream_step.ticket, TICKET);
	seen.steps[seen.n_steps].step = m->stream_step.step;
	seen.steps[seen.n_steps++].ok = m->stream_step.ok;
	if (!m->stream_step.ok) {
		assert_int_equal(slice_copy(m->stream_step.code, seen.code, sizeof(seen.code)), 0);
		assert_int_equal(slice_copy(m->stream_step.detail, seen.detail, sizeof(seen.detail)), 0);
	}
	return 0;
}

static int
on_ready(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	seen.ready++;
	return 0;
}

static int
on_end(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	seen.ended++;
	return 0;
}

static int
on_log(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static int
on_dial(struct chan *c, const union msg *m, int *fd)
{
	struct msg_dialed ok = { .req = m->dial.req, .address = slice_str("192.0.2.1"), .loopback = !seen.private_address };
	struct msg_dial_failed bad = { .req = m->dial.req, .step = STEP_TCP, .code = slice_str("net.refused") };

	(void)fd;
	assert_int_equal(m->dial.port, 993);
	if (seen.no_dial)
		return send_dial_failed(c, &bad);
	return send_dialed(c, &ok, seen.server);
}

static int
on_auth_begin(struct chan *c, const union msg *m, int *fd)
{
	static const char plain[] = "\0user\0hunter22";
	struct msg_auth_respond r = { .ticket = m->auth_begin.ticket, .mechanism = slice_str("PLAIN"),
		.data = slice_mem(plain, sizeof(plain) - 1) };
	struct msg_auth_refused no = { .ticket = m->auth_begin.ticket, .code = slice_str("vault.locked") };

	(void)fd;
	seen.begun++;
	assert_int_equal(m->auth_begin.ticket, TICKET);
	assert_true(list_count(m->auth_begin.mechanisms) > 0);
	return seen.vault_refuses ? send_auth_refused(c, &no) : send_auth_respond(c, &r);
}

static int
on_auth_result(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.results++;
	seen.result_ok = m->auth_result.ok;
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_stream_step] = on_step,
	[MSG_stream_ready] = on_ready,
	[MSG_stream_end] = on_end,
	[MSG_log] = on_log,
	[MSG_dial] = on_dial,
	[MSG_auth_begin] = on_auth_begin,
	[MSG_auth_result] = on_auth_result,
};

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("channel broken: %s", reason);
}

static void
on_eof(struct chan *c)
{
	chan_free(c);
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

/* A channel whose other end plays that role here; returns the worker's end. */
static int
play(enum role role)
{
	struct chan_peer tls = { .role = ROLE_TLS };
	struct chan *c;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	c = chan_new(fds[0], role, &tls, &ops, NULL);
	chan_run(c);
	loop_add(c);
	return fds[1];
}

static void
wire(void)
{
	struct chan_peer master = { .role = ROLE_MASTER }, dialer = { .role = ROLE_DIALER }, vault = { .role = ROLE_VAULT };

	child.role = ROLE_TLS;
	child.master = loop_chan(play(ROLE_MASTER), &master, &ops, NULL);
	log_init(child.master, LOG_LVL_DEBUG);
	peers_wire(&dialer, play(ROLE_DIALER));
	peers_wire(&vault, play(ROLE_VAULT));
}

/* ---- the server ---- */

struct server {
	const struct cert *cert;	/* NULL: no TLS at all */
	const char *clear;		/* said before TLS; then one line is read and after_clear said */
	const char *after_clear;
	const char *refusal;		/* instead of OK */
	bool echo;			/* after the login: send everything back */
};

static void
server_line(SSL *ssl, const char *want)
{
	char line[512];
	size_t n = 0;

	while (n < sizeof(line) - 1 && SSL_read(ssl, line + n, 1) == 1 && line[n++] != '\n')
		;
	line[n] = '\0';
	if (strcmp(line, want) != 0)
		_exit(2);
}

static void
server_say(SSL *ssl, const char *text)
{
	if (SSL_write(ssl, text, (int)strlen(text)) <= 0)
		_exit(3);
}

static void
server_echo(SSL *ssl)
{
	char buf[4096];
	int n;

	while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0)
		if (SSL_write(ssl, buf, n) <= 0)
			_exit(4);
	_exit((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0 ? 0 : 5);
}

static void
server_imap(SSL *ssl, const struct server *s)
{
	if (s->clear == NULL)
		server_say(ssl, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n");
	else {
		server_line(ssl, "P3 CAPABILITY\r\n");
		server_say(ssl, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nP3 OK\r\n");
	}
	server_line(ssl, "P4 AUTHENTICATE PLAIN AHVzZXIAaHVudGVyMjI=\r\n");
	server_say(ssl, s->refusal != NULL ? s->refusal : "* CAPABILITY X\r\nP4 OK in\r\n* 7 EXISTS\r\n");
	if (s->echo)
		server_echo(ssl);
	SSL_shutdown(ssl);
	_exit(0);
}

static void
server_clear(const struct server *s, int fd)
{
	char line[256];

	if (s->clear != NULL && write(fd, s->clear, strlen(s->clear)) == -1)
		_exit(6);
	if (s->after_clear == NULL)
		return;
	if (read(fd, line, sizeof(line)) <= 0 || write(fd, s->after_clear, strlen(s->after_clear)) == -1)
		_exit(7);
}

static pid_t
serve(const struct server *s)
{
	int fds[2];
	pid_t pid;
	SSL_CTX *ctx;
	SSL *ssl;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	seen.server = fds[0];
	if ((pid = fork()) != 0) {
		close(fds[1]);
		return pid;
	}
	close(fds[0]);
	alarm(20);
	server_clear(s, fds[1]);
	if (s->cert == NULL)
		_exit(0);
	ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(ctx, s->cert->x509);
	SSL_CTX_use_PrivateKey(ctx, s->cert->key);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fds[1]);
	if (SSL_accept(ssl) != 1)
		_exit(1);
	server_imap(ssl, s);
	return 0;
}

/* ---- cases ---- */

static struct cert ca, other_ca, leaf, expired, early, selfsigned, foreign, misnamed;

static int
open_stream(enum security security)
{
	struct msg_stream_open m = { .ticket = TICKET, .service = SERVICE_IMAP, .port = 993, .security = (uint8_t)security };
	struct timeval tv = { 10, 0 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	(void)setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	session_open(&m, fds[0]);
	return fds[1];
}

static void
turn_until(const unsigned int *counter)
{
	for (int i = 0; i < 2000 && *counter == 0; i++)
		assert_int_not_equal(event_base_loop(loop_base(), EVLOOP_ONCE), -1);
	assert_int_not_equal(*counter, 0);
}

static void
reset(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.server = -1;
}

static void
failing(const struct server *s, enum security security, enum step step, const char *code)
{
	int plain, status;
	pid_t pid;
	char byte;

	reset();
	pid = serve(s);
	plain = open_stream(security);
	turn_until(&seen.ended);
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	assert_string_equal(seen.code, code);
	assert_int_equal(seen.steps[seen.n_steps - 1].step, step);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.ready, 0);
	assert_int_equal(session_count(), 0);
	assert_int_equal(read(plain, &byte, 1), 0);
	close(plain);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
test_certificates(void **state)
{
	struct server s = { .cert = &expired };

	(void)state;
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.cert_expired");
	s.cert = &early;
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.cert_not_yet_valid");
	s.cert = &selfsigned;
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.cert_self_signed");
	s.cert = &foreign;
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.cert_untrusted");
	s.cert = &misnamed;
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.cert_name");
	assert_non_null(strstr(seen.detail, "other.example.org"));
	assert_int_equal(seen.begun, 0);
}

static void
test_wrong_ports(void **state)
{
	static const struct {
		const char *says, *code;
	} cases[] = {
		{ "* OK IMAP ready\r\n", "tls.plaintext_port" }, { "+OK POP3\r\n", "cfg.pop_server" },
		{ "220 ESMTP\r\n", "net.not_imap" }, { "HTTP/1.0 400 Bad\r\n", "net.not_imap" },
		{ "SSH-2.0-x\r\n", "net.not_imap" }, { "", "net.reset" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s = { .clear = cases[i].says, .after_clear = "" };

		failing(&s, SECURITY_TLS, STEP_TLS, cases[i].code);
	}
}

static void
test_starttls(void **state)
{
	struct server inject = { .cert = &leaf, .clear = "* OK [CAPABILITY STARTTLS] x\r\n",
		.after_clear = "P2 OK go\r\n* CAPABILITY AUTH=PLAIN\r\n" };
	struct server missing = { .clear = "* OK [CAPABILITY AUTH=PLAIN] x\r\n" };
	struct server rejected = { .clear = "* OK [CAPABILITY STARTTLS] x\r\n", .after_clear = "P2 BAD no\r\n" };
	struct server wrong_name = { .cert = &misnamed, .clear = "* OK [CAPABILITY STARTTLS] x\r\n",
		.after_clear = "P2 OK go\r\n" };

	(void)state;
	failing(&inject, SECURITY_STARTTLS, STEP_TLS, "tls.starttls_injection");
	failing(&missing, SECURITY_STARTTLS, STEP_TLS, "tls.starttls_missing");
	failing(&rejected, SECURITY_STARTTLS, STEP_TLS, "tls.starttls_rejected");
	failing(&wrong_name, SECURITY_STARTTLS, STEP_TLS, "tls.cert_name");
}

static void
test_refusals(void **state)
{
	struct server s = { .cert = &leaf, .refusal = "P4 NO [AUTHENTICATIONFAILED] no hunter22 here\r\n" };
	struct server clear = { .clear = "* OK hi\r\n" };

	(void)state;
	failing(&s, SECURITY_TLS, STEP_AUTH, "auth.rejected");
	assert_int_equal(seen.begun, 1);
	assert_int_equal(seen.results, 1);
	assert_false(seen.result_ok);
	assert_null(strstr(seen.detail, "hunter22"));
	failing(&clear, SECURITY_NONE, STEP_DNS, "cfg.invalid");
	close(seen.server);
}

static void
test_vault_and_dialer_refuse(void **state)
{
	struct server s = { .cert = &leaf };
	int plain, status;
	pid_t pid;

	(void)state;
	reset();
	seen.vault_refuses = true;
	pid = serve(&s);
	plain = open_stream(SECURITY_TLS);
	turn_until(&seen.ended);
	assert_string_equal(seen.code, "vault.locked");
	assert_int_equal(seen.results, 0);
	close(plain);
	waitpid(pid, &status, 0);
	reset();
	seen.no_dial = true;
	plain = open_stream(SECURITY_TLS);
	turn_until(&seen.ended);
	assert_string_equal(seen.code, "net.refused");
	assert_int_equal(seen.n_steps, 2);
	assert_true(seen.steps[0].ok && !seen.steps[1].ok);
	close(plain);
}

static void
expect_text(int fd, const char *text)
{
	char buf[256];
	size_t n = strlen(text);

	for (size_t got = 0; got < n;) {
		ssize_t r = recv(fd, buf + got, n - got, MSG_DONTWAIT);

		if (r > 0)
			got += (size_t)r;
		else
			assert_int_not_equal(event_base_loop(loop_base(), EVLOOP_ONCE), -1);
	}
	assert_memory_equal(buf, text, n);
}

/* A megabyte out and back while neither end is read in step. */
static void
bulk(int plain)
{
	static uint8_t out[BULK], in[BULK];
	size_t sent = 0, got = 0;

	for (size_t i = 0; i < BULK; i++)
		out[i] = (uint8_t)(i * 2654435761u >> 24);
	while (got < BULK) {
		ssize_t w = sent < BULK ? send(plain, out + sent, BULK - sent, MSG_DONTWAIT) : 0;
		ssize_t r = recv(plain, in + got, BULK - got, MSG_DONTWAIT);

		sent += w > 0 ? (size_t)w : 0;
		got += r > 0 ? (size_t)r : 0;
		assert_int_not_equal(event_base_loop(loop_base(), EVLOOP_NONBLOCK), -1);
	}
	assert_memory_equal(out, in, BULK);
}

static void
good(const struct server *s, enum security security, bool worker_leaves)
{
	static const enum step want[] = { STEP_DNS, STEP_TCP, STEP_TLS, STEP_CAPABILITY, STEP_AUTH };
	int plain, status;
	pid_t pid;
	char byte;

	reset();
	pid = serve(s);
	plain = open_stream(security);
	turn_until(&seen.ready);
	assert_int_equal(seen.n_steps, 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(seen.steps[i].ok && seen.steps[i].step == want[i]);
	turn_until(&seen.results);
	assert_true(seen.results == 1 && seen.result_ok);
	expect_text(plain, "* 7 EXISTS\r\n");
	if (s->echo)
		bulk(plain);
	if (worker_leaves)
		close(plain);
	turn_until(&seen.ended);
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(session_count(), 0);
	if (!worker_leaves) {
		assert_int_equal(read(plain, &byte, 1), 0);
		close(plain);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_good(void **state)
{
	struct server tls = { .cert = &leaf, .echo = true }, leaves = { .cert = &leaf };
	struct server starttls = { .cert = &leaf, .echo = true, .clear = "* OK [CAPABILITY STARTTLS] x\r\n",
		.after_clear = "P2 OK go\r\n" };

	(void)state;
	good(&tls, SECURITY_TLS, true);
	good(&starttls, SECURITY_STARTTLS, true);
	good(&leaves, SECURITY_TLS, false);
}

static void
test_worker_leaves_early(void **state)
{
	struct server s = { .cert = NULL, .clear = "", .after_clear = "" };
	int status;
	pid_t pid;

	(void)state;
	reset();
	pid = serve(&s);
	close(open_stream(SECURITY_TLS));
	turn_until(&seen.ended);
	assert_int_equal(session_count(), 0);
	waitpid(pid, &status, 0);
}

static void
test_limit(void **state)
{
	int plain[LIM_TLS_LINKS + 1];
	struct msg_stream_open m = { .ticket = TICKET, .service = SERVICE_IMAP, .port = 993, .security = SECURITY_TLS };
	int fds[2];

	(void)state;
	reset();
	for (size_t i = 0; i <= LIM_TLS_LINKS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		plain[i] = fds[1];
		m.ticket = TICKET;
		session_open(&m, fds[0]);
	}
	assert_int_equal(session_count(), LIM_TLS_LINKS);
	for (size_t i = 0; i <= LIM_TLS_LINKS; i++)
		close(plain[i]);
	seen.no_dial = true;
	while (session_count() > 0)
		assert_int_not_equal(event_base_loop(loop_base(), EVLOOP_ONCE), -1);
}

static int
setup(void **state)
{
	struct session_setup conf = { .host = HOST };
	char *pem;
	long n;
	BIO *bio;

	(void)state;
	ca = cert_make("Test CA", NULL, NULL, -1, 10);
	other_ca = cert_make("Other CA", NULL, NULL, -1, 10);
	leaf = cert_make(HOST, "DNS:" HOST, &ca, -1, 10);
	expired = cert_make(HOST, "DNS:" HOST, &ca, -10, -1);
	early = cert_make(HOST, "DNS:" HOST, &ca, 5, 10);
	selfsigned = cert_make(HOST, "DNS:" HOST, NULL, -1, 10);
	foreign = cert_make(HOST, "DNS:" HOST, &other_ca, -1, 10);
	misnamed = cert_make(HOST, "DNS:other.example.org", &ca, -1, 10);
	bio = cert_pem(&ca);
	n = BIO_get_mem_data(bio, &pem);
	conf.tls = context_new("", slice_mem(pem, (size_t)n));
	BIO_free(bio);
	session_setup(&conf);
	wire();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_wrong_ports),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_vault_and_dialer_refuse),
		cmocka_unit_test(test_worker_leaves_early),
		cmocka_unit_test(test_limit),
	};

	signal(SIGPIPE, SIG_IGN);
	context_early();
	return cmocka_run_group_tests(tests, setup, NULL);
}
