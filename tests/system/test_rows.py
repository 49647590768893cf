"""What of databases stays a destination's own, where the public host name comes from, and what is told before a run replaces it."""

import json
import os
import shutil
import signal
import stat
import unittest

from support import sample
from support.hosts import FT_FAULTS, Source, World, differences, wait_until

SCHEMA = """
CREATE TABLE settings (name text PRIMARY KEY, value text, slot int UNIQUE);
CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, login text UNIQUE);
INSERT INTO settings VALUES ('public_hostname', 'files.example.com', 1), ('mail', 'old@example.com', 2), ('quota', '100', 3);
INSERT INTO users (login) SELECT 'user' || i FROM generate_series(1, 5) i;
"""
KEEP = {"rows": [{"table": "settings", "key": "name", "values": ["mail", "relay"]}]}


class RowsTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def prepare(self, trees=(), here=None, **more):
        """Both sides with a database; `here`: what the destination has before the first run."""
        self.old.make_cluster().sql("postgres", "CREATE DATABASE app")
        self.old.cluster.sql("app", SCHEMA)
        self.new.make_cluster()
        if here:
            self.new.cluster.sql("postgres", "CREATE DATABASE app")
            self.new.cluster.sql("app", here)
        self.old.describe(trees=trees, **more)
        self.new.describe(trees=trees, keep=KEEP)

    def run_once(self, source):
        run = self.world.migrate(source)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(run.result["outcome"], "committed")
        return run

    def settings(self, host):
        return host.cluster.sql("app", "SELECT name, value, slot FROM settings ORDER BY 1").split("\n")

    def write_here(self, database, text):
        """Runs it on the destination and waits until its session has handed its counters in."""
        self.new.cluster.sql(database, text)
        wait_until(lambda: self.new.cluster.sql("postgres", f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' "
                                                "AND backend_type = 'client backend'") == "0", "the end of psql's session")

    @staticmethod
    def changed_here(run):
        return next(event for event in run.events if event["event"] == "changed_here")

    def test_rows_stay_over_runs_and_the_report_says_so(self):
        self.prepare(here=SCHEMA + "UPDATE settings SET value = 'new@example.com' WHERE name = 'mail';"
                                   "INSERT INTO settings VALUES ('relay', NULL, 9)")
        source = Source(self.old, "--port", "0")
        for quota in ("100", "200"):
            self.old.cluster.sql("app", f"UPDATE settings SET value = '{quota}' WHERE name = 'quota'")
            source.stop()
            source = Source(self.old, "--port", "0")
            run = self.run_once(source)
            self.assertEqual(self.settings(self.new), ["mail|new@example.com|2", "public_hostname|files.example.com|1",
                                                       f"quota|{quota}|3", "relay||9"])
            self.assertIn({"kind": "rows", "group": "", "name": "app.settings: name in (mail, relay): 2 rows"}, run.result["kept"])
        self.assertEqual(self.settings(self.old)[0], "mail|old@example.com|2")

        # A row that is not here is removed, whatever the source has.
        self.new.cluster.sql("app", "DELETE FROM settings WHERE name = 'mail'")
        run = self.run_once(source)
        self.assertEqual([row.split("|")[0] for row in self.settings(self.new)], ["public_hostname", "quota", "relay"])
        self.assertIn({"kind": "rows", "group": "", "name": "app.settings: name in (mail, relay): 1 row"}, run.result["kept"])

    def test_a_first_run_removes_the_rows_of_kept_keys(self):
        self.prepare()
        self.run_once(Source(self.old, "--port", "0"))
        self.assertEqual([row.split("|")[0] for row in self.settings(self.new)], ["public_hostname", "quota"])

    def test_a_clash_and_a_missing_table_are_told_before_the_transfer(self):
        self.prepare(here=SCHEMA + "DELETE FROM settings WHERE slot = 3; UPDATE settings SET slot = 3 WHERE name = 'mail'")
        before = self.new.cluster.dump("app")
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source)
        self.assertEqual(run.status, 3, run.stderr)
        self.assertIn("keep.rows: table settings: a row that is kept has (slot) = (3), and so has another row of the source", run.stderr)
        self.assertNotIn("pull", [event.get("phase") for event in run.events])
        self.new.describe(trees=(), keep={"rows": [{"table": "other.settings", "key": "name", "values": ["mail"]}]})
        run = self.world.migrate(source)
        self.assertEqual(run.status, 3, run.stderr)
        self.assertIn("keep.rows: the source has no table other.settings with a column name", run.stderr)
        self.assertEqual(self.new.cluster.dump("app"), before)

    def test_a_removed_row_that_others_need_ends_the_run_unchanged(self):
        self.prepare(here=SCHEMA)
        self.old.cluster.sql("app", "CREATE TABLE notes (about text REFERENCES settings); INSERT INTO notes VALUES ('mail')")
        self.new.cluster.sql("app", "DELETE FROM settings WHERE name = 'mail'")
        before = self.new.cluster.dump("app")
        run = self.world.migrate(Source(self.old, "--port", "0"))
        self.assertNotEqual(run.status, 0)
        self.assertEqual(run.result["outcome"], "unchanged")
        self.assertIn("1 rows of public.notes would refer to rows that public.settings does not have", run.stderr)
        self.assertEqual(self.new.cluster.dump("app"), before)
        self.assertEqual(self.new.cluster.live_databases(), ["app", "postgres"])

    def refused(self, **more):
        """What the source says to a public_hostname that does not work, before it serves."""
        self.old.describe(trees=(), **more)
        source = Source(self.old, "--port", "0", wait=False)
        self.assertEqual(source.wait(), 3, source.stderr())
        return source.stderr()

    def test_a_public_host_name_that_is_none_ends_the_source_before_anything_is_done(self):
        self.prepare()
        self.assertIn("public_hostname: database app: relation \"sets\" does not exist", self.refused(public_hostname={"sql": "SELECT x FROM sets"}))
        self.assertIn("3 rows of 1 values", self.refused(public_hostname={"sql": "SELECT value FROM settings"}))
        self.assertIn("it must be a host name", self.refused(public_hostname={"sql": "SELECT 'a b'"}))
        self.old.path("/etc").mkdir()
        file = {"file": "/etc/app.json", "pointer": "/name"}
        self.assertRegex(self.refused(public_hostname=file), "public_hostname: .*/etc/app.json: .*No such file")
        self.old.path("/etc/app.json").write_text('{"name": 7}')
        self.assertIn("/etc/app.json: has no text at /name", self.refused(public_hostname=file))
        self.assertFalse(self.old.path("/var/lib/ft").exists())

    def test_a_public_host_name_is_read_afresh_for_each_run(self):
        self.prepare(public_hostname={"sql": "SELECT value FROM settings WHERE name = 'public_hostname'"})
        source = Source(self.old, "--port", "0")
        self.run_once(source)
        self.old.cluster.sql("app", "UPDATE settings SET value = 'no name' WHERE name = 'public_hostname'")
        run = self.world.migrate(source)
        self.assertNotEqual(run.status, 0)
        self.assertIn("public_hostname: database app: what its query gives is \"no name\"", run.stderr)
        self.old.cluster.sql("app", "UPDATE settings SET value = 'b.example' WHERE name = 'public_hostname'")
        self.run_once(source)

    def test_what_happened_here_since_the_last_run_is_told(self):
        sample.fill_tree(self.old.path("/srv/data"), files=30)
        self.prepare(trees=("data",))
        source = Source(self.old, "--port", "0")
        self.assertEqual(self.changed_here(self.run_once(source))["since"], None)
        state = self.new.path("/var/lib/ft/last-run")
        self.assertEqual(stat.S_IMODE(state.stat().st_mode), 0o600)
        self.assertFalse(self.new.path("/var/lib/ft/incoming-run").exists())
        first = json.loads(state.read_text())["run_id"]

        quiet = self.run_once(source)
        found = self.changed_here(quiet)
        self.assertEqual(found["since"], first)
        self.assertEqual(found["trees"], [{"name": "data", "changed": 0, "examples": []}])
        self.assertEqual(found["databases"], [{"name": "app", "tables": [], "tables_gone": []}])
        self.assertIn("nothing was changed in the trees and databases here", quiet.stderr)

        data = self.new.path("/srv/data")
        (data / "new\nfile").write_text("x")
        os.utime(data / "big.dat", ns=(0, 0))  # an old time hides nothing
        self.write_here("app", "INSERT INTO users (login) VALUES ('a'), ('b'); UPDATE users SET login = 'c' WHERE login = 'a';"
                               "DELETE FROM settings WHERE name = 'quota'; CREATE TABLE \"odd\tname\" AS SELECT 1 AS n")
        told = self.run_once(source)
        found = self.changed_here(told)
        self.assertEqual(found["trees"], [{"name": "data", "changed": 2, "examples": ["big.dat", "new\\x0afile"]}])
        rows = {table.pop("name"): table for table in found["databases"][0]["tables"]}
        self.assertEqual(rows, {"public.users": {"inserted": 2, "updated": 1, "deleted": 0},
                                "public.settings": {"inserted": 0, "updated": 0, "deleted": 1},
                                'public."odd\\x09name"': {"inserted": 1, "updated": 0, "deleted": 0}})
        self.assertIn("tree data: 2 objects new or changed: big.dat, new\\x0afile", told.stderr)
        self.assertIn("database app: public.users: rows inserted 2, updated 1, deleted 0", told.stderr)
        self.assertEqual(differences(self.old.path("/srv/data"), data), [])

        # After the run that replaced all that, nothing has happened.
        self.assertEqual(self.changed_here(self.run_once(source))["trees"][0]["changed"], 0)
        self.write_here("app", "SELECT pg_stat_reset()")
        self.assertEqual(self.changed_here(self.run_once(source))["databases"],
                         [{"name": "app", "unknown": "the server's counters were reset"}])
        self.new.cluster.sql("postgres", "DROP DATABASE app")
        self.new.cluster.sql("postgres", "CREATE DATABASE app")
        self.assertEqual(self.changed_here(self.run_once(source))["databases"],
                         [{"name": "app", "unknown": "the database was replaced"}])
        self.assertEqual(self.world.migrate(source, "--no-undo").status, 0)  # keeps nothing in the tree
        shutil.rmtree(data)
        (gone,) = self.changed_here(self.run_once(source))["trees"]
        self.assertEqual(sorted(gone), ["name", "unknown"])
        state.write_text("{")
        damaged = self.run_once(source)
        self.assertEqual(self.changed_here(damaged)["since"], None)
        self.assertIn("ft knows of no earlier run here", damaged.stderr)

    def test_a_run_that_failed_is_no_last_run(self):
        sample.fill_tree(self.old.path("/srv/data"), files=30)
        self.prepare(trees=("data",))
        source = Source(self.old, "--port", "0")
        self.run_once(source)
        first = json.loads(self.new.path("/var/lib/ft/last-run").read_text())["run_id"]
        self.old.cluster.sql("app", "CREATE TABLE notes (about text REFERENCES settings); INSERT INTO notes VALUES ('mail')")
        self.new.path("/srv/data/here").write_text("x")
        self.assertNotEqual(self.world.migrate(source).status, 0)
        self.assertFalse(self.new.path("/var/lib/ft/incoming-run").exists())
        self.old.cluster.sql("app", "DROP TABLE notes")
        found = self.changed_here(self.run_once(source))
        self.assertEqual(found["since"], first)
        self.assertEqual(found["trees"], [{"name": "data", "changed": 1, "examples": ["here"]}])

    def test_a_commit_that_the_next_start_finished_is_the_last_run(self):
        sample.fill_tree(self.old.path("/srv/data"), files=30)
        self.prepare(trees=("data",))
        source = Source(self.old, "--port", "0")
        self.run_once(source)
        sample.change_tree(self.old.path("/srv/data"))
        killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": "kill-before:7", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
        self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
        found = self.changed_here(self.run_once(source))
        self.assertEqual(found["since"], next(event["run_id"] for event in killed.events if event["event"] == "run_started"))
        self.assertEqual(found["trees"], [{"name": "data", "changed": 0, "examples": []}])
        self.assertEqual(found["databases"], [{"name": "app", "tables": [], "tables_gone": []}])


if __name__ == "__main__":
    unittest.main()
