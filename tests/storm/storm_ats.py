"""
The ATS of a storm: it follows /changes as a client does, writes, and keeps records of earlier states from which a
client must come to the present one.
"""

import copy
import http.client
import random

from jmap import Jmap, Late, MethodError, Problem, SetError
from proc import NotReady, until
from storm_others import label_of

BROKEN = (OSError, EOFError, http.client.HTTPException)
LATER = ("serverUnavailable", "serverFail", "serverPartialFail")
TYPES = ("Mailbox", "Thread", "Email")
EMAIL = ["mailboxIds", "keywords", "messageId", "subject", "threadId", "blobId", "size", "receivedAt", "contentState",
         "preview"]


def patiently(job, seconds=90):
    """job() again while nobody is there who serves it: the store may just have been killed."""
    last = [None]

    def attempt():
        try:
            return [job()]
        except BROKEN as error:
            last[0] = error
        except (MethodError, SetError) as error:
            last[0] = error
            if error.type not in LATER:
                raise
        except Problem as problem:
            last[0] = problem
            if problem.status < 500:
                raise
        return None
    try:
        return until("an answer", attempt, seconds=seconds, pause=0.05)[0]
    except NotReady as error:
        raise NotReady(f"{error}; the last one: {type(last[0]).__name__}: {last[0]}") from last[0]


class Model:
    """What a client knows: objects by type and id, and the states they are of."""

    def __init__(self, ats, account):
        self.ats, self.account = ats, account
        self.states, self.objects = {}, {}

    def load(self):
        """All of it, afresh."""
        for type_ in TYPES:
            answer = self._get(type_, None)
            self.states[type_] = answer["state"]
            self.objects[type_] = {o["id"]: o for o in answer["list"]}
        return self

    def _get(self, type_, ids):
        more = {"properties": EMAIL} if type_ == "Email" else {}
        return patiently(lambda: self.ats.call(type_ + "/get", self.account, ids=ids, **more))

    def follow(self, slice_=None):
        """To the present, by /changes; slice_: at most so many at once. The new Emails."""
        new = []
        for type_ in TYPES:
            new = self._follow(type_, slice_)
        return new

    def _follow(self, type_, slice_):
        known, new = self.objects[type_], []
        more = {"maxChanges": slice_} if slice_ else {}
        while True:
            c = patiently(lambda: self.ats.call(type_ + "/changes", self.account, sinceState=self.states[type_], **more))
            both = set(c["created"]) & set(c["updated"]) | set(c["destroyed"]) & set(c["created"] + c["updated"])
            assert not both, f"{type_}/changes names {both} twice"
            ids = c["created"] + c["updated"]
            for id_ in c["destroyed"]:
                known.pop(id_, None)
            for n in range(0, len(ids), 200):
                answer = self._get(type_, ids[n:n + 200])
                known.update({o["id"]: o for o in answer["list"]})
                new += answer["list"]
                for id_ in answer["notFound"]:
                    known.pop(id_, None)
            self.states[type_] = c["newState"]
            if not c["hasMoreChanges"]:
                return new

    def copy(self):
        other = Model(self.ats, self.account)
        other.states, other.objects = dict(self.states), copy.deepcopy(self.objects)
        return other


