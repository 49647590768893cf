"""Another user of the destination owns the tree that root scans, replaces and takes back, and flips all he can."""

import ctypes
import json
import os
import select
import struct
import subprocess
import time
import unittest
from pathlib import Path

from support import kinds
from support.hosts import DEADLINE, World
from support.pair import Pair

NOBODY = 65534
PROGRAM = Path(__file__).resolve().parents[1] / "support/attacker.py"
# Any of these is a clean end: done, refused, no permission or the disk's, a person is needed (until the attacker is gone).
CLEAN = {0, 3, 6, 10, 11}


def fill(old, new):
    """Directories with directories, and files: all of them the attacker's."""
    for side, tree in enumerate((old, new)):
        for number in range(6):
            inside = tree / f"directory-{number}" / "inside"
            inside.mkdir(parents=True)
            for file in range(3):
                (inside / f"file-{file}").write_text(f"{side if file else 0} {number} {file}")
            (inside.parent / f"only-{side}").mkdir()
            (tree / f"file-{number}").write_text(f"{side} {number}")
        for folder, folders, files in os.walk(tree, topdown=False):
            for path in [*(Path(folder) / name for name in files), Path(folder)]:
                os.chown(path, NOBODY, NOBODY)
                os.utime(path, ns=(0, kinds.LONG_AGO + side * 10**9))


class Canaries:
    """What lies outside of the tree under the names of what is inside: who opens, reads, changes or lists it is seen."""

    ANY = 0x1 | 0x2 | 0x4 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800  # all of <sys/inotify.h> but closing

    def __init__(self, outside, like):
        self.outside = outside
        subprocess.run(["cp", "-a", like, outside], check=True)
        for path in outside.rglob("file-*"):
            if path.is_file():
                path.write_text("canary")
        subprocess.run(["chown", "-R", "root:root", outside], check=True)
        self.before = kinds.snapshot(outside)
        libc = ctypes.CDLL(None, use_errno=True)
        self.events = libc.inotify_init1(os.O_NONBLOCK)
        for folder in [outside, *(path for path in outside.rglob("*") if path.is_dir())]:
            if libc.inotify_add_watch(self.events, os.fsencode(folder), ctypes.c_uint32(self.ANY)) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch")

    def touched(self):
        """What was done: pairs of the event's mask and the name."""
        events = []
        while select.select([self.events], [], [], 0)[0]:
            read = os.read(self.events, 65536)
            while read:
                _, mask, _, length = struct.unpack_from("iIII", read)
                events.append((hex(mask), read[16:16 + length].rstrip(b"\0")))
                read = read[16 + length:]
        return events

    def close(self):
        os.close(self.events)


class AttackersTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.pair = Pair(self.world, fill)
        self.new = self.world.new
        self.outside = self.new.path("/srv/outside")
        self.canaries = Canaries(self.outside, self.pair.tree)
        self.addCleanup(self.canaries.close)
        self.attic = self.new.path("/srv/attic")
        self.attic.mkdir()
        os.chown(self.attic, NOBODY, NOBODY)

    def attack(self):
        argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "/usr/bin/python3", "-B", PROGRAM,
                self.pair.tree, self.attic, self.outside]
        process = self.world.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def end(self, process):
        """What the attacker tells."""
        process.stdin.close()
        told = json.loads(process.stdout.read())
        process.wait(timeout=DEADLINE)
        return told

    def require_clean(self, run, what):
        self.assertIn(run.status, CLEAN, f"{what}: {run.stderr}")
        self.assertEqual(self.canaries.touched(), [], f"{what}: {run.stderr}")
        self.statuses.append(run.status)

    def test_flips_during_scan_staging_commit_and_undo(self):
        self.statuses = []
        attacker = self.attack()
        end = time.monotonic() + 40  # and at most a hundred rounds
        for _ in range(100):
            self.require_clean(self.pair.run(), "a run")
            self.require_clean(self.new.here("undo", "--yes"), "an undo")
            # What the destination is now, nobody knows: the source shows the other tree anyway.
            self.pair.here = self.pair.at_source
            self.pair.turn()
            if time.monotonic() > end:
                break
        told = self.end(attacker)
        self.assertEqual((told["entered"], told["given"]), ([], []))
        self.assertGreater(told["flips"], 1000)
        self.assertGreater(len(self.statuses), 10)
        self.require_the_next_run()
        self.assertEqual(kinds.difference(self.canaries.before, kinds.snapshot(self.outside)), [])
        self.assertNotEqual(self.canaries.touched(), [], "which has just been read by this test")

    def test_killed_among_flips(self):
        """A recovery meets what the attacker made of the tree meanwhile."""
        self.statuses = []
        attacker = self.attack()
        end = time.monotonic() + 20
        for step in range(1, 60):
            self.pair.here = self.pair.at_source
            killed = self.pair.turn().run(f"kill-before:{step}")
            self.assertIn(killed.status, CLEAN | {-9}, killed.stderr)
            self.require_clean(self.pair.recover(), f"a recovery after {step} steps")
            if time.monotonic() > end:
                break
        told = self.end(attacker)
        self.assertEqual((told["entered"], told["given"]), ([], []))
        self.require_the_next_run()

    def require_the_next_run(self):
        """The attacker is gone: nothing is needed by hand."""
        self.assertEqual(self.pair.recover().status, 0)
        run = self.pair.run()
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(self.pair.settle(), self.pair.at_source)


if __name__ == "__main__":
    unittest.main()
