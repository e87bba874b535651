"""Draft, submission, Sent copy: one mail out, one copy in Sent, none in Drafts, whatever the server does."""

import pytest

from desk import Desk
from liar import accept, close, hang, say, times
from peers import CANDIDATE, CONTACT, RECRUITER, message, until
from save_sent import relaying


def link_to(postern, world, server):
    """A desk whose submission server is server (of tests/hostile), or the world's own."""
    ats = postern.jmap()
    ends = world.endpoints(RECRUITER)
    if server is not None:
        ends["smtp"]["port"] = server.port
    return Desk(ats, postern.link(RECRUITER, client=ats, **ends), RECRUITER)


@pytest.fixture(params=["the server keeps no copy", "the server saves one"])
def sender(request, postern, world, liars):
    server = liars.start(relaying(world, saves="Sent")) if "saves" in request.param else None
    return link_to(postern, world, server)


def assert_one_copy(world, desk, mid, inbox=1):
    """In the candidate's inbox inbox times; once in Sent; never in Drafts; one Email, in Sent."""
    until("inbox", lambda: len(world.find(CANDIDATE, "INBOX", message_id=mid)) >= inbox)
    until("one in Sent", lambda: len(world.find(RECRUITER, "Sent", message_id=mid)) == 1)
    until("none in Drafts", lambda: not world.mails(RECRUITER, "Drafts"))
    assert len(world.find(CANDIDATE, "INBOX", message_id=mid)) == inbox
    assert len(world.find(RECRUITER, "Sent", message_id=mid)) == 1
    same = [e for e in desk.emails() if e["messageId"] == [mid]]
    assert len(same) == 1 and same[0]["mailboxIds"] == {desk.boxes()["sent"]: True}, same
    return same[0]


@pytest.mark.deadline(120)
def test_one_copy(sender, world):
    desk = sender
    id_ = desk.submit(desk.draft([CANDIDATE], "Einladung nach Zürich", bcc=[CONTACT]))
    done = desk.wait_state(id_)
    assert done["undoStatus"] == "final"
    mid = desk.one(done["emailId"])["messageId"][0]
    email = assert_one_copy(world, desk, mid)
    assert email["id"] == done["emailId"] and "$draft" not in email["keywords"]
    got = world.find(CANDIDATE, "INBOX", message_id=mid)[0]
    assert got.subject == "Einladung nach Zürich" and got.parsed["Bcc"] is None
    assert b"bcc" not in got.raw.lower() and CONTACT.encode() not in got.raw
    assert until("bcc copy", lambda: world.find(CONTACT, "INBOX", message_id=mid))
    assert "\\Draft" not in world.find(RECRUITER, "Sent", message_id=mid)[0].flags


@pytest.mark.deadline(120)
def test_reply_joins_the_thread_and_answers(desk, world):
    person = desk.person(CANDIDATE)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "Question"))
    first = desk.email("Question")
    done = desk.wait_state(desk.submit(desk.draft([CANDIDATE], "Re: Question", answered=first)))
    email = desk.one(done["emailId"])
    assert email["threadId"] == first["threadId"]
    assert_one_copy(world, desk, email["messageId"][0])
    got = world.find(CANDIDATE, "INBOX", message_id=email["messageId"][0])[0]
    assert got.parsed["In-Reply-To"].strip("<> ") == first["messageId"][0]
    desk.ats.wait_for(lambda: "$answered" in desk.one(first["id"])["keywords"], what="$answered")
    until("\\Answered", lambda: "\\Answered" in world.find(RECRUITER, "INBOX", subject="Question")[0].flags)
    desk.ats.wait_for(lambda: [n["direction"] for n in desk.notes(person)] == ["in", "out"], what="both notes")


def test_destroy_on_success(desk, world):
    """onSuccessDestroyEmail: sent, and no copy anywhere of ours."""
    answers = desk.ats.calls(
        ("Email/set", {"accountId": desk.account, "create": {"d": desk.draft([CANDIDATE], "no trace")}}),
        ("EmailSubmission/set", {"accountId": desk.account, "onSuccessDestroyEmail": ["#s"],
                                 "create": {"s": {"emailId": "#d", "identityId": desk.identity()["id"]}}}))
    desk.wait_state(answers[1][1]["created"]["s"]["id"])
    assert until("inbox", lambda: world.find(CANDIDATE, "INBOX", subject="no trace"))
    until("no copy", lambda: not world.find(RECRUITER, "Drafts", subject="no trace"))
    assert not world.find(RECRUITER, "Sent", subject="no trace") and not desk.find("no trace")


