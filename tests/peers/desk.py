"""What an ATS does all day, in a few words each, over one link account."""

ORDER = [{"property": "receivedAt", "isAscending": True}]


class Desk:
    """ats: a Jmap. account: the link's id. user: its address."""

    def __init__(self, ats, account, user, name="Rita Recruiter"):
        self.ats, self.account, self.user, self.name = ats, account, user, name

    def boxes(self):
        """{role: mailbox id}"""
        return {m["role"]: m["id"] for m in self.ats.get("Mailbox", self.account) if m["role"]}

    def emails(self, properties=None):
        """All Emails, oldest first."""
        ids = self.ats.query_all("Email", self.account, sort=ORDER)
        rows = {e["id"]: e for e in self.ats.get_all("Email", self.account, ids, properties=properties)}
        return [rows[i] for i in ids if i in rows]

    def find(self, subject):
        """Emails of that subject."""
        return [e for e in self.emails() if e["subject"] == subject]

    def email(self, subject, seconds=20):
        """The one Email of that subject, awaited."""
        found = self.ats.wait_for(lambda: self.find(subject), seconds, what=f"Email {subject!r}")
        assert len(found) == 1, found
        return found[0]

    def whole(self, subject, seconds=20):
        """The same, once its text is there too."""
        found = self.ats.wait_for(lambda: [e for e in self.find(subject) if e["contentState"] == "full"], seconds,
                                  what=f"content of {subject!r}")
        assert len(found) == 1, found
        return found[0]

    def one(self, id_, **args):
        return self.ats.one("Email", id_, self.account, **args)

    def person(self, address, kind="candidate", name=None):
        """Registers a correspondent; its id."""
        return self.ats.create("Correspondent", kind=kind, name=name or address.split("@")[0],
                               emails=[address] if isinstance(address, str) else address)["id"]

    def notes(self, person=None):
        ids = self.ats.query("Note", filter={"correspondentId": person} if person else {"accountId": self.account},
                             sort=ORDER)
        rows = {n["id"]: n for n in self.ats.get("Note", ids=ids)} if ids else {}
        return [rows[i] for i in ids if i in rows]

    def reviews(self):
        return [r for r in self.ats.get("Review") if r["accountId"] == self.account]

    def identity(self):
        return self.ats.get("Identity", self.account)[0]

    def draft(self, to, subject, body="Dear you,\n\nhello.\n", answered=None, bcc=(), **more):
        """The arguments of an Email create. answered: an Email this one replies to."""
        draft = {"mailboxIds": {self.boxes()["drafts"]: True}, "keywords": {"$draft": True, "$seen": True},
                 "from": [{"name": self.name, "email": self.user}], "to": [{"name": None, "email": a} for a in to],
                 "subject": subject, "bodyStructure": {"type": "text/plain", "partId": "1"},
                 "bodyValues": {"1": {"value": body}}, **more}
        if bcc:
            draft["bcc"] = [{"name": None, "email": a} for a in bcc]
        if answered:
            draft["inReplyTo"] = answered["messageId"]
            draft["references"] = (answered["references"] or []) + answered["messageId"]
        return draft

    def submit(self, draft, **submission):
        """Draft and submission in one request, moved from Drafts to Sent on success. The created submission."""
        boxes = self.boxes()
        answers = self.ats.calls(
            ("Email/set", {"accountId": self.account, "create": {"d": draft}}),
            ("EmailSubmission/set", {
                "accountId": self.account,
                "create": {"s": {"emailId": "#d", "identityId": self.identity()["id"], **submission}},
                "onSuccessUpdateEmail": {"#s": {f"mailboxIds/{boxes['drafts']}": None,
                                                f"mailboxIds/{boxes['sent']}": True, "keywords/$draft": None}}}))
        assert (answers[0][1].get("created") or {}).get("d"), answers
        assert (answers[1][1].get("created") or {}).get("s"), answers
        return answers[1][1]["created"]["s"]["id"]

    def submission(self, id_):
        return self.ats.one("EmailSubmission", id_, self.account)

    def wait_state(self, id_, states=("sent",), seconds=30):
        """The submission once its state is one of states."""
        def reached():
            now = self.submission(id_)
            if now["state"] in ("failed", "stopped") and now["state"] not in states:
                raise AssertionError(f"submission is {now['state']}: {now}")
            return now if now["state"] in states else None
        return self.ats.wait_for(reached, seconds, what=f"submission {states}")
