"""Power cuts under the real process: what the kernel's own ext4, XFS and btrfs had on the disk is all that is left.

The image is copied under its mounted file system in the moment in which `ft` is killed. What was not synced is missing from
the copy, but for what the kernel happened to write; what a disk loses or reorders in its own cache is the model disk's
part (tests/commit).
"""

import signal
import unittest
from contextlib import contextmanager

from support.hosts import World
from support.images import KINDS, Image, cut_power
from support.pair import Pair
from system.point_case import small


def text(pair, name):
    """A file in the state directory; nothing when there is none."""
    file = pair.new.path("/var/lib/ft") / name
    return file.read_text() if file.exists() else ""


class PowerTest(unittest.TestCase):
    def setUp(self):
        self.tried = 0

    @contextmanager
    def pair_on(self, kind, trees=None):
        """The new server on a disk with this file system, its trees on a second disk."""
        with World() as world:
            self.disks = []

            def mount():
                self.disks.append(Image.make(world, "root", kind))
                self.disks[0].mount(world.new.root)
                if trees:
                    self.disks.append(Image.make(world, "trees", trees))
                    self.disks[1].mount(world.new.path("/srv"))

            pair = Pair(world, mount=mount)
            for disk in self.disks:
                disk.sync()  # what was there before the first run
            yield pair

    def cut_power(self):
        cut_power(self.disks)

    def require_killed(self, run, where):
        self.assertEqual(run.status, -signal.SIGKILL, f"{where}: {run.stderr}")
        self.cut_power()

    def settled(self, pair, where):
        """Recovered; and what that has done is on the disk as well."""
        run = pair.recover()
        self.assertEqual(run.status, 0, f"{where}: {run.stderr}")
        self.cut_power()
        self.tried += 1
        return pair.settle()

    def cut_in_runs(self, pair, name, points):
        """At any step, most of them before the decision."""
        steps = pair.count("")
        for step in range(1, steps, steps // points):
            where, before, kept = f"{name}: {step} steps", pair.here, text(pair, "undo")
            run = pair.turn().run(f"kill-before:{step}", "")
            if run.status == 0:  # it had less to do than that one
                pair.settle()
                continue
            decided = '"COMMIT"' in text(pair, "journal") or text(pair, "undo") not in ("", kept)
            self.require_killed(run, where)
            state = self.settled(pair, where)
            if not decided:  # else cut_in_commits knows better what must come of it
                self.assertEqual(state, before, where)

    def cut_in_commits(self, pair, name, every):
        for step in range(1, 1000, every):
            where, before = f"{name}: {step} steps after the decision", pair.here
            run = pair.turn().run(f"kill-after:{step}")
            if run.status == 0:
                break
            self.require_killed(run, where)
            # The first step of all is the sync of the decision.
            self.assertEqual(self.settled(pair, where), 1 - before, where)
        self.cut_power()
        self.assertEqual(pair.settle(), 1 - before, f"{name}: a run that says that it is committed")

    def cut_in_recoveries(self, pair, name, every):
        for step in range(1, 1000, every):
            where, before = f"{name}: {step} steps of a recovery", pair.here
            self.require_killed(pair.turn().run(f"kill-before:{2 + step // 2}"), where)
            run = pair.recover(f"kill-before:{step}")
            if run.status != 0:
                self.require_killed(run, where)
            self.assertEqual(self.settled(pair, where), 1 - before, where)
            if run.status == 0:
                break

    def cut_in_undos(self, pair, name, every):
        """Here the first state is the one after the run that is taken back."""
        undone = False
        for step in range(1, 1000, every):
            where = f"{name}: {step} steps of an undo"
            self.assertEqual(pair.turn().run().status, 0)
            after_run = pair.settle()
            run = pair.undo(f"kill-before:{step}")
            if run.status == 0:
                self.cut_power()
                self.assertEqual(pair.settle(), 1 - after_run, where)
                break
            self.require_killed(run, where)
            before, undone = undone, self.settled(pair, where) != after_run
            self.assertFalse(before and not undone, f"{where}: it was decided after fewer")

    def test_a_run_that_does_not_sync_is_found_out(self):
        """The rig loses what is not synced: or no test of this file proves anything."""
        for kind in KINDS:
            with self.pair_on(kind) as pair:
                run = pair.turn().run(env={"FT_FAULT_NO_SYNCS": "1"})
                self.assertEqual(run.status, 0, run.stderr)
                self.cut_power()
                with self.assertRaisesRegex(AssertionError, "neither old nor new|not the new one"):
                    self.assertEqual(pair.settle(), 1, "not the new one")

    def everywhere(self, name, *kinds):
        with self.pair_on(*kinds) as pair:
            self.cut_in_runs(pair, name, 12)
            self.cut_in_commits(pair, name, 9)
            self.cut_in_recoveries(pair, name, 17)
            self.cut_in_undos(pair, name, 23)
        self.assertGreaterEqual(self.tried, 25)

    def test_ext4(self):
        self.everywhere("ext4", "ext4")

    def test_xfs(self):
        self.everywhere("xfs", "xfs")

    def test_btrfs(self):
        self.everywhere("btrfs", "btrfs")

    def test_trees_on_another_disk_than_the_journal(self):
        self.everywhere("ext4 and XFS", "ext4", "xfs")


class SwapTest(unittest.TestCase):
    """A server of whose disk PostgreSQL's cluster is a part: trees and database are old or new, together."""

    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.old.make_cluster().sql("postgres", "CREATE DATABASE app")
        self.old.cluster.sql("app", "CREATE TABLE side (number int); INSERT INTO side VALUES (1)")
        self.pair = Pair(self.world, small, databases=("app",), mount=self.mount)
        self.disk.sync()

    def mount(self):
        self.disk = Image.make(self.world, "root", "ext4", "500M")
        self.disk.mount(self.new.root)
        cluster = self.new.make_cluster(durable=True)
        cluster.sql("postgres", "CREATE DATABASE app")
        cluster.sql("app", "CREATE TABLE side (number int); INSERT INTO side VALUES (0)")

    def turn(self):
        self.pair.turn()
        self.old.cluster.sql("app", f"UPDATE side SET number = {1 - self.pair.here}")
        return self.pair

    def cut_power(self):
        self.new.cluster.stop("immediate")  # as killed: what it has not synced is not in the copy
        cut_power([self.disk])
        # A start of the machine empties /run, and gives the process number in the other to nobody; here a zombie may have it.
        for lock in (*self.new.cluster.socket.iterdir(), self.new.cluster.data / "postmaster.pid"):
            lock.unlink(missing_ok=True)
        self.new.cluster.start()

    def settled(self, where):
        """Recovered after a power cut, and that is on the disk: which of the two states is here."""
        self.cut_power()
        run = self.pair.recover()
        self.assertEqual(run.status, 0, f"{where}: {run.stderr}")
        self.cut_power()
        state = self.pair.settle()
        self.assertEqual(self.new.cluster.sql("app", "SELECT number FROM side"), str(state), where)
        self.assertNotIn("app_ft_incoming", self.new.cluster.databases(), where)
        return state

    def require_killed(self, run, where):
        self.assertEqual(run.status, -signal.SIGKILL, f"{where}: {run.stderr}")

    def test_cuts_before_and_in_a_commit(self):
        steps = self.turn().run(after="").steps
        state = self.settled("a run")
        self.assertEqual(state, self.pair.at_source)
        self.require_killed(self.turn().run(f"kill-before:{steps // 2}", ""), "before")
        self.assertEqual(self.settled("before the decision"), state)
        # After the decision; after the swap; among the trees; after what follows.
        for fault in ("kill-after:1", "kill-before:2", "kill-before:5", "kill-before:11"):
            wanted = 1 - self.pair.here
            self.require_killed(self.turn().run(fault), fault)
            self.assertEqual(self.settled(fault), wanted, fault)

    def test_cuts_in_an_undo(self):
        # Its record is written, then the time of its journal put back, then it is synced: that is the decision.
        for fault, after, undone in (("kill-before:3", "", False), ("kill-after:2", '"UNDO"', True), ("kill-before:5", '"UNDO"', True)):
            self.assertEqual(self.turn().run().status, 0)
            committed = self.pair.settle()
            self.require_killed(self.pair.undo(fault, after), fault)
            self.assertEqual(self.settled(fault) != committed, undone, fault)


if __name__ == "__main__":
    unittest.main()
