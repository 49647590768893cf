"""`ft undo`: the last committed run is taken back, and what it needs for that is shown, kept and freed."""

import itertools
import os
import shutil
import signal
import unittest

from support import sample
from support.hosts import FT_FAULTS, Source, World, contents, differences, listing
from support.services import Services


class UndoCase(unittest.TestCase):
    """A destination that has a system of its own, which a run replaces."""

    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        for host in (self.old, self.new):
            host.make_cluster()
            host.describe()
        sample.fill_database(self.old.cluster, scale=20)
        sample.fill_tree(self.old.path("/srv/data"), files=200)
        sample.fill_tree(self.new.path("/srv/data"), files=120, seed=7)
        sample.change_tree(self.new.path("/srv/data"), seed=9)
        self.new.cluster.sql("postgres", "CREATE DATABASE app")
        self.new.cluster.sql("app", "CREATE TABLE own (id int PRIMARY KEY, text text); INSERT INTO own SELECT i, 'own ' || i FROM generate_series(1, 500) i")
        self.tree = self.new.path("/srv/data")

    def state(self):
        return listing(self.tree), contents(self.tree), self.new.cluster.dump("app")

    def committed(self, *arguments, source=(), **options):
        """One whole run; the source is started for it."""
        source = Source(self.old, *source)
        run = self.world.migrate(source, *arguments, **options)
        source.stop()
        self.assertEqual(run.status, 0, run.stderr)
        return run.result["run_id"]

    def one_run_of_the_tree(self):
        """Without databases, which each run replaces: the state before it, its id, the state after it."""
        for host in (self.old, self.new):
            host.describe(databases=())
        return self.state(), self.committed(), self.state()

    def set_root_time(self, state):
        seconds, nanoseconds = state[0][b""].split()[4].split(b".")
        os.utime(self.tree, ns=(0, int(seconds) * 10**9 + int(nanoseconds[:9])))

    def status(self):
        run = self.new.here("status")
        self.assertEqual(run.status, 0, run.stderr)
        return next(event for event in run.events if event["event"] == "status")

    def undo(self, *arguments, status=0, **options):
        run = self.new.here("undo", *(arguments or ("--yes",)), **options)
        self.assertEqual(run.status, status, run.stderr)
        return run

    def assert_nothing_kept(self):
        self.assertFalse((self.tree / ".ft-staging").exists())
        self.assertEqual(self.new.cluster.databases(), ["app", "postgres"])
        for name in ("undo", "journal", "discarded"):
            self.assertFalse((self.new.path("/var/lib/ft") / name).exists(), name)


