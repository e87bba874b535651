#include "codes.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#define IMAP_ONLY 1u
#define SMTP_ONLY 2u
#define BOTH 3u

struct code_row {
	unsigned int service;
	const char *start;	/* the line starts so, NULL = any */
	const char *text;	/* and contains this, NULL = any */
	const char *code;
};

static const struct code_row auth_rows[] = {
	{ BOTH, NULL, "application-specific password", "auth.app_password_required" },
	{ BOTH, NULL, "app-specific password", "auth.app_password_required" },
	{ BOTH, NULL, "app password", "auth.app_password_required" },
	{ BOTH, NULL, "authorization code", "auth.app_password_required" },
	{ BOTH, NULL, "authorized code", "auth.app_password_required" },
	{ SMTP_ONLY, "534", "5.7.9", "auth.app_password_required" },
	{ BOTH, NULL, "[webalert", "auth.web_login_required" },
	{ BOTH, NULL, "via your web browser", "auth.web_login_required" },
	{ BOTH, NULL, "web login required", "auth.web_login_required" },
	{ SMTP_ONLY, "534", "5.7.14", "auth.web_login_required" },
	{ BOTH, NULL, "not enabled for imap", "auth.imap_disabled" },
	{ BOTH, NULL, "imap access is disabled", "auth.imap_disabled" },
	{ IMAP_ONLY, NULL, "imap is disabled", "auth.imap_disabled" },
	{ IMAP_ONLY, NULL, "imap disabled", "auth.imap_disabled" },
	{ IMAP_ONLY, NULL, "enable imap", "auth.imap_disabled" },
	{ SMTP_ONLY, NULL, "smtpclientauthentication is disabled for the tenant", "auth.smtp_auth_disabled_tenant" },
	{ SMTP_ONLY, NULL, "smtpclientauthentication is disabled for the mailbox", "auth.smtp_auth_disabled_mailbox" },
	{ BOTH, NULL, "basic authentication is disabled", "auth.password_login_disabled" },
	{ SMTP_ONLY, "550", "5.7.30", "auth.password_login_disabled" },
	{ BOTH, NULL, "did not meet the criteria", "auth.policy_blocked" },
	{ BOTH, NULL, "aadsts53003", "auth.policy_blocked" },
	{ BOTH, NULL, "authenticated but not connected", "auth.not_connected" },
	{ BOTH, NULL, "too many simultaneous", "sync.too_many_connections" },
	{ BOTH, NULL, "maximum number of connections", "sync.too_many_connections" },
	{ BOTH, NULL, "too many login", "auth.too_many_attempts" },
	{ BOTH, NULL, "too many failed", "auth.too_many_attempts" },
	{ BOTH, NULL, "too many auth", "auth.too_many_attempts" },
	{ SMTP_ONLY, "454", "temporary", "auth.temp_unavailable" },	/* Postfix without its SASL server */
	{ SMTP_ONLY, "454", "4.7.0", "auth.too_many_attempts" },
	{ SMTP_ONLY, "421", "4.7.0", "auth.too_many_attempts" },
	{ BOTH, NULL, "[expired]", "auth.expired" },
	{ BOTH, NULL, "password has expired", "auth.expired" },
	{ BOTH, NULL, "password expired", "auth.expired" },
	{ BOTH, NULL, "aadsts50053", "auth.locked" },
	{ BOTH, NULL, "account is locked", "auth.locked" },
	{ BOTH, NULL, "account locked", "auth.locked" },
	{ BOTH, NULL, "aadsts50057", "auth.account_disabled" },
	{ BOTH, NULL, "account is disabled", "auth.account_disabled" },
	{ BOTH, NULL, "account disabled", "auth.account_disabled" },
	{ IMAP_ONLY, NULL, "[authorizationfailed]", "auth.account_disabled" },
	{ IMAP_ONLY, NULL, "[contactadmin]", "auth.account_disabled" },
	{ IMAP_ONLY, NULL, "[privacyrequired]", "auth.login_disabled" },
	{ IMAP_ONLY, NULL, "[unavailable]", "auth.temp_unavailable" },
	{ IMAP_ONLY, NULL, "[inuse]", "auth.temp_unavailable" },
	{ IMAP_ONLY, NULL, "[serverbug]", "auth.temp_unavailable" },
	{ IMAP_ONLY, NULL, "[limit]", "auth.too_many_attempts" },
	{ IMAP_ONLY, NULL, "[authenticationfailed]", "auth.rejected" },
	{ BOTH, NULL, "backend error", "auth.temp_unavailable" },
	{ BOTH, NULL, "temporary", "auth.temp_unavailable" },
	{ BOTH, NULL, "internal error", "auth.temp_unavailable" },
	{ BOTH, NULL, "try again later", "auth.temp_unavailable" },
	{ SMTP_ONLY, "4", NULL, "auth.temp_unavailable" },
	{ SMTP_ONLY, "535", NULL, "auth.rejected" },
	{ SMTP_ONLY, "504", NULL, "auth.no_mechanism" },
	{ SMTP_ONLY, "534", NULL, "auth.no_mechanism" },
	{ SMTP_ONLY, "538", NULL, "auth.login_disabled" },
	{ SMTP_ONLY, "530", NULL, "auth.login_disabled" },
	{ SMTP_ONLY, "500", NULL, "auth.unknown" },
	{ SMTP_ONLY, "501", NULL, "auth.unknown" },
	{ SMTP_ONLY, "502", NULL, "auth.unknown" },
	{ SMTP_ONLY, "503", NULL, "auth.unknown" },
	/* After BYE and BAD nothing is known about the password. */
	{ IMAP_ONLY, "bye", NULL, "net.bye" },
	{ IMAP_ONLY, "bad", NULL, "auth.unknown" },
	/* A plain NO stops the logins: a second try could lock the mailbox. */
	{ BOTH, NULL, NULL, "auth.rejected" },
};

