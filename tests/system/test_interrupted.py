"""Kills and signals: the next start finds everything old or new, and the source leaves nothing."""

import signal
import subprocess
import unittest

from support import sample
from support.hosts import DEADLINE, FT_FAULTS, World, Source, contents, differences, listing, wait_until


class InterruptedTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def make_two_systems(self):
        sample.fill_tree(self.old.path("/srv/data"), files=60)
        sample.fill_tree(self.new.path("/srv/data"), files=40, seed=4)
        sample.change_tree(self.new.path("/srv/data"))
        sample.fill_database(self.old.make_cluster(), scale=20)
        cluster = self.new.make_cluster()
        cluster.sql("postgres", "CREATE DATABASE app")
        cluster.sql("app", "CREATE TABLE before (x int); INSERT INTO before VALUES (1)")
        for host in (self.old, self.new):
            host.describe()

    def state(self):
        tree = self.new.path("/srv/data")
        return listing(tree), contents(tree), self.new.cluster.dump("app")

    def require_replica(self):
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])
        self.assertEqual(self.new.staged("/srv/data"), [])

    def test_killed_in_the_middle_of_a_commit(self):
        self.make_two_systems()
        source = Source(self.old, "--port", "0")
        for seed, fault in ((5, "kill-before:1"), (6, "kill-after:7"), (7, "kill-before:25")):
            with self.subTest(fault):
                killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": fault, "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
                self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
                self.assertTrue(self.new.path("/var/lib/ft/journal").exists())
                # The source is not needed to finish it: the next start does, before it even connects.
                recovered = self.new.run(self.new.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file))
                self.assertEqual(recovered.returncode, 4, recovered.stderr)
                self.assertIn(b"committed now", recovered.stdout)
                self.require_replica()
                sample.change_tree(self.old.path("/srv/data"), seed=seed)

    def test_recovery_waits_for_the_database_server(self):
        self.make_two_systems()
        source = Source(self.old, "--port", "0")
        killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": "kill-before:1", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
        self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
        self.new.cluster.stop("immediate")
        start = self.new.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file)
        waiting = self.new.run(start)
        self.assertEqual(waiting.returncode, 11, waiting.stderr)
        self.assertIn(b"needs a person", waiting.stderr)
        self.new.cluster.start()
        finished = self.new.run(start)
        self.assertEqual(finished.returncode, 4, finished.stderr)
        self.require_replica()

    def test_an_operation_that_fails_is_taken_back(self):
        self.make_two_systems()
        before = self.state()
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": "errno:EIO:9", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
        self.assertEqual((run.status, run.result["outcome"]), (6, "rolled_back"), run.stderr)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.world.migrate(source).status, 0)
        self.require_replica()

    def test_killed_while_it_fetches(self):
        self.make_two_systems()
        before = self.state()
        source = Source(self.old, "--port", "0")
        for step in (3, 30, 90):
            killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": f"kill-before:{step}"})
            self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
            self.assertEqual(self.state(), before)
        self.assertEqual(self.world.migrate(source).status, 0)
        self.require_replica()

    def test_destination_interrupted_before_the_commit(self):
        self.make_two_systems()
        self.old.path("/srv/data/large").write_bytes(b"\1" * 300_000_000)
        before = self.state()
        source = Source(self.old, "--port", "0")
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes", "--json")
        for how in (signal.SIGINT, signal.SIGTERM):
            process = self.world.start(self.new.command(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for line in process.stdout:
                if b'"pull"' in line:
                    process.send_signal(how)
                    break
            process.stdout.read()
            stderr = process.stderr.read().decode()
            process.stderr.close()
            self.assertEqual(process.wait(timeout=DEADLINE), 8, stderr)
            self.assertEqual(self.state(), before)
            self.assertEqual(self.new.staged("/srv/data"), [])
            self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])
        self.assertEqual(self.world.migrate(source).status, 0)
        self.require_replica()

    def test_source_stopped_during_a_run(self):
        self.make_two_systems()
        self.old.path("/srv/data/large").write_bytes(b"\1" * 300_000_000)
        before = self.state()
        source = Source(self.old, "--port", "0")
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes", "--json")
        process = self.world.start(self.new.command(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in process.stdout:
            if b'"pull"' in line:
                break
        self.assertEqual(source.stop(), 0)
        process.stdout.read()
        stderr = process.stderr.read().decode()
        process.stderr.close()
        self.assertEqual(process.wait(timeout=DEADLINE), 5, stderr)
        self.assertIn("the source was stopped", stderr)
        self.assertEqual(self.state(), before)
        self.assertFalse(self.old.path("/var/lib/ft").exists())

    def test_killed_source_is_cleaned_up_by_the_next_start(self):
        self.make_two_systems()
        source = Source(self.old, "--port", "0")
        source.kill_all()
        self.assertTrue(self.old.path("/var/lib/ft/source-backups").exists())
        again = Source(self.old, "--port", "0")
        self.assertEqual(self.world.migrate(again).status, 0)
        self.require_replica()
        self.assertEqual(again.stop(), 0)
        self.assertEqual([path.name for path in self.old.path("/var/lib/ft").iterdir()] if self.old.path("/var/lib/ft").exists() else [], [])

    def test_source_interrupted_while_it_makes_the_backup(self):
        self.make_two_systems()
        source = Source(self.old, "--port", "0", wait=False)
        backups = self.old.path("/var/lib/ft/source-backups/1")
        wait_until(backups.exists, "the backup to begin")
        status = source.stop(signal.SIGTERM)
        self.assertIn(status, (0, 8), source.stderr())  # it may just have become ready
        self.assertFalse(self.old.path("/var/lib/ft").exists())
        self.assertEqual(self.old.cluster.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ 'ft|pg_dump'"), "0")


if __name__ == "__main__":
    unittest.main()
