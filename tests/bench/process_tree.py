"""What a process and all below it use: CPU time, and peaks of memory while a run goes on."""

import os
import threading
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def tree_of(pid):
    """The processes of a tree; one that ends meanwhile is left out. Any thread may have children."""
    found, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                waiting += map(int, Path(f"/proc/{each}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return found


def cpu_of(pid):
    """User and system seconds of a tree, with its members that have ended and were waited for."""
    total = 0
    for each in tree_of(pid):
        try:
            total += sum(map(int, Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
        except OSError:
            pass
    return total / TICK


def ended(process):
    """Waits for a child, and returns the seconds of CPU of its tree. Its peak of memory is not asked for: after a vfork
    the kernel counts that of this process too."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def peak_of(pid):
    """VmHWM in bytes, None when the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


class Peaks:
    """Looks at two trees every 50 ms, at first more often. The peak of a side is the sum of VmHWM of every process that was seen: what two share
    by a fork counts twice."""

    def __init__(self):
        self.roots, self.seen = {}, {}
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._work)

    def watch(self, side, pid):
        self.roots[side] = pid

    def _work(self):
        looks = 0
        while True:
            last = self.done.wait(0.005 if looks < 20 else 0.05)
            looks += 1
            for side, root in list(self.roots.items()):
                for pid in tree_of(root):
                    peak = peak_of(pid)
                    if peak is not None:
                        self.seen[side, pid] = peak
            if last:
                return

    def of(self, side):
        return sum(peak for (owner, _), peak in self.seen.items() if owner == side)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def wait_until(condition, what, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise SystemExit(f"compare-rsync: waited in vain for {what}")
        time.sleep(0.005)
