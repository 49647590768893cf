"""Whole runs between two hosts: what is migrated, what is copied again, what is left behind."""

import json
import os
import signal
import subprocess
import unittest

from support import sample
from support.hosts import Held, World, Source, differences


class MigrateTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def require_done(self, run):
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(run.result["outcome"], "committed")

    def require_equal_trees(self, *trees):
        for tree in trees:
            self.assertEqual(differences(self.old.path(f"/srv/{tree}"), self.new.path(f"/srv/{tree}")), [])

    def require_equal_database(self, name):
        self.assertEqual(self.old.cluster.dump(name), self.new.cluster.dump(name))

    def test_first_run_second_run_and_the_changes_between(self):
        sample.fill_tree(self.old.path("/srv/data"))
        sample.fill_tree(self.old.path("/srv/config"), files=20, seed=5)
        sample.fill_database(self.old.make_cluster())
        self.new.make_cluster()
        for host in (self.old, self.new):
            host.describe(trees=("data", "config"))

        source = Source(self.old, "--port", "0", "--keep-traffic")
        first = self.world.migrate(source)
        self.require_done(first)
        self.require_equal_trees("data", "config")
        self.require_equal_database("app")
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])

        again = self.world.migrate(source)
        self.require_done(again)
        data = next(tree for tree in again.result["trees"] if tree["name"] == "data")
        self.assertEqual((data["bytes_literal"], data["files_changed"], data["removed"]), (0, 0, 0))
        self.assertLess(again.result["bytes_received"], first.result["bytes_received"] / 10)
        self.require_equal_trees("data", "config")

        sample.change_tree(self.old.path("/srv/data"))
        sample.change_database(self.old.cluster)
        # What happens on the destination is lost: that is what a replica means.
        sample.change_tree(self.new.path("/srv/config"), seed=9)
        (self.new.path("/srv/data") / "only here").mkdir()
        (self.new.path("/srv/data") / "only here" / "file").write_bytes(b"x")
        self.new.cluster.sql("app", "DELETE FROM audit WHERE id % 3 = 0; CREATE TABLE only_here (x int)")
        third = self.world.migrate(source)
        self.require_done(third)
        self.require_equal_trees("data", "config")
        self.require_equal_database("app")
        data = next(tree for tree in third.result["trees"] if tree["name"] == "data")
        self.assertLess(data["bytes_literal"], data["bytes"] / 10)

        self.assertEqual(source.stop(), 0)
        self.assertFalse(self.old.path("/var/lib/ft").exists(), "the source leaves nothing behind")
        self.assertEqual(self.new.staged("/srv/data"), [])

    def test_events_for_scripts(self):
        sample.fill_tree(self.old.path("/srv/data"), files=10)
        for host in (self.old, self.new):
            host.describe(databases=())
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source)
        self.require_done(run)
        names = [event["event"] for event in run.events]
        self.assertIn("run_started", names)
        self.assertEqual([e["phase"] for e in run.events if e["event"] == "phase"], ["connect", "check", "pull", "commit"])
        self.assertEqual(names[-1], "result")
        for key in ("run_id", "bytes_received", "bytes_sent", "durations", "trees", "exit_status"):
            self.assertIn(key, run.result)
        report = self.new.path(f"/var/lib/ft/reports/{run.result['run_id']}.json")
        self.assertEqual(json.loads(report.read_text())["outcome"], "committed")

    def test_several_databases_and_no_tree(self):
        cluster = self.old.make_cluster()
        for name in ("one", "two"):
            sample.fill_database(cluster, name, scale=10)
        self.new.make_cluster()
        for host in (self.old, self.new):
            host.describe(trees=(), databases=("one", "two"))
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        self.require_equal_database("one")
        self.require_equal_database("two")
        self.assertEqual(source.stop(signal.SIGTERM), 0)

    def test_trees_and_no_database_and_a_hang_up_at_the_end(self):
        sample.fill_tree(self.old.path("/srv/data"), files=3)
        for host in (self.old, self.new):
            host.describe(databases=())
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        self.require_equal_trees("data")
        self.assertEqual(source.stop(signal.SIGHUP), 0)

    def test_owners_come_by_name(self):
        tree = self.old.path("/srv/data")
        sample.fill_tree(tree, files=20)
        for host, number in ((self.old, 33), (self.new, 7033)):
            host.describe(databases=())
            host.path("/etc").mkdir()
            host.path("/etc/passwd").write_text(f"root:x:0:0::/:/bin/sh\nwww-data:x:{number}:{number}::/:/bin/sh\n")
            host.path("/etc/group").write_text(f"root:x:0:\nwww-data:x:{number}:\n")
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        copied = self.new.path("/srv/data")
        self.assertEqual((copied / "01/batch 1/upload-1.bin").stat().st_uid, 7033)
        self.assertEqual((copied / "setuid").stat().st_uid, 1234, "a number without a name stays")
        self.assertEqual((copied / "setuid").stat().st_mode & 0o7777, 0o4755)

    def test_excluded_and_host_settings_stay(self):
        for host, text in ((self.old, "old"), (self.new, "new")):
            etc = host.path("/etc")
            (etc / "app").mkdir(parents=True)
            (etc / "hostname").write_text(text)
            (etc / "machine-id").write_text(text)
            (etc / "app" / "app.conf").write_text(text)
            (etc / "app" / "app.pid").write_text(text)
            host.describe(databases=(), trees=({"name": "config", "path": "/etc", "exclude": ["*.pid"]},))
        (self.new.path("/etc/app") / "stray").write_text("goes")
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        etc = self.new.path("/etc")
        self.assertEqual((etc / "hostname").read_text(), "new")
        self.assertEqual((etc / "machine-id").read_text(), "new")
        self.assertEqual((etc / "app" / "app.pid").read_text(), "new")
        self.assertEqual((etc / "app" / "app.conf").read_text(), "old")
        self.assertFalse((etc / "app" / "stray").exists())

    def test_ipv6_address(self):
        sample.fill_tree(self.old.path("/srv/data"), files=5)
        for host in (self.old, self.new):
            host.describe(databases=())
        source = Source(self.old, "--port", "0")
        argv = self.new.ft("--destination", f"[{self.old.address6}]:{source.port}", "--code-file", source.code_file, "--yes")
        finished = self.new.run(argv)
        self.assertEqual(finished.returncode, 0, finished.stderr.decode())
        self.assertIn(b"This server is a replica now", finished.stdout)
        self.require_equal_trees("data")

    def test_stock_rsync_is_served_where_it_is_allowed(self):
        sample.fill_tree(self.old.path("/srv/data"))
        self.old.describe(databases=())
        secret = self.world.directory / "secret"
        secret.write_text("open sesame\n")
        secret.chmod(0o600)
        source = Source(self.old, "--port", "0", "--allow-plain", "admin", "--plain-secret-file", secret)
        url = f"rsync://admin@{self.old.address}:{source.port}/"
        listed = self.new.run(["rsync", url])
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn(b"data", listed.stdout)
        pulled = self.new.path("/srv/data")
        pulled.mkdir(parents=True)
        wrong = self.new.run(["rsync", "-a", f"{url}data/", pulled], env={"RSYNC_PASSWORD": "open wheat"})
        self.assertEqual(wrong.returncode, 5, wrong.stderr)
        right = self.new.run(["rsync", "-aHAX", "--numeric-ids", "--bwlimit=100m", f"{url}data/", pulled], env={"RSYNC_PASSWORD": "open sesame"})
        self.assertEqual(right.returncode, 0, right.stderr)
        self.require_equal_trees("data")

    def test_stock_rsync_is_refused_where_it_is_not(self):
        sample.fill_tree(self.old.path("/srv/data"), files=5)
        self.old.describe(databases=())
        source = Source(self.old, "--port", "0")
        refused = self.new.run(["rsync", f"rsync://{self.old.address}:{source.port}/"])
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(b"not allowed", refused.stderr)

    @staticmethod
    def sessions_of_ft(cluster):
        return cluster.sql("postgres", "SELECT application_name, state, query FROM pg_stat_activity "
                                       "WHERE application_name ~ '^(ft|pg_dump|pg_restore)'")

    def test_the_source_stays_reachable_and_unchanged(self):
        sample.fill_tree(self.old.path("/srv/data"), files=200)
        sample.fill_database(self.old.make_cluster(), scale=50)
        self.new.make_cluster()
        for host in (self.old, self.new):
            host.describe()
        times = ["find", self.old.path("/srv"), "-printf", r"%p %T@ %C@\n", "-type", "f", "-printf", r"%A@\n"]
        before = subprocess.run(times, check=True, stdout=subprocess.PIPE).stdout
        dump = self.old.cluster.dump("app")
        source = Source(self.old, "--port", "0")
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes", "--json")
        with Held(self.old.path("/srv/data/big.dat")) as held:
            process = self.world.start(self.new.command(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            held.wait()  # the source serves; no lock and no snapshot of it is in anybody's way
            self.old.cluster.sql("app", "BEGIN; UPDATE settings SET value = '1'; ALTER TABLE audit ADD more int; ROLLBACK")
            self.assertEqual(self.sessions_of_ft(self.old.cluster), "")
            threads = os.listdir(f"/proc/{source.worker()}/task")
            told = subprocess.run(["ionice", "-p", *threads], check=True, stdout=subprocess.PIPE, text=True).stdout
            self.assertIn("best-effort: prio 7", told)  # the transfer that stands here
        stderr = process.communicate()[1]
        self.assertEqual(process.returncode, 0, stderr)
        self.assertEqual(source.stop(), 0)
        for host in (self.old, self.new):
            self.assertEqual(self.sessions_of_ft(host.cluster), "")
        after = subprocess.run(times, check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual(before, after)
        self.assertEqual(dump, self.old.cluster.dump("app"))
        self.require_equal_trees("data")
        self.require_equal_database("app")
        self.assertEqual(self.old.cluster.databases(), ["app", "postgres"])


if __name__ == "__main__":
    unittest.main()
