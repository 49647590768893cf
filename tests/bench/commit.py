"""Times the commit phase of ft, and the pull before it, and counts the commit's memory. Called by bench/commit.

The tree lies on an ext4 image; `commit_ms` is what the run's result tells: from the end of the pulls, each of which has
made durable what it staged, to the durable end, services included; `pull_ms` is what comes before, so that work that was
moved from one to the other is seen. Memory is the peak of the destination less that of a
run on the same tree that changes nothing.
"""

import argparse
import ctypes
import json
import os
import subprocess
import time

from support.hosts import Source, World, code_arguments
from support.images import Image

EXCHANGE, HERE = 2, -100
LONG_AGO = 1_600_000_000


def fill(tree, files, directories, text, time_s):
    """Small files, spread evenly."""
    for number in range(directories):
        folder = tree / f"directory-{number}"
        folder.mkdir(parents=True)
        fd = os.open(folder, os.O_RDONLY)
        for file in range(number, files, directories):
            name = f"file-{file}"
            made = os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd)
            os.write(made, text)
            os.close(made)
            os.utime(name, (0, time_s), dir_fd=fd)
        os.utime(fd, (0, LONG_AGO))
        os.close(fd)


def run(world, source):
    """The result and the peak of memory, in bytes."""
    argv = world.new.ft("--destination", f"{world.old.address}:{source.port}", *code_arguments(source.code_file), "--yes", "--json")
    # A file: a pipe that nobody reads would stop it.
    with open(world.directory / "events", "w+b") as events:
        process = world.start(world.new.command(argv), stdout=events, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        events.seek(0)
        result = json.loads(events.read().splitlines()[-1])
    if process.returncode != 0:
        raise SystemExit(f"the run failed: {result}")
    return result, usage.ru_maxrss * 1024


def tell(what, operations, result, peak, idle):
    pull, commit = (result["durations"][phase] / 1000 for phase in ("pull_ms", "commit_ms"))
    print(f"{what:42}{pull:>10.2f} s{commit:>10.2f} s{(peak - idle) / operations:>14.0f} bytes each", flush=True)


def measure(what, files, directories, changed):
    with World() as world:
        for host in (world.old, world.new):
            host.describe(databases=())
        tree = world.old.path("/srv/data")
        fill(tree, files, directories, b"new", LONG_AGO + 1)
        source = Source(world.old, "--port", "0")
        image = Image(world, world.directory / "image", "ext4")
        with open(image.file, "wb") as file:
            file.truncate(24 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-N", str(4 * (files + directories) + 100_000), image.file], check=True)
        here = image.mount(world.new.path("/srv")) / "data"
        if changed:
            fill(here, files, directories, b"old", LONG_AGO)
        else:
            here.mkdir()
        image.sync()
        result, peak = run(world, source)
        _, idle = run(world, source)
        tell(what, files, result, peak, idle)


def bare(what, files, directories):
    """The same exchanges by nobody but the system call, and one sync."""
    with World() as world:
        image = Image(world, world.directory / "image", "ext4")
        with open(image.file, "wb") as file:
            file.truncate(8 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-N", str(4 * (files + directories) + 100_000), image.file], check=True)
        here = image.mount(world.new.path("/srv"))
        fill(here / "a", files, directories, b"old", LONG_AGO)
        fill(here / "b", files, 1, b"new", LONG_AGO)
        image.sync()
        libc = ctypes.CDLL(None, use_errno=True)
        slots = os.open(here / "b/directory-0", os.O_RDONLY)
        took = 0.0
        for number in range(directories):
            live = os.open(here / f"a/directory-{number}", os.O_RDONLY)
            names = [b"file-%d" % file for file in range(number, files, directories)]
            begin = time.monotonic()
            for name in names:
                if libc.renameat2(slots, name, live, name, EXCHANGE) != 0:
                    raise OSError(ctypes.get_errno(), "renameat2")
            took += time.monotonic() - begin
            os.close(live)
        os.close(slots)
        begin = time.monotonic()
        image.sync()
        took += time.monotonic() - begin
        print(f"{what:42}{'':12}{took:>10.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, action="append", help="changed objects")
    parser.add_argument("--new", type=int, nargs=2, metavar=("FILES", "DIRECTORIES"), default=(1_000_000, 10_000))
    options = parser.parse_args()
    print(f"{'':42}{'pull':>12}{'commit':>12}{'memory':>25}")
    for objects in options.objects or (100_000, 200_000):
        directories = max(1, objects // 100)
        measure(f"{objects} changed files", objects, directories, True)
        bare("  bare exchanges and a sync", objects, directories)
    files, directories = options.new
    measure(f"{files} new files, {directories} new directories", files, directories, False)


if __name__ == "__main__":
    main()