class Undo(UndoCase):
    def test_takes_the_last_run_back(self):
        before = self.state()
        first = self.committed()
        after_first = self.state()
        self.assertNotEqual(before, after_first)
        sample.change_tree(self.old.path("/srv/data"))
        sample.change_database(self.old.cluster)
        second = self.committed()
        self.assertNotEqual(self.state(), after_first)
        told = self.status()
        self.assertEqual(told["undo"]["run_id"], second)
        self.assertGreater(told["undo"]["bytes"], 8_000_000)  # a database of PostgreSQL's is never smaller
        self.assertIs(told["unfinished"], False)
        run = self.undo()
        self.assertEqual(run.result["run_id"], second)
        self.assertEqual(run.result["outcome"], "undone")
        self.assertEqual(self.state(), after_first)
        self.assert_nothing_kept()
        # There is one undo only: the first run's store went with the second run.
        self.assertIn("no run that could be taken back", self.undo(status=3).stderr)
        self.assertIsNone(self.status()["undo"])
        self.assertNotEqual(first, second)
        # And the next run begins from there.
        self.committed()
        self.assertEqual(differences(self.old.path("/srv/data"), self.tree), [])
        self.undo()
        self.assertEqual(self.state(), after_first)

    def test_a_run_that_changes_nothing_leaves_what_can_be_taken_back(self):
        before, first, after_first = self.one_run_of_the_tree()
        source = Source(self.old)
        run = self.world.migrate(source)
        source.stop()
        second = run.result["run_id"]
        self.assertEqual((run.result["outcome"], run.result["changed"]), ("committed", False))
        self.assertIn(f"nothing was changed. `ft undo` still takes run {first} back.", run.stderr)
        self.assertEqual(self.state(), after_first)
        told = self.status()
        self.assertEqual((told["last_run"]["run_id"], told["undo"]["run_id"]), (second, first))
        self.assertEqual([path.name for path in (self.tree / ".ft-staging").iterdir()], ["1"])
        self.assertEqual(self.undo().result["run_id"], first)
        self.assertEqual(self.state(), before)
        self.assertIsNone(self.status()["last_run"])
        self.assert_nothing_kept()
        # And one that keeps nothing frees what the one before it kept.
        self.committed()
        source = Source(self.old)
        for options in (("--no-undo",), ()):
            run = self.world.migrate(source, *options)
            self.assertIs(run.result["changed"], False)
            self.assertIn("nothing that `ft undo` could take back", run.stderr)
            self.assert_nothing_kept()
        source.stop()

    def test_a_run_that_changes_nothing_is_killed_at_each_step(self):
        before, first, after_first = self.one_run_of_the_tree()
        source = Source(self.old)
        for step in itertools.count(1):
            run = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": f"kill-before:{step}"})
            if run.status == 0:
                break
            self.assertEqual(run.status, -signal.SIGKILL, run.stderr)
            self.assertEqual(self.new.here("recover").status, 0)
            told = self.status()
            self.assertEqual((told["unfinished"], told["undo"]["run_id"]), (False, first), step)
            self.assertIsNotNone(told["last_run"], step)
        source.stop()
        self.assertGreater(step, 10)
        self.assertEqual(self.status()["last_run"]["run_id"], run.result["run_id"])
        self.assertEqual(self.state(), after_first)
        self.assertEqual(self.new.staged("/srv/data"), [])
        self.undo()
        self.assertEqual(self.state(), before)
        self.assert_nothing_kept()

    def test_gives_back_a_system_that_was_there_before_ft(self):
        before = self.state()
        self.committed()
        self.undo()
        self.assertEqual(self.state(), before)
        self.assert_nothing_kept()

    def test_a_directory_that_the_run_made_goes_too(self):
        shutil.rmtree(self.new.path("/srv"))
        self.committed()
        self.undo()
        self.assertFalse(self.new.path("/srv").exists())
        self.committed()
        self.assertEqual(differences(self.old.path("/srv/data"), self.tree), [])

    def test_says_what_was_changed_since(self):
        before = self.state()
        self.committed()
        (self.tree / "big.dat").write_bytes(b"somebody wrote this here")
        (self.tree / "of a user").write_text("new")
        self.new.cluster.sql("app", "INSERT INTO settings VALUES ('here', 'x')")
        run = self.undo()
        self.assertIn("big.dat", run.stderr)
        self.assertIn("public.settings: rows inserted 1, updated 0, deleted 0", run.stderr)
        # What the run had not touched is not the undo's affair.
        self.assertEqual((self.tree / "of a user").read_text(), "new")
        (self.tree / "of a user").unlink()
        self.set_root_time(before)
        self.assertEqual(self.state(), before)

    def test_services_are_off_meanwhile(self):
        services = Services(self.new, "app", "worker", active=("app", "worker"))
        self.new.describe(services=services.described())
        self.committed(env=services.env)
        services.forget()
        self.undo(env=services.env)
        self.assertEqual(services.active(), ["app", "worker"])
        self.assertEqual([line.split()[:2] for line in services.journal()],
                         [["stop", "app"], ["stop", "worker"], ["start", "worker"], ["start", "app"]])
        self.assertTrue(all(line.endswith("final") for line in services.journal()[2:]), services.journal())

    def test_services_hear_the_phase_of_what_is_here_afterwards(self):
        services = Services(self.new, "app", "mail", active=("app", "mail"))
        self.new.describe(services=services.described(off=("mail",)))
        self.committed(env=services.env)
        self.assertEqual(services.active(), ["app"])
        self.committed(source=("--stop-traffic",), env=services.env)
        self.assertEqual(services.active(), ["app", "mail"])
        services.forget()
        run = self.undo(env=services.env)
        # What is here now is a rehearsal's: a mailer would reach real users with it.
        self.assertEqual(services.active(), ["app"])
        self.assertIn("stay off, because this was a rehearsal: mail", run.stderr)
        self.assertEqual(services.journal()[-1], "start app rehearsal")
        services.forget()
        failed = self.new.here("undo", "--yes", env=services.env)
        self.assertEqual(failed.status, 3)
        self.committed(env=services.env)
        services.forget()
        self.undo(env=services.env)
        self.assertEqual(services.journal()[-1], "start app rehearsal")

    def test_needs_a_terminal_or_yes(self):
        self.committed()
        before = self.state()
        run = self.new.here("undo")
        self.assertEqual(run.status, 2)
        self.assertIn("--yes", run.stderr)
        self.assertEqual(self.state(), before)

    def test_is_there_no_more_with_no_undo(self):
        self.committed("--no-undo")
        self.assert_nothing_kept()
        self.assertIn("--no-undo", self.undo(status=3).stderr)
        self.assertIsNone(self.status()["undo"])

    def test_discard_frees_what_it_needs(self):
        run_id = self.committed()
        after = self.state()
        self.assertIn("app_ft_previous", self.new.cluster.databases())
        held = self.status()["undo"]
        self.assertEqual((held["run_id"], [d["name"] for d in held["databases"]]), (run_id, ["app_ft_previous"]))
        self.undo("--discard")
        self.assert_nothing_kept()
        self.assertEqual(self.state(), after)
        self.undo(status=3)

    def test_is_refused_before_anything_when_the_old_database_is_gone(self):
        services = Services(self.new, "app", active=("app",))
        self.new.describe(services=services.described())
        self.committed(env=services.env)
        services.forget()
        before = self.state()
        self.new.cluster.sql("postgres", "ALTER DATABASE app_ft_previous RENAME TO elsewhere")
        run = self.undo(status=3, env=services.env)
        self.assertIn("app", run.stderr)
        self.assertEqual(self.state(), before)
        self.assertEqual(services.journal(), [])  # nothing was stopped
        self.new.cluster.sql("postgres", "ALTER DATABASE elsewhere RENAME TO app_ft_previous")
        self.undo(env=services.env)

    def test_is_refused_when_another_database_has_the_name(self):
        self.committed()
        self.new.cluster.sql("postgres", "DROP DATABASE app")
        self.new.cluster.sql("postgres", "CREATE DATABASE app")
        before = self.state()
        self.undo(status=3)
        self.assertEqual(self.state(), before)
        # The next run is not in the way of it.
        self.committed()

    def test_is_refused_when_what_it_needs_is_gone(self):
        self.committed()
        shutil.rmtree(self.tree / ".ft-staging")
        before = self.state()
        self.undo(status=3)
        self.assertEqual(self.state(), before)
        self.committed()

    def test_a_server_that_is_down_is_no_reason_to_be_stuck(self):
        self.committed()
        self.new.cluster.stop()
        self.undo(status=1)
        self.undo("--discard", status=1)
        self.assertIn("to_be_freed", self.status())
        self.new.cluster.start()
        recovered = self.new.here("recover")
        self.assertEqual(recovered.status, 0, recovered.stderr)
        self.assert_nothing_kept()

    def test_killed_anywhere_it_is_finished_by_the_next_start(self):
        self.committed("--no-undo")
        after_first = self.state()
        sample.change_tree(self.old.path("/srv/data"))
        self.committed()
        kept = self.state()
        for point in (1, 3, 10, 40, 90):
            with self.subTest(point=point):
                env = {"FT_FAULT": f"kill-after:{point}", "FT_FAULT_AFTER_TEXT": '"UNDO"'}
                run = self.new.here("undo", "--yes", program=FT_FAULTS, env=env)
                if run.status != -signal.SIGKILL:
                    self.assertEqual(run.status, 0, run.stderr)
                else:
                    if point <= 10:
                        self.assertIs(self.status()["unfinished"], True)
                        # As the admin would: the same command again.
                        again = self.undo()
                        self.assertEqual(again.result["outcome"], "undone")
                        self.assertIn("The undo is finished", again.stderr)
                    recovered = self.new.here("recover")
                    self.assertEqual(recovered.status, 0, recovered.stderr)
                self.assertEqual(self.state(), after_first)
                self.assert_nothing_kept()
                self.committed()
                self.assertEqual(self.state()[:2], kept[:2])


if __name__ == "__main__":
    unittest.main()
