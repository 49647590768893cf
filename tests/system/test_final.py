"""Final runs from the destination: most is fetched while production goes on, the rest when it is stopped."""

import signal
import subprocess
import threading
import unittest

from support import sample
from support.hosts import DEADLINE, Held, Source, World, differences, listing, contents, wait_until
from support.started import Started


class Writer:
    """Production: writes a file, then a row, then counts them as acknowledged, until it is told to stop."""

    def __init__(self, host):
        self.host, self.acknowledged, self.stopping = host, [], threading.Event()
        self.directory = host.path("/srv/data/written")
        self.directory.mkdir()
        host.cluster.sql("app", "CREATE TABLE written (number int PRIMARY KEY)")
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            (self.directory / f"{number}").write_text(f"{number}\n")
            self.host.cluster.sql("app", f"INSERT INTO written VALUES ({number})")
            self.acknowledged.append(number)

    def stop(self):
        self.stopping.set()
        self.thread.join()


class Locked:
    """While it lives, a backup of the source waits for a lock: so a final run stands still between its pulls."""

    def __init__(self, cluster, table="settings"):
        self.cluster = cluster
        self.session = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-h", cluster.socket, "-U", "postgres", "-d", "app"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.session.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n".encode())
        self.session.stdin.flush()

    def __enter__(self):
        assert self.session.stdout.readline() == b"locked\n"
        return self

    def wait(self):
        wait_until(lambda: self.cluster.sql("app", "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0", "the backup to begin")

    def __exit__(self, *_):
        self.session.stdin.close()
        self.session.stdout.close()
        self.session.wait(timeout=DEADLINE)


class FinalTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def make_systems(self):
        tree = self.old.path("/srv/data")
        sample.fill_tree(tree, files=60)
        (tree / "zz").mkdir()
        (tree / "zz" / "last").write_bytes(b"the last of all\n")  # what is listed last is sent last
        sample.fill_database(self.old.make_cluster(), scale=20)
        cluster = self.new.make_cluster()
        cluster.sql("postgres", "CREATE DATABASE app")
        cluster.sql("app", "CREATE TABLE before (x int); INSERT INTO before VALUES (1)")
        sample.fill_tree(self.new.path("/srv/data"), files=10, seed=9)
        (self.new.path("/srv/data") / "big.dat").unlink()
        for host in (self.old, self.new):
            host.describe()

    def state(self):
        tree = self.new.path("/srv/data")
        return listing(tree), contents(tree), self.new.cluster.dump("app")

    def started(self, *arguments):
        return Source(self.old, "--port", "0", *arguments)

    def require_replica(self):
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
        self.require_no_leftovers()

    def require_no_leftovers(self):
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])
        self.assertEqual(self.new.staged("/srv/data"), [])
        self.assertFalse(self.new.path("/var/lib/ft/incoming-backup").exists())

    def phases(self, events):
        return [event["phase"] for event in events if event["event"] == "phase"]

    def test_what_changes_during_the_presync_arrives_and_nothing_is_fetched_twice(self):
        self.make_systems()
        tree = self.old.path("/srv/data")
        writer = Writer(self.old)
        source = self.started("--keep-traffic", "--allow-final")
        with Held(tree / "zz" / "last") as held:
            run = Started(self.world, source, "--final")
            held.wait()
            # Everything else was sent already.
            sample.change_tree(tree)
            sample.change_database(self.old.cluster)
            writer.stop()
        status, result = run.end()
        self.assertEqual(status, 0, run.stderr())
        self.require_replica()
        last = self.new.cluster.sql("app", "SELECT max(number) FROM written")
        self.assertEqual(int(last), writer.acknowledged[-1])
        self.assertTrue((self.new.path("/srv/data/written") / last).exists())

        self.assertEqual(self.phases(run.events), ["connect", "check", "presync", "stop", "pull", "commit"])
        self.assertEqual((result["outcome"], result["phase"]), ("committed", "final"))
        (data,) = result["trees"]
        self.assertGreater(data["bytes"], 4_000_000)
        self.assertLess(data["bytes_literal"], data["bytes"] + 200_000)
        (app,) = result["databases"]
        self.assertLess(result["backup_bytes_literal"], app["dump_bytes"] * 1.5)
        durations = result["durations"]
        self.assertGreaterEqual(durations["downtime_ms"], durations["stop_ms"] + durations["pull_ms"])
        self.assertLess(durations["downtime_ms"], sum(durations.values()) - durations["downtime_ms"])
        self.assertIn("downtime so far", run.stderr())
        wait_until(lambda: "Production is stopped since 2" in source.stderr(), "the source to tell the downtime")
        self.assertIn("It stays stopped until ft ends here.", source.stderr())

        # Further runs of this source are final ones, whatever they are called.
        (tree / "big.dat").write_bytes(b"less")
        again = self.world.migrate(source, "--final")
        self.assertEqual(again.status, 0, again.stderr)
        self.assertEqual(self.phases(again.events), ["connect", "check", "pull", "commit"])
        self.require_replica()
        self.assertEqual(source.stop(), 0)

    def test_refused_where_the_source_does_not_allow_it(self):
        self.make_systems()
        before = self.state()
        source = self.started("--keep-traffic")
        refused = self.world.migrate(source, "--final")
        self.assertEqual(refused.status, 5, refused.stderr)
        self.assertIn("--allow-final", refused.stderr)
        self.assertEqual(self.state(), before)
        self.assertNotIn("roduction is stopped", source.stderr())
        self.assertEqual(self.world.migrate(source).status, 0)
        self.require_replica()

    def test_a_source_that_is_stopped_already_needs_no_presync(self):
        self.make_systems()
        source = self.started("--stop-traffic")
        run = self.world.migrate(source, "--final")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(self.phases(run.events), ["connect", "check", "pull", "commit"])
        self.require_replica()

    def test_the_first_run_is_the_final_one_and_there_is_no_database(self):
        sample.fill_tree(self.old.path("/srv/data"), files=60)
        for host in (self.old, self.new):
            host.describe(databases=())
        source = self.started("--keep-traffic", "--allow-final")
        run = self.world.migrate(source, "--final")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
        self.assertEqual(self.new.staged("/srv/data"), [])
        (data,) = run.result["trees"]
        self.assertEqual(data["bytes_literal"], data["bytes"])

    def test_a_destination_that_ends_between_the_pulls_changes_nothing(self):
        self.make_systems()
        before = self.state()
        for how, expected in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 8)):
            with self.subTest(how):
                source = self.started("--keep-traffic", "--allow-final")
                with Locked(self.old.cluster) as lock:
                    run = Started(self.world, source, "--final")
                    run.wait_phase("stop")
                    lock.wait()
                    status, _ = run.end(how)
                    self.assertEqual(status, expected, run.stderr())
                    self.assertEqual(self.state(), before)
                    wait_until(lambda: "It stays stopped until ft ends here." in source.stderr(), "the source to tell")
                if how == signal.SIGINT:
                    self.require_no_leftovers()
                    self.assertIn("asked to stop production", run.stderr())
                self.assertEqual(source.stop(), 0)
                self.assertFalse(self.old.path("/var/lib/ft").exists())
        source = self.started("--keep-traffic", "--allow-final")
        again = self.world.migrate(source, "--final")
        self.assertEqual(again.status, 0, again.stderr)
        self.require_replica()

    def test_killed_in_the_second_pull(self):
        self.make_systems()
        tree = self.old.path("/srv/data")
        before = self.state()
        source = self.started("--keep-traffic", "--allow-final")
        with Held(tree / "zz" / "last") as first:
            run = Started(self.world, source, "--final")
            first.wait()
            big = bytearray((tree / "big.dat").read_bytes())
            big[2_000_000:2_000_010] = b"something!"
            (tree / "big.dat").write_bytes(big)
            second = Held(tree / "big.dat")
        with second:
            second.wait()
            self.assertTrue((self.new.path("/srv/data") / ".ft-staging" / "1").exists())
            status, _ = run.end(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.assertEqual(self.state(), before)
        wait_until(lambda: "It stays stopped until ft ends here." in source.stderr(), "the source to tell")
        again = self.world.migrate(source, "--final")
        self.assertEqual(again.status, 0, again.stderr)
        self.require_replica()

    def test_source_stopped_while_it_stops_production(self):
        self.make_systems()
        before = self.state()
        source = self.started("--keep-traffic", "--allow-final")
        with Locked(self.old.cluster) as lock:
            run = Started(self.world, source, "--final")
            run.wait_phase("stop")
            lock.wait()
            self.assertEqual(source.stop(), 0)
            status, result = run.end()
        self.assertEqual(status, 5, run.stderr())
        self.assertIn("the source was stopped", run.stderr())
        self.assertEqual(result["outcome"], "unchanged")
        self.assertEqual(self.state(), before)
        self.require_no_leftovers()
        self.assertFalse(self.old.path("/var/lib/ft").exists())


if __name__ == "__main__":
    unittest.main()
