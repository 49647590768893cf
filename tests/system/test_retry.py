"""Connections that are cut: the run goes on over new ones, and nothing is fetched twice."""

import contextlib
import json
import os
import signal
import subprocess
import time
import unittest

from support import sample
from support.cutting_line import CuttingLine
from support.hosts import Held, Source, World, contents, differences, listing, wait_until
from support.images import Image
from system.test_final import Locked, Started

LARGE = 20_000_000


class RetryTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def make_systems(self, scale=20):
        tree = self.old.path("/srv/data")
        sample.fill_tree(tree, files=60)
        (tree / "a-large").write_bytes(os.urandom(LARGE))
        (tree / "zz").mkdir()
        (tree / "zz" / "last").write_bytes(b"the last of all\n")  # what is listed last is sent last
        sample.fill_database(self.old.make_cluster(), scale=scale)
        cluster = self.new.make_cluster()
        cluster.sql("postgres", "CREATE DATABASE app")
        cluster.sql("app", "CREATE TABLE before (x int); INSERT INTO before VALUES (1)")
        for host in (self.old, self.new):
            host.describe()

    def lined(self, *arguments):
        self.source = Source(self.old, "--port", "0", *arguments)
        return self.enterContext(CuttingLine(self.source))

    def state(self):
        tree = self.new.path("/srv/data")
        return (listing(tree), contents(tree)) if tree.exists() else None, self.new.cluster.dump("app")

    def wait_fetched(self, run, *missing):
        """Until about all but the files `missing` has arrived, of the tree and of the backup; the source's buffers hold
        the rest."""
        everything = [self.old.path("/srv/data"), self.old.path("/var/lib/ft/source-backups/1")]
        files = {path.lstat().st_ino: path.lstat().st_size for top in everything for path in top.rglob("*")
                 if path.is_file() and not path.is_symlink() and path not in missing}
        for line in run.process.stdout:
            run.events.append(json.loads(line))
            if run.events[-1].get("bytes_done", 0) >= sum(files.values()) - 400_000 and run.events[-1].get("phase") != "backup":
                return
        raise AssertionError(f"it ended before:\n{run.stderr()}")

    def require_replica(self, run):
        status, result = run.end()
        self.assertEqual((status, result["outcome"]), (0, "committed"), run.stderr())
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])
        self.assertIn("The source is there again.", run.stderr() + "".join(result["warnings"]))
        return result

    def require_fetched_once(self, line, result, backups=1):
        (data,) = result["trees"]
        (app,) = result["databases"]
        self.assertLess(data["bytes_literal"], data["bytes"] + 100)
        self.assertLessEqual(result["backup_bytes_literal"], app["dump_bytes"] * backups)
        once = data["bytes"] + app["dump_bytes"]
        self.assertLess(line.received(), once * 1.1 + 200_000)
        self.assertTrue(any("were lost" in warning for warning in result["warnings"]), result["warnings"])
        # What the report says went over the wire is what went.
        self.assertGreater(result["bytes_received"], line.received() * 0.9)

    def test_in_the_pull_of_a_tree(self):
        self.make_systems()
        line = self.lined()
        last = self.old.path("/srv/data/zz/last")
        with Held(last) as held:
            run = Started(self.world, line)
            held.wait()
            self.wait_fetched(run, last)
            line.cut()
        self.require_fetched_once(line, self.require_replica(run))
        self.assertIn("; trying again in 1.0 s, for 10 min 00 s at most", run.stderr())
        self.assertIn("waiting for it", self.source.stderr())
        self.assertIn("goes on", self.source.stderr())
        self.assertEqual(self.source.stop(), 0)

    def test_in_the_backup(self):
        self.make_systems(scale=200)
        line = self.lined()
        (dump,) = self.old.path("/var/lib/ft/source-backups/1").iterdir()
        with Held(dump / "toc.dat") as held:  # the last by name
            run = Started(self.world, line)
            held.wait()
            self.wait_fetched(run, *sorted(dump.iterdir())[2:])  # the third is large, and its end waits in buffers
            line.cut()
        self.require_fetched_once(line, self.require_replica(run))

    def test_during_the_restore_while_a_tree_is_fetched(self):
        self.make_systems()
        line = self.lined()
        last = self.old.path("/srv/data/zz/last")
        with Held(last) as held:
            run = Started(self.world, line)
            held.wait()
            self.wait_fetched(run, last)
            wait_until(lambda: "app_ft_incoming" in self.new.cluster.databases(), "the restore")
            line.cut()
        self.require_fetched_once(line, self.require_replica(run))
        self.assertEqual(run.stderr().count("Restoring database app."), 1)

    def test_one_connection_after_the_other(self):
        self.make_systems()
        line = self.lined()
        last = self.old.path("/srv/data/zz/last")
        held = Held(last)
        run = Started(self.world, line)
        for which in (lambda carried: not carried.transfer, lambda carried: carried.transfer):
            held.wait()
            again = Held(last)  # before it goes on: it stands here with the next attempt, too
            self.wait_fetched(run, last)
            line.cut(which)
            held.__exit__()
            held = again
        with held:
            held.wait()
        self.require_fetched_once(line, self.require_replica(run))

    def test_connections_made_ahead_of_a_backup(self):
        """They serve the backup that was made since, and are no loss when they are gone by then."""
        self.make_systems(scale=1)
        line = self.lined()
        for cut in (None, False, True):
            before = len(line.carried)
            with Locked(self.old.cluster) if cut is not None else contextlib.nullcontext() as lock:
                run = Started(self.world, line)
                if lock:
                    lock.wait()
                    wait_until(lambda: sum(bool(each.transfer and each.from_source) for each in line.carried[before:]) == 2,
                               "the connections")
                if cut:
                    line.cut(lambda carried: carried.transfer)
            status, result = run.end()
            self.assertEqual((status, result["outcome"], result["warnings"]), (0, "committed", []), run.stderr())
            self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
            self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
            self.assertNotIn("trying again", run.stderr())
            (self.old.path("/srv/data/zz/last")).write_bytes(os.urandom(99))
            self.old.cluster.sql("app", "CREATE TABLE since AS SELECT 1 AS x" if cut is None else "INSERT INTO since VALUES (2)")
        self.assertNotIn("ended before", self.source.stderr())
        self.assertEqual(self.source.stop(), 0)

    def test_the_room_of_what_came_before_the_loss_counts(self):
        tree = self.old.path("/srv/data")
        tree.mkdir(parents=True)
        (tree / "large").write_bytes(os.urandom(70_000_000))
        here = Image.make(self.world, "srv", "ext4", "128M").mount(self.new.path("/srv")) / "data"
        for host in (self.old, self.new):
            host.describe(databases=())
        line = self.lined()
        line.rate = 25_000_000
        run = Started(self.world, line, "--compress", "none")
        wait_until(lambda: any(carried.from_source > 50_000_000 for carried in line.carried), "most of the file")
        line.cut()
        status, result = run.end()
        self.assertEqual(status, 6, run.stderr())
        self.assertIn("; trying again in", run.stderr())
        # Before any of it comes again, not when the disk is full.
        self.assertIn("tree data needs", result["error"])
        self.assertLess(line.received(), 70_000_000)
        self.assertFalse(here.exists())  # without an id of the source no later run could adopt the part

    def test_in_the_second_pull_of_a_final_run(self):
        self.make_systems()
        tree = self.old.path("/srv/data")
        line = self.lined("--keep-traffic", "--allow-final")
        with Held(tree / "zz" / "last") as first:
            run = Started(self.world, line, "--final")
            first.wait()
            (tree / "next").write_bytes(b"another end\n")
            second = Held(tree / "next")
            (tree / "next").rename(tree / "zz" / "last")
        with second:
            second.wait()
            line.cut()  # what the first pull brought is adopted by now, or will be: nothing else is on its way
        result = self.require_replica(run)
        self.require_fetched_once(line, result, backups=1.5)
        self.assertEqual(self.source.stderr().count("Stopping production traffic."), 1)
        self.assertIn("downtime_ms", result["durations"])
        backups = [path.name for path in self.old.path("/var/lib/ft/source-backups").iterdir()]
        self.assertEqual(backups, ["2"])

    def test_while_production_is_stopped(self):
        self.make_systems()
        line = self.lined("--keep-traffic", "--allow-final")
        with Locked(self.old.cluster) as lock:
            run = Started(self.world, line, "--final")
            run.wait_phase("stop")
            lock.wait()
            line.cut()
            wait_until(lambda: "waiting for it" in self.source.stderr(), "the source to notice")
        self.require_replica(run)
        self.assertEqual(self.source.stderr().count("Stopping production traffic."), 1)
        self.assertEqual([path.name for path in self.old.path("/var/lib/ft/source-backups").iterdir()], ["2"])

    def test_a_line_that_is_silent(self):
        self.make_systems()
        line = self.lined()
        last = self.old.path("/srv/data/zz/last")
        with Held(last) as held:
            run = Started(self.world, line)
            held.wait()
            self.wait_fetched(run, last)
            subprocess.run(["ip", "-n", self.new.namespace, "link", "set", "ft0", "down"], check=True)
        # Neither side hears of the end: the control channel finds out, and the silent transfer ends with it.
        wait_until(lambda: "silent for 60 s; trying again" in run.stderr(), "the silence to be noticed")
        wait_until(lambda: "unreachable" in run.stderr(), "a further try")
        subprocess.run(["ip", "-n", self.new.namespace, "link", "set", "ft0", "up"], check=True)
        self.require_fetched_once(line, self.require_replica(run))

    def interrupted(self, *arguments, meanwhile=lambda line: None):
        """A run whose line breaks in the pull."""
        self.make_systems()
        before = self.state()
        line = self.lined()
        with Held(self.old.path("/srv/data/zz/last")) as held:
            run = Started(self.world, line, *arguments)
            held.wait()
            line.refusing = True
            line.cut()
            meanwhile(line)
        return line, run, before

    def require_unchanged(self, run, expected, before, how=None):
        status, result = run.end(how)
        self.assertEqual((status, result["outcome"]), (expected, "unchanged"), run.stderr())
        self.assertEqual(self.state(), before)
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])

    def test_not_retried_when_that_is_not_wanted(self):
        _, run, before = self.interrupted("--retry-for", "0")
        self.require_unchanged(run, 4, before)
        self.assertNotIn("trying again", run.stderr())
        wait_until(lambda: "waiting for it" in self.source.stderr(), "the source to notice")
        # Another run takes the place of the one that does not come back.
        self.assertEqual(self.world.migrate(self.source).status, 0)
        self.assertIn("its destination did not come back", self.source.stderr())

    def test_gives_up_when_the_time_is_over(self):
        _, run, before = self.interrupted("--retry-for", "4s")
        self.require_unchanged(run, 4, before)
        self.assertIn("the source was not to be reached again for 4.0 s", run.stderr())

    def test_interrupted_during_a_pause(self):
        _, run, before = self.interrupted()
        wait_until(lambda: "trying again in 8.0 s" in run.stderr(), "a long pause")
        began = time.monotonic()
        self.require_unchanged(run, 8, before, signal.SIGINT)
        self.assertLess(time.monotonic() - began, 6)

    def restarted(self, line):
        self.source.kill_all()
        self.source = Source(self.old, "--port", "0")
        line.target = self.source.port
        line.refusing = False

    def test_a_source_that_was_started_again(self):
        _, run, before = self.interrupted(meanwhile=self.restarted)
        self.require_unchanged(run, 5, before)
        self.assertIn("does not know this run", run.stderr())

    def test_a_source_that_was_started_again_with_another_code(self):
        def meanwhile(line):
            line.code_file.unlink()
            self.restarted(line)
        _, run, before = self.interrupted(meanwhile=meanwhile)
        self.require_unchanged(run, 4, before)
        self.assertIn("the pairing code does not fit", run.stderr())

    def test_a_source_that_is_stopped_while_the_line_stands_ends_the_run(self):
        self.make_systems()
        before = self.state()
        line = self.lined()
        with Held(self.old.path("/srv/data/zz/last")) as held:
            run = Started(self.world, line)
            held.wait()
            self.source.process.send_signal(signal.SIGINT)
            self.require_unchanged(run, 5, before)
        self.assertIn("the source was stopped", run.stderr())
        self.assertEqual(self.source.wait(), 0)


if __name__ == "__main__":
    unittest.main()
