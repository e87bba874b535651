"""posternctl monitor and show links on a house that syncs: what a person sees of it."""

import json
import subprocess

from peers import CANDIDATE, RECRUITER, message, until
from postern import POSTERNCTL, Postern


class Monitor:
    """posternctl -j monitor; its lines as they come."""

    def __init__(self, daemon, path):
        self.out = open(path, "w+b")
        self.process = subprocess.Popen([POSTERNCTL, "-s", daemon.control, "-j", "monitor"], stdout=self.out)

    def seen(self, event, **fields):
        with open(self.out.name, "rb") as f:
            lines = [json.loads(line) for line in f.read().splitlines(True) if line.endswith(b"\n")]
        return [x for x in lines if x["event"] == event and all(x.get(k) == v for k, v in fields.items())]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.out.close()


def test_monitor_and_links(world, tmp_path, need_postern):
    """A link is seen from its first login to live; new mail is counted; freshness is a number; a pause has a sentence."""
    with Postern(tmp_path / "postern", world) as daemon:
        monitor = Monitor(daemon, tmp_path / "monitor.out")
        try:
            ats = daemon.jmap()
            link = daemon.link(RECRUITER, client=ats)
            until("the monitor sees the link live", lambda: monitor.seen("state", state="live", link=link), 20)
            world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "monitored"))
            until("the monitor counts the new message", lambda: monitor.seen("mail", count=1, link=link), 20)
            row = until("the link is fresh", lambda: [x for x in json.loads(daemon.ctl("-j", "show", "links"))
                                 if x["freshness"] is not None], 20)[0]
            assert row["freshness"] < 300 and row["why"] is None
            assert row["progress"]["phase"] in ("bodies", "live")
            assert ats.get("Link")[0]["freshness"] < 300
            daemon.ctl("link", "pause", "agency", link)
            until("the monitor sees the pause", lambda: monitor.seen("state", state="paused", link=link), 20)
            assert "Paused: nothing is fetched or sent" in daemon.ctl("show", "links")
        finally:
            monitor.stop()
