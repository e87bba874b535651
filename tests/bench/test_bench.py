"""The bench itself: what it would have to be blind to, so that a figure could be told that is none."""

import email
import email.policy
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(HERE)

import complete  # noqa: E402
import inbox  # noqa: E402
import mail  # noqa: E402
from report import Report, median  # noqa: E402
from rounds import rounds  # noqa: E402
from usage import Family  # noqa: E402

COUNT = 60


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return inbox.Mailbox(str(tmp_path_factory.mktemp("bench") / "mail"), COUNT)


def raw(box, n):
    with open(box.path(n), "rb") as f:
        return f.read()


def test_messages_are_mail(box):
    kinds = set()
    for n in range(COUNT):
        m = email.message_from_bytes(raw(box, n), policy=email.policy.default)
        assert not m.defects and inbox.number(m["Message-ID"]) == n
        assert all(inbox.number(r) < n for r in (m["References"] or "").split())
        kinds.add(m.get_content_type())
        assert all(p.get_content() is not None for p in m.walk() if not p.is_multipart())
    assert kinds == {"text/plain", "multipart/alternative", "multipart/mixed"}
    assert 10000 < box.total / COUNT < 40000


def test_messages_are_the_same_again(box):
    for n in (0, COUNT - 1):
        assert mail.message(n) == raw(box, n)
        assert hashlib.sha256(inbox.as_sent(raw(box, n))).hexdigest() == box.digests[n]


def test_a_changed_byte_is_seen(box):
    good = inbox.as_sent(raw(box, 5))
    assert box.check({5: good}) is None
    assert box.check({5: good[:-3] + b"x" + good[-2:]}) and box.check({5: good + b"x"}) and box.check({6: good})


def test_a_maildir_that_is_not_whole_is_seen(box, tmp_path):
    cur = tmp_path / "cur"
    cur.mkdir()
    (tmp_path / "new").mkdir()
    for n in range(COUNT):
        (cur / f"{n}").write_bytes(b"X-TUID: abc\n" + raw(box, n))
    assert complete.maildir(str(tmp_path), box) is None
    (cur / "7").write_bytes(raw(box, 7)[:-2] + b"\n")
    assert "message 7" in complete.maildir(str(tmp_path), box)
    (cur / "7").unlink()
    assert f"{COUNT - 1} messages" in complete.maildir(str(tmp_path), box)
    (cur / "again").write_bytes(raw(box, 8))
    assert "twice" in complete.maildir(str(tmp_path), box)


class Played:
    """An ATS socket that has what it is given."""

    content, account = "all", "L1"

    def __init__(self, box):
        self.ats, self.mailbox = self, box
        self.rows = {f"E{n}": {"id": f"E{n}", "messageId": [mail.message_id(n).strip("<>")], "size": box.sizes[n],
                               "contentState": "full", "blobId": f"B{n}"} for n in range(COUNT)}
        self.notes = {f"N{n}": {"emailId": f"E{n}"} for n in range(COUNT)}
        self.bytes = {f"B{n}": inbox.as_sent(raw(box, n)) for n in range(COUNT)}

    def query_all(self, type_, _account="ats"):
        return list(self.rows if type_ == "Email" else self.notes)

    def get_all(self, type_, _account, ids, **_):
        return [(self.rows if type_ == "Email" else self.notes)[i] for i in ids]

    def download(self, _account, blob):
        return self.bytes[blob]


def test_a_sync_that_is_not_whole_is_seen(box):
    played, people = Played(box), [a for a in box.senders if a]
    assert complete.ours(played, played, people) is None and len(people) > COUNT / 2
    for break_it in (lambda p: p.rows.pop("E9"), lambda p: p.rows["E9"].update(size=1),
                     lambda p: p.rows["E9"].update(contentState="header"),
                     lambda p: p.rows["E9"].update(messageId=p.rows["E8"]["messageId"]),
                     lambda p: [p.notes.pop(f"N{n}") for n in range(9, COUNT)],
                     lambda p: p.bytes.update(B9=p.bytes["B8"])):
        played = Played(box)
        break_it(played)
        assert complete.ours(played, played, people)


def run_of(seconds, cpu=1.0):
    return {"seconds": seconds, "cpu": cpu, "dovecot": 0.1, "elsewhere": 0, "peak": 1}


def test_rounds_turn_and_drop_what_is_not_whole():
    order, report = [], Report({})

    def contestant(name, wrong=None):
        def play():
            order.append(name)
            return run_of(len(order)), wrong
        return play
    seen = rounds(report, 3, {"a": contestant("a"), "b": contestant("b", "half of it"), "c": contestant("c")})
    assert "".join(order) == "abcbcacab"
    assert set(seen) == {"a", "c"} and len(report.notes) == 3


def test_goals_are_of_medians():
    report = Report({})
    ours, peer = median([run_of(s) for s in (9, 1, 2, 3, 2.5)]), median([run_of(s, 0.5) for s in (1, 1, 7)])
    report.figure("it", ours, {"peer": peer}, [("peer", 3), ("peer", 2), ("absent", 1)])
    lines = report.table()
    assert len(lines) == 3 and lines[1].endswith("met") and "2.50 s, 2.50 x" in lines[1] and "2.00 x" in lines[1]
    assert lines[2].endswith("missed by 25 %")


def test_cpu_of_the_living_and_the_dead():
    burn = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    family = Family(os.getpid())
    subprocess.run([sys.executable, "-c", burn], check=True)
    with subprocess.Popen([sys.executable, "-c", burn + "print(flush=True)\ninput()"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as alive:
        alive.stdout.readline()
        spent = family.spent()
        alive.communicate(b"\n")
    assert spent["ended"] > 0.15 and sum(v for k, v in spent.items() if k.startswith("python")) > 0.15


def test_the_long_way_is_long_and_whole(tmp_path):
    delay = str(tmp_path / "delay")
    subprocess.run([shutil.which("gcc") or "cc", "-O1", "-D_GNU_SOURCE", "-o", delay, os.path.join(HERE, "delay.c")],
                   check=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def echo():
            there, _ = server.accept()
            with there:
                while data := there.recv(1 << 20):
                    there.sendall(data)
        threading.Thread(target=echo, daemon=True).start()
        with subprocess.Popen([delay, "20", str(server.getsockname()[1])], stdout=subprocess.PIPE) as proxy:
            with socket.create_connection(("127.0.0.1", int(proxy.stdout.readline()))) as here:
                begin = time.monotonic()
                here.sendall(b"x")
                assert here.recv(1) == b"x" and time.monotonic() - begin >= 0.04
                data, got = os.urandom(20 << 20), bytearray()

                def send():
                    here.sendall(data)
                    here.shutdown(socket.SHUT_WR)
                threading.Thread(target=send, daemon=True).start()
                while part := here.recv(1 << 20):
                    got += part
                assert bytes(got) == data
            proxy.kill()
