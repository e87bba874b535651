/* Limits of logins and of TLS, on both sides of each. */
#include "../own_time.h"

#include <signal.h>
#include <sys/wait.h>

#include "context.h"
#include "login.h"
#include "secret.h"
#include "server.h"
#include "session.h"

#define HOST "mail.example.org"

/* ---- dialogues without sockets ---- */
static struct login *l;

static enum login_want
says(const char *text)
{
	return login_input(l, text, strlen(text));
}

static void
imap(const char *greeting)
{
	login_init(l, SERVICE_IMAP, false);
	assert_int_equal(says(greeting), LOGIN_CREDENTIAL);
	login_sent(l);
}

static void
smtp(const char *mechanism)
{
	char ehlo[100];

	login_init(l, SERVICE_SMTP, false);
	snprintf(ehlo, sizeof(ehlo), "220 x\r\n250-mx\r\n250 AUTH %s\r\n", mechanism);
	assert_int_equal(says(ehlo), LOGIN_CREDENTIAL);
	login_sent(l);
}

static enum login_want
responds(const char *mechanism, const void *data, size_t n)
{
	enum login_want want;

	(void)login_respond(l, slice_str(mechanism), slice_mem(data, n), &want);
	return want;
}

static uint8_t many[LIM_LOGIN_OUT + 1];	/* of one letter */

/* limit: LIM_LOGIN_LINE: with its line feed. */
static void
line(void **state)
{
	(void)state;
	for (size_t n = LIM_LOGIN_LINE; n <= LIM_LOGIN_LINE + 1; n++) {
		login_init(l, SERVICE_IMAP, false);
		assert_int_equal(says("* OK "), LOGIN_READ);
		(void)login_input(l, many, n - 6 < login_room(l) ? n - 6 : login_room(l));
		assert_int_equal(login_room(l) > 0, n == LIM_LOGIN_LINE);
		if (n == LIM_LOGIN_LINE) {
			assert_int_equal(says("\n"), LOGIN_READ);
			assert_int_equal(l->state, LS_CAPABILITY);
			continue;
		}
		assert_int_equal(l->want, LOGIN_FAILED);
	}
}

/* limit: LIM_LOGIN_LINES */
static void
lines(void **state)
{
	(void)state;
	for (int n = LIM_LOGIN_LINES; n <= LIM_LOGIN_LINES + 1; n++) {
		login_init(l, SERVICE_IMAP, false);
		assert_int_equal(says("* OK x\r\n"), LOGIN_READ);
		for (int i = 2; i < n; i++)
			assert_int_equal(says("* more\r\n"), LOGIN_READ);
		assert_int_equal(says("P1 OK\r\n"), n == LIM_LOGIN_LINES ? LOGIN_CREDENTIAL : LOGIN_FAILED);
	}
	assert_string_equal(l->code, "sync.protocol_error");
}

/* limit: LIM_LOGIN_ROUNDS */
static void
rounds(void **state)
{
	(void)state;
	smtp("X");
	assert_int_equal(responds("X", "a", 1), LOGIN_READ);
	for (int i = 0; i < LIM_LOGIN_ROUNDS; i++) {
		assert_int_equal(says("334 \r\n"), LOGIN_CHALLENGE);
		assert_int_equal(responds("X", "a", 1), LOGIN_READ);
		login_sent(l);
	}
	assert_int_equal(says("334 \r\n"), LOGIN_FAILED);
	assert_string_equal(l->code, "auth.unknown");
}

/* limit: LIM_LOGIN_DATA: of a challenge, and of the vault's response. */
static void
data(void **state)
{
	static uint8_t base64[LIM_LOGIN_LINE];
	int n;

	(void)state;
	for (size_t size = LIM_LOGIN_DATA; size <= LIM_LOGIN_DATA + 1; size++) {
		smtp("X");
		assert_int_equal(responds("X", many, size), size == LIM_LOGIN_DATA ? LOGIN_READ : LOGIN_FAILED);
		smtp("X");
		assert_int_equal(responds("X", "a", 1), LOGIN_READ);
		login_sent(l);
		n = sasl_base64_encode(slice_mem(many, size), base64, sizeof(base64));
		assert_int_equal(says("334 "), LOGIN_READ);
		assert_int_equal(login_input(l, base64, (size_t)n), LOGIN_READ);
		assert_int_equal(says("\r\n"), size == LIM_LOGIN_DATA ? LOGIN_CHALLENGE : LOGIN_FAILED);
	}
}

