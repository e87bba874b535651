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

#include "context.h"
#include "server.h"
#include "session.h"

#define HOST "mail.example.org"
#define BULK (1024 * 1024)

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
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.not_yet_valid");
	s.cert = &selfsigned;
	failing(&s, SECURITY_TLS, STEP_TLS, "tls.self_signed");
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

/* limit: LIM_TLS_LINKS */
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
