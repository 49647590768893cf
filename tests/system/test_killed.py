"""The real process on real file systems, killed or refused at each changing file operation: old or new, exactly.

Steps are those of tests/support/faults.h: each operation that changes a file system, or makes a change durable.
"""

import os
import shutil
import signal
import subprocess
import unittest
from contextlib import contextmanager

from support.hosts import DEADLINE, World
from support.images import KINDS, Image
from support.pair import Pair

counted = {}  # how many points each test has tried


class Points(unittest.TestCase):
    def setUp(self):
        self.tried = 0

    def tearDown(self):
        counted[self.id()] = self.tried

    @contextmanager
    def pair_on(self, kind):
        """The whole new server lies on one file system of this kind."""
        with World() as world:
            yield Pair(world, mount=lambda: Image.make(world, kind, kind).mount(world.new.root))

    def require_killed(self, run, where):
        self.assertEqual(run.status, -signal.SIGKILL, f"{where}: {run.stderr}")

    def recover(self, pair, where):
        """What an admin does; the state that is then here."""
        run = pair.recover()
        self.assertEqual(run.status, 0, f"{where}: {run.stderr}")
        self.assertFalse(pair.new.path("/var/lib/ft/journal").exists(), where)
        self.tried += 1
        return pair.settle()


class Killed(Points):
    """Each file system has a test of its own, so that one of them alone can be asked for."""

    def in_a_commit(self, kind):
        with self.pair_on(kind) as pair:
            step, ended = 0, False
            while not ended:
                step += 1
                # What is after a step and what is before the next differ by nothing on the disk: each second will do.
                for fault in (f"kill-before:{step}", f"kill-after:{step}")[:1 + step % 2]:
                    wanted = 1 - pair.here
                    run = pair.turn().run(fault)
                    ended = run.status == 0  # there is no such step any more
                    if not ended:
                        self.require_killed(run, fault)
                    self.assertEqual(self.recover(pair, fault), wanted, f"{fault}: it was decided, and is not done")
            self.assertGreater(step, 100)

    def test_in_a_commit_on_ext4(self):
        self.in_a_commit("ext4")

    def test_in_a_commit_on_xfs(self):
        self.in_a_commit("xfs")

    def test_in_a_commit_on_btrfs(self):
        self.in_a_commit("btrfs")

    def test_before_a_commit(self):
        for kind in KINDS:
            with self.pair_on(kind) as pair:
                steps = pair.count("") - pair.count()
                for step in range(1, steps, 5):
                    fault, wanted = f"kill-before:{step}", pair.here
                    self.require_killed(pair.turn().run(fault, ""), fault)
                    self.assertEqual(self.recover(pair, fault), wanted, f"{kind}, {fault}: nothing was decided")
                self.assertEqual(pair.turn().run().status, 0)
        self.assertGreaterEqual(self.tried, 60)

    def test_in_a_recovery_and_in_that_one_again(self):
        for kind in KINDS:
            with self.pair_on(kind) as pair:
                for step in range(1, 1000, 3):
                    where, wanted = f"{kind}: recovery at {step}", 1 - pair.here
                    self.require_killed(pair.turn().run("kill-before:1"), where)
                    run = pair.recover(f"kill-before:{step}")
                    if run.status != 0:
                        self.require_killed(run, where)
                        run_again = pair.recover("kill-before:2")
                        if run_again.status != 0:
                            self.require_killed(run_again, f"{where}, and again")
                    self.assertEqual(self.recover(pair, where), wanted, where)
                    if run.status == 0:
                        break  # it has no such step any more
        self.assertGreaterEqual(self.tried, 100)


    def test_a_run_finishes_an_open_commit_first(self):
        with self.pair_on("ext4") as pair:
            for step in range(1, 60, 6):
                fault = f"kill-before:{step}"
                self.require_killed(pair.turn().run(fault), fault)
                run = pair.run()
                self.assertEqual(run.status, 0, run.stderr)
                self.assertIn("was interrupted while it changed this system", run.stderr)
                self.assertEqual(pair.settle(), pair.at_source)
                self.tried += 1

    def test_in_an_undo(self):
        for kind in KINDS:
            with self.pair_on(kind) as pair:
                was_undone = False
                for step in range(1, 1000, 4):
                    fault = f"kill-before:{step}"
                    self.assertEqual(pair.turn().run().status, 0)
                    committed = pair.settle()
                    run = pair.undo(fault)
                    if run.status != 0:
                        self.require_killed(run, fault)
                    undone = self.recover(pair, fault) != committed
                    self.assertFalse(was_undone and not undone, f"{kind}, {fault}: it was decided after fewer steps")
                    was_undone = undone
                    if run.status == 0:
                        break
                self.assertTrue(was_undone)
        self.assertGreaterEqual(self.tried, 60)


