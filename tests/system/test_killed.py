"""The real process on real file systems, killed before and after each changing file operation: old or new, exactly."""

import unittest

from support.images import KINDS
from system.point_case import PointCase, SwapCase, counted


class Killed(PointCase):
    """Each file system has a test of its own, so that one of them alone can be asked for."""

    def in_a_commit(self, kind):
        with self.pair_on(kind) as pair:
            step, ended = 0, False
            while not ended:
                step += 1
                # What is on the disk after a step is what is there before the next: on one file system both are tried.
                for fault in (f"kill-before:{step}", f"kill-after:{step}")[:1 if kind != "ext4" else 2]:
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
                for step in range(1, 1000, 5):
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
        self.assertGreaterEqual(self.tried, 80)


    def test_in_a_commit_and_the_disk_fills_or_fails(self):
        """As long as the system is a mixture, the exit status says so, and the advice fits."""
        with self.pair_on("ext4") as pair:
            for code, advice in (("ENOSPC", "Free space there, then run the same command again"), ("EIO", "Remove the cause, then run")):
                mixtures = 0
                for step in range(2, 1000, 6):  # the first one makes the state directory, which is there
                    fault = f"errno:{code}:{step}+"
                    self.require_killed(pair.turn().run("kill-before:5"), fault)
                    run = pair.recover(fault)
                    unfinished = next(e for e in pair.new.here("status").events if e["event"] == "status")["unfinished"]
                    self.assertEqual(run.status == 11, unfinished, f"{fault}: {run.stderr}")
                    if unfinished:
                        mixtures += 1
                        self.assertIn(advice, run.stderr)
                    self.assertEqual(self.recover(pair, fault), pair.at_source, fault)
                    if run.status == 0:
                        break
                self.assertGreater(mixtures, 5)

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
                for step in range(1, 1000, 6):
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
        self.assertGreaterEqual(self.tried, 45)

    def test_in_a_discard_of_the_undo_store(self):
        with self.pair_on("ext4") as pair:
            ends = set()
            steps = {}  # by what is committed: one side has more to remove than the other
            for _ in range(2):
                pair.count()
                steps[pair.here] = pair.here_command("undo", None, "", "--discard").steps
            # In the end the reserved directory goes.
            for step in (*range(1, min(steps.values()) - 12, 8), *range(-12, 1)):
                self.assertEqual(pair.turn().run().status, 0)
                committed = pair.settle()
                fault = f"kill-before:{step if step > 0 else steps[committed] + step}"
                self.require_killed(pair.here_command("undo", fault, "", "--discard"), fault)
                self.assertEqual(self.recover(pair, fault), committed, fault)
                undone = pair.undo()
                self.assertIn(undone.status, (0, 3), f"{fault}: {undone.stderr}")
                self.assertEqual(pair.settle(), committed if undone.status else 1 - committed, fault)
                ends.add(undone.status)
                if undone.status:
                    self.assertFalse((pair.tree / ".ft-staging").exists(), fault)
            self.assertEqual(ends, {0, 3})
        self.assertGreater(self.tried, 10)

    def test_in_a_discard_of_what_is_staged(self):
        with self.pair_on("ext4") as pair:
            staged = pair.count("") - pair.count()
            for step in range(1, 1000, 7):
                fault, before = f"kill-before:{step}", pair.turn().here
                self.require_killed(pair.run(f"kill-before:{staged - 10}", ""), "the run")
                kept = pair.new.staged("/srv/data")
                self.assertTrue(kept)
                run = pair.here_command("discard", fault)
                if run.status != 0:
                    self.require_killed(run, fault)
                self.assertEqual(self.recover(pair, fault), before, fault)
                finished = pair.here_command("discard")
                self.assertEqual(finished.status, 0, finished.stderr)
                self.assertEqual(pair.new.staged("/srv/data"), [], fault)
                self.assertEqual(pair.settle(), before, fault)
                if run.status == 0:
                    break
            self.assertEqual(pair.turn().run().status, 0)
            self.assertEqual(pair.settle(), pair.at_source)
        self.assertGreater(self.tried, 10)


class Swap(SwapCase):
    def test_in_a_swap(self):
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


def tearDownModule():
    """All of this file are one proof: it has a size."""
    print(f"{sum(counted.values())} points: {counted}")
    if len(counted) >= 8 and sum(counted.values()) < 300:
        raise AssertionError("fewer points than are promised")


if __name__ == "__main__":
    unittest.main()