/* limit: LIM_LOGIN_OUT */
static void
out(void **state)
{
	(void)state;
	login_init(l, SERVICE_IMAP, false);
	login_put(l, slice_mem(many, LIM_LOGIN_OUT));
	assert_int_equal(l->out_n, LIM_LOGIN_OUT);
	assert_int_equal(l->want, LOGIN_READ);
	login_put_str(l, "x");
	assert_int_equal(l->out_n, LIM_LOGIN_OUT);
	assert_int_equal(l->want, LOGIN_FAILED);
	login_init(l, SERVICE_IMAP, false);
	login_put(l, slice_mem(many, LIM_LOGIN_OUT - 4));
	login_put_base64(l, slice_str("abc"));
	assert_int_equal(l->want, LOGIN_READ);
	login_put_base64(l, slice_str("abc"));
	assert_int_equal(l->want, LOGIN_FAILED);
}

/* limit: LIM_LOGIN_MECHANISMS LIM_MECHANISM: more and longer ones are not known. */
static void
mechanisms(void **state)
{
	char greeting[LIM_LOGIN_MECHANISMS * 20 + 100] = "* OK [CAPABILITY LOGINDISABLED", name[8];

	(void)state;
	for (int i = 0; i <= LIM_LOGIN_MECHANISMS; i++) {
		size_t n = strlen(greeting);

		snprintf(greeting + n, sizeof(greeting) - n, " AUTH=M%d", i);
	}
	(void)strncat(greeting, "] x\r\n", 6);
	imap(greeting);
	assert_int_equal(l->n_mechanisms, LIM_LOGIN_MECHANISMS);
	snprintf(name, sizeof(name), "M%d", LIM_LOGIN_MECHANISMS - 1);
	assert_true(login_offers(l, slice_str(name)));
	snprintf(name, sizeof(name), "M%d", LIM_LOGIN_MECHANISMS);
	assert_false(login_offers(l, slice_str(name)));
	smtp("MECHANISM-OF-20-CHAR MECHANISM-OF-21-CHARS");
	assert_int_equal(strlen("MECHANISM-OF-20-CHAR"), LIM_MECHANISM);
	assert_int_equal(l->n_mechanisms, 1);
	assert_true(login_offers(l, slice_str("MECHANISM-OF-20-CHAR")));
}

/* limit: LIM_LOGIN_IR_IMAP LIM_LOGIN_IR_SMTP: a longer response waits for the server's word. */
static void
initial_response(void **state)
{
	(void)state;
	imap("* OK [CAPABILITY SASL-IR LOGINDISABLED AUTH=ABC AUTH=ABCD] x\r\n");
	assert_int_equal(responds("ABC", many, 5985), LOGIN_READ);
	assert_int_equal(l->out_n, LIM_LOGIN_IR_IMAP + 2);
	imap("* OK [CAPABILITY SASL-IR LOGINDISABLED AUTH=ABC AUTH=ABCD] x\r\n");
	assert_int_equal(responds("ABCD", many, 5985), LOGIN_READ);
	assert_int_equal(l->out_n, strlen("P4 AUTHENTICATE ABCD\r\n"));
	smtp("ABCD ABCDE");
	assert_int_equal(responds("ABCD", many, 375), LOGIN_READ);
	assert_int_equal(l->out_n, LIM_LOGIN_IR_SMTP + 2);
	smtp("ABCD ABCDE");
	assert_int_equal(responds("ABCDE", many, 375), LOGIN_READ);
	assert_int_equal(l->out_n, strlen("AUTH ABCDE\r\n"));
}

