"""What the kernel says of Postern's processes: memory, uid, root directory, sandbox."""

import os


def private_kb(pid):
    """Memory that is this process's alone, in KiB; None where it may not be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            rows = dict(line.split(":", 1) for line in f if ":" in line and "-" not in line.split(":", 1)[0])
        return sum(int(rows[k].split()[0]) for k in ("Private_Clean", "Private_Dirty"))
    except (OSError, KeyError):
        return None


def status(pid):
    """/proc/PID/status as a dict."""
    with open(f"/proc/{pid}/status") as f:
        return {k: v.strip() for k, v in (line.split(":", 1) for line in f)}


def ran(pid):
    """(how often it went to sleep, CPU milliseconds so far); None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            words = f.read().rsplit(")", 1)[1].split()
        slept = int(status(pid)["voluntary_ctxt_switches"])
    except OSError:
        return None
    return slept, (int(words[11]) + int(words[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def resident_kb(pid):
    return int(status(pid).get("RssAnon", "0 kB").split()[0])


def root_dir(pid):
    """Its root directory, or None where it may not be read."""
    try:
        return os.readlink(f"/proc/{pid}/root")
    except OSError:
        return None


def sandbox(process):
    """In words, from one row of show processes."""
    words = []
    if process.get("seccomp"):
        words.append("seccomp")
    if process.get("landlockAbi"):
        words.append(f"landlock {process['landlockAbi']}")
    if process.get("mdwe"):
        words.append("mdwe")
    return " ".join(words) or "-"


def table(processes):
    """Lines of a table over show processes, with the memory beside."""
    rows = [("process", "ats", "unit/host", "pid", "uid", "root", "sandbox", "memory")]
    for p in processes:
        kb = private_kb(p["pid"])
        memory = f"{kb} KiB" if kb is not None else f"{resident_kb(p['pid'])} KiB*"
        place = "own" if p.get("chrooted") else "/"
        rows.append((p["role"], p.get("ats") or "-", str(p.get("unit") or p.get("host") or "-"), str(p["pid"]),
                     str(p["uid"]), place, sandbox(p), memory))
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows]
    if any(r[-1].endswith("*") for r in rows[1:]):
        lines.append("* anonymous memory: not root, so what is shared cannot be told apart")
    return lines


def memory(pid):
    """All readable private and anonymous memory of a process, as root sees it."""
    out = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, flags, _, _, inode, *name = line.split(maxsplit=5)
            if "r" not in flags or (name and name[0].startswith(("[vvar", "[vsyscall"))):
                continue
            low, high = (int(x, 16) for x in span.split("-"))
            if high - low > 1 << 30:
                continue  # the address space of the database file: its file is searched by itself
            try:
                mem.seek(low)
                out.append(mem.read(high - low))
            except (OSError, ValueError, OverflowError):
                continue
    return b"\0".join(out)
