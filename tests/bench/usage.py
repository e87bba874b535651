"""What processes cost: CPU in seconds (user + system) and memory, by asking the kernel before and after."""

import collections
import os
import time

TICK = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """(parent, own CPU seconds, CPU seconds of children that ended and were waited for)."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    utime, stime, cutime, cstime = (int(x) / TICK for x in fields[11:15])
    return int(fields[1]), utime + stime, cutime + cstime


def own_cpu(pid):
    """Of the threads that live, to the nanosecond."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def family(root):
    """Process ids of root and all below it."""
    children = collections.defaultdict(list)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            children[stat(pid)[0]].append(int(pid))
        except (OSError, IndexError):
            continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children[pid]
    return found


def name_of(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return "?"


def peak_kb(pid):
    """The most memory it ever had, shared pages included."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


class Family:
    """
    root and its descendants, watched from now on.
    spent() -> {program: CPU seconds since now}; those that ended are "ended" (only their sum is known).
    """

    def __init__(self, root):
        self.root = root
        self.before = self._look()

    def _look(self):
        live, ended = {}, 0.0
        for pid in family(self.root):
            try:
                live[pid] = (name_of(pid), own_cpu(pid))
                ended += stat(pid)[2]
            except (OSError, IndexError):
                continue
        return live, ended

    def spent(self):
        live, ended = self._look()
        was, ended_before = self.before
        out = collections.defaultdict(float)
        for pid, (name, cpu) in live.items():
            out[name] += cpu - (was[pid][1] if pid in was else 0.0)
        # What one that lived before had used before comes in with its end.
        gone = sum(cpu for pid, (_, cpu) in was.items() if pid not in live)
        out["ended"] += max(0.0, ended - ended_before - gone)
        return {k: round(v, 4) for k, v in out.items() if v >= 0.00005}

    def peaks(self):
        """{program: largest peak in KiB} of those that live."""
        out = collections.defaultdict(int)
        for pid in family(self.root):
            name = name_of(pid)
            out[name] = max(out[name], peak_kb(pid))
        return dict(out)


def busy():
    """CPU seconds that all of the machine has used since it started, the time taken by its host included."""
    with open("/proc/stat") as f:
        user, nice, system, idle, iowait, irq, softirq, steal = (int(x) for x in f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


class Cost:
    """What a run costs beside the peer's own CPU: Dovecot's, and what the machine did for others meanwhile."""

    def __init__(self, dovecot):
        os.sync()  # what earlier runs wrote is not this one's burden
        self.server, self.busy, self.bench = Family(dovecot), busy(), time.process_time()

    def told(self, cpu):
        server, all_ = sum(self.server.spent().values()), busy() - self.busy
        elsewhere = all_ - server - cpu - (time.process_time() - self.bench)
        return {"dovecot": server, "elsewhere": round(max(0.0, elsewhere), 2)}