/* limit: LIM_DETAIL_SCAN: what begins in the part that is shown, and ends behind, is found. */
static void
echo(void **state)
{
	static char dashes[LIM_DETAIL_SCAN];

	(void)state;
	assert_true(LIM_DETAIL + LIM_SECRET <= LIM_DETAIL_SCAN);
	memset(dashes, '-', sizeof(dashes));
	for (size_t over = 0; over <= 1; over++) {
		size_t n = LIM_DETAIL_SCAN - (LIM_DETAIL - 1) + over;

		imap("* OK [CAPABILITY AUTH=PLAIN] x\r\n");
		assert_int_equal(responds("PLAIN", dashes, n), LOGIN_READ);
		assert_int_equal(says("P4 NO "), LOGIN_READ);
		assert_int_equal(login_input(l, many, LIM_DETAIL - 1 - 3), LOGIN_READ);
		assert_int_equal(login_input(l, dashes, n), LOGIN_READ);
		assert_int_equal(says("\r\n"), LOGIN_FAILED);
		assert_int_equal(strlen(l->detail), LIM_DETAIL);
		assert_int_equal(l->detail[LIM_DETAIL - 1], over ? '-' : '*');
	}
}

/* ---- sessions ---- */
static struct cert ca;

static void
reset(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.server = -1;
}

