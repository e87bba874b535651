#include "error_codes.h"

#define ERROR_CODES(X)                                                                                                 \
	X("cfg.invalid", 'U', "A value is not in the allowed form; see the detail for its name.")                      \
	X("cfg.port_mode_conflict", 'U', "Use 993 or 465 with tls, 143 or 587 with starttls.")                         \
	X("cfg.pop_server", 'U', "This is a POP server; enter the IMAP server's name.")                                \
	X("cfg.address_in_use", 'U', "This address is already linked.")                                                \
	X("cfg.host_change_refused", 'A', "Ask an administrator: a new server needs the credential again.")            \
	X("net.dns_not_found", 'U', "Check the spelling of the server's name.")                                        \
	X("net.dns_temp", 'T', "The name service does not answer now; it is tried again.")                             \
	X("net.blocked_address", 'A', "The server is at an internal address; allow it for this host in postern.conf.") \
	X("net.refused", 'U', "Nothing listens there: check the port, or a firewall.")                                 \
	X("net.timeout", 'I', "No answer: a firewall or a wrong server name.")                                         \
	X("net.unreachable", 'I', "There is no route to the server: check network and firewall.")                      \
	X("net.reset", 'T', "The server dropped the connection; our address may be blocked there.")                    \
	X("net.no_greeting", 'U', "Connected, but silence: this port probably expects tls.")                           \
	X("net.not_imap", 'U', "This port does not speak IMAP: check the port.")                                       \
	X("net.not_smtp", 'U', "This port does not speak SMTP: check the port.")                                       \
	X("net.bye", 'T', "The server turns connections away now; it is tried again.")                                 \
	X("tls.plaintext_port", 'U', "This port starts in plain text: choose starttls.")                               \
	X("tls.starttls_missing", 'I', "The server offers no encryption on this port; use the tls port.")              \
	X("tls.starttls_rejected", 'I', "The server cannot start encryption now; its administrator must look.")        \
	X("tls.starttls_injection", 'A', "Bytes were slipped in before encryption: the line may be tampered with.")    \
	X("tls.cert_expired", 'I', "The server's certificate has expired and must be renewed.")                        \
	X("tls.cert_not_yet_valid", 'I', "The certificate is not valid yet: check the clocks.")                        \
	X("tls.not_yet_valid", 'I', "The certificate is not valid yet: check the clocks.")                             \
	X("tls.cert_untrusted", 'I', "The issuer is unknown: name the CA file for this host in postern.conf.")         \
	X("tls.cert_self_signed", 'I', "The certificate is self-signed: name it as CA file for this host.")            \
	X("tls.self_signed", 'I', "The certificate is self-signed: name it as CA file for this host.")                 \
	X("tls.cert_name", 'U', "The certificate is for another name: use one of the names shown.")                    \
	X("tls.pin_mismatch", 'A', "The server's key changed: confirm the new one with the provider.")                 \
	X("tls.too_old", 'I', "The server offers only obsolete encryption.")                                           \
	X("tls.handshake", 'I', "No common encryption could be agreed with the server.")                               \
	X("auth.rejected", 'U', "Address or password was not accepted; logins are stopped until it is entered anew.")  \
	X("auth.app_password_required", 'U', "Create an app password at the provider and enter it here.")              \
	X("auth.web_login_required", 'U', "Sign in once in a browser, confirm it was you, then try again.")            \
	X("auth.imap_disabled", 'U', "Switch IMAP on in the mailbox's settings.")                                      \
	X("auth.password_login_disabled", 'U', "The provider takes no passwords here: sign in with OAuth2.")           \
	X("auth.smtp_auth_disabled_tenant", 'I', "The mail administrator must enable authenticated SMTP.")             \
	X("auth.smtp_auth_disabled_mailbox", 'I', "Authenticated SMTP must be enabled for this mailbox.")              \
	X("auth.policy_blocked", 'I', "A conditional access rule blocks this host; IT must allow it.")                 \
	X("auth.not_connected", 'I', "Logged in without a mailbox: wrong account, no licence, or IMAP is off.")        \
	X("auth.account_disabled", 'I', "The account is disabled; the mail administrator must enable it.")             \
	X("auth.account_locked", 'I', "The account is locked; the mail administrator must unlock it.")                 \
	X("auth.account_expired", 'I', "The account or its password has expired; renew it.")                           \
	X("auth.locked", 'I', "The account is locked; the mail administrator must unlock it.")                         \
	X("auth.expired", 'I', "The account or its password has expired; renew it.")                                   \
	X("auth.too_many_attempts", 'T', "Too many logins: paused, nothing is tried until later.")                     \
	X("auth.temp_unavailable", 'T', "The provider cannot check logins now; it is tried again.")                    \
	X("auth.no_mechanism", 'I', "The server offers no login method we support.")                                   \
	X("auth.downgrade", 'U', "The server stopped offering SCRAM: ask why, then enter the password anew.")          \
	X("auth.server_unproven", 'A', "The server did not prove that it knows the password: an impostor?")            \
	X("auth.scram_unsafe", 'I', "The server's SCRAM parameters are unsafe; its administrator must look.")          \
	X("auth.channel_binding", 'A', "TLS does not end at the server: somebody is in between.")                      \
	X("auth.login_disabled", 'I', "The server refuses logins on this connection; use the tls port.")               \
	X("auth.host_breaker_open", 'A', "Too many rejections at this server: logins wait, to protect our address.")   \
	X("auth.unknown", 'T', "The login failed for a reason we do not know; see the detail.")                        \
	X("vault.locked", 'A', "The vault is locked: an administrator must enter its passphrase.")                     \
	X("vault.away", 'T', "The vault is being started again; it is tried again.")                                   \
	X("vault.refused", 'A', "The vault refused this credential; enter it anew.")                                   \
	X("store.key_missing", 'A', "The stored credential is gone: enter it anew.")                                   \
	X("store.key_wrong", 'A', "The credential was stored under another vault key: restore that key, or enter it anew.") \
	X("store.secret_tampered", 'A', "The stored credential is not this link's and server's: see who edited it, enter it anew.") \
	X("store.full", 'A', "The disk is full: make room; nothing acknowledged is lost.")                             \
	X("store.corrupt", 'A', "The database is damaged there: restore a backup, or link the mailbox anew.")          \
	X("proc.crashed", 'T', "A process of ours ended; it is started again.")                                        \
	X("proc.limit_hit", 'A', "This ATS has all the processes it may have; raise max-links, or stop links.")        \
	X("audit.full", 'T', "The audit log cannot be written, so nobody logs in; the administrator must make room.")    \
	X("oauth.xoauth2_rejected", 'T', "The token was refused and is being renewed.")                                \
	X("oauth.scope_missing", 'U', "Sign in again and allow access to mail.")                                       \
	X("oauth.identity_mismatch", 'U', "You signed in as somebody else; sign in with the linked address.")          \
	X("oauth.revoked", 'U', "Access was revoked: sign in again; the history is kept.")                             \
	X("oauth.idle_expired", 'U', "The link was unused too long: sign in again.")                                   \
	X("oauth.mfa_required", 'U', "Sign in again with the second factor.")                                          \
	X("oauth.admin_consent", 'I', "The administrator must consent to this application.")                           \
	X("oauth.not_assigned", 'I', "The administrator must assign you to this application.")                         \
	X("oauth.client_bad", 'A', "The application's secret is wrong: fix the registration.")                         \
	X("oauth.client_expired", 'A', "The application's secret has expired: renew it.")                              \
	X("oauth.client_unknown", 'A', "The provider does not know this application id.")                              \
	X("oauth.redirect_mismatch", 'A', "Register exactly the redirect address in use.")                             \
	X("oauth.declined", 'U', "The consent was cancelled; start again.")                                            \
	X("oauth.pending", 'T', "Waiting for the code to be entered at the provider.")                                 \
	X("oauth.slow_down", 'T', "Waiting for the code to be entered at the provider.")                               \
	X("oauth.device_expired", 'U', "The code ran out: start again.")                                               \
	X("oauth.endpoint_temp", 'T', "The provider's token service is busy; the link stays valid.")                   \
	X("oauth.short_lived_grant", 'W', "The application is in testing mode: the link ends in about a week.")        \
	X("oauth.clock_skew", 'A', "Set this machine's clock.")                                                        \
	X("sync.too_many_connections", 'T', "Too many connections to this mailbox: close other mail programs.")        \
	X("sync.throttled", 'T', "The provider slows us down; it resumes by itself.")                                  \
	X("sync.bandwidth", 'T', "The provider's daily volume is used up; it resumes tomorrow.")                       \
	X("sync.expunge_unsupported", 'I', "The server cannot remove single messages for good; they are only marked.") \
	X("sync.expunge_ignored", 'I', "The server keeps a message it was told to remove; it is marked as deleted there.") \
	X("sync.change_refused", 'P', "The server refused the change; see the detail.")                                \
	X("sync.keyword_refused", 'P', "The server does not keep this keyword in this folder.")                        \
	X("sync.append_too_large", 'U', "The server takes no message of this size; it is kept here only.")             \
	X("sync.gone", 'P', "The message is no longer on the server.")                                                 \
	X("sync.folder_missing", 'U', "The folder does not exist at the server: choose another.")                      \
	X("sync.folder_denied", 'I', "No right on this folder; IT must grant it.")                                     \
	X("sync.folder_phantom", 'W', "A listed folder cannot be opened; it is skipped for now.")                      \
	X("sync.list_empty", 'T', "The server listed no folders; the known ones are kept.")                            \
	X("sync.sent_folder_unknown", 'U', "Choose the folder of sent mail.")                                          \
	X("sync.sent_folder_ambiguous", 'U', "Several folders look like sent mail: choose one.")                       \
	X("sync.uidvalidity_changed", 'W', "The server rebuilt a folder; its messages are matched again.")             \
	X("sync.uidvalidity_loop", 'I', "The server keeps rebuilding a folder; its administrator must look.")          \
	X("sync.allmail_hidden", 'W', "Archived replies are invisible: show All Mail in IMAP.")                        \
	X("sync.count_plateau", 'W', "The provider hides older mail.")                                                 \
	X("sync.item_empty", 'P', "The provider could not deliver this message.")                                      \
	X("sync.item_too_large", 'P', "The message is too large; it stays in the mailbox.")                            \
	X("sync.item_poison", 'P', "The message could not be read in three tries; it stays in the mailbox.")           \
	X("sync.item_unparsable", 'P', "The message could not be read; it stays in the mailbox.")                      \
	X("sync.protocol_error", 'T', "The server's answer made no sense; reconnecting.")                              \
	X("sync.stalled", 'T', "No progress: the connection is started again.")                                        \
	X("sync.lagging", 'W', "Mail arrives late at present.")                                                        \
	X("sync.mailbox_full", 'U', "The mailbox is full: make room.")                                                 \
	X("match.none", 'W', "No correspondent has this address; not filed.")                                          \
	X("match.own_domain", 'W', "Mail inside the own domain is not filed.")                                         \
	X("match.self", 'W', "Mail to oneself is not filed.")                                                          \
	X("match.ambiguous", 'U', "Several persons share this address: choose one.")                                   \
	X("match.thread_untrusted", 'U', "The sender is not known in this conversation: confirm before filing.")       \
	X("send.uncertain", 'U', "The connection ended while sending: decide whether it was sent.")                    \
	X("send.temp", 'T', "The server asks to wait; it is tried again.")                                             \
	X("send.concurrency", 'T', "The server takes less at once; the queue is slowed.")                              \
	X("send.quota_day", 'T', "The daily sending limit is reached; it continues after the reset.")                  \
	X("send.rcpt_unknown", 'P', "The recipient's address does not exist.")                                         \
	X("send.domain_unknown", 'P', "The recipient's domain does not exist.")                                        \
	X("send.rcpt_full", 'T', "The recipient's mailbox is full.")                                                   \
	X("send.rcpt_disabled", 'P', "The recipient's mailbox does not accept mail.")                                  \
	X("send.rcpt_partial", 'U', "Some recipients were refused; see each of them.")                                 \
	X("send.too_many_rcpt", 'P', "Too many recipients: split the message.")                                        \
	X("send.from_refused", 'I', "The server does not allow this From address for the login.")                      \
	X("send.sender_blocked", 'I', "The provider has suspended outgoing mail of this account.")                     \
	X("send.unauthenticated_domain", 'I', "The domain's SPF, DKIM or DMARC must be set right.")                    \
	X("send.spam_rejected", 'U', "Refused as spam: change content or volume.")                                     \
	X("send.too_large", 'U', "The message is larger than the server takes.")                                       \
	X("send.content_refused", 'P', "An attachment or the format was refused.")                                     \
	X("send.utf8_unsupported", 'U', "The server cannot take this address: use its ASCII form.")                    \
	X("send.copy_failed", 'W', "Sent, but no copy could be kept in the mailbox.")                                  \
	X("send.expired", 'U', "It could not be sent in time.")                                                        \
	X("send.cancelled", 'U', "Cancelled before it was sent.")                                                      \
	X("send.cancel_too_late", 'U', "It had been handed over already.")                                             \
	X("send.suppressed", 'U', "The recipient is on the list of addresses not to be written to.")                   \
	X("send.paused", 'U', "The link is paused or down; sending waits.")                                            \
	X("send.brake", 'A', "Unusual volume: sending waits for an administrator.")                                    \
	X("send.preview_only", 'U', "A preview goes to oneself only.")                                                 \
	X("drip.stopped_reply", 'W', "Stopped: the person replied.")                                                   \
	X("drip.stopped_bounce", 'W', "Stopped: a message bounced.")                                                   \
	X("drip.held_stale", 'W', "Held until the mailbox has caught up.")                                             \
	X("drip.held_unsure", 'W', "Held: an answer needs a person to look.")                                          \
	X("bounce.hard", 'W', "The address does not exist any more.")                                                  \
	X("bounce.soft", 'W', "The recipient could not be reached for now.")                                           \
	X("bounce.delayed", 'W', "Delivery is delayed; the server keeps trying.")                                      \
	X("bounce.policy", 'W', "The recipient's server refuses this mail by policy.")                                 \
	X("bounce.complaint", 'W', "The recipient reported the mail as spam.")                                         \
	X("bounce.unmatched", 'W', "A bounce came back that belongs to no known message.")

#define ROW(c, k, h) { c, k, h },
static const struct error_code codes[] = { ERROR_CODES(ROW) };
#undef ROW

static const struct error_code unknown = { "", 'T', "No explanation is known for this code; see the detail." };

const struct error_code *
error_code_find(struct slice code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (slice_eq_str(code, codes[i].code))
			return &codes[i];
	return &unknown;
}

const struct error_code *
error_code_at(size_t i)
{
	return i < sizeof(codes) / sizeof(codes[0]) ? &codes[i] : NULL;
}