class Ats:
    def __init__(self, path, account, plan):
        self.ats, self.account, self.plan = Jmap(path, timeout=20), account, plan
        self.rng = random.Random(plan.seed ^ 0xA75)
        self.model = Model(self.ats, account)
        self.records = []
        self.ever = {}      # label -> ids it was seen under
        self.refused = []   # of operations that must be taken

    # ---- looking ------------------------------------------------------------------

    def start(self):
        self.model.load()
        self._note(self.model.objects["Email"].values())
        self.do_record()

    def follow(self):
        self._note(self.model.follow(self.rng.choice([None, None, 1, 2, 5])))

    def _note(self, emails):
        for email in emails:
            self.ever.setdefault(label_of(email["subject"]), set()).add(email["id"])

    def emails(self, label):
        return [e for e in self.model.objects["Email"].values() if label_of(e["subject"]) == label]

    def paths(self):
        """{mailbox id: path}"""
        boxes = self.model.objects["Mailbox"]

        def path(box):
            above = boxes.get(box["parentId"])
            return (path(above) if above else ()) + (box["name"],)
        return {id_: path(box) for id_, box in boxes.items()}

    def box(self, path):
        found = [id_ for id_, p in self.paths().items() if p == path]
        return found[0] if found else None

    def wait(self, what, predicate, seconds=30):
        """The first true value of predicate() after following; asked after each event."""
        def looked():
            self.follow()
            return predicate()
        return self.wait_for(looked, seconds, what)

    def wait_for(self, predicate, seconds, what):
        def attempt():
            try:
                return [self.ats.wait_for(lambda: patiently(predicate), seconds, what=what)]
            except BROKEN:
                return None  # the stream broke: the ats-worker's store is gone
            except Problem as problem:
                if problem.status < 500:
                    raise
                return None
        return until(what, attempt, seconds=seconds, pause=0.05)[0]

    def link(self):
        return patiently(lambda: self.ats.one("Link", self.account))

    def wait_live(self, seconds=100):
        """A store that was killed often is started again after LIM_RESTART_MAX_MS and a quarter."""
        self.wait_for(lambda: self.link()["state"] == "live", seconds, "live again")

    def the(self, label):
        """The id of a label that is there once, awaited."""
        found = self.emails(label) or self.wait(f"Email {label}", lambda: self.emails(label))
        return found[0]["id"]

    # ---- writing --------------------------------------------------------------------

    def run(self, op):
        getattr(self, "do_" + op[0].replace("ats ", ""))(*op[1:])
        self.follow()

    def do_record(self, *_):
        """A state to come from later: the follower's, or one just loaded."""
        self.records.append(self.model.copy() if self.rng.random() < 0.5 else Model(self.ats, self.account).load())

    def _update(self, label, patch):
        id_ = self.the(label)
        try:
            patiently(lambda: self.ats.update("Email", id_, patch, self.account))
        except SetError as error:
            self.refused.append(f"update of {label} {patch}: {error}")

    def do_keywords(self, label, keyword, on):
        self._update(label, {f"keywords/{keyword}": True if on else None})

    def do_move(self, label, folder, target):
        self._update(label, {f"mailboxIds/{self.box(folder)}": None, f"mailboxIds/{self.box(target)}": True})

    def do_copy(self, label, target):
        self._update(label, {f"mailboxIds/{self.box(target)}": True})

    def do_destroy(self, label):
        id_, tries = self.the(label), []

        def attempt():
            tries.append(1)
            return self.ats.destroy("Email", id_, self.account)
        try:
            patiently(attempt)
        except SetError as error:
            if error.type != "notFound" or len(tries) == 1:
                self.refused.append(f"destroy of {label}: {error}")

    def _create(self, label, **more):
        draft = {"mailboxIds": {self.box(("Drafts",)): True}, "keywords": {"$draft": True, "$seen": True},
                 "from": [{"name": "Rita", "email": "storm@agency.example"}],
                 "to": [{"name": None, "email": "candidate@people.example"}],
                 "subject": f"[{label}] of {self.plan.seed}", "bodyStructure": {"type": "text/plain", "partId": "1"},
                 "bodyValues": {"1": {"value": f"Dear you.\n\nThis is {label}.\n"}}}

        def attempt():
            self.follow()
            if not self.emails(label):  # it may have been made before the store died
                answer = self.ats.call("Email/set", self.account, create={"n": draft}, **more)
                if answer.get("notCreated"):
                    raise SetError(answer["notCreated"]["n"])
            return True
        try:
            patiently(attempt)
        except SetError as error:
            self.refused.append(f"draft {label}: {error}")

    def do_draft(self, label):
        self._create(label)

    def do_replace(self, old, label):
        id_ = self.the(old)
        self._create(label, destroy=[id_])
        try:  # a store that died in between has made the one and may not have destroyed the other
            patiently(lambda: self.ats.destroy("Email", id_, self.account))
        except SetError as error:
            if error.type != "notFound":
                self.refused.append(f"destroy of {old}: {error}")

    def do_try(self, label, what, value):
        """On a message that others change too: it may be refused or come to nothing."""
        found = self.emails(label)
        if not found:
            return
        id_ = self.rng.choice(sorted(e["id"] for e in found))
        patch = {"keyword": {f"keywords/{value}".replace("\\", "$").lower() if what == "keyword" else "": True},
                 "move": {"mailboxIds": {self.box(value) if what == "move" else "": True}}}.get(what)
        try:
            if patch:
                patiently(lambda: self.ats.update("Email", id_, patch, self.account))
            else:
                patiently(lambda: self.ats.destroy("Email", id_, self.account))
        except SetError as error:
            assert error.type in ("notFound", "invalidProperties"), error


__all__ = ["Ats", "Late", "Model", "patiently"]
