"""Times ft and stock rsync on the same trees, A B A B, and prints medians and ratios. Called by compare-rsync.

Sources are read once before each timed run, so that both find warm caches; each first sync goes to a new directory. CPU is
user and system time of all processes of a side; of the source of ft, what it used during the run.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FT = str(Path(os.environ["FT_BUILD_DIR"]) / "src/ft")
TICK = os.sysconf("SC_CLK_TCK")


def make_small(tree, count):
    rng = random.Random(1)
    for i in range(count):
        folder = tree / f"{i // 5000:03}" / f"{i // 100 % 50:02}"
        if i % 100 == 0:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{i}").write_bytes(rng.randbytes(rng.randrange(500, 8000)))


def make_big(tree, size):
    with open(tree / "big", "wb") as file:
        for _ in range(size >> 20):
            file.write(random.randbytes(1 << 20))


def change_small(tree):
    rng = random.Random(2)
    files = [path for path in tree.rglob("file-*")]
    for path in rng.sample(files, len(files) // 100):
        path.write_bytes(rng.randbytes(4000))
    for path in rng.sample(files, len(files) // 200):
        path.unlink()
    for i in range(len(files) // 200):
        (files[0].parent / f"new-{i}").write_bytes(rng.randbytes(3000))


def change_big(tree):
    rng = random.Random(3)
    size = (tree / "big").stat().st_size
    with open(tree / "big", "r+b") as file:
        for _ in range(size // 4096 // 100):
            file.seek(rng.randrange(size // 4096) * 4096)
            file.write(rng.randbytes(4096))


def warm(tree):
    subprocess.run(["tar", "cf", "/dev/null", "-C", tree, "."], check=True)
    subprocess.run(["sh", "-c", f"find '{tree}' -type f -print0 | xargs -0r cat >/dev/null"], check=True)


def cpu_of(pid):
    """User and system seconds of a running process and its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICK


class Stock:
    name = "rsync"

    def __init__(self, work, tree):
        self.work = work
        conf = work / "rsyncd.conf"
        conf.write_text(f"use chroot = no\nuid = 0\ngid = 0\nsocket options = TCP_NODELAY\nlog file = /dev/null\n[data]\npath = {tree}\n")
        self.port = 20000 + os.getpid() % 20000
        self.daemon = subprocess.Popen(["rsync", "--daemon", "--no-detach", f"--config={conf}", "--address=127.0.0.1", f"--port={self.port}"])
        time.sleep(0.5)

    def sync(self, target):
        (target / "srv/data").mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["rsync", "-a", "--delete", "--stats", "--sockopts=TCP_NODELAY",
                               f"rsync://127.0.0.1:{self.port}/data/", target / "srv/data"], check=True, stdout=subprocess.PIPE)
        subprocess.run(["sync", "-f", target], check=True)
        words = {line.split(b":")[0]: line.split(b":")[1] for line in done.stdout.splitlines() if b":" in line}
        return sum(int(words[key].split()[0].replace(b",", b"")) for key in (b"Total bytes sent", b"Total bytes received"))

    def source_cpu(self):
        return cpu_of(self.daemon.pid)

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()


class Ours:
    name = "ft"

    def __init__(self, work, tree):
        self.system = work / "system.json"
        self.code = work / "code"
        self.system.write_text(json.dumps({"trees": [{"name": "data", "path": "/srv/data"}]}))
        self.source = subprocess.Popen([FT, "migrate", "--source", "--json", "--keep-traffic", "--system", self.system, "--root",
                                        tree.parents[1], "--listen", "127.0.0.1", "--port", "0", "--code-file", self.code],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.source.stdout:
            event = json.loads(line)
            if event["event"] == "ready":
                self.port = event["port"]
                break

    def sync(self, target):
        target.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([FT, "migrate", "--destination", f"127.0.0.1:{self.port}", "--system", self.system, "--root", target,
                               "--code-file", self.code, "--yes", "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        result = json.loads(done.stdout.splitlines()[-1])
        return result["bytes_received"] + result["bytes_sent"]

    def source_cpu(self):
        return cpu_of(self.source.pid)

    def stop(self):
        self.source.terminate()
        self.source.stdout.read()
        self.source.wait()


def measure(side, tree, target):
    warm(tree)
    before, source = os.times(), side.source_cpu()
    begin = time.monotonic()
    wire = side.sync(target)
    wall = time.monotonic() - begin
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu + side.source_cpu() - source, wire


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=50_000, help="small files")
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the big file")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="ft-bench-", dir="/var/tmp"))
    rows = {}
    try:
        for kind, make, change in (("small files", lambda t: make_small(t, options.files), change_small),
                                   ("one big file", lambda t: make_big(t, options.megabytes << 20), change_big)):
            tree = work / kind.replace(" ", "-") / "srv/data"
            tree.mkdir(parents=True)
            make(tree)
            sides = [Ours(work, tree), Stock(work, tree)]
            try:
                for phase in ("first sync", "nothing changed", "changes"):
                    if phase == "changes":
                        change(tree)
                    for turn in range(options.rounds):
                        for side in sides:
                            target = work / f"{kind}-{side.name}-{turn}".replace(" ", "-")
                            rows.setdefault((kind, phase), {}).setdefault(side.name, []).append(measure(side, tree, target))
            finally:
                for side in sides:
                    side.stop()
        print(f"{'':32}{'wall s: ft':>12}{'rsync':>8}{'ratio':>8}{'CPU s: ft':>12}{'rsync':>8}{'ratio':>8}{'wire MB: ft':>13}{'rsync':>8}{'ratio':>8}")
        for (kind, phase), by_side in rows.items():
            line = f"{kind + ', ' + phase:32}"
            for figure, width, scale in ((0, 12, 1), (1, 12, 1), (2, 13, 1e6)):
                ours, stock = (statistics.median(run[figure] for run in by_side[name]) / scale for name in ("ft", "rsync"))
                line += f"{ours:>{width}.2f}{stock:>8.2f}{ours / stock if stock else 0:>8.2f}"
            print(line)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
