"""Runs beside other runs, in the middle of changes, and one after the other."""

import os
import re
import signal
import subprocess
import unittest

from support import sample
from support.hosts import FT_FAULTS, Held, Run, World, Source, contents, differences, listing, wait_until


class MoreTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def fill(self, databases=()):
        sample.fill_tree(self.old.path("/srv/data"), files=30)
        (self.old.path("/srv/data") / "!first").write_bytes(b"asked for before all others")
        sample.fill_tree(self.new.path("/srv/data"), files=10, seed=4)
        for host in (self.old, self.new):
            host.describe(databases=databases)
        if databases:
            sample.fill_database(self.old.make_cluster(), scale=20)
            self.new.make_cluster()
        self.before = self.state()

    def state(self):
        return listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data"))

    def require_unchanged(self):
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.new.staged("/srv/data"), [])

    def require_done(self, run):
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])

    def start(self, source, *more):
        """A destination in the background; finish() is its end."""
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes", "--json", *more)
        return self.world.start(self.new.command(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    @staticmethod
    def finish(process):
        stdout, stderr = process.communicate()
        return Run(subprocess.CompletedProcess((), process.returncode, stdout, stderr))

    def roles(self, cluster):
        return cluster.sql("postgres", "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1").split("\n")

    def test_a_second_destination_is_told_that_the_source_serves_another(self):
        self.fill()
        source = Source(self.old, "--port", "0")
        third = self.world.directory / "third"
        (third / "srv/data").mkdir(parents=True)
        (third / "srv/data/mine").write_bytes(b"stays")
        with Held(self.old.path("/srv/data/!first")) as held:
            first = self.start(source)
            held.wait()
            second = self.new.run([self.new.ft()[0], "migrate", "--destination", f"{self.old.address}:{source.port}", "--yes",
                                   "--code-file", source.code_file, "--system", self.new.system_file, "--root", third])
            self.assertEqual(second.returncode, 5, second.stderr)
            self.assertIn(b"serves another destination", second.stderr)
            self.assertIsNone(first.poll())
        self.require_done(self.finish(first))
        self.assertEqual([path.name for path in (third / "srv/data").iterdir()], ["mine"])

    def test_twelve_trees(self):
        trees = [f"tree{i}" for i in range(12)]
        for i, tree in enumerate(trees):
            sample.fill_tree(self.old.path(f"/srv/{tree}"), files=10, seed=i)
        for host in (self.old, self.new):
            host.describe(trees=trees, databases=())
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual([tree["name"] for tree in run.result["trees"]], trees)
        for tree in trees:
            self.assertEqual(differences(self.old.path(f"/srv/{tree}"), self.new.path(f"/srv/{tree}")), [])

    def test_each_run_has_a_backup_of_its_own(self):
        self.fill(databases=("app",))
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        rows = "SELECT count(*) FROM settings WHERE name = 'between'"
        self.old.cluster.sql("app", "INSERT INTO settings VALUES ('between', 'x')")
        self.assertEqual(self.new.cluster.sql("app", rows), "0")
        self.require_done(self.world.migrate(source))
        self.assertEqual(self.new.cluster.sql("app", rows), "1")
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))

    def vanish(self, *mode):
        """A run while which a file vanishes that the source has listed and not yet read."""
        self.fill()
        vanishing = self.old.path("/srv/data/big.dat")
        source = Source(self.old, "--port", "0", *mode)
        with Held(self.old.path("/srv/data/!first")) as held:
            process = self.start(source)
            held.wait()
            vanishing.unlink()
        return self.finish(process)

    def test_a_file_that_vanishes_ends_a_run_without_traffic(self):
        run = self.vanish("--stop-traffic")
        self.assertEqual(run.status, 5, run.stderr)
        self.assertIn("big.dat", run.stderr)
        self.require_unchanged()

    def test_a_file_that_vanishes_is_told_while_traffic_goes_on(self):
        run = self.vanish("--keep-traffic")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertTrue([event for event in run.events if event["event"] == "warning" and "big.dat" in event["message"]], run.events)
        self.assertFalse(self.new.path("/srv/data/big.dat").exists())

    def test_a_directory_that_never_rests(self):
        self.fill()
        busy = self.old.path("/srv/data/busy")
        busy.mkdir()
        grow = 'import itertools, os, sys\nfor i in itertools.count():\n    open(f"{sys.argv[1]}/{i}", "w").close()\n' \
               '    if i % 3 == 2: os.unlink(f"{sys.argv[1]}/{i - 1}")\n    if i % 6 == 0: os.rename(f"{sys.argv[1]}/{i}", f"{sys.argv[1]}/r{i}")\n'
        growing = self.world.start(["/usr/bin/python3", "-c", grow, busy])
        wait_until(lambda: next(busy.iterdir(), None), "the first file")
        source = Source(self.old, "--port", "0")
        for _ in range(2):
            run = self.world.migrate(source)
            self.assertEqual(run.status, 0, run.stderr)
            self.assertIsNone(growing.poll())
        growing.kill()
        growing.wait()
        came = {path for path in listing(self.new.path("/srv/data")) if path.startswith(b"busy/")}
        self.assertGreater(len(came), 10)
        self.assertTrue(all(re.fullmatch(rb"busy/r?\d+", path) for path in came))
        self.require_done(self.world.migrate(source))

    def test_a_disk_that_fills_up_during_the_run(self):
        self.world.mount(self.new, "/srv", "40m")
        self.fill(databases=("app",))
        databases, roles = self.new.cluster.live_databases(), self.roles(self.new.cluster)
        source = Source(self.old, "--port", "0")
        filler = self.new.path("/srv/filler")
        with Held(self.old.path("/srv/data/!first")) as held:
            process = self.start(source)
            held.wait()  # space is booked, the first file is asked for
            wait_until(lambda: "app_ft_incoming" in self.new.cluster.live_databases(), "the restore")
            with open(filler, "wb") as file, self.assertRaises(OSError):
                while True:
                    os.write(file.fileno(), b"\1" * 65536)
        run = self.finish(process)
        self.assertEqual(run.status, 6, run.stderr)
        self.assertIn("No space left", run.stderr)
        self.require_unchanged()
        self.assertEqual((self.new.cluster.live_databases(), self.roles(self.new.cluster)), (databases, roles))
        filler.unlink()
        self.require_done(self.world.migrate(source))
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])

    def test_no_space_at_any_step_of_the_fetching(self):
        self.fill()
        source = Source(self.old, "--port", "0")
        for step in (20, 40, 80):
            with self.subTest(step):
                run = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": f"errno:ENOSPC:{step}+"})
                self.assertEqual(run.status, 6, run.stderr)
                self.assertIn("No space left", run.stderr)
                self.assertEqual(self.state(), self.before)  # but for what cannot be removed on such a disk
        self.require_done(self.world.migrate(source))
        self.assertEqual(self.new.staged("/srv/data"), [])

    def test_interrupted_while_the_server_makes_the_database(self):
        self.fill(databases=("app",))
        cluster = self.new.cluster
        cluster.sql("postgres", "CREATE ROLE app_owner")
        source = Source(self.old, "--port", "0")
        lock = self.world.start(["psql", "-X", "-q", "-h", cluster.socket, "-U", "postgres", "-d", "postgres"], stdin=subprocess.PIPE)
        self.addCleanup(lock.stdin.close)
        lock.stdin.write(b"BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE;\n")
        lock.stdin.flush()
        making = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^CREATE DATABASE' AND wait_event_type = 'Lock'"
        process = self.start(source)
        wait_until(lambda: cluster.sql("postgres", making) == "1", "the statement to wait")
        process.send_signal(signal.SIGINT)
        run = self.finish(process)
        self.assertEqual(run.status, 8, run.stderr)
        lock.communicate(b"COMMIT;\n")
        wait_until(lambda: cluster.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ft'") == "0",
                   "the server to be done")
        self.assertEqual(cluster.databases(), ["postgres"])
        self.require_done(self.world.migrate(source))

    def test_a_missing_owner_is_made_and_one_that_is_there_is_left_alone(self):
        self.fill(databases=("app",))
        facts = ("SELECT rolname, rolsuper, rolcanlogin, rolcreatedb, rolconnlimit, rolpassword "
                 "FROM pg_authid WHERE rolname = 'app_owner'")
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        made = self.old.cluster.sql("postgres", facts)
        self.assertIn("SCRAM-SHA-256$", made)
        self.assertEqual(self.new.cluster.sql("postgres", facts), made)

        self.new.cluster.sql("postgres", "ALTER ROLE app_owner NOLOGIN CREATEDB CONNECTION LIMIT 3 PASSWORD 'of this server'")
        altered = self.new.cluster.sql("postgres", facts)
        self.assertNotEqual(altered, made)
        self.require_done(self.world.migrate(source))
        self.assertEqual(self.new.cluster.sql("postgres", facts), altered)
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))

    def test_clients_that_come_back_at_once_do_not_stop_the_swap(self):
        self.fill(databases=("app",))
        self.new.cluster.sql("postgres", "CREATE DATABASE app")
        # Each session stays for ever, so a second one of a client means that the first was ended.
        came = self.world.directory / "came"
        client = (f"while :; do echo $0 >>{came}; psql -X -q -h {self.new.cluster.socket} -U postgres -d app "
                  "-c 'SELECT pg_sleep(1000)' >/dev/null 2>&1; done")
        for name in ("a", "b", "c"):
            self.world.start(["bash", "-c", client, name])
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'app' AND query ~ 'pg_sleep.1000'"
        wait_until(lambda: self.new.cluster.sql("postgres", sessions) == "3", "the clients")
        self.require_done(self.world.migrate(Source(self.old, "--port", "0")))
        for name in ("a", "b", "c"):
            self.assertGreater(came.read_text().split().count(name), 1)
        wait_until(lambda: self.new.cluster.sql("postgres", sessions) == "3", "the clients in the new database")
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])

    def kept(self):
        """What a run may leave on the new server, but for its own log and report."""
        state = self.new.path("/var/lib/ft")
        files = [str(path.relative_to(state)) for path in sorted(state.rglob("*"))]
        return {"databases": self.new.cluster.live_databases(), "roles": self.roles(self.new.cluster),
                "files": [name for name in files if not name.startswith(("logs/", "reports/"))],
                "processes": subprocess.run(["ip", "netns", "pids", self.new.namespace], check=True, stdout=subprocess.PIPE).stdout,
                "sessions": self.new.cluster.sql("postgres", "SELECT application_name FROM pg_stat_activity WHERE application_name ~ '^(ft|pg_)'")}

    def test_five_runs_leave_no_more_than_one(self):
        self.fill(databases=("app",))
        source = Source(self.old, "--port", "0")
        after = []
        for run in range(1, 6):
            sample.change_tree(self.old.path("/srv/data"), seed=run)
            sample.change_database(self.old.cluster)
            self.require_done(self.world.migrate(source))
            after.append(self.kept())
            for kind in ("logs", "reports"):
                self.assertEqual(len(list(self.new.path(f"/var/lib/ft/{kind}").iterdir())), run)
        self.assertEqual(after[1:], after[:1] * 4)
        self.assertEqual(after[0]["processes"], b"")
        self.assertEqual(after[0]["sessions"], "")
        opened = f"/proc/{source.process.pid}/fd"
        wait_until(lambda: len(os.listdir(opened)) < 30, "the source to close what the runs used")
        self.assertEqual(source.stop(), 0)


if __name__ == "__main__":
    unittest.main()