class Refused(Points):
    """An operation that fails once: the run says what became of it, and that is so."""

    ENDS = {"committed": (0, 10), "rolled_back": (6,), "unchanged": (6,), "recovery_needed": (11,)}

    def at_each_step(self, error, kind):
        with self.pair_on(kind) as pair:
            seen, missed = set(), 0
            for step in range(1, 1000):
                fault, before = f"errno:{error}:{step}", pair.here
                run = pair.turn().run(fault)
                outcome = run.result["outcome"]
                self.assertIn(run.status, self.ENDS[outcome], f"{fault}: {outcome}: {run.stderr}")
                left = outcome == "recovery_needed" or self.left_for_later(pair, run)
                state = self.recover(pair, fault) if left else pair.settle()
                if outcome != "recovery_needed":
                    self.assertEqual(state, 1 - before if outcome == "committed" else before, f"{fault}: {outcome}")
                seen.add(outcome)
                # Only a run that finds a committed one before it has something to free.
                missed = missed + 1 if step > run.steps else 0
                if missed == 2:
                    break
            self.assertGreater(step, 100)
            self.assertLessEqual({"committed", "rolled_back"}, seen)
            self.assertEqual(pair.turn().run().status, 0)

    def left_for_later(self, pair, run):
        """Of a decided run: to remove what it replaced, and to set the time of the root that held it."""
        log = pair.new.path(f"/var/lib/ft/logs/{run.result['run_id']}.log").read_text()
        return "left for later" in log

    def test_no_space(self):
        self.at_each_step("ENOSPC", "ext4")

    def test_disk_fails(self):
        self.at_each_step("EIO", "xfs")

    def test_not_permitted(self):
        self.at_each_step("EPERM", "btrfs")


    def test_in_an_undo(self):
        with self.pair_on("ext4") as pair:
            for step in range(1, 1000, 2):
                fault = f"errno:EIO:{step}"
                self.assertEqual(pair.turn().run().status, 0)
                committed = pair.settle()
                run = pair.undo(fault)
                self.assertIn(run.status, (0, 6, 10, 11), f"{fault}: {run.stderr}")
                undone = self.recover(pair, fault) != committed
                if run.status != 11:
                    self.assertEqual(undone, run.status in (0, 10), f"{fault}: exit status {run.status}: {run.stderr}")
                if run.status == 0 and step > run.steps:
                    break
            self.assertGreater(step, 60)

    def test_immutable_objects_and_running_programs(self):
        def fill(old, new):
            for side, tree in enumerate((old, new)):
                (tree / "inside").mkdir(parents=True)
                (tree / "inside/file").write_text(f"side {side}")
                (tree / ("comes" if side else "goes")).mkdir()
                shutil.copy("/bin/sleep", tree / "program")
                with open(tree / "program", "ab") as program:
                    program.write(b"side %d" % side)
                os.chmod(tree / "program", 0o755)

        with World() as world:
            pair = Pair(world, fill, mount=lambda: Image.make(world, "ext4", "ext4").mount(world.new.root))
            running = world.start([pair.tree / "program", str(DEADLINE)])
            immutable = pair.tree / "inside/file"
            subprocess.run(["chattr", "+i", immutable], check=True)
            run = pair.turn().run()
            self.assertIn(run.status, (3, 6), run.stderr)
            self.assertIn("inside/file", run.stderr)
            self.assertEqual(pair.settle(), 0)
            subprocess.run(["chattr", "-i", immutable], check=True)
            run = pair.run()
            self.assertEqual(run.status, 0, run.stderr)
            self.assertEqual(pair.settle(), 1)
            self.assertIsNone(running.poll())


def small(old, new):
    """What a swap needs beside it: a few objects of which one is replaced, one goes and one comes."""
    for side, tree in enumerate((old, new)):
        tree.mkdir(parents=True)
        (tree / "replaced").write_text(f"side {side}")
        (tree / ("comes" if side else "goes")).mkdir()


class Swap(Points):
    """Trees on a file system of their own, and a database: both are old or both are new."""

    def setUp(self):
        super().setUp()
        self.world = self.enterContext(World())
        for host in (self.world.old, self.world.new):
            host.make_cluster().sql("postgres", "CREATE DATABASE app")
            host.cluster.sql("app", f"CREATE TABLE side (number int); INSERT INTO side VALUES ({int(host.name == 'old')})")
        Image.make(self.world, "trees", "ext4").mount(self.world.new.path("/srv"))
        self.pair = Pair(self.world, small, databases=("app",))

    def turn(self):
        self.pair.turn()
        self.world.old.cluster.sql("app", f"UPDATE side SET number = {1 - self.pair.here}")
        return self.pair

    def require_database(self, state, where):
        self.assertEqual(self.world.new.cluster.sql("app", "SELECT number FROM side"), str(state), where)
        self.assertNotIn("app_ft_incoming", self.world.new.cluster.databases(), where)

    def test_killed(self):
        for step in range(1, 1000):
            fault, wanted = f"kill-before:{step}", 1 - self.pair.here
            run = self.turn().run(fault)
            if run.status != 0:
                self.require_killed(run, fault)
            self.assertEqual(self.recover(self.pair, fault), wanted, fault)
            self.require_database(wanted, fault)
            if run.status == 0:
                break
        self.assertGreater(step, 10)

    def test_refused(self):
        missed = 0
        for step in range(1, 1000):
            fault, before = f"errno:EIO:{step}", self.pair.here
            run = self.turn().run(fault)
            outcome = run.result["outcome"]
            self.assertIn(run.status, Refused.ENDS[outcome], f"{fault}: {outcome}: {run.stderr}")
            state = self.recover(self.pair, fault)
            if outcome != "recovery_needed":
                self.assertEqual(state, 1 - before if outcome == "committed" else before, f"{fault}: {outcome}")
            self.require_database(state, fault)
            missed = missed + 1 if step > run.steps else 0
            if missed == 2:
                break
        self.assertGreater(step, 10)


def tearDownModule():
    """All of this file are one proof: it has a size."""
    tests = sum(1 for name in counted)
    print(f"{sum(counted.values())} points: {counted}")
    if tests >= 10 and sum(counted.values()) < 300:
        raise AssertionError("fewer points than are promised")


if __name__ == "__main__":
    unittest.main()