static const struct code_row greeting_rows[] = {
	{ BOTH, "+ok", NULL, "cfg.pop_server" },
	{ IMAP_ONLY, "* bye", "too many", "sync.too_many_connections" },
	{ IMAP_ONLY, "* bye", "maximum number of connections", "sync.too_many_connections" },
	{ IMAP_ONLY, "* bye", NULL, "net.bye" },
	{ SMTP_ONLY, "4", NULL, "net.bye" },
	{ SMTP_ONLY, "5", NULL, "net.bye" },
	{ IMAP_ONLY, NULL, NULL, "net.not_imap" },
	{ SMTP_ONLY, NULL, NULL, "net.not_smtp" },
};

static const struct code_row plaintext_rows[] = {
	{ BOTH, "+ok", NULL, "cfg.pop_server" },
	{ IMAP_ONLY, "* bye", NULL, "net.bye" },
	{ IMAP_ONLY, "* ", NULL, "tls.plaintext_port" },
	{ SMTP_ONLY, "220", NULL, "tls.plaintext_port" },
	{ SMTP_ONLY, "421", NULL, "net.bye" },
	{ SMTP_ONLY, "554", NULL, "net.bye" },
	{ IMAP_ONLY, "220", NULL, "net.not_imap" },
	{ SMTP_ONLY, "* ", NULL, "net.not_smtp" },
	{ IMAP_ONLY, "ssh-", NULL, "net.not_imap" },
	{ SMTP_ONLY, "ssh-", NULL, "net.not_smtp" },
	{ IMAP_ONLY, "http/", NULL, "net.not_imap" },
	{ SMTP_ONLY, "http/", NULL, "net.not_smtp" },
	{ BOTH, NULL, NULL, "tls.plaintext_port" },
};

static bool
starts_with(struct slice line, const char *s)
{
	size_t n = strlen(s);

	return line.n >= n && slice_case_eq_str((struct slice){ line.p, n }, s);
}

bool
codes_contains(struct slice line, const char *s)
{
	for (; line.n > 0; line.p++, line.n--)
		if (starts_with(line, s))
			return true;
	return false;
}

static const char *
codes_find(const struct code_row *rows, size_t n, enum service service, struct slice line)
{
	unsigned int bit = service == SERVICE_IMAP ? IMAP_ONLY : SMTP_ONLY;

	for (size_t i = 0; i < n; i++)
		if ((rows[i].service & bit) != 0 && (rows[i].start == NULL || starts_with(line, rows[i].start)) &&
		    (rows[i].text == NULL || codes_contains(line, rows[i].text)))
			return rows[i].code;
	return "auth.unknown";
}

#define FIND(rows, service, line) codes_find(rows, sizeof(rows) / sizeof((rows)[0]), service, line)

const char *
codes_auth(enum service service, struct slice line)
{
	return FIND(auth_rows, service, line);
}

const char *
codes_greeting(enum service service, struct slice line)
{
	return FIND(greeting_rows, service, line);
}

const char *
codes_plaintext(enum service service, struct slice first)
{
	return FIND(plaintext_rows, service, first);
}

const char *
codes_verify(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "tls.cert_expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "tls.not_yet_valid";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "tls.self_signed";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "tls.cert_name";
	default:
		return "tls.cert_untrusted";
	}
}

const char *
codes_handshake(int reason)
{
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
	case SSL_R_DH_KEY_TOO_SMALL:
		return "tls.too_old";
	default:
		return "tls.handshake";
	}
}
