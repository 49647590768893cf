"""Counts system calls a file; what happens less than once in ten files is left out of the list, not of the sum. Called by
bench/calls. No load of the machine changes these figures, but for waits (futex, poll)."""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from bench import works
from bench.line import Loopback
from bench.process_tree import tree_of, wait_until
from bench.sides import FtToFt, StockToStock

FILES = 4000


# Younger than Debian 12's strace, whose summary (-c) leaves them out.
UNKNOWN = {"syscall_0x1d1": "listxattrat"}


def calls_in(trace):
    """Name and number of each call in what strace wrote."""
    with open(trace, errors="replace") as lines:
        names = (re.match(r"(?:\d+ +)?(\w+)\(", line) for line in lines)
        counts = Counter(name[1] for name in names if name)
    return Counter({UNKNOWN.get(name, name): count for name, count in counts.items()})


def attached(pid):
    return all("TracerPid:\t0\n" not in Path(f"/proc/{each}/status").read_text() for each in tree_of(pid))


def traced(side, target):
    """The calls of both sides in one run."""
    traces = side.place / "source-calls", side.place / "destination-calls"
    source = side.start()
    listed = [argument for pid in tree_of(source.pid) for argument in ("-p", str(pid))]
    tracer = subprocess.Popen(["strace", "-f", "-s", "0", "-o", traces[0], *listed], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: attached(source.pid), "strace")
        with open(side.place / "out", "wb") as out, open(side.place / "errors", "wb") as errors:
            client = subprocess.run(["strace", "-f", "-s", "0", "-o", traces[1], *map(str, side.command(target))], stdout=out, stderr=errors)
        if client.returncode != 0:
            raise SystemExit(f"calls: {side.name} failed: {(side.place / 'errors').read_text()}")
        side.wait_idle(source)
    finally:
        source.send_signal(side.END)
        tracer.wait()
        source.wait()
    return map(calls_in, traces)


def main():
    directory = Path(tempfile.mkdtemp(prefix="ft-bench-"))
    try:
        tree = directory / "source/srv/data"
        works.make(works.Files("", FILES, works.small_sizes), tree)
        for side in (FtToFt("ft", directory / "ft", tree, Loopback()), StockToStock("rsync", directory / "rsync", tree, Loopback())):
            target = directory / f"to-{side.name}"
            (target / "srv/data").mkdir(parents=True)
            for phase in ("first sync", "nothing changed"):
                for end, calls in zip(("source", "destination"), traced(side, target)):
                    often = {name: count / FILES for name, count in calls.items() if count > FILES / 10}
                    told = ", ".join(f"{name} {often[name]:.2f}" for name in sorted(often, key=often.get, reverse=True))
                    syncs = ", ".join(f"{calls[name]} {name} in all" for name in ("fsync", "syncfs") if name in calls)
                    print(f"{side.name:6}{phase:17}{end:13}{sum(calls.values()) / FILES:6.2f}  {told}; {syncs or 'no sync'}", flush=True)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
