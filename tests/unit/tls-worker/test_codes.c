/* Wire texts to codes, base64, and the guard against echoes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "codes.h"
#include "sasl.h"

static const struct {
	enum service service;
	const char *line, *code;
} auth[] = {
	{ SERVICE_IMAP, "NO [AUTHENTICATIONFAILED] Authentication failed.", "auth.rejected" },
	{ SERVICE_IMAP, "NO LOGIN failed.", "auth.rejected" },
	{ SERVICE_IMAP, "NO [ALERT] Application-specific password required: https://x", "auth.app_password_required" },
	{ SERVICE_IMAP, "NO [ALERT] Please log in via your web browser: https://x", "auth.web_login_required" },
	{ SERVICE_IMAP, "NO [WEBALERT https://x] Web login required.", "auth.web_login_required" },
	{ SERVICE_IMAP, "NO [ALERT] Your account is not enabled for IMAP use.", "auth.imap_disabled" },
	{ SERVICE_IMAP, "NO [UNAVAILABLE] Temporary authentication failure.", "auth.temp_unavailable" },
	{ SERVICE_IMAP, "NO [AUTHORIZATIONFAILED] no", "auth.account_disabled" },
	{ SERVICE_IMAP, "NO [CONTACTADMIN] no", "auth.account_disabled" },
	{ SERVICE_IMAP, "NO [EXPIRED] no", "auth.expired" },
	{ SERVICE_IMAP, "NO [LIMIT] slow down", "auth.too_many_attempts" },
	{ SERVICE_IMAP, "NO Too many login failures", "auth.too_many_attempts" },
	{ SERVICE_IMAP, "NO [ALERT] Too many simultaneous connections. (Failure)", "sync.too_many_connections" },
	{ SERVICE_IMAP, "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded",
	    "sync.too_many_connections" },
	{ SERVICE_IMAP, "BAD User is authenticated but not connected.", "auth.not_connected" },
	{ SERVICE_IMAP, "BAD syntax", "auth.unknown" },
	{ SERVICE_IMAP, "BYE going down", "net.bye" },
	{ SERVICE_SMTP, "535 5.7.8 Error: authentication failed", "auth.rejected" },
	{ SERVICE_SMTP, "535-5.7.8 Username and Password not accepted. 5.7.8 https://x", "auth.rejected" },
	{ SERVICE_SMTP, "534-5.7.9 Application-specific password required. 5.7.9 x", "auth.app_password_required" },
	{ SERVICE_SMTP, "534 5.7.9 other words", "auth.app_password_required" },
	{ SERVICE_SMTP, "534 5.7.14 <https://x> Please log in", "auth.web_login_required" },
	{ SERVICE_SMTP, "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
	    "auth.password_login_disabled" },
	{ SERVICE_SMTP, "550 5.7.30 Basic authentication is not supported", "auth.password_login_disabled" },
	{ SERVICE_SMTP, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
	    "auth.smtp_auth_disabled_tenant" },
	{ SERVICE_SMTP, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
	    "auth.smtp_auth_disabled_mailbox" },
	{ SERVICE_SMTP, "535 5.7.139 user did not meet the criteria to be authenticated", "auth.policy_blocked" },
	{ SERVICE_SMTP, "454 4.7.0 Too many login attempts", "auth.too_many_attempts" },
	{ SERVICE_SMTP, "454 4.7.0 Temporary authentication failure: Connection lost", "auth.temp_unavailable" },
	{ SERVICE_SMTP, "421 4.7.0 Try later", "auth.too_many_attempts" },
	{ SERVICE_SMTP, "454 Temporary authentication failure", "auth.temp_unavailable" },
	{ SERVICE_SMTP, "432 4.7.12 A password transition is needed", "auth.temp_unavailable" },
	{ SERVICE_SMTP, "504 5.5.4 Unrecognized", "auth.no_mechanism" },
	{ SERVICE_SMTP, "538 encryption required", "auth.login_disabled" },
	{ SERVICE_SMTP, "501 5.5.2 cannot decode", "auth.unknown" },
	{ SERVICE_SMTP, "", "auth.rejected" },
};

static void
test_auth(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(auth) / sizeof(auth[0]); i++)
		assert_string_equal(codes_auth(auth[i].service, slice_str(auth[i].line)), auth[i].code);
}

static void
test_others(void **state)
{
	(void)state;
	assert_string_equal(codes_greeting(SERVICE_IMAP, slice_str("* BYE Too many connections")),
	    "sync.too_many_connections");
	assert_string_equal(codes_greeting(SERVICE_IMAP, slice_str("* BYE")), "net.bye");
	assert_string_equal(codes_greeting(SERVICE_SMTP, slice_str("+OK hi")), "cfg.pop_server");
	assert_string_equal(codes_greeting(SERVICE_SMTP, slice_str("HTTP/1.1 400")), "net.not_smtp");
	assert_string_equal(codes_plaintext(SERVICE_IMAP, slice_str("* OK hi")), "tls.plaintext_port");
	assert_string_equal(codes_plaintext(SERVICE_SMTP, slice_str("220 hi")), "tls.plaintext_port");
	assert_string_equal(codes_plaintext(SERVICE_IMAP, slice_str("220 hi")), "net.not_imap");
	assert_string_equal(codes_plaintext(SERVICE_SMTP, slice_str("* OK")), "net.not_smtp");
	assert_string_equal(codes_plaintext(SERVICE_IMAP, slice_str("+OK")), "cfg.pop_server");
	assert_string_equal(codes_plaintext(SERVICE_IMAP, slice_str("HTTP/1.1")), "net.not_imap");
	assert_string_equal(codes_verify(X509_V_ERR_CERT_HAS_EXPIRED), "tls.cert_expired");
	assert_string_equal(codes_verify(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN), "tls.cert_untrusted");
	assert_string_equal(codes_handshake(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION), "tls.too_old");
	assert_string_equal(codes_handshake(SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE), "tls.handshake");
}

static void
test_base64(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	static const char *const broken[] = { "Z", "Zg", "Zg=", "Zg===", "====", "=Zg=", "Z=g=", "Zm9v!A==", "Zg==Zg==" };
	uint8_t out[16];
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		n = sasl_base64_encode(slice_str(pairs[i][0]), out, sizeof(out));
		assert_true(slice_eq_str(slice_mem(out, (size_t)n), pairs[i][1]));
		n = sasl_base64_decode(slice_str(pairs[i][1]), out, sizeof(out));
		assert_true(slice_eq_str(slice_mem(out, (size_t)n), pairs[i][0]));
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(sasl_base64_decode(slice_str(broken[i]), out, sizeof(out)), -1);
	assert_int_equal(sasl_base64_decode(slice_str("Zm9vYmFy"), out, 5), -1);
	assert_int_equal(sasl_base64_encode(slice_str("foobar"), out, 7), -1);
}

static void
test_guard(void **state)
{
	struct sasl_guard g = { 0 };
	char line[] = "user secret c2VjcmV0 usersecret sec";

	(void)state;
	sasl_guard_mask(&g, line, strlen(line));
	assert_string_equal(line, "user secret c2VjcmV0 usersecret sec");
	sasl_guard_add(&g, slice_str("secret"));
	sasl_guard_mask(&g, line, strlen(line));
	assert_string_equal(line, "user ****** ******** user****** sec");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
