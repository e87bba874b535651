"""The liars tell the truth unless told otherwise: plain clients can use them."""

import imaplib
import smtplib
import ssl

import pytest

from liar import Lie, close, say

USER, SECRET = "recruiter@agency.example", "rec.Secret-17"


def context(certs):
    return ssl.create_default_context(cafile=certs.ca)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_true_imap(liars, certs, security):
    server = liars.start(Lie(security=security, messages=[b"Subject: a\r\n\r\nx\r\n", b"Subject: b\r\n\r\ny\r\n"]))
    if security == "tls":
        client = imaplib.IMAP4_SSL("localhost", server.port, ssl_context=context(certs))
    else:
        client = imaplib.IMAP4("localhost", server.port)
        assert "LOGINDISABLED" in client.capabilities
        client.starttls(context(certs))
    with pytest.raises(imaplib.IMAP4.error):
        client.login(USER, "wrong")
    client.login(USER, SECRET)
    assert len(client.list()[1]) == 4
    assert client.select("INBOX") == ("OK", [b"2"])
    _, data = client.uid("FETCH", "2", "(FLAGS BODY.PEEK[])")
    assert data[0][1].startswith(b"Subject: b")
    client.logout()
    assert (server.logins_good, server.logins_bad) == (1, 1)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_true_smtp(liars, certs, security):
    server = liars.start(Lie("smtp", security=security))
    if security == "tls":
        client = smtplib.SMTP_SSL("localhost", server.port, context=context(certs))
    else:
        client = smtplib.SMTP("localhost", server.port)
        client.starttls(context=context(certs))
    client.login(USER, SECRET)
    client.sendmail(USER, ["a@x.example"], b"Subject: x\r\n\r\n.dot\r\n")
    client.quit()
    assert server.accepted == [(USER, ["a@x.example"], b"Subject: x\r\n\r\n.dot\r\n")]


def test_bad_certificates(liars, certs):
    for name in ("expired", "notyet", "selfsigned", "untrusted", "wrongname"):
        server = liars.start(Lie(cert=name))
        with pytest.raises(ssl.SSLCertVerificationError):
            imaplib.IMAP4_SSL("localhost", server.port, ssl_context=context(certs))


def test_lies(liars, certs):
    server = liars.start(Lie(greeting=b"+OK pop\r\n"))
    with pytest.raises(imaplib.IMAP4.error):
        imaplib.IMAP4_SSL("localhost", server.port, ssl_context=context(certs))
    server = liars.start(Lie("smtp", on={"DOT": [close()]}))
    client = smtplib.SMTP_SSL("localhost", server.port, context=context(certs))
    client.login(USER, SECRET)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.sendmail(USER, ["a@x.example"], b"Subject: x\r\n\r\n")
    server = liars.start(Lie("smtp", on={"MAIL": [say(b"450 4.0.0 later\r\n")]}))
    client = smtplib.SMTP_SSL("localhost", server.port, context=context(certs))
    client.login(USER, SECRET)
    assert client.mail(USER)[0] == 450
