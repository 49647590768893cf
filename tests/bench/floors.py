"""What no program can save: the same tree by the bare means of the machine, in the same rounds."""

import os
import socket
import subprocess
import time

from bench.process_tree import ended
from bench.sides import Figures
from support.hosts import built


def scan(tree, threads=1):
    return subprocess.Popen([built("tests/bench/floor"), "scan", str(tree), str(threads)], stdout=subprocess.DEVNULL)


def read(tree, threads=1):
    return subprocess.Popen([built("tests/bench/floor"), "read", str(tree), str(threads)], stdout=subprocess.DEVNULL)


def require(*processes):
    """Waits for all; their seconds of CPU, one by one."""
    used = [ended(process) for process in processes]
    for process in processes:
        if process.returncode != 0:
            raise SystemExit(f"compare-rsync: {process.args} failed")
    return used


def warm(tree, content):
    """The kernel forgets what was not touched for a while."""
    require((read if content else scan)(tree, os.cpu_count()))


class Floor:
    name = "floor"

    def __init__(self, tree, line):
        self.tree, self.line = tree, line

    def measure(self, phase, target):
        here = target / "srv/data"
        begin = time.monotonic()
        if phase == "first":
            source, destination = self.tar(here)
        elif phase == "changed" and (here / "big").exists():
            source, destination = self.read_and_write(here)
        else:
            source, destination = require(scan(self.tree), scan(here))
        if phase != "same":
            destination += require(subprocess.Popen(["sync", "-f", str(target)]))[0]
        return Figures(time.monotonic() - begin, source, destination)

    def tar(self, here):
        """tar through a TCP socket."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            near = socket.create_connection(listener.getsockname())
            far, _ = listener.accept()
        with near, far:
            packing = subprocess.Popen(["tar", "-C", str(self.tree), "--numeric-owner", "-cf", "-", "."], stdout=near)
            unpacking = subprocess.Popen(["tar", "-C", str(here), "--numeric-owner", "-xpf", "-"], stdin=far)
        return require(packing, unpacking)

    def read_and_write(self, here):
        """Of a changed file: the source's is read; the destination's is read, and written anew."""
        used = require(read(self.tree), subprocess.Popen(["cp", "--reflink=never", str(here / "big"), str(here / "big.new")]))
        os.rename(here / "big.new", here / "big")
        return used


def floor_of_line(work_bytes, phase, line):
    """Over a slow line: the content at its rate; and without content, four times there and back."""
    return work_bytes / line.bytes_per_s if phase == "first" else 4 * line.rtt_ms / 1000
