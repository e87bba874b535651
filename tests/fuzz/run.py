"""run.py [-s SECONDS] [-j JOBS] [NAME...] - runs the fuzz targets of build/fuzz.

Each target gets SECONDS, as many run at a time as there are cores. What a
target learned stays in build/corpus/DIR/NAME and is where its next run starts;
the committed inputs are read beside it. An input that crashes is saved below
build/found/DIR/NAME, and its path is printed with the command that replays it.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGETS = ROOT / "build/fuzz/fuzz"
SEEDS = ROOT / "tests/fuzz"
STATUS = re.compile(rb"#(\d+)\s+\w+\s+cov: (\d+)")
ENV = dict(os.environ, ASAN_OPTIONS="allocator_may_return_null=1", UBSAN_OPTIONS="print_stacktrace=1")


class Run:
    """One target's run and what it reached."""

    def __init__(self, binary, seconds):
        self.binary, self.seconds = binary, seconds
        self.dir, self.name = binary.parent.name, binary.name.removeprefix("fuzz_")
        self.execs = self.half = self.cov = 0
        self.took = 0.0
        self.crashes = []
        self.tail = b""

    def path(self, base):
        return ROOT / base / self.dir / self.name

    def command(self):
        corpus, found = self.path("build/corpus"), self.path("build/found")
        for p in (corpus, found):
            p.mkdir(parents=True, exist_ok=True)
        # 1 GiB and 5 s are far above what any of these inputs should need.
        cmd = [str(self.binary), f"-max_total_time={self.seconds}", "-timeout=5", "-rss_limit_mb=1024",
               f"-artifact_prefix={found}/", "-use_value_profile=1", "-print_final_stats=1"]
        own = SEEDS / self.dir / f"{self.name}.dict"
        dicts = [own] if own.exists() else sorted((SEEDS / self.dir).glob("*.dict"))[:1]
        cmd += [f"-dict={d}" for d in dicts]
        options = SEEDS / self.dir / f"{self.name}.options"
        if options.exists():
            cmd += options.read_text().split()
        return cmd + [str(corpus), str(SEEDS / self.dir / "seeds" / self.name)]

    def run(self):
        known = set(self.path("build/found").glob("*"))
        start = time.monotonic()
        with subprocess.Popen(self.command(), cwd=ROOT, env=ENV, stderr=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as p:
            for line in p.stderr:
                self.take(line, time.monotonic() - start)
        self.took = time.monotonic() - start
        self.crashes = sorted(set(self.path("build/found").glob("*")) - known)
        self.status = p.returncode
        self.failed = self.status != 0
        return self

    def take(self, line, at):
        m = STATUS.match(line)
        if not m:
            self.tail = (self.tail + line)[-8000:]
        else:
            self.execs, self.cov = int(m[1]), int(m[2])
            if at <= self.seconds / 2 or not self.half:
                self.half = self.cov

    def report(self):
        print(f"{self.dir + '/' + self.name:28} {self.took:6.0f} s {self.execs:10} runs"
              f"   cov {self.half:6} at half, {self.cov:6} at the end   {len(self.crashes)} found", flush=True)
        if self.failed:
            sys.stdout.flush()
            sys.stdout.buffer.write(self.tail)
            print(f"{self.dir}/{self.name}: ended with {self.status}")
            for c in self.crashes:
                print(f"saved: {c.relative_to(ROOT)}\nreplay: {self.binary.relative_to(ROOT)} {c.relative_to(ROOT)}")
            sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", type=int, default=60, metavar="SECONDS")
    parser.add_argument("-j", type=int, default=os.cpu_count(), metavar="JOBS")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    targets = [b for b in sorted(TARGETS.glob("*/fuzz_*")) if b.suffix == ""
               and (SEEDS / b.parent.name / f"{b.name}.c").exists()
               and (not args.names or b.name.removeprefix("fuzz_") in args.names)]
    if not targets:
        sys.exit("no such fuzz target")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        for run in concurrent.futures.as_completed([pool.submit(Run(b, args.s).run) for b in targets]):
            run.result().report()
            failed += run.result().failed
    print(f"{len(targets)} targets, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
