"""A wall clock that jumps by days and decades, differently on both sides: nothing is decided by it."""

import json
import signal
import unittest

from support import sample
from support.cutting_line import CuttingLine
from support.hosts import FT_FAULTS, Held, Source, World, built, contents, differences, listing
from support.started import Started

DAY, YEAR = 86_400, 31_557_600
# One for each look at the clock.
AHEAD = (0, DAY, YEAR, -DAY, 10 * YEAR, -YEAR)
BEHIND = (-YEAR, -100 * YEAR, 0, -DAY, -60 * YEAR)  # before 1970 too


class ClockCase(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.theirs, self.ours = self.old.path("/srv/data"), self.new.path("/srv/data")
        sample.fill_tree(self.theirs, files=30)
        (self.theirs / "~last").write_bytes(b"asked for after all others")
        sample.fill_tree(self.ours, files=10, seed=4)

    def clock(self, host, *offsets):
        """The clock of what is started there with the environment that is returned, and of what was started so before."""
        file = self.world.directory / f"clock-{host.name}"
        file.write_text(",".join(map(str, offsets)))
        return {"LD_PRELOAD": built("tests/libjumping-clock.so"), "FT_CLOCK": str(file)}

    def require_trees_equal(self):
        self.assertEqual(differences(self.theirs, self.ours), [])

    def here(self, command, *offsets):
        run = self.new.here(*command.split(), env=self.clock(self.new, *offsets))
        self.assertEqual(run.status, 0, run.stderr)


class EachLookTest(ClockCase):
    """Of a system without a database: libpq waits for a connection by the wall clock."""

    def setUp(self):
        super().setUp()
        for host in (self.old, self.new):
            host.describe(databases=())
        self.before = self.state()
        self.source = Source(self.old, "--port", "0", env=self.clock(self.old, *AHEAD))

    def state(self):
        return listing(self.ours), contents(self.ours)

    def migrate(self, *offsets):
        run = self.world.migrate(self.source, env=self.clock(self.new, *offsets))
        self.assertEqual(run.status, 0, run.stderr)
        self.require_trees_equal()

    def test_runs_and_an_undo(self):
        self.migrate(*BEHIND)
        first = self.state()
        sample.change_tree(self.theirs)
        self.migrate(*AHEAD)
        self.here("undo --yes", *BEHIND)
        self.assertEqual(self.state(), first)
        self.migrate(*BEHIND)
        reports = list(self.new.path("/var/lib/ft/reports").iterdir())
        self.assertGreaterEqual(len(reports), 3)
        for report in reports:
            json.loads(report.read_text())
        self.here("status", *AHEAD)
        self.assertEqual(self.source.stop(), 0)

    def test_a_connection_that_is_lost(self):
        with CuttingLine(self.source) as line:
            with Held(self.theirs / "~last") as held:
                run = Started(self.world, line, env=self.clock(self.new, *BEHIND))
                held.wait()
                line.cut()
            status, result = run.end()
        self.assertEqual((status, result["outcome"]), (0, "committed"), run.stderr())
        self.require_trees_equal()

    def test_a_commit_that_is_finished_a_century_before_it_began(self):
        fault = {"FT_FAULT": "kill-before:20", "FT_FAULT_AFTER_TEXT": '"COMMIT"'}
        run = self.world.migrate(self.source, program=FT_FAULTS, env={**self.clock(self.new, *AHEAD), **fault})
        self.assertEqual(run.status, -signal.SIGKILL, run.stderr)
        self.here("recover", -100 * YEAR, -99 * YEAR)
        self.require_trees_equal()
        self.here("undo --yes", -200 * YEAR)
        self.assertEqual(self.state(), self.before)


class OnceTest(ClockCase):
    def test_in_a_run_with_a_database(self):
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.new.make_cluster().sql("postgres", "CREATE DATABASE app")
        for host in (self.old, self.new):
            host.describe()
        for before, after in ((-YEAR, 100 * YEAR), (DAY, -60 * YEAR)):
            source = Source(self.old, "--port", "0", env=self.clock(self.old, -before))
            with Held(self.theirs / "~last") as held:
                run = Started(self.world, source, env=self.clock(self.new, before))
                held.wait()
                self.clock(self.old, -after)
                self.clock(self.new, after)
            status, result = run.end()
            self.assertEqual((status, result["outcome"]), (0, "committed"), run.stderr())
            self.require_trees_equal()
            self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
            self.assertEqual(source.stop(), 0)
            sample.change_database(self.old.cluster)
            (self.theirs / "~last").write_bytes(b"once more")


if __name__ == "__main__":
    unittest.main()
