"""
Life under fire: see siege.py. --siege=SECONDS makes the long one longer, --seed=N chooses the same victims.
A kill of each role once, in make check, is tests/peers/test_kill.py.
"""

import os
import signal
import time
from collections import Counter

import pytest

from desk import Desk
from fire import Checked, patiently
from peers import CANDIDATE, COLLEAGUE, CONTACT, OTHER, RECRUITER, World, until
from postern import Postern
from siege import Killer, Measure, Traffic, children, message_ids, settle, started

pytestmark = pytest.mark.usefixtures("need_fire", "need_postern")
MAY_GROW_KB = {"posternd": 2048, "vault": 1024, "dialer": 1024, "control": 2048}


class Fortress:
    """posternd with links in two ATS blocks; links: {ats: [address]}."""

    def __init__(self, world, directory, links, people):
        self.world, self.links, self.people = world, links, people
        ats = {name: {"own-domains": [users[0].split("@")[1]]} for name, users in links.items()}
        self.postern = Postern(directory, world, ats=ats, log_level="info", first=0).start()
        self.desks = [self.link(name, user) for name, users in links.items() for user in users]
        for name in links:
            for who in people:
                self.postern.jmap(name).create("Correspondent", kind="candidate", name=who, emails=[who])
        settle(self.postern, self.desks)
        until("the probes are gone", self.quiet, seconds=60, pause=0.2)
        self.before = Measure(self.postern)

    def link(self, name, user):
        client = self.postern.jmap(name, timeout=20)
        desk = Desk(client, self.postern.link(user, name, client=client), user)
        desk.ats_name, desk.box, desk.own = name, desk.boxes(), desk.identity()["id"]
        assert desk.box["drafts"] and desk.box["sent"]
        return desk

    def quiet(self):
        """One process for each place, none on its way in or out."""
        rows = self.postern.processes()
        want = Counter({("posternd", ""): 1, ("vault", ""): 1, ("dialer", ""): 1, ("control", ""): 1})
        for name, users in self.links.items():
            want.update({("store", name): 1, ("ats-worker", name): 1, ("mime-worker", name): 2,
                         ("tls-worker", name): -(-len(users) // 32), ("imapd-worker", name): len(users)})
        have = Counter((p["role"], p.get("ats") or "") for p in rows if p["pid"] and p["state"] == "running")
        alive = children(self.postern.child.pid)
        # While much was sent there were over 32 streams, and a second tls-worker: links stay where they are.
        want.update({who: 1 for who in have - want if who[0] == "tls-worker"})
        self.odd = {"more": have - want, "missing": want - have, "alive": len(alive),
                    "dead": [name for name, state in alive.values() if state == "Z"]}
        return have == want and len(alive) == sum(want.values()) - 1 and not self.odd["dead"]


def compare_mail(fort, traffic):
    """Every message once, in the folder it is in on the server, with its content."""
    total = 0
    for at, desk in enumerate(fort.desks):
        there = message_ids(fort.world, desk.user, "INBOX")
        assert there == Counter(traffic.delivered[at])

        def here(d=desk):
            rows = patiently(lambda: d.emails(["id", "messageId", "mailboxIds", "contentState", "receivedAt"]))
            inbox = [e for e in rows if d.box["inbox"] in e["mailboxIds"]]
            return (Counter(e["messageId"][0] for e in inbox) == there
                    and all(e["contentState"] == "full" for e in inbox))
        until(f"mail of {desk.user}", here, seconds=90, pause=0.5)
        total += sum(there.values())
    return total


def ends_of(fort, traffic):
    """{Message-ID: (desk index, state, submission id, address)} once each submission is at its end."""
    ends = {}
    for at, desk in enumerate(fort.desks):
        mine = {id_: who for (a, id_), (_, who) in traffic.sent.items() if a == at}
        rows = []

        def over(d=desk, ids=sorted(mine)):
            rows[:] = patiently(lambda: d.ats.get_all("EmailSubmission", d.account, ids))
            return len(rows) == len(ids) and not any(r["state"] in ("queued", "sending") for r in rows)
        until(f"submissions of {desk.user} end", over, seconds=240, pause=0.5)
        mails = patiently(lambda d=desk: {e["id"]: e for e in d.ats.get_all(
            "Email", d.account, [r["emailId"] for r in rows], properties=["id", "messageId"])})
        for row in rows:
            ends[mails[row["emailId"]]["messageId"][0]] = (at, row["state"], row["id"], mine[row["id"]])
    assert len(ends) == len(traffic.sent)
    return ends


def compare_submissions(fort, traffic):
    """Sent: delivered once, one copy in Sent. Uncertain: at most once, and a person is asked. Nothing else."""
    ends = ends_of(fort, traffic)
    states = Counter(state for _, state, _, _ in ends.values())
    assert set(states) <= {"sent", "uncertain"}, states
    sent = {mid: end for mid, end in ends.items() if end[1] == "sent"}

    def delivered():
        fort.inboxes = {who: message_ids(fort.world, who, "INBOX") for who in fort.people}
        return all(fort.inboxes[who][mid] for mid, (_, _, _, who) in sent.items())
    until("all that was sent is there", delivered, seconds=60, pause=1)
    for who, mids in fort.inboxes.items():
        assert all(n == 1 for n in mids.values()), (who, [m for m, n in mids.items() if n > 1])
        assert all(m in ends and ends[m][3] == who for m in mids), (who, "got what nobody asked for")
    for at, desk in enumerate(fort.desks):
        mine = Counter(m for m, end in sent.items() if end[0] == at)
        unsure = {m for m, end in ends.items() if end[0] == at and end[1] == "uncertain"}

        def copies(d=desk, want=mine, perhaps=unsure):
            have = message_ids(fort.world, d.user, "Sent")
            return Counter({m: n for m, n in have.items() if m not in perhaps}) == want
        until(f"Sent of {desk.user}", copies, seconds=60, pause=1)
        asked = {end[2] for m, end in ends.items() if m in unsure}
        until("a person is asked", lambda d=desk, ids=asked: ids <= {r["submissionId"] for r in patiently(d.reviews)},
              seconds=60, pause=1)
    return states, ends


def compare_notes(fort, traffic, out_mids):
    """Every message of a person filed once, in and out; what is uncertain at most once."""
    total = 0
    for name in fort.links:
        ats = fort.postern.jmap(name)
        indices = [i for i, d in enumerate(fort.desks) if d.ats_name == name]
        incoming = sum(len(traffic.delivered[i]) for i in indices)
        sent = sum(1 for at, state, *_ in out_mids.values() if at in indices and state == "sent")
        unsure = sum(1 for at, state, *_ in out_mids.values() if at in indices and state == "uncertain")

        def notes():
            ids = patiently(lambda: ats.query_all("Note", sort=[{"property": "receivedAt", "isAscending": True}]))
            return patiently(lambda: ats.get_all("Note", "ats", ids))
        until(f"notes of {name}", lambda: incoming + sent <= len(notes()) <= incoming + sent + unsure, seconds=60,
              pause=0.5)
        filed = Counter((n["accountId"], n["emailId"]) for n in notes())
        assert max(filed.values()) == 1
        total += len(filed)
    return total


def compare_processes(fort):
    try:
        until("as before", fort.quiet, seconds=120, pause=0.5)
    except Exception as late:
        raise AssertionError(f"processes: {fort.odd}") from late

    def same():
        fort.after = Measure(fort.postern)
        return fort.after.fds == fort.before.with_tls_workers(fort.after, fort.links)
    try:
        until("descriptors as before", same, seconds=90, pause=1)
    except Exception as late:
        changed = {w: (fort.before.fds.get(w), n) for w, n in fort.after.fds.items() if n != fort.before.fds.get(w)}
        raise AssertionError(f"descriptors: {changed}") from late
    for (role, ats), kb in fort.after.totals().items():
        assert kb - fort.before.totals()[role, ats] <= MAY_GROW_KB.get(role, 65536), (role, ats, kb)


def under_siege(fort, rng, seconds, pause, in_pause, out_pause, beheadings=()):
    traffic = Traffic(fort.world, fort.desks, fort.people, rng, in_pause, out_pause)
    killer = Killer(fort.postern, fort.desks, rng)
    traffic.start()
    begin = time.monotonic()
    try:
        killer.run(seconds, pause, beheadings)
        traffic.stop()
        until("the wedged are ended", lambda: not any(started(v[0]) == v[1] for v in killer.stopped), seconds=90, pause=1)
    finally:
        killer.clean_up()
    answered_at = time.monotonic()
    settle(fort.postern, fort.desks)
    quiet_at = time.monotonic()
    mails = compare_mail(fort, traffic)
    states, out_mids = compare_submissions(fort, traffic)
    notes = compare_notes(fort, traffic, out_mids)
    compare_processes(fort)
    log = fort.postern.log_text()
    assert "protocol breach" not in log and "SIGSYS" not in log, [
        line for line in log.splitlines() if "breach" in line or "SIGSYS" in line][:5]
    everybody = fort.after.pids
    assert fort.postern.stop() == 0
    until("nobody is left", lambda: not any(started(p) for p in everybody), seconds=10)
    fort.postern.ctl("audit", "verify", "-d", os.path.join(fort.postern.state, "audit"))
    for name in fort.links:
        assert not Checked(os.path.join(fort.postern.state, name)).problems
    blows = Counter()
    for (role, blow), n in killer.blows.items():
        blows[blow] += n
    print(f"siege: {seconds} s, {sum(blows.values())} blows {dict(blows)}, {killer.missed} into the air; "
          f"{mails} mails in, {sum(states.values())} submissions {dict(states)}, {traffic.retried} requests asked again, "
          f"{notes} notes; all answered after {answered_at - begin - seconds:.0f} s, all links live {quiet_at - answered_at:.0f} s later, all compared after "
          f"{time.monotonic() - quiet_at:.0f} s")
    print("blows:", {f"{role} {blow}": n for (role, blow), n in sorted(killer.blows.items())})
    print("memory KiB before, after:", {f"{r} {a}".strip(): (kb, fort.after.totals()[r, a])
                                        for (r, a), kb in fort.before.totals().items()})
    print("descriptors:", {f"{r} {a}".strip(): n[-1] for (r, a), n in fort.after.fds.items()})


@pytest.mark.long
@pytest.mark.deadline(120)
def test_skirmish(clean, tmp_path, rng, need_postfix):
    for user in (COLLEAGUE, OTHER, CONTACT):
        clean.clear(user)
    fort = Fortress(clean, tmp_path / "fort", {"agency": [RECRUITER, COLLEAGUE], "rival": [OTHER]},
                    [CANDIDATE, CONTACT])
    try:
        under_siege(fort, rng, 3, 0.3, 0.3, 0.4)
    finally:
        fort.postern.stop()


@pytest.mark.deadline(60)
def test_the_stopped_die_with_posternd(postern, desk):
    """A child that stands still reads no end of its channel; two stores must never be at one database."""
    everybody = {pid: started(pid) for pid in children(postern.child.pid)}
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    postern.child.popen.kill()
    postern.child.popen.wait(10)
    try:
        until("all are gone", lambda: not any(started(pid) for pid in everybody), seconds=10)
    finally:
        for pid, birth in everybody.items():
            if started(pid) == birth:
                os.kill(pid, signal.SIGKILL)
    postern.start()
    postern.wait_live(postern.jmap(), desk.account)


@pytest.mark.long
@pytest.mark.deadline(3600)
def test_siege(tmp_path, request, rng, need_postfix):
    links = {"agency": [f"r{n}@agency.example" for n in range(30)], "rival": [f"r{n}@rival.example" for n in range(20)]}
    people = [f"c{n}@people.example" for n in range(12)]
    users = {u: f"{u.split('@')[0]}.Secret-{n}" for n, u in enumerate(people + links["agency"] + links["rival"])}
    world = World(tmp_path / "world", users=users)
    with open(os.path.join(world.postfix.conf, "main.cf"), "a") as f:
        f.write("smtpd_end_of_data_restrictions = sleep 1\n")  # time to die between the final dot and its answer
    with world:
        fort = Fortress(world, tmp_path / "fort", links, people)
        try:
            under_siege(fort, rng, int(request.config.getoption("--siege")), 0.6, 0.25, 0.7,
                        [(0.1, "stop"), (0.2, "kill"), (0.3, "segv")])
        finally:
            fort.postern.stop()
