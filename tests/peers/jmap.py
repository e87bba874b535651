"""A small JMAP client over a UNIX socket (RFC 8620), as an ATS would write it. Standard library only."""

import http.client
import json
import select
import socket
import time

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"
POSTERN = "urn:postern:params:jmap:ats"
USING = [CORE, MAIL, SUBMISSION, POSTERN]
ATS = "ats"


class Problem(Exception):
    """An HTTP answer that is no success; .status, .body (dict or bytes)."""

    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status, self.body = status, body


class MethodError(Exception):
    """A JMAP error response; .type and .args."""

    def __init__(self, args):
        super().__init__(str(args))
        self.type, self.args_ = args.get("type"), args


class SetError(Exception):
    """notCreated, notUpdated or notDestroyed of a single object; .type and .error (the whole SetError)."""

    def __init__(self, error):
        super().__init__(json.dumps(error)[:800])
        self.type, self.error = error.get("type"), error


class Late(Exception):
    """A deadline passed."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Jmap:
    def __init__(self, path, timeout=60):
        self.path, self.timeout = str(path), timeout

    # ---- HTTP ---------------------------------------------------------------

    def http(self, method, url, body=None, headers=None):
        """(status, headers, bytes) of one request on a connection of its own."""
        connection = UnixConnection(self.path, self.timeout)
        try:
            connection.request(method, url, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def _json(self, method, url, body=None, headers=None):
        status, head, data = self.http(method, url, body, headers)
        if "json" in head.get("Content-Type", ""):
            data = json.loads(data)
        if status >= 300:
            raise Problem(status, data)
        return data

    def session(self):
        return self._json("GET", "/.well-known/jmap")

    def upload(self, account, data, type_="application/octet-stream"):
        return self._json("POST", f"/jmap/upload/{account}/", data, {"Content-Type": type_})

    def download(self, account, blob, name="x", accept="application/octet-stream"):
        status, _, data = self.http("GET", f"/jmap/download/{account}/{blob}/{name}?accept={accept}")
        if status != 200:
            raise Problem(status, data)
        return data

    # ---- methods --------------------------------------------------------------

    def request(self, calls, using=None, created=None):
        """calls: [[name, args, id], ...]; the whole response object."""
        body = {"using": USING if using is None else using, "methodCalls": calls}
        if created is not None:
            body["createdIds"] = created
        return self._json("POST", "/jmap/api", json.dumps(body), {"Content-Type": "application/json"})

    def calls(self, *calls):
        """calls: (name, args), ...; the list of [name, args, id] answers."""
        return self.request([[name, args, str(n)] for n, (name, args) in enumerate(calls)])["methodResponses"]

    def call(self, name, account=ATS, **args):
        """One method; its arguments as a dict, or MethodError."""
        answer = self.calls((name, dict(args, accountId=account)))[0]
        if answer[0] == "error":
            raise MethodError(answer[1])
        return answer[1]

    def get(self, type_, account=ATS, ids=None, **args):
        """The list of objects."""
        return self.call(type_ + "/get", account, ids=ids, **args)["list"]

    def one(self, type_, id_, account=ATS, **args):
        """The object, or None."""
        found = self.get(type_, account, [id_], **args)
        return found[0] if found else None

    def query(self, type_, account=ATS, filter=None, **args):
        """The list of ids."""
        return self.call(type_ + "/query", account, filter=filter, **args)["ids"]

    def query_all(self, type_, account=ATS, **args):
        """All ids, page by page: a server may answer less than there is. What comes
        between two pages moves others to the second: each counts once."""
        ids = []
        while True:
            page = self.query(type_, account, position=len(ids), **args)
            ids += page
            if not page:
                return list(dict.fromkeys(ids))

    def get_all(self, type_, account, ids, slice_=200, **args):
        """The objects of many ids, in as many requests as it takes."""
        return [o for n in range(0, len(ids), slice_) for o in self.get(type_, account, ids[n:n + slice_], **args)]

    def state(self, type_, account=ATS):
        return self.call(type_ + "/get", account, ids=[])["state"]

    def changes(self, type_, since, account=ATS):
        """(created, updated, destroyed, new state), following hasMoreChanges."""
        created, updated, destroyed = [], [], []
        while True:
            answer = self.call(type_ + "/changes", account, sinceState=since)
            created += answer["created"]
            updated += answer["updated"]
            destroyed += answer["destroyed"]
            since = answer["newState"]
            if not answer["hasMoreChanges"]:
                return created, updated, destroyed, since

    def create(self, type_, account=ATS, **properties):
        """The created object's server-set properties with id, or SetError."""
        answer = self.call(type_ + "/set", account, create={"n": properties})
        if "n" in (answer.get("notCreated") or {}):
            raise SetError(answer["notCreated"]["n"])
        return answer["created"]["n"]

    def update(self, type_, id_, patch, account=ATS):
        answer = self.call(type_ + "/set", account, update={id_: patch})
        if id_ in (answer.get("notUpdated") or {}):
            raise SetError(answer["notUpdated"][id_])
        return answer["updated"][id_]

    def destroy(self, type_, id_, account=ATS, **args):
        answer = self.call(type_ + "/set", account, destroy=[id_], **args)
        if id_ in (answer.get("notDestroyed") or {}):
            raise SetError(answer["notDestroyed"][id_])
        return answer

    # ---- events ---------------------------------------------------------------

    def events(self, types="*", ping=0, closeafter="no"):
        return Events(self, types, ping, closeafter)

    def wait_for(self, predicate, seconds=30, types="*", what=None):
        """The first true value of predicate(), asked at once and again after each pushed change."""
        with self.events(types, ping=5) as events:
            end = time.monotonic() + seconds
            while True:
                value = predicate()
                if value:
                    return value
                try:
                    events.next(end - time.monotonic())
                except Late:
                    raise Late(f"{what or predicate}: not within {seconds} s") from None


