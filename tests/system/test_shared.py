"""Content that is here already, on file systems that can share it: a new file has the blocks of the old one."""

import os
import re
import subprocess
import unittest

from support.hosts import Source
from support.images import Image
from support.tree_case import TreeCase

SIZE = 24 << 20


def shared_bytes(path):
    """Of a file, those in blocks that others have too, as the file system tells (FIEMAP)."""
    told = subprocess.run(["filefrag", "-e", "-b4096", path], check=True, capture_output=True, text=True).stdout
    extents = re.findall(r"^ *\d+: .*?: +(\d+):.*\bshared\b", told, re.MULTILINE)
    return sum(int(length) for length in extents) * 4096


class SharedTest(TreeCase):
    def run_on(self, kind, least):
        """What is renewed and what is changed shares at least the part `least` of its content with the old file, as
        far as this file system can share; it is right in any case."""
        Image.make(self.world, kind, kind, "640M").mount(self.new.root / "srv")
        self.theirs.mkdir(parents=True)
        for name in ("named", "changed"):
            (self.theirs / name).write_bytes(os.urandom(SIZE + 77))
        with open(self.theirs / "holes", "wb") as file:
            for _ in range(3):
                file.write(os.urandom(SIZE // 6))
                file.seek(SIZE // 6, os.SEEK_CUR)
            file.truncate(SIZE)
        source = Source(self.old, "--port", "0")
        self.migrate(source)
        (self.theirs / "of two names").hardlink_to(self.theirs / "named")
        (self.theirs / "holes too").hardlink_to(self.theirs / "holes")
        with open(self.theirs / "changed", "r+b") as file:
            file.seek(SIZE // 2)
            file.write(b"changed")
            file.seek(0, os.SEEK_END)
            file.write(b"appended")
        tree = self.migrate(source)
        self.assertLess(tree["bytes_literal"], 1 << 20)
        for name in ("named", "changed", "holes"):
            self.assertGreaterEqual(shared_bytes(self.ours / name), least * SIZE // (2 if name == "holes" else 1), name)
        self.assertLess((self.ours / "holes").stat().st_blocks * 512, SIZE * 2 // 3)
        undone = self.new.here("undo", "--yes")
        self.assertEqual(undone.status, 0, undone.stderr)
        self.assertEqual((self.ours / "named").stat().st_nlink, 1)

    def test_xfs(self):
        self.run_on("xfs", 0.9)

    def test_btrfs(self):
        self.run_on("btrfs", 0.9)

    def test_ext4_copies(self):
        self.run_on("ext4", 0)


if __name__ == "__main__":
    unittest.main()
