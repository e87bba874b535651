"""
The lies told to Postern while a mailbox is linked, and what it must say about each: (Lie, security of the link,
code or tuple of codes it may answer). A new lie is one row.
"""

from liar import Lie, close, flood, hang, listen, reset, say
from scram_server import scram

ALERT = b"\x15\x03\x01\x00\x02\x02"  # a fatal TLS alert; its number follows (RFC 8446 s. 6)
REJECT = b"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"


def refuse(line):
    """An IMAP server that answers every kind of login with line."""
    return {"LOGIN": [say(line)], "AUTHENTICATE": [say(line)]}


def imap_login(line, **more):
    """Without SASL-IR and mechanisms the login comes as LOGIN: one answer, one attempt."""
    return Lie("imap", capability="IMAP4rev1", on=refuse(line), **more)


def smtp_login(line, **more):
    return Lie("smtp", on={"AUTH": [say(line)]}, **more)


def by_scram(plus="", proto="imap", **lies):
    """A server that speaks SCRAM, with these lies (none: a true one that knows another password)."""
    if proto == "smtp":
        return Lie("smtp", capability="AUTH=SCRAM-SHA-256", on={"AUTH": [scram(**lies)]})
    return Lie(capability=f"IMAP4rev1 SASL-IR LOGINDISABLED AUTH=SCRAM-SHA-256{plus}",
               on={"AUTHENTICATE": [scram(**lies)]})


UNSAFE, UNPROVEN = "auth.scram_unsafe", "auth.server_unproven"
SCRAM_FIRST = {
    "too few iterations": "r={r},s={s},i=4095",
    "too many iterations": "r={r},s={s},i=200001",
    "iterations for ever": "r={r},s={s},i=4294967295",
    "no iterations": "r={r},s={s},i=0",
    "negative iterations": "r={r},s={s},i=-4096",
    "a zero in front": "r={r},s={s},i=04096",
    "another nonce": "r=AAAAAAAAAAAAAAAAAAAAAAAAserver,s={s},i={i}",
    "nothing added to our nonce": "r={own},s={s},i={i}",
    "nonce with a control": "r={r}\x01,s={s},i={i}",
    "nonce of another alphabet": "r={r}\xe9,s={s},i={i}",
    "nonce with a comma": "r={r},x,s={s},i={i}",
    "nonce without end": "r={r}" + "n" * 5000 + ",s={s},i={i}",
    "no salt": "r={r},s=,i={i}",
    "salt of 8 KiB": "r={r},s=" + "QUJD" * 2000 + ",i={i}",
    "salt that is no base64": "r={r},s=!!!!,i={i}",
    "salt with bits behind its end": "r={r},s=QR==,i={i}",
    "mandatory extension": "m=new,r={r},s={s},i={i}",
    "extension": "r={r},s={s},i={i},x=y",
    "fields in another order": "s={s},r={r},i={i}",
    "the last message first": "v=AAAA",
    "error at once": "e=other-error",
}
SCRAM_FINAL = {
    "a signature of nothing": "v=",
    "no signature": "",
    "a short signature": "v=AAAA",
    "somebody else's signature": "v=" + "A" * 43 + "=",
    "extension behind the signature": "v={v},x=y",
    "another attribute": "x={v}",
}

