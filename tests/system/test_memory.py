"""The real process without memory: an allocation fails, alone or with all after it, before a commit, in it and in an undo."""

import signal
import unittest

from system.point_case import PointCase


class MemoryTest(PointCase):
    def require_true(self, run, state, before, where):
        """What the exit status says is so; an abort says nothing."""
        if run.status in (0, 10):
            self.assertEqual(state, 1 - before, f"{where}: exit status {run.status}")
        elif run.status not in (11, -signal.SIGABRT):
            self.assertGreater(run.status, 0, f"{where}: {run.stderr}")
            self.assertEqual(state, before, f"{where}: exit status {run.status}: {run.stderr}")
        if run.status not in (0, 10):
            self.assertIn("ft: ", run.stderr, where)

    def points(self, run_once, points):
        """`run_once(fault)` at a spread of allocations; how often one failed."""
        struck, steps = 0, run_once("no-memory:1000000000").steps
        for number in range(10, steps, steps // points):  # the first ones are main's, before ft begins
            for fault in (f"no-memory:{number}", f"no-memory:{number}+"):
                struck += run_once(fault).status != 0
        return struck

    def in_runs(self, after, points):
        with self.pair_on("ext4") as pair:
            def run_once(fault):
                before = pair.here
                run = pair.turn().run(fault, after)
                self.require_true(run, self.recover(pair, fault), before, fault)
                return run

            self.assertGreater(self.points(run_once, points), points // 2)
            self.assertEqual(pair.turn().run().status, 0)
            self.assertEqual(pair.settle(), pair.at_source)

    def test_before_a_commit(self):
        self.in_runs("", 12)

    def test_in_a_commit(self):
        self.in_runs('"COMMIT"', 16)

    def test_in_an_undo(self):
        with self.pair_on("ext4") as pair:
            def run_once(fault):
                self.assertEqual(pair.turn().run().status, 0)
                before = pair.settle()
                run = pair.undo(fault)
                self.require_true(run, self.recover(pair, fault), before, fault)
                return run

            self.assertGreater(self.points(run_once, 8), 4)


if __name__ == "__main__":
    unittest.main()
