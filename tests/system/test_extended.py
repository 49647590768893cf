"""ACLs and extended attributes, which alone change: migrated, killed inside, and taken back, on the file systems that hold them."""

import os
import subprocess
import unittest

from support import kinds
from support.hosts import Source, World
from support.images import KINDS, Image
from support.pair import Pair
from system.point_case import PointCase, counted

CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")


def setfacl(path, *arguments):
    subprocess.run(["setfacl", *arguments, path], check=True)


def give(path, **attributes):
    for name, value in attributes.items():
        os.setxattr(path, name.replace("_", "."), value, follow_symlinks=False)


def fill_extended(old, new):
    """Two trees that differ by ACLs and extended attributes alone, on each kind of object that has them."""
    for side, tree in enumerate((old, new)):
        tree.mkdir(parents=True)
        for name in ("same", "acl", "gone", "comes", "default"):
            (tree / name).mkdir()
            (tree / name / "file").write_text(name)
            os.link(tree / name / "file", tree / name / "of two names")
            (tree / name / "link").symlink_to("file")
            os.mkfifo(tree / name / "fifo")
        everywhere = list(tree.rglob("*"))
        setfacl(tree / "same", "-m", "u:1:rwx,d:g:2:r")
        give(tree / "same", user_same=b"s" * 300)
        setfacl(tree / "acl", "-m", ("u:1:rwx", "u:2:r-x,g:3:-")[side])
        setfacl(tree / "acl/file", "-m", ("u:1:rw", "u:54321:r")[side])
        give(tree / "acl/link", trusted_l=b"l%d" % side)
        give(tree / "acl/fifo", trusted_f=b"f" * (40 + side))
        gone, comes = tree / ("gone", "comes")[side], tree / ("comes", "gone")[side]
        setfacl(gone, "-m", "u:1:rwx,d:u:1:rwx")
        give(gone, user_long=b"L" * 400, trusted_t=b"t")
        give(gone / "file", user_short=b"s", security_capability=CAPABILITY)
        setfacl(gone / "fifo", "-m", "g:5:rw")
        os.chmod(comes, 0o775)  # the mode of the other one: its mask
        os.chmod(comes / "fifo", os.stat(gone / "fifo").st_mode & 0o777)
        setfacl(tree / "default", "-m", ("d:u:1:rwx", "d:u:1:r,d:o::-")[side])
        give(tree, user_root=b"root %d" % side)
        for path in (*everywhere, tree):
            os.utime(path, ns=(0, kinds.LONG_AGO), follow_symlinks=False)


class Extended(PointCase):
    def pair(self, kind):
        world = self.enterContext(World())
        return Pair(world, fill_extended, mount=lambda: Image.make(world, kind, kind).mount(world.new.root))

    def to_and_fro(self, kind):
        pair = self.pair(kind)
        ended, step = False, 0
        while not ended:
            step += 3
            for fault in (f"kill-before:{step}", f"kill-after:{step}"):
                run = pair.turn().run(fault)
                ended = run.status == 0
                if not ended:
                    self.require_killed(run, fault)
                self.assertEqual(self.recover(pair, fault), pair.at_source, fault)
        # In an undo.
        ended, step = False, 0
        while not ended:
            step += 4
            self.assertEqual(pair.turn().run().status, 0)
            after = pair.settle()
            run = pair.undo(f"kill-before:{step}")
            ended = run.status == 0
            if not ended:
                self.require_killed(run, f"undo {step}")
            state = self.recover(pair, f"undo {step}")
            self.assertTrue(not ended or state != after, f"undo {step}")
        # Nothing is fetched for them, and nothing is changed again.
        run = pair.turn().run()
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(pair.settle(), pair.at_source)
        self.assertEqual(run.result["trees"][0]["bytes_literal"], 0)
        again = pair.run()
        self.assertEqual(again.status, 0, again.stderr)
        self.assertEqual([again.result["trees"][0][each + "_changed"] for each in ("files", "others", "attributes")], [0] * 3)

    def test_on_ext4(self):
        self.to_and_fro("ext4")

    def test_on_xfs(self):
        self.to_and_fro("xfs")

    def test_on_btrfs(self):
        self.to_and_fro("btrfs")

    def test_a_failing_operation_changes_nothing(self):
        pair = self.pair("ext4")
        for code in ("EIO", "ENOSPC"):
            for step in range(1, 400, 3):
                run = pair.turn().run(f"errno:{code}:{step}", env={"FT_FAULT_ONLY": "set the extended attributes"}, after="")
                if run.status == 0:
                    break
                self.tried += 1
                self.assertEqual(pair.settle(), 1 - pair.at_source, f"{code} {step}: {run.stderr}")
            self.assertEqual(pair.settle(), pair.at_source)
        self.assertGreater(self.tried, 10)

    def test_what_the_disk_refuses_is_told_before_the_transfer(self):
        """FX3: more than ext4 has room for beside an object."""
        world = self.enterContext(World())
        Image.make(world, "source", "xfs").mount(world.old.path("/srv"))
        Image.make(world, "here", "ext4").mount(world.new.path("/srv"))
        for host in (world.old, world.new):
            host.describe(databases=())
            host.path("/srv/data").mkdir()
        tree = world.old.path("/srv/data")
        (tree / "much").write_text("content")
        os.setxattr(tree / "much", "user.big", b"b" * 60000)
        os.setxattr(tree / "much", "user.small", b"s")
        source = Source(world.old)
        run = world.migrate(source)
        self.assertNotEqual(run.status, 0)
        self.assertEqual(run.stderr.count("user.big"), 2)  # in the line, and as the one detail
        self.assertIn("cannot hold ACLs or extended attributes that the source has: much: cannot set the extended attribute user.big",
                      run.stderr)
        self.assertIn("changed nothing", run.stderr)
        self.assertEqual(list(world.new.path("/srv/data").iterdir()), [])
        os.removexattr(tree / "much", "user.big")
        self.assertEqual(world.migrate(source).status, 0)
        source.stop()
        self.assertEqual(kinds.difference(kinds.snapshot(tree), kinds.snapshot(world.new.path("/srv/data"))), [])


def tearDownModule():
    print(f"points tried: {sum(counted.values())}")


if __name__ == "__main__":
    unittest.main()