def test_same_idempotency_key_is_the_same_submission(desk, world):
    draft = desk.ats.create("Email", desk.account, **desk.draft([CANDIDATE], "once"))
    ids = {desk.ats.create("EmailSubmission", desk.account, emailId=draft["id"],
                           identityId=desk.identity()["id"], idempotencyKey="k-1")["id"] for _ in range(2)}
    assert len(ids) == 1
    desk.wait_state(ids.pop())
    until("inbox", lambda: world.find(CANDIDATE, "INBOX", subject="once"))
    assert len(world.find(CANDIDATE, "INBOX", subject="once")) == 1


def test_attachment(desk, world):
    blob = desk.ats.upload(desk.account, b"%PDF-1.4 not much of one" * 9000, "application/pdf")
    draft = desk.draft([CANDIDATE], "offer")
    draft.pop("bodyStructure")
    draft["textBody"] = [{"type": "text/plain", "partId": "1"}]
    draft["attachments"] = [{"blobId": blob["blobId"], "type": "application/pdf", "name": "Angebot für Sie.pdf",
                             "disposition": "attachment"}]
    done = desk.wait_state(desk.submit(draft))
    mid = desk.one(done["emailId"])["messageId"][0]
    got = until("inbox", lambda: world.find(CANDIDATE, "INBOX", message_id=mid))[0]
    part = list(got.parsed.iter_attachments())[0]
    assert part.get_filename() == "Angebot für Sie.pdf"
    assert part.get_content() == b"%PDF-1.4 not much of one" * 9000
    assert desk.one(done["emailId"])["hasAttachment"]


# ---- what servers answer ------------------------------------------------------------

def test_one_of_two_recipients_is_unknown(desk, world, need_postfix):
    id_ = desk.submit(desk.draft([CANDIDATE, "nobody@people.example"], "to both"))
    done = desk.wait_state(id_, ("sent", "failed"))
    status = done["deliveryStatus"]
    assert status[CANDIDATE]["smtpReply"].startswith("250")
    assert status["nobody@people.example"]["smtpReply"].startswith("550")
    assert status["nobody@people.example"]["delivered"] == "no"
    assert len(until("inbox", lambda: world.find(CANDIDATE, "INBOX", subject="to both"))) == 1


@pytest.mark.long
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.deadline(150)
def test_temporary_refusal_is_retried(postern, world, liars, verb):
    server = liars.start(relaying(world))
    desk = link_to(postern, world, server)
    server.lie.on[verb] = [times(1, [say(b"451 4.3.0 try again\r\n")])]
    done = desk.wait_state(desk.submit(desk.draft([CANDIDATE], "later")), seconds=120)
    assert_one_copy(world, desk, desk.one(done["emailId"])["messageId"][0])


@pytest.mark.parametrize("verb, reply", [("MAIL", b"550 5.7.60 not your address\r\n"),
                                         ("RCPT", b"550 5.1.1 nobody here\r\n"),
                                         ("DATA", b"554 5.7.1 no\r\n"), ("DOT", b"552 5.3.4 too big\r\n")])
def test_permanent_refusal(postern, world, liars, verb, reply):
    server = liars.start(relaying(world))
    desk = link_to(postern, world, server)
    server.lie.on[verb] = [say(reply)]
    id_ = desk.submit(desk.draft([CANDIDATE], "never"))
    done = desk.wait_state(id_, ("failed",))
    assert reply[:3].decode() in str(done["deliveryStatus"])
    assert not world.mails(CANDIDATE)
    assert desk.find("never"), "what was refused is kept"


