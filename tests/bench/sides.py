"""Who moves a tree: ft to ft, stock rsync to stock rsync, and each role of ft with the stock other. Each timed run has a source of its
own, started before the clock, so that CPU and peaks of memory are those of the run."""

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass

from bench.process_tree import Peaks, cpu_of, ended, tree_of, wait_until
from bench.works import files_of
from support.hosts import FT, built

ATTRIBUTES = ("-aHAX", "--numeric-ids", "--delete")


@dataclass
class Figures:
    wall: float = 0.0
    cpu_source: float = 0.0
    cpu_destination: float = 0.0
    memory_source: int = 0
    memory_destination: int = 0
    wire: int = 0


class Side:
    """`place`: directory of this side's own files; `target`: root of a destination, its tree lies in TARGET/srv/data."""

    def __init__(self, name, place, tree, line):
        self.name, self.place, self.tree, self.line = name, place, tree, line
        place.mkdir(parents=True)

    def measure(self, target):
        source = self.start()
        try:
            return self.measured(source, target)
        finally:
            if source.returncode is None:
                source.kill()
                source.wait()

    def measured(self, source, target):
        figures = Figures()
        before = cpu_of(source.pid)
        with open(self.place / "out", "wb") as out, open(self.place / "errors", "wb") as errors, Peaks() as peaks:
            peaks.watch("source", source.pid)
            begin = time.monotonic()
            client = subprocess.Popen([*self.line.at_destination, *map(str, self.command(target))], stdout=out, stderr=errors,
                                      stdin=subprocess.DEVNULL)
            peaks.watch("destination", client.pid)
            figures.cpu_destination = ended(client)
            if self.durable_after:
                sync = subprocess.Popen(["sync", "-f", target])
                figures.cpu_destination += ended(sync)
            figures.wall = time.monotonic() - begin
        if client.returncode != 0:
            raise SystemExit(f"compare-rsync: {self.name} failed ({client.returncode}): {(self.place / 'errors').read_text()[-2000:]}")
        self.wait_idle(source)
        figures.memory_source, figures.memory_destination = peaks.of("source"), peaks.of("destination")
        source.send_signal(self.END)
        figures.cpu_source = ended(source) - before
        figures.wire = self.wire()
        return figures


def start_ft(side, *options):
    """`ft migrate --source` when it is ready, and its port."""
    with open(side.place / "events", "wb") as events, open(side.place / "source-errors", "wb") as errors:
        source = subprocess.Popen([*side.line.at_source, built(FT), "migrate", "--source", "--json", "--keep-traffic", "--system",
                                   str(side.system), "--root", str(side.tree.parents[1]), "--listen", side.line.address, "--port", "0",
                                   "--code-file", str(side.place / "code"), *map(str, options)],
                                  stdout=events, stderr=errors, stdin=subprocess.DEVNULL)
    wait_until(lambda: event_of(side, "ready") or source.poll() is not None, "a source")
    if source.returncode is not None:
        raise SystemExit(f"compare-rsync: no source: {(side.place / 'source-errors').read_text()}")
    return source, event_of(side, "ready")["port"]


def event_of(side, name):
    lines = (side.place / "events").read_bytes().split(b"\n")[:-1]
    return next((event for event in map(json.loads, lines) if event["event"] == name), None)


def describe(side):
    side.system = side.place / "system.json"
    side.system.write_text(json.dumps({"trees": [{"name": "data", "path": "/srv/data"}]}))


class FtToFt(Side):
    """Over TLS, to the end of the commit, which is durable."""

    END, durable_after = signal.SIGINT, False

    def start(self):
        describe(self)
        source, self.port = start_ft(self)
        return source

    def command(self, target):
        return (built(FT), "migrate", "--destination", f"{self.line.address}:{self.port}", "--system", self.system, "--root", target,
                "--code-file", self.place / "code", "--yes", "--json")

    def wait_idle(self, _):
        wait_until(lambda: event_of(self, "run_ended"), "the source's end of the run")

    def wire(self):
        result = json.loads((self.place / "out").read_bytes().splitlines()[-1])
        return result["bytes_received"] + result["bytes_sent"]


