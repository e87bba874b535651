/*
 * The login dialogues, driven without sockets: whole, byte by byte, cut at
 * every byte, and against servers that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "login.h"
#include "secret.h"

/* base64 of "\0user@example.org\0hunter22" */
#define PLAIN64 "AHVzZXJAZXhhbXBsZS5vcmcAaHVudGVyMjI="
#define PLAIN "\0user@example.org\0hunter22"

struct script {
	enum service service;
	bool starttls;
	const char *mechanism;
	const char *steps[16];	/* "S: ..." the server, "C: ..." what we must have sent */
	enum login_want end;
	const char *code;
};

static const struct script good[] = {
	{ SERVICE_IMAP, false, "PLAIN",
	    { "S* OK hello\r\n", "CP1 CAPABILITY\r\n", "S* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nP1 OK done\r\n",
		"CP4 AUTHENTICATE PLAIN " PLAIN64 "\r\n", "S* CAPABILITY IMAP4rev1 IDLE\r\nP4 OK in\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_IMAP, false, "PLAIN",
	    { "S* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN] hello\r\n", "CP4 AUTHENTICATE PLAIN\r\n", "S+ \r\n",
		"C" PLAIN64 "\r\n", "SP4 OK [CAPABILITY X] in\r\n* 1 EXISTS\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_IMAP, false, "LOGIN",
	    { "S* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN SASL-IR] hello\n", "CP4 AUTHENTICATE LOGIN\r\n",
		"S+ VXNlcm5hbWU6\r\n", "CdXNlcg==\r\n", "S+ UGFzc3dvcmQ6\r\n", "Cd2ludGVyMg==\r\n", "SP4 OK\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_IMAP, false, "LOGIN",
	    { "S* OK [CAPABILITY IMAP4rev1] old server\r\n", "CP4 LOGIN {4}\r\n", "S+ go\r\n", "Cuser {6}\r\n", "S+\r\n",
		"Cwinter\r\n", "SP4 OK\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_IMAP, true, "PLAIN",
	    { "S* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hello\r\n", "CP2 STARTTLS\r\n", "SP2 OK go\r\n", "T",
		"CP3 CAPABILITY\r\n", "S* CAPABILITY SASL-IR AUTH=PLAIN\r\nP3 OK\r\n",
		"CP4 AUTHENTICATE PLAIN " PLAIN64 "\r\n", "SP4 OK\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_SMTP, false, "PLAIN",
	    { "S220-mx\r\n220 hello\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250-SIZE 1\r\n250 AUTH LOGIN PLAIN\r\n",
		"CAUTH PLAIN " PLAIN64 "\r\n", "S235 2.7.0 ok\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_SMTP, true, "PLAIN",
	    { "S220 hello\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250-AUTH=XX\r\n250 STARTTLS\r\n", "CSTARTTLS\r\n",
		"S220 go\r\n", "T", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250 AUTH PLAIN\r\n",
		"CAUTH PLAIN " PLAIN64 "\r\n", "S235 ok\r\n" },
	    LOGIN_DONE, NULL },
	{ SERVICE_SMTP, false, "LOGIN",
	    { "S220 hello\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250-AUTH LOGIN\r\n250 HELP\r\n", "CAUTH LOGIN\r\n",
		"S334 VXNlcm5hbWU6\r\n", "CdXNlcg==\r\n", "S334 UGFzc3dvcmQ6\r\n", "Cd2ludGVyMg==\r\n", "S235 ok\r\n" },
	    LOGIN_DONE, NULL },
};

static const struct script bad[] = {
	{ SERVICE_IMAP, false, "PLAIN", { "S+OK POP3 ready\r\n" }, LOGIN_FAILED, "cfg.pop_server" },
	{ SERVICE_IMAP, false, "PLAIN", { "S220 mx ESMTP\r\n" }, LOGIN_FAILED, "net.not_imap" },
	{ SERVICE_IMAP, false, "PLAIN", { "SSSH-2.0-OpenSSH\r\n" }, LOGIN_FAILED, "net.not_imap" },
	{ SERVICE_IMAP, false, "PLAIN", { "S* BYE full\r\n" }, LOGIN_FAILED, "net.bye" },
	{ SERVICE_IMAP, false, "PLAIN", { "S* PREAUTH hi\r\n" }, LOGIN_FAILED, "auth.no_mechanism" },
	{ SERVICE_IMAP, true, "PLAIN", { "S* PREAUTH hi\r\n" }, LOGIN_FAILED, "tls.starttls_missing" },
	{ SERVICE_IMAP, true, "PLAIN", { "S* OK [CAPABILITY IMAP4rev1] x\r\n" }, LOGIN_FAILED, "tls.starttls_missing" },
	{ SERVICE_IMAP, true, "PLAIN", { "S* OK [CAPABILITY STARTTLS] x\r\n", "CP2 STARTTLS\r\n", "SP2 NO not now\r\n" },
	    LOGIN_FAILED, "tls.starttls_rejected" },
	{ SERVICE_IMAP, true, "PLAIN",
	    { "S* OK [CAPABILITY STARTTLS] x\r\n", "CP2 STARTTLS\r\n", "SP2 OK go\r\n* CAPABILITY AUTH=PLAIN\r\n" },
	    LOGIN_FAILED, "tls.starttls_injection" },
	{ SERVICE_IMAP, false, "PLAIN", { "S* OK [CAPABILITY LOGINDISABLED] x\r\n" }, LOGIN_FAILED,
	    "auth.login_disabled" },
	{ SERVICE_IMAP, false, "PLAIN",
	    { "S* OK [CAPABILITY SASL-IR AUTH=PLAIN] x\r\n", "CP4 AUTHENTICATE PLAIN " PLAIN64 "\r\n",
		"SP4 NO [AUTHENTICATIONFAILED] bad\r\n" },
	    LOGIN_FAILED, "auth.rejected" },
	{ SERVICE_IMAP, false, "LOGIN",
	    { "S* OK [CAPABILITY IMAP4rev1] x\r\n", "CP4 LOGIN {4}\r\n", "SP4 NO LOGIN failed.\r\n" }, LOGIN_FAILED,
	    "auth.rejected" },
	{ SERVICE_IMAP, false, "PLAIN", { "S* OK [CAPABILITY AUTH=PLAIN] x\r\n", "CP4 AUTHENTICATE PLAIN\r\n", "SP9 OK\r\n" },
	    LOGIN_FAILED, "sync.protocol_error" },
	{ SERVICE_IMAP, false, "PLAIN", { "S* OK x\r\n", "CP1 CAPABILITY\r\n", "S+ surprise\r\n" }, LOGIN_FAILED,
	    "sync.protocol_error" },
	{ SERVICE_IMAP, false, "PLAIN", { "S* OK x\r\n", "CP1 CAPABILITY\r\n", "SP4 OK\r\n" }, LOGIN_FAILED,
	    "sync.protocol_error" },
	{ SERVICE_SMTP, false, "PLAIN", { "S* OK imap\r\n" }, LOGIN_FAILED, "net.not_smtp" },
	{ SERVICE_SMTP, false, "PLAIN", { "S421 busy\r\n" }, LOGIN_FAILED, "net.bye" },
	{ SERVICE_SMTP, false, "PLAIN", { "S554 no\r\n" }, LOGIN_FAILED, "net.bye" },
	{ SERVICE_SMTP, false, "PLAIN", { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250 mx\r\n" }, LOGIN_FAILED,
	    "auth.no_mechanism" },
	{ SERVICE_SMTP, true, "PLAIN", { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250 AUTH PLAIN\r\n" },
	    LOGIN_FAILED, "tls.starttls_missing" },
	{ SERVICE_SMTP, true, "PLAIN",
	    { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250 STARTTLS\r\n", "CSTARTTLS\r\n", "S220 go\r\n250 x\r\n" },
	    LOGIN_FAILED, "tls.starttls_injection" },
	{ SERVICE_SMTP, true, "PLAIN",
	    { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250 STARTTLS\r\n", "CSTARTTLS\r\n", "S454 later\r\n" },
	    LOGIN_FAILED, "tls.starttls_rejected" },
	{ SERVICE_SMTP, false, "PLAIN", { "S220-a\r\n221 b\r\n" }, LOGIN_FAILED, "net.not_smtp" },
	{ SERVICE_SMTP, false, "PLAIN", { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250-a\r\n350 b\r\n" }, LOGIN_FAILED,
	    "sync.protocol_error" },
	{ SERVICE_SMTP, false, "PLAIN",
	    { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250 AUTH PLAIN\r\n", "CAUTH PLAIN " PLAIN64 "\r\n",
		"S535-5.7.8 no\r\n535 5.7.8 bad\r\n" },
	    LOGIN_FAILED, "auth.rejected" },
	{ SERVICE_SMTP, false, "PLAIN",
	    { "S220 x\r\n", "CEHLO [127.0.0.1]\r\n", "S250-mx\r\n250 AUTH PLAIN\r\n", "CAUTH PLAIN " PLAIN64 "\r\n",
		"S334 !!!\r\n" },
	    LOGIN_FAILED, "auth.unknown" },
};

/* What a vault answers: PLAIN at once, LOGIN the user and then the secret. */
static enum login_want
answer(struct login *l, const struct script *s, unsigned int turn)
{
	enum login_want want;
	struct slice data = slice_mem(PLAIN, sizeof(PLAIN) - 1);

	if (strcmp(s->mechanism, "LOGIN") == 0)
		data = turn == 0 ? slice_str("user") : slice_str("winter");
	if (strcmp(s->mechanism, "LOGIN") == 0 && turn > 0 && !l->login_command)
		data = slice_str("winter2");
	(void)login_respond(l, slice_str(s->mechanism), data, &want);
	return want;
}

static enum login_want
feed(struct login *l, const char *p, size_t n, bool bytewise)
{
	enum login_want want = l->want;

	if (!bytewise)
		return login_input(l, p, n);
	for (size_t i = 0; i < n && want == LOGIN_READ; i++)
		want = login_input(l, p + i, 1);
	return want;
}

/* Serve the vault's turns, then compare what we say with the next "C" step. */
static enum login_want
settle(struct login *l, const struct script *s, unsigned int *turn)
{
	enum login_want want = l->want;

	while (want == LOGIN_CREDENTIAL || want == LOGIN_CHALLENGE) {
		want = answer(l, s, (*turn)++);
		if (want == LOGIN_READ)
			want = login_input(l, NULL, 0);
	}
	return want;
}

static void
expect_sent(struct login *l, const char *want)
{
	if (l->out_n != strlen(want) || memcmp(l->out, want, l->out_n) != 0)
		fail_msg("sent \"%.*s\", not \"%s\"", (int)l->out_n, (const char *)l->out, want);
	login_sent(l);
}

static void
play(const struct script *s, bool bytewise)
{
	struct login *l = secret_malloc(sizeof(*l));
	enum login_want want = LOGIN_READ;
	unsigned int turn = 0;

	assert_non_null(l);
	login_init(l, s->service, s->starttls);
	for (size_t i = 0; i < 16 && s->steps[i] != NULL; i++) {
		const char *step = s->steps[i] + 1;

		if (s->steps[i][0] == 'S') {
			feed(l, step, strlen(step), bytewise && s->end == LOGIN_DONE);
			want = settle(l, s, &turn);
		} else if (s->steps[i][0] == 'T') {
			assert_int_equal(want, LOGIN_HANDSHAKE);
			want = login_secured(l);
		} else
			expect_sent(l, step);
	}
	if (want != s->end || (s->code != NULL && strcmp(l->code, s->code) != 0))
		fail_msg("\"%s\": ended %d %s", s->steps[0], (int)want, l->code != NULL ? l->code : "");
	if (want == LOGIN_FAILED)
		assert_null(strstr(l->detail, "hunter"));
	secret_free(l);
}

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		play(&good[i], false);
		play(&good[i], true);
	}
}

/* What the login told of capabilities goes on to the worker, its text does not. */
static void
test_told(void **state)
{
	static const struct {
		const char *line, *rest;
		bool told;
	} cases[] = {
		{ "P4 OK [CAPABILITY IMAP4rev1 IDLE] hello hunter2\r\n", "* OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", true },
		{ "P4 OK [CAPABILITY A] in\r\n* 1 EXISTS\r\n", "* OK [CAPABILITY A] in\r\n* 1 EXISTS\r\n", true },
		{ "P4 ok [capability]\r\n", "", false },
		{ "P4 OK [CAPABILITY A\r\n", "", false },
		{ "P4 OK in [CAPABILITY A]\r\n", "", false },
		{ "P4 OK\r\n* 1 EXISTS\r\n", "* 1 EXISTS\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct login *l = secret_malloc(sizeof(*l));
		const struct script *s = &(struct script){ .service = SERVICE_IMAP, .mechanism = "PLAIN" };
		unsigned int turn = 0;

		assert_non_null(l);
		login_init(l, SERVICE_IMAP, false);
		feed(l, "* OK [CAPABILITY SASL-IR AUTH=PLAIN] x\r\n", 40, false);
		(void)settle(l, s, &turn);
		login_sent(l);
		feed(l, cases[i].line, strlen(cases[i].line), false);
		assert_int_equal(l->want, LOGIN_DONE);
		assert_int_equal(l->told, cases[i].told);
		assert_int_equal(login_rest(l).n, strlen(cases[i].rest));
		assert_memory_equal(login_rest(l).p, cases[i].rest, strlen(cases[i].rest));
		secret_free(l);
	}
}

/* Where there is no room for the line the worker asks itself. */
static void
test_told_too_long(void **state)
{
	static const char start[] = "P4 OK [CAPABILITY ";
	static char line[LIM_LOGIN_LINE + 1];
	const struct script *s = &(struct script){ .service = SERVICE_IMAP, .mechanism = "PLAIN" };

	(void)state;
	for (size_t n = LIM_LOGIN_LINE - 3; n <= LIM_LOGIN_LINE; n++) {
		struct login *l = secret_malloc(sizeof(*l));
		unsigned int turn = 0;

		assert_non_null(l);
		memset(line, 'A', sizeof(line));
		memcpy(line, start, sizeof(start) - 1);
		memcpy(line + n - 3, "]\r\n", 3);
		login_init(l, SERVICE_IMAP, false);
		feed(l, "* OK [CAPABILITY SASL-IR AUTH=PLAIN] x\r\n", 40, false);
		(void)settle(l, s, &turn);
		login_sent(l);
		feed(l, line, n, false);
		assert_int_equal(l->want, LOGIN_DONE);
		assert_int_equal(l->told, n <= LIM_LOGIN_LINE - 2);
		secret_free(l);
	}
}

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		play(&bad[i], false);
}

/* However a dialogue is cut, nothing is decided before its last byte. */
static void
test_truncated(void **state)
{
	static const char text[] = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		struct login *l = secret_malloc(sizeof(*l));

		login_init(l, SERVICE_IMAP, false);
		assert_int_equal(login_input(l, text, n), LOGIN_READ);
		assert_int_equal(login_input(l, text + n, sizeof(text) - 1 - n), LOGIN_CREDENTIAL);
		secret_free(l);
	}
}

static void
test_rest_goes_on(void **state)
{
	struct login *l = secret_malloc(sizeof(*l));
	enum login_want want;
	struct slice rest;

	(void)state;
	login_init(l, SERVICE_IMAP, false);
	(void)login_input(l, "* OK [CAPABILITY SASL-IR AUTH=PLAIN] x\r\n", 40);
	assert_int_equal(login_respond(l, slice_str("plain"), slice_mem(PLAIN, sizeof(PLAIN) - 1), &want), 0);
	assert_int_equal(login_input(l, "P4 OK in\r\n* 3 EXISTS\r\n", 22), LOGIN_DONE);
	rest = login_rest(l);
	assert_true(slice_eq_str(rest, "* 3 EXISTS\r\n"));
	secret_free(l);
}

static void
test_endless(void **state)
{
	struct login *l = secret_malloc(sizeof(*l));
	enum login_want want = LOGIN_READ;
	char junk[1000];

	(void)state;
	memset(junk, 'A', sizeof(junk));
	login_init(l, SERVICE_IMAP, false);
	while (want == LOGIN_READ)
		want = login_input(l, junk, login_room(l) < sizeof(junk) ? login_room(l) : sizeof(junk));
	assert_int_equal(want, LOGIN_FAILED);
	assert_string_equal(l->code, "net.not_imap");
	login_init(l, SERVICE_IMAP, false);
	want = login_input(l, "* OK x\r\n", 8);
	for (int i = 0; i < 1000 && want == LOGIN_READ; i++)
		want = login_input(l, "* more\r\n", 8);
	assert_int_equal(want, LOGIN_FAILED);
	login_init(l, SERVICE_SMTP, false);
	want = LOGIN_READ;
	for (int i = 0; i < 1000 && want == LOGIN_READ; i++)
		want = login_input(l, "220-more\r\n", 10);
	assert_int_equal(want, LOGIN_FAILED);
	secret_free(l);
}

/* A server that sends the credential back does not get it into a log. */
static void
test_echo(void **state)
{
	struct login *l = secret_malloc(sizeof(*l));
	enum login_want want;
	static const char answer_line[] = "535 5.7.8 no: " PLAIN64 " or hunter22 of user@example.org \x01\r\n";

	(void)state;
	login_init(l, SERVICE_SMTP, false);
	(void)login_input(l, "220 x\r\n250-mx\r\n250 AUTH PLAIN\r\n", 31);
	(void)login_respond(l, slice_str("PLAIN"), slice_mem(PLAIN, sizeof(PLAIN) - 1), &want);
	(void)login_input(l, answer_line, sizeof(answer_line) - 1);
	assert_int_equal(l->want, LOGIN_FAILED);
	assert_string_equal(l->code, "auth.rejected");
	assert_null(strstr(l->detail, "hunter"));
	assert_null(strstr(l->detail, "AHVz"));
	assert_non_null(strstr(l->detail, "535 5.7.8 no: ****"));
	secret_free(l);
}

static void
test_wipes(void **state)
{
	struct login *l = secret_malloc(sizeof(*l));
	enum login_want want;

	(void)state;
	login_init(l, SERVICE_IMAP, false);
	(void)login_input(l, "* OK [CAPABILITY AUTH=PLAIN] x\r\n", 32);
	(void)login_respond(l, slice_str("PLAIN"), slice_mem(PLAIN, sizeof(PLAIN) - 1), &want);
	login_sent(l);
	(void)login_input(l, "+ \r\n", 4);
	login_sent(l);
	assert_null(memmem(l, sizeof(*l), "hunter22", 8));
	assert_null(memmem(l, sizeof(*l), "AHVzZXJAZXhh", 12));
	secret_free(l);
}

/* The vault is a peer of ours: what it may not say fails the login only. */
static void
test_vault_misuse(void **state)
{
	struct login *l = secret_malloc(sizeof(*l));
	enum login_want want;

	(void)state;
	login_init(l, SERVICE_IMAP, false);
	assert_int_equal(login_respond(l, slice_str("PLAIN"), SLICE_NONE, &want), -1);
	assert_int_equal(want, LOGIN_FAILED);
	login_init(l, SERVICE_SMTP, false);
	(void)login_input(l, "220 x\r\n250-mx\r\n250 AUTH PLAIN\r\n", 31);
	assert_int_equal(l->want, LOGIN_CREDENTIAL);
	assert_int_equal(login_respond(l, slice_str("LOGIN"), slice_str("x"), &want), -1);
	assert_string_equal(l->code, "auth.no_mechanism");
	secret_free(l);
}

static void
test_long_response_waits(void **state)
{
	struct login *l = secret_malloc(sizeof(*l));
	uint8_t token[2000];
	enum login_want want;

	(void)state;
	memset(token, 't', sizeof(token));
	login_init(l, SERVICE_SMTP, false);
	(void)login_input(l, "220 x\r\n250-mx\r\n250 AUTH PLAIN\r\n", 31);
	login_sent(l);
	(void)login_respond(l, slice_str("PLAIN"), slice_mem(token, sizeof(token)), &want);
	expect_sent(l, "AUTH PLAIN\r\n");
	assert_int_equal(login_input(l, "334 \r\n", 6), LOGIN_READ);
	assert_int_equal(l->out_n, sasl_base64_len(sizeof(token)) + 2);
	secret_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad), cmocka_unit_test(test_told), cmocka_unit_test(test_told_too_long),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_rest_goes_on),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_wipes),
		cmocka_unit_test(test_vault_misuse),
		cmocka_unit_test(test_long_response_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
