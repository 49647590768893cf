"""What a tree may hold besides files and directories: hard links, devices, FIFOs, sockets, holes, the longest names."""

import os
import stat
import unittest

from support import kinds, sample
from support.hosts import Source
from support.tree_case import TreeCase


class LinksTest(TreeCase):
    def test_objects_of_every_kind_alone_and_with_many_names(self):
        sample.fill_tree(self.theirs, files=50)
        (self.theirs.parent / "beside").write_bytes(b"of two trees")
        folder = self.theirs / ("long" + "x" * 251) / ("y" * 255)
        folder.mkdir(parents=True)
        for number, kind in enumerate(kinds.KINDS):
            name = kind + "z" * (255 - len(kind))
            kinds.make(folder / name, kind, number)
            if kind in kinds.LINKED:
                for further in (folder / f"{kind} again", self.theirs / "00" / kind, self.theirs / f"0 {kind}"):
                    os.link(folder / name, further, follow_symlinks=False)
        os.mknod(folder / "highest", stat.S_IFBLK | 0o640, os.makedev(4095, 1048575))
        (self.theirs / "outside").hardlink_to(self.theirs.parent / "beside")
        source = Source(self.old, "--port", "0")
        self.assertIn("tree data: 1 names have hard links outside the tree, which do not come across: outside\n", source.stderr())
        self.migrate(source)
        again = self.migrate(source)
        self.assertEqual((again["bytes_literal"], again["files_changed"], again["others_changed"]), (0, 0, 0))

    def test_links_that_part_and_join_cost_no_transfer_and_an_undo_brings_them_back(self):
        other = self.old.path("/srv/other")
        for side, tree in enumerate((self.theirs, other)):
            kinds.fill_links(tree, side)
        source = Source(self.old, "--port", "0")
        self.migrate(source)
        before = kinds.snapshot(self.ours)
        self.assertEqual(before, kinds.snapshot(self.theirs))
        between = self.theirs.with_name("between")
        self.theirs.rename(between)
        other.rename(self.theirs)
        self.migrate(source)
        self.assertEqual(kinds.snapshot(self.ours), kinds.snapshot(self.theirs))
        undone = self.new.here("undo", "--yes")
        self.assertEqual(undone.status, 0, undone.stderr)
        self.assertEqual(kinds.snapshot(self.ours), before)

        # Only names: nothing comes over the wire but the list.
        self.theirs.rename(other)
        between.rename(self.theirs)
        large = self.theirs / "large"
        large.write_bytes(os.urandom(3_000_000))
        self.migrate(source)
        (self.theirs / "deep" / "large too").hardlink_to(large)
        tree = self.migrate(source)
        self.assertEqual(tree["bytes_literal"], 0)
        self.assertEqual(large.stat().st_nlink, 2)

    def test_holes_stay_holes_beyond_4_gib(self):
        self.theirs.mkdir(parents=True)
        beyond = (4 << 30) + 77
        for name, place in (("large", beyond), ("small", 70_000_000)):
            with open(self.theirs / name, "wb") as file:
                file.write(b"front" * 1000)
                file.seek(place)
                file.write(b"far behind")
                file.truncate(place + 5_000_000)
        source = Source(self.old, "--port", "0")
        self.migrate(source)
        self.require_holes("large", beyond + 5_000_000)
        # A delta keeps them too.
        with open(self.theirs / "small", "r+b") as file:
            file.seek(70_000_001)
            file.write(b"changed")
        tree = self.migrate(source)
        self.assertLess(tree["bytes_literal"], 1 << 20)
        self.require_holes("small", 75_000_000)

    def require_holes(self, name, size):
        status = (self.ours / name).stat()
        self.assertEqual(status.st_size, size)
        self.assertLess(status.st_blocks * 512, 1 << 20)


if __name__ == "__main__":
    unittest.main()