static int
open_stream(enum security security)
{
	struct msg_stream_open m = { .ticket = TICKET, .service = SERVICE_IMAP, .port = 993, .security = (uint8_t)security };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
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

/* A handshake that fails; its detail is in seen. */
static void
failing(const struct server *s, const char *code)
{
	int plain, status;
	pid_t pid;

	reset();
	pid = serve(s);
	plain = open_stream(SECURITY_TLS);
	turn_until(&seen.ended);
	assert_string_equal(seen.code, code);
	close(plain);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* limit: LIM_CERT_NAMES */
static void
cert_names(void **state)
{
	char san[300] = "DNS:n0.example", name[20];
	struct cert cert;
	struct server s = { .cert = &cert };

	(void)state;
	for (int i = 1; i <= LIM_CERT_NAMES; i++) {
		size_t n = strlen(san);

		snprintf(san + n, sizeof(san) - n, ",DNS:n%d.example", i);
	}
	cert = cert_make(HOST, san, &ca, -1, 10);
	failing(&s, "tls.cert_name");
	snprintf(name, sizeof(name), "n%d.example", LIM_CERT_NAMES - 1);
	assert_non_null(strstr(seen.detail, name));
	snprintf(name, sizeof(name), "n%d.example", LIM_CERT_NAMES);
	assert_null(strstr(seen.detail, name));
	cert_free(&cert);
}

/* limit: LIM_NOT_TLS */
static void
not_tls(void **state)
{
	char text[LIM_NOT_TLS + 2] = "* OK ";
	struct server s = { .clear = text, .after_clear = "" };

	(void)state;
	for (size_t n = LIM_NOT_TLS; n <= LIM_NOT_TLS + 1; n++) {
		memset(text + 5, 'x', n - 5);
		text[n] = '\0';
		failing(&s, "tls.plaintext_port");
		assert_int_equal(strlen(seen.detail), LIM_NOT_TLS);
	}
}

/* A server that is played here, without TLS. */
static int
clear_stream(int *plain)
{
	int fds[2];

	reset();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	seen.server = fds[0];
	*plain = open_stream(SECURITY_NONE);
	time_turns(20);
	return fds[1];
}

static void
server_says(int server, const char *text)
{
	assert_int_equal(write(server, text, strlen(text)), (ssize_t)strlen(text));
	time_turns(20);
}

/* limit: LIM_LOGIN_STEP_SECONDS: for each step anew. */
static void
step(void **state)
{
	int plain, server = clear_stream(&plain);

	(void)state;
	time_pass(LIM_LOGIN_STEP_SECONDS * 1000 - 1);
	assert_int_equal(seen.ended, 0);
	time_pass(1);
	assert_int_equal(seen.ended, 1);
	assert_string_equal(seen.code, "net.no_greeting");
	close(server);
	close(plain);
	server = clear_stream(&plain);
	time_pass(LIM_LOGIN_STEP_SECONDS * 1000 - 1);
	server_says(server, "* OK [CAPABILITY SASL-IR AUTH=PLAIN] x\r\n");
	time_pass(LIM_LOGIN_STEP_SECONDS * 1000 - 1);
	assert_int_equal(seen.ended, 0);
	time_pass(1);
	assert_int_equal(seen.ended, 1);
	assert_string_equal(seen.code, "net.timeout");
	close(server);
	close(plain);
}

/* The worker wrote more than the server takes, and left. */
static size_t
half_closed(int *server)
{
	static uint8_t bytes[4096];
	size_t sent = 0;
	ssize_t n;
	int plain;

	*server = clear_stream(&plain);
	server_says(*server, "* OK [CAPABILITY SASL-IR AUTH=PLAIN] x\r\n");
	server_says(*server, "P4 OK in\r\n");
	assert_int_equal(seen.ready, 1);
	while (recv(*server, bytes, sizeof(bytes), 0) > 0)	/* the login */
		continue;
	for (int full = 0; full < 10; time_turns(5))
		if ((n = send(plain, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
			sent += (size_t)n;
			full = 0;
		} else
			full++;
	close(plain);
	time_turns(20);
	assert_int_equal(seen.ended, 0);
	return sent;
}

/* limit: LIM_STREAM_CLOSE_SECONDS: until then the last bytes find their way. */
static void
stream_close(void **state)
{
	static uint8_t bytes[4096];
	size_t sent, got = 0;
	ssize_t n;
	int server;

	(void)state;
	(void)half_closed(&server);
	assert_int_equal(time_to_next(), LIM_STREAM_CLOSE_SECONDS * 1000);
	time_pass(LIM_STREAM_CLOSE_SECONDS * 1000 - 1);
	assert_int_equal(seen.ended, 0);
	time_pass(1);
	assert_int_equal(seen.ended, 1);
	close(server);
	sent = half_closed(&server);
	time_pass(LIM_STREAM_CLOSE_SECONDS * 1000 - 1);
	for (int i = 0; i < 10000 && seen.ended == 0; i++, time_turns(5))
		while ((n = recv(server, bytes, sizeof(bytes), 0)) > 0)
			got += (size_t)n;
	while ((n = recv(server, bytes, sizeof(bytes), 0)) > 0)
		got += (size_t)n;
	assert_int_equal(got, sent);
	close(server);
}

/* limit: LIM_EXTRA_CAS: more are not read, and the log says so. */
static void
extra_cas(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, name[20];
	long n;

	(void)state;
	for (int i = 0; i <= LIM_EXTRA_CAS; i++) {
		struct cert c;
		SSL_CTX *ctx;

		snprintf(name, sizeof(name), "CA %d", i);
		c = cert_make(name, NULL, NULL, -1, 10);
		PEM_write_bio_X509(bio, c.x509);
		cert_free(&c);
		if (i < LIM_EXTRA_CAS - 1)
			continue;
		n = BIO_get_mem_data(bio, &pem);
		ctx = context_new("", slice_mem(pem, (size_t)n));
		assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx))), LIM_EXTRA_CAS);
		SSL_CTX_free(ctx);
	}
	BIO_free(bio);
}

static int
setup(void **state)
{
	struct session_setup conf = { .host = HOST, .allow_none = true };
	char *pem;
	long n;
	BIO *bio;

	(void)state;
	ca = cert_make("Test CA", NULL, NULL, -1, 10);
	bio = cert_pem(&ca);
	n = BIO_get_mem_data(bio, &pem);
	conf.tls = context_new("", slice_mem(pem, (size_t)n));
	BIO_free(bio);
	session_setup(&conf);
	wire();
	memset(many, 'x', sizeof(many));
	return (l = secret_malloc(sizeof(*l))) == NULL ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line),
		cmocka_unit_test(lines),
		cmocka_unit_test(rounds),
		cmocka_unit_test(data),
		cmocka_unit_test(out),
		cmocka_unit_test(mechanisms),
		cmocka_unit_test(initial_response),
		cmocka_unit_test(echo),
		cmocka_unit_test(cert_names),
		cmocka_unit_test(not_tls),
		cmocka_unit_test(step),
		cmocka_unit_test(stream_close),
		cmocka_unit_test(extra_cas),
	};

	signal(SIGPIPE, SIG_IGN);
	context_early();
	return cmocka_run_group_tests(tests, setup, NULL);
}
