"""The test world itself works with plain clients: what the other tests stand on."""

import imaplib
import smtplib

import pytest

from peers import CANDIDATE, RECRUITER, World, message, until
from save_sent import relaying


def test_submission_reaches_the_inbox(world, need_postfix):
    world.submit(RECRUITER, [CANDIDATE], message(RECRUITER, CANDIDATE, "Grüße aus der Agentur"))
    mail = until("delivery", lambda: world.find(CANDIDATE, "INBOX", subject="Grüße aus der Agentur"))[0]
    assert mail.flags == set()
    assert world.postfix.logins(RECRUITER)[0] >= 1


def test_wrapped_tls_and_unknown_recipient(world, need_postfix):
    with smtplib.SMTP_SSL("localhost", world.postfix.tls, context=world.tls()) as client:
        client.login(RECRUITER, world.password(RECRUITER))
        refused = client.sendmail(RECRUITER, [CANDIDATE, "nobody@people.example"],
                                  message(RECRUITER, CANDIDATE, "partly"))
        assert refused["nobody@people.example"][0] == 550
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail(CANDIDATE, [RECRUITER], message(CANDIDATE, RECRUITER, "forged"))


def test_no_open_relay(world, need_postfix):
    with smtplib.SMTP("localhost", world.postfix.starttls) as client:
        client.starttls(context=world.tls())
        with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused)):
            client.sendmail(RECRUITER, [CANDIDATE], b"Subject: x\r\n\r\n")


def test_lmtp_flags_folders(world):
    world.clear(RECRUITER)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "one"))
    uid = world.mails(RECRUITER)[0].uid
    world.store(RECRUITER, "INBOX", uid, "+", "\\Flagged $Work")
    assert world.mails(RECRUITER)[0].flags == {"\\Flagged", "$Work"}
    world.move(RECRUITER, "INBOX", uid, "Trash")
    assert not world.mails(RECRUITER) and len(world.mails(RECRUITER, "Trash")) == 1
    assert {"INBOX", "Drafts", "Sent", "Trash", "Junk"} <= world.folders(RECRUITER)
    world.append(RECRUITER, "Sent", message(RECRUITER, CANDIDATE, "two"), "\\Seen")
    world.expunge(RECRUITER, "Sent", world.mails(RECRUITER, "Sent")[0].uid)
    assert not world.mails(RECRUITER, "Sent")


def test_password_change_and_login_count(world):
    good, bad = world.dovecot.logins(RECRUITER)
    old = world.password(RECRUITER)
    world.dovecot.set_password(RECRUITER, "another")
    client = imaplib.IMAP4_SSL("localhost", world.dovecot.imaps, ssl_context=world.tls())
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(RECRUITER, old)
    assert world.dovecot.logins(RECRUITER) == (good, bad + 1)
    world.dovecot.set_password(RECRUITER, old)
    with world.imap(RECRUITER):
        pass


def test_starttls(world):
    client = imaplib.IMAP4("localhost", world.dovecot.imap)
    assert "STARTTLS" in client.capabilities
    client.starttls(world.tls())
    client.login(RECRUITER, world.password(RECRUITER))
    client.logout()


def test_new_uidvalidity_and_restart(world):
    world.clear(RECRUITER)
    for n in range(3):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"mail {n}"))
    before, uids = world.dovecot.uidvalidity(RECRUITER), [m.uid for m in world.mails(RECRUITER)]
    world.dovecot.new_uidvalidity(RECRUITER)
    assert world.dovecot.uidvalidity(RECRUITER) != before
    assert not set(uids) & {m.uid for m in world.mails(RECRUITER)}
    world.dovecot.stop()
    world.dovecot.start()
    assert len(world.mails(RECRUITER)) == 3


def test_hidden_capabilities(tmp_path):
    from dovecot import PLAIN_SERVER
    with World(tmp_path / "w", postfix=False, hide=PLAIN_SERVER, special_use=False, separator="/") as world:
        with world.imap(RECRUITER) as client:
            offered = client.capability()[1][0].decode().split()
            assert not set(offered) & set(PLAIN_SERVER)
            assert b"\\Sent" not in b" ".join(client.list()[1])


def test_server_that_saves_a_sent_copy(world, liars):
    world.clear(RECRUITER)
    server = liars.start(relaying(world, saves="Sent"))
    with smtplib.SMTP_SSL("localhost", server.port, context=world.tls()) as client:
        client.login(RECRUITER, world.password(RECRUITER))
        client.sendmail(RECRUITER, [CANDIDATE], message(RECRUITER, CANDIDATE, "saved by the server"))
    assert world.find(CANDIDATE, "INBOX", subject="saved by the server")
    assert world.find(RECRUITER, "Sent", subject="saved by the server")[0].flags == {"\\Seen"}
