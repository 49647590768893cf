"""What must be true for the admin, statement by statement (docs/statements.md): the destination, test and change-over.
Statement 15, what is kept, has its tests in test_host.py and test_rows.py."""

import re
import subprocess

from support import sample
from support.hosts import FT_FAULTS
from system.statement_case import NAME, StatementCase


class DestinationStatements(StatementCase):
    def test_14_it_is_a_replica(self):
        self.make_systems()
        self.production.stop()
        source = self.started()
        self.migrate(source)
        self.require_replica()
        sample.change_tree(self.old.path("/srv/data"))
        sample.change_database(self.old.cluster)
        sample.change_tree(self.new.path("/srv/data"), seed=8)
        self.migrate(source)
        self.require_replica()

    def test_16_its_name_is_the_public_one(self):
        for host in (self.old, self.new):
            host.path("/etc").mkdir()
            host.path("/etc/hostname").write_text(host.name + "\n")
            host.path("/etc/hosts").write_text(f"127.0.0.1\tlocalhost\n127.0.1.1\t{host.name}.lan {host.name}\n")
            host.path("/etc/mailname").write_text(host.name + ".lan\n")
        self.make_systems()
        self.migrate(self.started())
        self.assertEqual(self.new.path("/etc/hostname").read_text(), NAME + "\n")
        self.assertEqual(self.new.path("/etc/hosts").read_text(), f"127.0.0.1\tlocalhost\n127.0.1.1\t{NAME} {NAME.split('.')[0]}\n")
        self.assertEqual(self.new.path("/etc/mailname").read_text(), NAME + "\n")
        self.assertEqual(self.old.path("/etc/hostname").read_text(), "old\n")

    def test_17_an_error_means_that_nothing_was_migrated(self):
        self.make_systems()
        source = self.started()
        self.migrate(source)
        sample.change_tree(self.old.path("/srv/data"))
        sample.change_database(self.old.cluster)
        before = self.new_state()
        self.assertTrue(self.replica.active())
        for what, env in (("a file that cannot be staged", {"FT_FAULT": "errno:ENOSPC:40"}),
                          ("a disk that fails in the middle of the commit", {"FT_FAULT": "errno:EIO:9", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})):
            with self.subTest(what):
                run = self.world.migrate(source, program=FT_FAULTS, env=env)
                self.assertNotIn(run.status, (0, 10, 11), run.stderr)
                self.replica.stop()  # its start made nothing but its own table's connection
                self.assertEqual(self.new_state(), before)
                self.replica.start()
        self.migrate(source)

    def test_18_runs_do_not_pile_up(self):
        self.make_systems()
        self.production.stop()
        source = self.started()

        def what_there_is():
            files = subprocess.run(["find", self.new.root / "srv", self.new.root / "var/lib/ft", "-printf", "%P\n"], check=True, stdout=subprocess.PIPE)
            kept = [name for name in files.stdout.split(b"\n") if not name.startswith((b"logs/", b"reports/"))]
            databases = self.new.cluster.sql("postgres", "SELECT string_agg(datname, ',' ORDER BY 1) FROM pg_database")
            of_clients = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            sessions = self.new.cluster.sql("postgres", f"SELECT count(*) {of_clients}")
            locks = self.new.cluster.sql("postgres", f"SELECT count(*) FROM pg_locks WHERE pid IN (SELECT pid {of_clients})")
            numbered = sorted(re.sub(rb"(\.ft-staging)/\d+", rb"\1/N", name) for name in kept)  # generations grow
            return numbered, databases, sessions, locks

        for _ in range(2):  # the second has something to replace, so it leaves what an undo needs
            self.migrate(source)
        after_two = what_there_is()
        for _ in range(2):
            self.migrate(source)
        self.assertEqual(what_there_is(), after_two)

    def test_19_what_a_run_deletes_is_said_before(self):
        self.make_systems()
        source = self.started()
        self.migrate(source)
        self.replica.stop()
        (self.new.path("/srv/data") / "only-here").write_text("x")
        self.new.cluster.sql("app", "INSERT INTO settings VALUES ('only', 'here')")
        told = self.new.run([*self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes")])
        self.assertEqual(told.returncode, 0, told.stderr)
        said = told.stdout.decode()
        self.assertIn("only-here", said)
        self.assertIn("settings", said)
        self.assertLess(said.index("only-here"), said.index("Making it live"))
        self.assertFalse((self.new.path("/srv/data") / "only-here").exists())
        self.assertEqual(self.new.cluster.sql("app", "SELECT count(*) FROM settings WHERE name = 'only'"), "0")

    def test_20_two_systems_are_not_merged(self):
        self.make_systems()
        self.production.stop()
        sample.fill_tree(self.new.path("/srv/data"), files=30, seed=7)
        (self.new.path("/srv/data") / "theirs").write_text("x")
        self.new.cluster.sql("postgres", "CREATE DATABASE app")
        self.new.cluster.sql("app", "CREATE TABLE theirs (x int)")
        before = self.old_state()
        self.migrate(self.started())
        self.require_replica()
        self.assertEqual(self.old_state(), before)

    def test_21_the_last_acknowledged_write_is_there(self):
        self.make_systems()
        users = self.production.load()
        source = self.started("--keep-traffic")
        self.migrate(source)
        source.stop()
        final = self.started("--stop-traffic")
        written, _ = users.end()
        run = self.migrate(final)
        self.assertEqual(run.result["phase"], "final")
        self.assertEqual(int(self.new.cluster.sql("app", "SELECT max(number) FROM writes")), written[-1])
        self.assertEqual(int(self.new.cluster.sql("app", "SELECT count(*) FROM writes")), len(written))
        for number in written:
            self.assertTrue((self.new.path("/srv/data") / f"write-{number}").exists())

    def test_21_nor_does_a_final_run_from_the_destination_lose_one(self):
        self.make_systems()
        users = self.production.load()
        source = self.started("--keep-traffic", "--allow-final")
        run = self.migrate(source, "--final")
        written, errors = users.end()
        self.assertEqual(len(errors), 1)
        self.assertEqual(run.result["phase"], "final")
        self.assertEqual(int(self.new.cluster.sql("app", "SELECT count(*) FROM writes")), len(written))
        for number in written:
            self.assertTrue((self.new.path("/srv/data") / f"write-{number}").exists())
        self.assertFalse(self.production.active())
        self.assertEqual(source.stop(), 0)
        self.assertTrue(self.production.active())

    def test_22_the_first_run_may_be_the_final_one(self):
        self.make_systems()
        source = self.started("--stop-traffic")
        run = self.migrate(source)
        self.assertEqual(run.result["phase"], "final")
        self.assertEqual(self.replica.phase(), "final")
        self.replica.stop()
        self.require_replica()

    def test_23_the_destination_works_alone_while_production_stays(self):
        self.make_systems()
        users = self.production.load()
        source = self.started("--keep-traffic")
        self.migrate(source)
        self.assertEqual(source.stop(), 0)
        self.assertEqual(self.replica.phase(), "rehearsal")
        subprocess.run(self.new.command(["ip", "link", "set", "ft0", "down"]), check=True)  # nothing comes from the old server
        testers = self.replica.load()
        tested, errors = testers.end()
        self.assertEqual(errors, [])
        self.assertTrue(tested)
        _, errors = users.end()
        self.assertEqual(errors, [])
        self.assertEqual(self.old.cluster.sql("app", f"SELECT count(*) FROM writes WHERE number = {tested[-1]}"), "0")