@pytest.mark.deadline(150)
@pytest.mark.parametrize("saves", [None, "Sent"])
def test_connection_lost_after_the_final_dot(postern, world, liars, saves):
    """Taken, but never answered. With the server's own Sent copy it is known to be sent; else a human decides."""
    server = liars.start(relaying(world, saves=saves))
    desk = link_to(postern, world, server)
    server.lie.on["DOT"] = [accept(), close()]
    id_ = desk.submit(desk.draft([CANDIDATE], "perhaps"))
    done = desk.wait_state(id_, ("sent", "uncertain"), seconds=90)
    assert len(world.find(CANDIDATE, "INBOX", subject="perhaps")) == 1
    if saves:
        done = desk.wait_state(id_, ("sent",), seconds=60)
        assert desk.reviews() == []
        assert_one_copy(world, desk, desk.one(done["emailId"])["messageId"][0])
        return
    assert done["state"] == "uncertain"
    review = desk.ats.wait_for(lambda: desk.reviews(), what="review")
    assert [(r["reason"], r["submissionId"]) for r in review] == [("uncertainSend", id_)]
    desk.ats.update("Review", review[0]["id"], {"resolution": {"send": "wasSent"}})
    desk.wait_state(id_, ("sent",))
    assert server.counts["DOT"] == 1 and len(world.find(CANDIDATE, "INBOX", subject="perhaps")) == 1


@pytest.mark.deadline(150)
@pytest.mark.parametrize("verb", [pytest.param(v, marks=() if v == "DATA" else pytest.mark.long)
                                  for v in ("CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA")])
def test_connection_lost_before_the_final_dot(postern, world, liars, verb):
    server = liars.start(relaying(world))
    desk = link_to(postern, world, server)
    server.lie.on[verb] = [times(1, [close()])]
    done = desk.wait_state(desk.submit(desk.draft([CANDIDATE], "in the end")), seconds=120)
    assert_one_copy(world, desk, desk.one(done["emailId"])["messageId"][0])


@pytest.mark.deadline(120)
def test_cancel_before_it_is_due(postern, world, liars):
    desk = link_to(postern, world, liars.start(relaying(world)))
    draft = desk.ats.create("Email", desk.account, **desk.draft([CANDIDATE], "tomorrow"))
    made = desk.ats.create("EmailSubmission", desk.account, emailId=draft["id"], identityId=desk.identity()["id"],
                           envelope={"mailFrom": {"email": RECRUITER, "parameters": {"HOLDFOR": "3600"}},
                                     "rcptTo": [{"email": CANDIDATE, "parameters": None}]})
    assert desk.submission(made["id"])["undoStatus"] == "pending"
    desk.ats.update("EmailSubmission", made["id"], {"undoStatus": "canceled"}, desk.account)
    assert desk.submission(made["id"])["undoStatus"] == "canceled"
    assert not world.mails(CANDIDATE)


def test_receive_only_and_send_only(postern, world):
    ats = postern.jmap()
    desk = Desk(ats, postern.link(RECRUITER, client=ats, mode="receiveOnly"), RECRUITER)
    draft = ats.create("Email", desk.account, **desk.draft([CANDIDATE], "no"))
    answer = ats.call("EmailSubmission/set", desk.account,
                      create={"s": {"emailId": draft["id"], "identityId": desk.identity()["id"]}})
    assert answer["notCreated"]["s"]["type"] == "forbiddenToSend"
    ats.destroy("Link", desk.account)
    logins = world.dovecot.logins(RECRUITER)
    desk = Desk(ats, postern.link(RECRUITER, client=ats, mode="sendOnly"), RECRUITER)
    assert not postern.pids("imapd-worker") and world.dovecot.logins(RECRUITER) == logins


@pytest.mark.long
@pytest.mark.deadline(200)
def test_silent_server_while_sending(postern, world, liars):
    """SIGTERM does not wait for a server that never answers, and nothing is sent twice afterwards."""
    server = liars.start(relaying(world))
    desk = link_to(postern, world, server)
    server.lie.on["MAIL"] = [times(1, [hang()])]
    id_ = desk.submit(desk.draft([CANDIDATE], "patience"))
    until("MAIL", lambda: server.counts["MAIL"] >= 2, seconds=30)
    assert postern.stop() == 0
    postern.start()
    done = desk.wait_state(id_, seconds=120)
    assert_one_copy(world, desk, desk.one(done["emailId"])["messageId"][0])
