/* The server's SCRAM messages: one spelling, both sides of each limit; and the
 * dialogue that must not end before the server has proven itself. */
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

#define NONCE "abcdefghijklmnopqrstuvwx+server"
#define FIRST "r=" NONCE ",s=QSXCR+Q6sek8bf92,i=4096"
#define FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
#define UNSAFE "auth.scram_unsafe"
#define UNPROVEN "auth.server_unproven"

static struct scram_first f;
static uint8_t signature[SCRAM_SIGNATURE];

static void
reads(const char *message, const char *code)
{
	const char *got = scram_read_first(slice_str(message), &f);

	if (code == NULL ? got != NULL : got == NULL || strcmp(got, code) != 0)
		fail_msg("\"%s\": %s", message, got != NULL ? got : "taken");
}

static void
first_messages(void **state)
{
	static const char *const refused[] = { "", "r", "r=", "r=x", "r=x,", "r=x,s=QQ==", "r=x,s=QQ==,", "r=x,s=QQ==,i=",
		"r=,s=QQ==,i=4096", "r=x,s=,i=4096", "m=ext," FIRST, FIRST ",", FIRST ",x=y", " " FIRST, FIRST " ",
		"s=QQ==,r=x,i=4096", "r=x,i=4096,s=QQ==", "r=x,s=QQ==,s=QQ==,i=4096", "R=x,s=QQ==,i=4096",
		"r=x,s=QQ==,i=04096", "r=x,s=QQ==,i=0", "r=x,s=QQ==,i=+4096", "r=x,s=QQ==,i=-1", "r=x,s=QQ==,i=4096x",
		"r=x,s=QQ==,i=4 096", "r=x,s=QQ==,i=1000000000", "r=x,s=QQ==,i=18446744073709555712",
		"r=a b,s=QQ==,i=4096", "r=a\tb,s=QQ==,i=4096", "r=a\x7f,s=QQ==,i=4096", "r=\xc3\xa4,s=QQ==,i=4096",
		"r=x,s=QR==,i=4096",	/* bits behind the end */
		"r=x,s=QQ=,i=4096", "r=x,s=QQ,i=4096", "r=x,s=Q-_=,i=4096", "r=x,s=QQ== ,i=4096", "e=other-error" };

	(void)state;
	reads(FIRST, NULL);
	assert_string_equal(f.nonce, NONCE);
	assert_int_equal(f.salt_n, 12);
	assert_int_equal(f.iterations, 4096);
	reads("r=!~,s=QQ==,i=999999999", NULL);		/* the vault's to judge */
	reads("r=x,s=QQ==,i=1", NULL);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		reads(refused[i], UNSAFE);
	for (size_t n = 0; n < sizeof(FIRST) - 1; n++)	/* cut anywhere: nothing or fewer digits */
		assert_true(scram_read_first(slice_mem(FIRST, n), &f) != NULL || f.iterations < 4096);
}

/* limit: LIM_SCRAM_NONCE LIM_SCRAM_SALT */
static void
both_sides_of_each_limit(void **state)
{
	static char message[20000];
	static uint8_t salt[8192];
	char base64[12000] = "", nonce[LIM_SCRAM_NONCE + 2] = "";

	(void)state;
	for (size_t n = LIM_SCRAM_NONCE; n <= LIM_SCRAM_NONCE + 1; n++) {
		memset(nonce, 'n', n);
		snprintf(message, sizeof(message), "r=%s,s=QQ==,i=4096", nonce);
		reads(message, n <= LIM_SCRAM_NONCE ? NULL : UNSAFE);
	}
	for (size_t n = LIM_SCRAM_SALT - 2; n <= sizeof(salt); n += n < LIM_SCRAM_SALT + 4 ? 1 : 4000) {
		int len = sasl_base64_encode((struct slice){ salt, n }, (uint8_t *)base64, sizeof(base64));

		snprintf(message, sizeof(message), "r=x,s=%.*s,i=4096", len, base64);
		reads(message, n <= LIM_SCRAM_SALT ? NULL : UNSAFE);
	}
}