class StockClient(Side):
    def __init__(self, *arguments, attributes=ATTRIBUTES, durable=True):
        super().__init__(*arguments)
        self.attributes, self.durable_after = attributes, durable

    def wire(self):
        told = (self.place / "out").read_text()
        return sum(int(re.search(f"^Total bytes {way}: (\\d+)$", told, re.MULTILINE)[1]) for way in ("sent", "received"))

    def command(self, target):
        return ("rsync", *self.attributes, "--stats", "--no-h", "--sockopts=TCP_NODELAY", *self.login, self.url,
                f"{target}/srv/data/")


class StockToStock(StockClient):
    """Daemon and client, then a sync of the file system."""

    END, login = signal.SIGTERM, ()

    def start(self):
        config, self.port = self.place / "rsyncd.conf", self.line.free_port()
        config.write_text(f"use chroot = yes\nuid = 0\ngid = 0\nread only = yes\nreverse lookup = no\nsocket options = TCP_NODELAY\n"
                          f"log file = /dev/null\n[data]\npath = {self.tree}\n")
        self.url = f"rsync://{self.line.address}:{self.port}/data/"
        daemon = subprocess.Popen([*self.line.at_source, "rsync", "--daemon", "--no-detach", f"--config={config}",
                                   f"--address={self.line.address}", f"--port={self.port}"], stdin=subprocess.DEVNULL)
        listing = [*self.line.at_destination, "rsync", self.url.removesuffix("data/")]
        wait_until(lambda: subprocess.run(listing, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0, "a daemon")
        self.wait_idle(daemon)
        return daemon

    def wait_idle(self, daemon):
        wait_until(lambda: len(tree_of(daemon.pid)) == 1, "the daemon's child")


class FtToStock(StockClient):
    """The source's plain rsync service, and a stock client."""

    END = signal.SIGINT

    def start(self):
        describe(self)
        secret = self.place / "secret"
        secret.write_text("0123456789abcdef0123456789abcdef\n")
        secret.chmod(0o600)
        self.login = (f"--password-file={secret}",)
        source, port = start_ft(self, "--allow-plain", "bench", "--plain-secret-file", secret)
        self.url = f"rsync://bench@{self.line.address}:{port}/data/"
        return source

    def wait_idle(self, _):
        """Its session has ended when the client has; what is left to do is nothing that costs."""


class StockToFt(StockToStock):
    """A stock daemon, and ft's pull (pull.cpp), which leaves the live tree as it is."""

    def command(self, target):
        return built("tests/bench/pull"), self.line.address, self.port, "data", f"{target}/srv/data"

    def follow(self, target):
        """What was pulled is put aside, and emptied; the live tree becomes what a commit would have made of it, without a clock."""
        staged = target / "srv/data/.ft-staging"
        if staged.exists():
            aside = staged.rename(target / f"staged-{len(list(target.glob('staged-*')))}")
            for path in files_of(aside):
                os.truncate(path, 0)
        subprocess.run(["rsync", *ATTRIBUTES, f"{self.tree}/", f"{target}/srv/data/"], check=True)


def granted(work, line):
    """The attributes that ft serves to a stock client: all, or those without ACLs and extended attributes."""
    tree = work / "granted/srv/data"
    tree.mkdir(parents=True)
    (work / "granted/to/srv/data").mkdir(parents=True)
    side = FtToStock("ft > rsync", work / "granted/side", tree, line)
    source = side.start()
    try:
        refused = subprocess.run(list(map(str, side.command(work / "granted/to"))), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    finally:
        source.send_signal(side.END)
        source.wait()
    if refused.returncode == 0:
        return ATTRIBUTES
    if b"does not grant" not in refused.stderr:
        raise SystemExit(f"compare-rsync: {refused.stderr.decode()}")
    return ("-aH", *ATTRIBUTES[1:])