class Events:
    """
    The event stream. next(seconds) -> (event name, data), or Late; received_at is its monotonic time.
    It reads the socket itself: http.client cannot go on after a timeout.
    """

    def __init__(self, client, types="*", ping=0, closeafter="no"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(client.path)
        self.socket.sendall(f"GET /jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping} HTTP/1.1\r\n"
                            "Host: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.raw, self.text, self.ended = b"", b"", False
        self.received_at = None
        end = time.monotonic() + client.timeout
        while b"\r\n\r\n" not in self.raw:
            self._receive(end)
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status != 200:
            raise Problem(status, self.raw)
        self.chunked = b"transfer-encoding: chunked" in head.lower()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def _receive(self, end):
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.socket], [], [], left)[0]:
            raise Late("no event")
        data = self.socket.recv(65536)
        if not data or self.ended:
            raise EOFError("the event stream was closed")
        self.raw += data

    def _unchunk(self):
        """Moves whole chunks from raw to text."""
        if not self.chunked:
            self.text, self.raw = self.text + self.raw, b""
        while self.chunked and b"\r\n" in self.raw:
            size, rest = self.raw.split(b"\r\n", 1)
            size = int(size.split(b";")[0], 16)
            if len(rest) < size + 2:
                return
            self.ended = self.ended or size == 0
            self.text, self.raw = self.text + rest[:size], rest[size + 2:]

    def next(self, seconds):
        end = time.monotonic() + max(seconds, 0)
        while True:
            self._unchunk()
            while b"\n\n" in self.text:
                block, self.text = self.text.split(b"\n\n", 1)
                name, data = "message", []
                for line in block.decode().split("\n"):
                    if line.startswith("event:"):
                        name = line[6:].strip()
                    elif line.startswith("data:"):
                        data.append(line[5:].strip())
                if data:
                    self.received_at = time.monotonic()
                    return name, json.loads("\n".join(data))
            self._receive(end)

    def until(self, predicate, seconds=15):
        """The first state event for which predicate(data) is true; others are dropped."""
        end = time.monotonic() + seconds
        while True:
            name, data = self.next(end - time.monotonic())
            if name == "state" and predicate(data):
                return data