IMAP = {
    **{f"scram: {name}": (by_scram(first=text), "tls", UNSAFE) for name, text in SCRAM_FIRST.items()},
    **{f"scram: {name}": (by_scram(final=text), "tls", UNPROVEN) for name, text in SCRAM_FINAL.items()},
    "scram: welcome without proof": (by_scram(welcome_early=True), "tls", UNPROVEN),
    "scram: welcome at once": (Lie(capability="IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256",
                                   on={"AUTHENTICATE": [say(b"{tag} OK come in\r\n")]}), "tls", UNPROVEN),
    "scram: welcome, no password asked": (Lie(capability="IMAP4rev1 LOGINDISABLED AUTH=SCRAM-SHA-256",
                                              on={"AUTHENTICATE": [say(b"+ \r\n{tag} OK in\r\n")]}), "tls",
                                          UNPROVEN),
    "scram: binding does not match": (by_scram("-PLUS", false_binding=True), "tls", "auth.channel_binding"),
    "scram: only bound, and in another way": (by_scram("-PLUS", first="e=unsupported-channel-binding-type"), "tls",
                                              UNSAFE),
    "scram: rejected": (by_scram(first="r={r},s=QUJD,i={i}"), "tls", "auth.rejected"),
    "scram: server busy": (by_scram(first="r={r},s=QUJD,i={i}", wrong="e=no-resources"), "tls",
                           "auth.temp_unavailable"),
    "scram: leaves before the proof": (Lie(capability="IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256",
                                           on={"AUTHENTICATE": [say(b"+ \r\n"), close()]}), "tls",
                                       ("net.reset", UNSAFE)),
    "pop3": (Lie(greeting=b"+OK POP3 ready\r\n"), "tls", "cfg.pop_server"),
    "http": (Lie(greeting=b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "tls", "net.not_imap"),
    "smtp greeting": (Lie(greeting=b"220 mail ESMTP\r\n"), "tls", "net.not_imap"),
    "ssh": (Lie(greeting=b"SSH-2.0-OpenSSH_9.2\r\n"), "tls", "net.not_imap"),
    "nothing said": (Lie(on={"CONNECT": [close()]}), "tls", "net.reset"),
    "reset": (Lie(on={"CONNECT": [reset()]}), "tls", "net.reset"),
    "bye": (Lie(greeting=b"* BYE server full, come back later\r\n"), "tls", "net.bye"),
    "preauth": (Lie(greeting=b"* PREAUTH you are somebody\r\n"), "tls", ("net.not_imap", "sync.protocol_error",
                                                                          "auth.no_mechanism")),
    "endless greeting": (Lie(on={"CONNECT": [say(b"* OK "), flood(b"A" * 65536, 2000)]}), "tls",
                         ("net.not_imap", "sync.protocol_error")),
    "NUL greeting": (Lie(greeting=b"\0\0\0\0\r\n"), "tls", ("net.not_imap", "sync.protocol_error")),
    "cut in greeting": (Lie(cut_after=4), "tls", "net.reset"),
    "cut in capability": (Lie(cut_after=60), "tls", ("net.reset", "sync.protocol_error")),
    "wrong tag for ever": (Lie(on={"CAPABILITY": [say(b"zzz OK no\r\n"), close()]}), "tls",
                           ("net.reset", "sync.protocol_error")),
    "endless capability": (Lie(on={"CAPABILITY": [say(b"* CAPABILITY"), flood(b" X" * 30000, 2000)]}), "tls",
                           ("sync.protocol_error", "net.reset")),
    "login disabled": (Lie(capability="IMAP4rev1 LOGINDISABLED"), "tls", "auth.login_disabled"),
    "no mechanism": (Lie(capability="IMAP4rev1 LOGINDISABLED AUTH=GSSAPI"), "tls",
                     ("auth.no_mechanism", "auth.login_disabled")),
    "rejected": (imap_login(REJECT), "tls", "auth.rejected"),
    "rejected without code": (imap_login(b"{tag} NO LOGIN failed.\r\n"), "tls", "auth.rejected"),
    "app password": (imap_login(b"{tag} NO [ALERT] Application-specific password required: see help\r\n"), "tls",
                     "auth.app_password_required"),
    "web login": (imap_login(b"{tag} NO [ALERT] Please log in via your web browser\r\n"), "tls",
                  "auth.web_login_required"),
    "imap off": (imap_login(b"{tag} NO [ALERT] Your account is not enabled for IMAP use.\r\n"), "tls",
                 "auth.imap_disabled"),
    "backend away": (imap_login(b"{tag} NO [UNAVAILABLE] backend\r\n"), "tls", "auth.temp_unavailable"),
    "too many": (imap_login(b"{tag} NO Too many login failures\r\n"), "tls", "auth.too_many_attempts"),
    "account locked": (imap_login(b"{tag} NO [AUTHORIZATIONFAILED] locked\r\n"), "tls",
                       ("auth.account_disabled", "auth.account_locked")),
    "bye at login": (Lie(on={"LOGIN": [say(b"* BYE\r\n"), close()], "AUTHENTICATE": [say(b"* BYE\r\n"), close()]}),
                     "tls", ("net.reset", "net.bye", "auth.temp_unavailable")),
    "reset at login": (Lie(on={"LOGIN": [reset()], "AUTHENTICATE": [reset()]}), "tls", "net.reset"),
    "starttls missing": (Lie(security="none"), "starttls", "tls.starttls_missing"),
    "starttls rejected": (Lie(security="starttls", on={"STARTTLS": [say(b"{tag} NO not now\r\n")]}), "starttls",
                          "tls.starttls_rejected"),
    "starttls injection": (Lie(security="starttls", on={"STARTTLS": [
        say(b"{tag} OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"), hang()]}), "starttls",
        "tls.starttls_injection"),
    "no TLS at the TLS port": (Lie(security="none"), "tls", "tls.plaintext_port"),
    "certificate expired": (Lie(cert="expired"), "tls", "tls.cert_expired"),
    "certificate not yet valid": (Lie(cert="notyet"), "tls", "tls.not_yet_valid"),
    "certificate self-signed": (Lie(cert="selfsigned"), "tls", "tls.self_signed"),
    "certificate of another authority": (Lie(cert="untrusted"), "tls", ("tls.cert_untrusted", "tls.self_signed")),
    "certificate of another host": (Lie(cert="wrongname"), "tls", "tls.cert_name"),
    "expired after starttls": (Lie(security="starttls", cert="expired"), "starttls", "tls.cert_expired"),
    "obsolete TLS": (Lie(security="none", on={"CONNECT": [listen(), say(ALERT + b"\x46"), close()]}), "tls",
                     "tls.too_old"),
    "no common cipher": (Lie(security="none", on={"CONNECT": [listen(), say(ALERT + b"\x28"), close()]}), "tls",
                         ("tls.handshake", "tls.too_old")),
    "list empty": (Lie(on={"LIST": [say(b"{tag} OK done\r\n")]}), "tls",
                   ("sync.list_empty", "sync.folder_missing", "sync.sent_folder_unknown")),
    "no inbox": (Lie(on={"SELECT": [say(b"{tag} NO [NONEXISTENT] gone\r\n")],
                         "EXAMINE": [say(b"{tag} NO [NONEXISTENT] gone\r\n")]}), "tls", "sync.folder_missing"),
    "inbox denied": (Lie(on={"SELECT": [say(b"{tag} NO [NOPERM] no right\r\n")],
                             "EXAMINE": [say(b"{tag} NO [NOPERM] no right\r\n")]}), "tls", "sync.folder_denied"),
    "literal beyond every cap": (Lie(on={"LIST": [say(b"* LIST () \"/\" {99999999999}\r\n"), hang()]}), "tls",
                                 "sync.protocol_error"),
}

SMTP = {
    "scram: too few iterations": (by_scram(proto="smtp", first="r={r},s={s},i=4095"), "tls", UNSAFE),
    "scram: somebody else's signature": (by_scram(proto="smtp", final="v=" + "A" * 43 + "="), "tls", UNPROVEN),
    "scram: welcome without proof": (by_scram(proto="smtp", welcome_early=True), "tls", UNPROVEN),
    "scram: rejected": (by_scram(proto="smtp", first="r={r},s=QUJD,i={i}"), "tls", "auth.rejected"),
    "no SASL server": (smtp_login(b"454 4.7.0 Temporary authentication failure: Connection lost\r\n"), "tls",
                       "auth.temp_unavailable"),
    "imap greeting": (Lie("smtp", greeting=b"* OK IMAP4rev1\r\n"), "tls", "net.not_smtp"),
    "http": (Lie("smtp", greeting=b"HTTP/1.1 400 Bad Request\r\n"), "tls", "net.not_smtp"),
    "busy": (Lie("smtp", greeting=b"421 4.7.0 too busy\r\n"), "tls", "net.bye"),
    "closed": (Lie("smtp", on={"CONNECT": [close()]}), "tls", "net.reset"),
    "endless greeting": (Lie("smtp", on={"CONNECT": [flood(b"220-" + b"A" * 60000 + b"\r\n", 2000)]}), "tls",
                         ("net.not_smtp", "sync.protocol_error")),
    "rejected": (smtp_login(b"535 5.7.8 Error: authentication failed\r\n"), "tls", "auth.rejected"),
    "app password": (smtp_login(b"534 5.7.9 Application-specific password required\r\n"), "tls",
                     "auth.app_password_required"),
    "web login": (smtp_login(b"534 5.7.14 Please log in via your web browser\r\n"), "tls", "auth.web_login_required"),
    "basic auth off": (smtp_login(b"535 5.7.139 Authentication unsuccessful, basic authentication is disabled.\r\n"),
                       "tls", "auth.password_login_disabled"),
    "tenant off": (smtp_login(b"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
                              b"Tenant.\r\n"), "tls", "auth.smtp_auth_disabled_tenant"),
    "temporary": (smtp_login(b"454 4.7.0 Too many login attempts\r\n"), "tls", "auth.too_many_attempts"),
    "backend": (smtp_login(b"454 Temporary authentication failure\r\n"), "tls", "auth.temp_unavailable"),
    "no AUTH": (Lie("smtp", capability="PIPELINING"), "tls", "auth.no_mechanism"),
    "from refused": (Lie("smtp", on={"MAIL": [say(b"550 5.7.60 not allowed to send as this sender\r\n")]}), "tls",
                     "send.from_refused"),
    "starttls missing": (Lie("smtp", security="none"), "starttls", "tls.starttls_missing"),
    "starttls rejected": (Lie("smtp", security="starttls", on={"STARTTLS": [say(b"454 4.7.0 not now\r\n")]}),
                          "starttls", "tls.starttls_rejected"),
    "starttls injection": (Lie("smtp", security="starttls", on={"STARTTLS": [
        say(b"220 go\r\n250 injected\r\n"), hang()]}), "starttls", "tls.starttls_injection"),
    "no TLS at the TLS port": (Lie("smtp", security="none"), "tls", "tls.plaintext_port"),
    "certificate expired": (Lie("smtp", cert="expired"), "tls", "tls.cert_expired"),
    "certificate of another host": (Lie("smtp", cert="wrongname"), "tls", "tls.cert_name"),
}

# These wait for Postern's 30 s deadline: only in make check-long.
SLOW = {
    "imap says nothing": (Lie(on={"CONNECT": [hang()]}), "tls", "net.no_greeting"),
    "imap TLS at the STARTTLS port": (Lie(security="tls"), "starttls", "net.no_greeting"),
    "imap login never answered": (Lie(on={"LOGIN": [hang()], "AUTHENTICATE": [hang()]}), "tls",
                                  ("net.timeout", "auth.temp_unavailable")),
    "smtp says nothing": (Lie("smtp", on={"CONNECT": [hang()]}), "tls", "net.no_greeting"),
}
