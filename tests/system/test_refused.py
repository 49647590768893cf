"""The real process on real file systems: each changing file operation fails once, and the run says what became of it."""

import os
import shutil
import subprocess
import unittest

from support.hosts import DEADLINE, World
from support.images import Image
from support.pair import Pair
from system.point_case import PointCase, SwapCase


class Refused(PointCase):
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
            for step in range(1, 1000, 3):
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


class Swap(SwapCase):
    def test_in_a_swap(self):
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


if __name__ == "__main__":
    unittest.main()
