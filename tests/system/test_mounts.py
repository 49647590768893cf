"""Trees that lie on several file systems: what is mounted in them is a part of them when system.json says so."""

import os
import shutil
import signal
import subprocess
import unittest

from support import sample
from support.hosts import FT_FAULTS, Source, World, contents, differences, listing

MIB = 1 << 20


class MountsTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.theirs, self.ours = self.old.path("/srv/data"), self.new.path("/srv/data")

    def describe(self, host, *mounts):
        self.grounds = ["/srv/data", *(f"/srv/data/{mount}" for mount in mounts)]
        host.describe(trees=({"name": "data", "path": "/srv/data", "mounts": list(mounts)},), databases=())

    def mount(self, host, absolute, kind="ext4", megabytes=64):
        path = self.world.mount_image(host, absolute, kind, 320 if kind == "xfs" else megabytes)
        if kind == "ext4":
            (path / "lost+found").rmdir()
        return path

    def state(self):
        return listing(self.ours), contents(self.ours)

    def require_replica(self):
        self.assertEqual(differences(self.theirs, self.ours), [])
        for ground in self.grounds:
            self.assertEqual(self.new.staged(ground), [])

    def go_on_both_sides(self, kind):
        sample.fill_tree(self.theirs, files=30)
        sample.fill_tree(self.mount(self.old, "/srv/data/archive", kind), files=40, seed=3)
        (self.theirs / "plain").mkdir()
        sample.fill_tree(self.theirs / "plain" / "here", files=20, seed=4)
        mounted = self.mount(self.new, "/srv/data/plain/here", kind)
        sample.fill_tree(mounted, files=10, seed=5)
        self.mount(self.new, "/srv/data/archive", kind)
        self.describe(self.old, "archive")
        self.describe(self.new, "archive", "plain/here")
        source = Source(self.old, "--port", "0")
        for seed in (6, 7):
            before = self.state()
            run = self.world.migrate(source)
            self.assertEqual(run.status, 0, run.stderr)
            self.require_replica()
            self.assertEqual(run.result["trees"][0]["entries"], len(listing(self.theirs)))
            for place in ("plain/here", "archive"):
                sample.change_tree(self.theirs / place, seed=seed)
        self.assertTrue(os.path.ismount(mounted))
        undone = self.new.here("undo", "--yes")
        self.assertEqual(undone.status, 0, undone.stderr)
        self.assertEqual(self.state(), before)
        self.assertEqual(list(self.ours.rglob(".ft-staging")), [])

    def test_on_both_sides_at_different_places(self):
        self.go_on_both_sides("ext4")

    @unittest.skipUnless(shutil.which("mkfs.xfs"), "there is no mkfs.xfs")
    def test_on_both_sides_at_different_places_on_xfs(self):
        self.go_on_both_sides("xfs")

    def test_killed_in_the_commit(self):
        sample.fill_tree(self.theirs, files=20)
        sample.fill_tree(self.theirs / "m", files=20, seed=3)
        self.mount(self.new, "/srv/data/m")
        sample.fill_tree(self.ours / "m", files=10, seed=4)
        self.describe(self.old)
        self.describe(self.new, "m")
        source = Source(self.old, "--port", "0")
        for seed, fault in ((5, "kill-before:3"), (6, "kill-after:40"), (7, "kill-before:60")):
            with self.subTest(fault):
                killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": fault, "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
                self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
                recovered = self.new.run(self.new.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file))
                self.assertEqual(recovered.returncode, 4, recovered.stderr)
                self.require_replica()
                for directory in (self.theirs, self.theirs / "m"):
                    sample.change_tree(directory, seed=seed)

    def test_unnamed_or_not_mounted_is_refused(self):
        sample.fill_tree(self.theirs, files=10)
        self.mount(self.old, "/srv/data/m")
        (self.ours / "m").mkdir(parents=True)
        before = self.state()
        self.describe(self.old)
        self.describe(self.new)
        argv = self.old.ft("--source", "--port", "0", "--keep-traffic")
        refused = self.old.run(argv)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn(b'm: another file system is mounted here; add it to the tree\'s "mounts"', refused.stderr)
        self.describe(self.old, "m", "none")
        refused = self.old.run(argv)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn(b"/srv/data/none: no file system is mounted here", refused.stderr)
        self.describe(self.old, "m")
        source = Source(self.old, "--port", "0")
        self.describe(self.new, "m")
        run = self.world.migrate(source)
        self.assertEqual(run.status, 3, run.stderr)
        self.assertIn("/srv/data/m: no file system is mounted here", run.stderr)
        self.assertEqual(self.state(), before)
        # What is mounted here and not named is in the way; so is a bind mount of the same file system.
        self.describe(self.new)
        elsewhere = self.new.path("/srv/elsewhere")
        elsewhere.mkdir()
        self.world.bind(elsewhere, self.ours / "m")
        before = self.state()
        run = self.world.migrate(source)
        self.assertEqual(run.status, 3, run.stderr)
        self.assertIn("m: another file system is mounted here", run.stderr)
        self.assertEqual(self.state(), before)
        # A disk that goes away between two runs.
        subprocess.run(["nsenter", "-t", str(source.worker()), "-m", "umount", self.theirs / "m"], check=True)
        run = self.world.migrate(source)
        self.assertEqual(run.status, 5, run.stderr)
        self.assertIn("srv/data/m: no file system is mounted here", run.stderr)
        self.assertEqual(self.state(), before)

    def test_a_mount_point_that_the_source_does_not_have(self):
        sample.fill_tree(self.theirs, files=10)
        mounted = self.mount(self.new, "/srv/data/m")
        (mounted / "file").write_bytes(b"x")
        before = self.state()
        self.describe(self.old)
        self.describe(self.new, "m")
        source = Source(self.old, "--port", "0")
        for make in (lambda: None, lambda: (self.theirs / "m").write_bytes(b"a file")):
            make()
            run = self.world.migrate(source)
            self.assertEqual(run.status, 3, run.stderr)
            self.assertIn("m: is a mount point here, and no directory at the source", run.stderr)
            self.assertEqual(self.state(), before)

    def test_room_is_counted_where_it_is_needed(self):
        (self.theirs / "m").mkdir(parents=True)
        (self.theirs / "m" / "big").write_bytes(os.urandom(40 * MIB))
        (self.theirs / "small").write_bytes(b"x")
        self.mount(self.new, "/srv/data/m", megabytes=32)
        before = self.state()
        self.describe(self.old)
        self.describe(self.new, "m")
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source)
        self.assertEqual(run.status, 6, run.stderr)
        self.assertIn("/srv/data/m", run.stderr)
        self.assertEqual(self.state(), before)

    @unittest.skipUnless(shutil.which("mkfs.btrfs"), "there is no mkfs.btrfs")
    def test_subvolumes_share_the_room_of_their_pool(self):
        pool = self.mount(self.new, "/srv/data", "btrfs", megabytes=256)
        subprocess.run(["btrfs", "-q", "subvolume", "create", pool / "m"], check=True)
        room = os.statvfs(pool)
        (self.theirs / "m").mkdir(parents=True)
        for path in (self.theirs / "big", self.theirs / "m" / "big"):
            path.touch()
            os.truncate(path, room.f_bavail * room.f_frsize * 6 // 10)
        before = self.state()
        self.describe(self.old)
        self.describe(self.new, "m")
        run = self.world.migrate(Source(self.old, "--port", "0"))
        self.assertEqual(run.status, 6, run.stderr)
        self.assertIn("in all with the rest of this run", run.stderr)
        self.assertEqual(self.state(), before)


if __name__ == "__main__":
    unittest.main()