static void
final_messages(void **state)
{
	static const struct {
		const char *message, *code;
	} rows[] = {
		{ FINAL, NULL },
		{ "", UNPROVEN }, { "v=", UNPROVEN }, { "v", UNPROVEN }, { FINAL ",x=y", UNPROVEN }, { FINAL ",", UNPROVEN },
		{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", UNPROVEN },	/* bits behind the end */
		{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==", UNPROVEN },	/* 31 bytes */
		{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G7/", UNPROVEN },	/* 33 bytes */
		{ "x=y," FINAL, UNPROVEN }, { "ok", UNPROVEN }, { "V=" , UNPROVEN },
		{ "e=invalid-proof", "auth.rejected" }, { "e=unknown-user", "auth.rejected" },
		{ "e=other-error", "auth.rejected" }, { "e=", "auth.rejected" }, { "e=news," FINAL, "auth.rejected" },
		{ "e=channel-bindings-dont-match", "auth.channel_binding" },
		{ "e=server-does-support-channel-binding", "auth.channel_binding" },
		{ "e=unsupported-channel-binding-type", "auth.no_mechanism" },
		{ "e=no-resources", "auth.temp_unavailable" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = scram_read_final(slice_str(rows[i].message), signature);

		if (rows[i].code == NULL ? got != NULL : got == NULL || strcmp(got, rows[i].code) != 0)
			fail_msg("\"%s\": %s", rows[i].message, got != NULL ? got : "taken");
	}
}

/* ---- dialogues ---- */
static struct login *l;

static enum login_want
hear(const char *text)
{
	login_sent(l);
	return login_input(l, text, strlen(text));
}

/* "+ base64" or "334 base64", as the service has it. */
static enum login_want
challenge(const char *message)
{
	char line[1024];
	uint8_t base64[900];
	int n = sasl_base64_encode(slice_str(message), base64, sizeof(base64));

	snprintf(line, sizeof(line), "%s %.*s\r\n", l->service == SERVICE_IMAP ? "+" : "334", n, (const char *)base64);
	return hear(line);
}

static enum login_want
say(const char *data)
{
	enum login_want want;

	(void)login_respond(l, slice_str("SCRAM-SHA-256"), slice_str(data), &want);
	return want;
}

static void
sent(const char *text)
{
	assert_true(slice_eq_str((struct slice){ l->out, l->out_n }, text));
}

static void
begin(enum service service)
{
	if (l != NULL)
		secret_free(l);
	assert_non_null(l = secret_malloc(sizeof(*l)));
	login_init(l, service, false);
	assert_int_equal(hear(service == SERVICE_IMAP
	    ? "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN] x\r\n"
	    : "220 x\r\n250-mx\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n"), LOGIN_CREDENTIAL);
	login_sent(l);
	assert_int_equal(say("n,,n=u,r=x"), LOGIN_READ);
	sent(service == SERVICE_IMAP ? "P4 AUTHENTICATE SCRAM-SHA-256 biwsbj11LHI9eA==\r\n"
				     : "AUTH SCRAM-SHA-256 biwsbj11LHI9eA==\r\n");
}

static void
failed(enum login_want want, const char *code)
{
	assert_int_equal(want, LOGIN_FAILED);
	assert_string_equal(l->code, code);
}

static void
proof_before_ok(void **state)
{
	(void)state;
	for (enum service s = SERVICE_IMAP; s <= SERVICE_SMTP; s++) {
		const char *ok = s == SERVICE_IMAP ? "P4 OK in\r\n" : "235 ok\r\n";

		begin(s);
		assert_int_equal(challenge(FIRST), LOGIN_CHALLENGE);
		assert_int_equal(l->scram, LSCRAM_FIRST);
		assert_string_equal(l->server_first.nonce, NONCE);
		assert_int_equal(say("c=biws,r=x,p=y"), LOGIN_READ);
		sent("Yz1iaXdzLHI9eCxwPXk=\r\n");
		assert_int_equal(challenge(FINAL), LOGIN_CHALLENGE);
		assert_int_equal(l->scram, LSCRAM_FINAL);
		assert_int_equal(l->signature[0], 0xea);
		assert_int_equal(say(""), LOGIN_READ);
		sent("\r\n");
		assert_int_equal(hear(ok), LOGIN_DONE);
		begin(s);	/* welcome without any proof */
		failed(hear(ok), UNPROVEN);
		begin(s);	/* and after ours */
		(void)challenge(FIRST);
		(void)say("c=biws,r=x,p=y");
		failed(hear(ok), UNPROVEN);
	}
}

static void
lies_in_between(void **state)
{
	(void)state;
	begin(SERVICE_IMAP);
	failed(challenge(FINAL), UNSAFE);	/* the last message first */
	begin(SERVICE_SMTP);
	failed(challenge(""), UNSAFE);
	begin(SERVICE_IMAP);
	(void)challenge(FIRST);
	(void)say("c=x");
	failed(challenge(FIRST), UNPROVEN);
	begin(SERVICE_IMAP);
	(void)challenge(FIRST);
	(void)say("c=x");
	failed(challenge("e=invalid-proof"), "auth.rejected");
	assert_string_equal(l->detail, "e=invalid-proof");
	begin(SERVICE_IMAP);
	(void)challenge(FIRST);
	(void)say("c=x");
	failed(hear("P4 NO [AUTHENTICATIONFAILED] no\r\n"), "auth.rejected");
	begin(SERVICE_SMTP);
	(void)challenge(FIRST);
	(void)say("c=x");
	failed(hear("454 4.7.0 Temporary authentication failure: Connection lost\r\n"), "auth.temp_unavailable");
	begin(SERVICE_IMAP);
	(void)challenge(FIRST);
	(void)say("c=x");
	(void)challenge(FINAL);
	(void)say("");
	failed(challenge(FINAL), "sync.protocol_error");	/* and on and on */
	begin(SERVICE_IMAP);
	failed(hear("+ !!!!\r\n"), "auth.unknown");
}

static enum login_want
say_by(const char *mechanism, const char *data)
{
	enum login_want want;

	login_sent(l);
	(void)login_respond(l, slice_str(mechanism), slice_str(data), &want);
	return want;
}

static void
begin_bound(enum service service)
{
	secret_free(l);
	assert_non_null(l = secret_malloc(sizeof(*l)));
	login_init(l, service, false);
	assert_int_equal(hear(service == SERVICE_IMAP
	    ? "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS] x\r\n"
	    : "220 x\r\n250-mx\r\n250 AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256\r\n"), LOGIN_CREDENTIAL);
	assert_int_equal(say_by("SCRAM-SHA-256-PLUS", "p=x"), LOGIN_READ);
}

/* A server that knows another binding says so before any proof: once more without. */
static void
a_binding_refused(void **state)
{
	(void)state;
	for (enum service s = SERVICE_IMAP; s <= SERVICE_SMTP; s++) {
		const char *no = s == SERVICE_IMAP ? "P4 NO bad protocol / cancel\r\n" : "501 5.5.4 cancelled\r\n";

		begin_bound(s);
		assert_int_equal(hear(no), LOGIN_CHALLENGE);
		assert_int_equal(l->scram, LSCRAM_NONE);	/* the vault hears auth_challenge */
		assert_int_equal(say_by("SCRAM-SHA-256", "n,,n=u,r=x"), LOGIN_READ);
		sent(s == SERVICE_IMAP ? "P5 AUTHENTICATE SCRAM-SHA-256 biwsbj11LHI9eA==\r\n"
				       : "AUTH SCRAM-SHA-256 biwsbj11LHI9eA==\r\n");
		assert_int_equal(challenge(FIRST), LOGIN_CHALLENGE);
		assert_int_equal(l->scram, LSCRAM_FIRST);
		begin_bound(s);
		(void)hear(no);
		(void)say_by("SCRAM-SHA-256", "n,,n=u,r=x");	/* and not for ever */
		failed(hear(s == SERVICE_IMAP ? "P5 NO bad protocol / cancel\r\n" : no),
		    s == SERVICE_IMAP ? "auth.rejected" : "auth.unknown");
	}
	begin_bound(SERVICE_IMAP);	/* the user is not known: no second try */
	failed(hear("P4 NO [AUTHENTICATIONFAILED] no\r\n"), "auth.rejected");
	begin_bound(SERVICE_SMTP);
	failed(hear("535 5.7.8 no\r\n"), "auth.rejected");
	begin_bound(SERVICE_IMAP);	/* after the proof it is the password */
	(void)challenge(FIRST);
	(void)say("c=x");
	failed(hear("P4 NO authentication failure\r\n"), "auth.rejected");
	begin_bound(SERVICE_IMAP);	/* but for one server's words */
	(void)challenge(FIRST);
	(void)say("c=x");
	assert_int_equal(hear("P4 NO bad protocol / cancel\r\n"), LOGIN_CHALLENGE);
	begin(SERVICE_IMAP);		/* it was not bound */
	failed(hear("P4 NO bad protocol / cancel\r\n"), "auth.rejected");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(first_messages), cmocka_unit_test(both_sides_of_each_limit),
		cmocka_unit_test(final_messages), cmocka_unit_test(proof_before_ok), cmocka_unit_test(lies_in_between),
		cmocka_unit_test(a_binding_refused) };
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	secret_free(l);
	return failures;
}
