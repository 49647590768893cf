"""Hooks: what they are told, when they run, and what their failure does."""

import json
import signal
import subprocess
import unittest

from support import sample
from support.hosts import DEADLINE, FT_FAULTS, World, Source, contents, differences, listing, wait_until

RECORD = """#!/bin/bash
# Writes down what it is told, and what it was called with.
{{ echo "argument=$1"; env | grep ^FT_; {more}; echo; }} >>{file}
"""


class HooksTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        sample.fill_tree(self.old.path("/srv/data"), files=20)
        sample.fill_tree(self.new.path("/srv/data"), files=10, seed=4)
        self.records = self.world.directory / "records"

    def program(self, name, text):
        path = self.world.directory / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def recorder(self, name="record", more="true"):
        return self.program(name, RECORD.format(file=self.records, more=more))

    def recorded(self):
        """What each call was told, in order."""
        blocks = self.records.read_text().split("\n\n")[:-1] if self.records.exists() else []
        return [dict(line.split("=", 1) for line in block.split("\n")) for block in blocks]

    def state(self):
        return listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data"))

    def require_unchanged(self, before):
        self.assertEqual(self.state(), before)
        self.assertEqual(self.new.staged("/srv/data"), [])

    def test_a_run_that_the_next_start_committed_and_whose_services_and_hooks_wait(self):
        service = {"stop": ["true"], "start": ["true"], "active": ["false"], "rehearsal": "off", "name": "mailer"}
        self.old.describe(databases=())
        self.new.describe(databases=(), services=[service], hooks={"after_commit": [[self.recorder()]]})
        source = Source(self.old, "--port", "0")
        killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": "kill-before:3", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
        self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
        healed = self.new.run(self.new.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file)).stdout.decode()
        self.assertIn("committed now", healed)
        self.assertIn("whether its hooks after_commit ran is not known", healed)
        self.assertIn("stay off, because this was a rehearsal: mailer", healed)
        self.assertEqual(self.recorded(), [])

    def test_each_moment_with_what_it_is_told(self):
        sample.fill_database(self.old.make_cluster(), scale=10)
        cluster = self.new.make_cluster()
        record = self.recorder()
        psql = f"psql -X -q -A -t -h {cluster.socket} -U postgres"
        # On the incoming database a hook changes what goes live; the live one is as it was.
        change = self.recorder("change", f"{psql} -d $FT_DATABASE_APP -c \"UPDATE settings SET value = 'off' WHERE name = 'quota'\"; "
                                         f"echo live=$({psql} -d postgres -c \"SELECT count(*) FROM pg_database WHERE datname = 'app'\")")
        for host in (self.old, self.new):
            host.describe(hooks={"before_backup": [[record, "one two"]], "after_restore": [[change, "$HOME `x`"], [record, ""]],
                                 "before_commit": [[record, "three"]], "after_commit": [[record, "four"]]})
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source)
        self.assertEqual(run.status, 0, run.stderr)

        def told(host, moment, argument, run_id, database="app", **more):
            return {"argument": argument, "FT_HOOK": moment, "FT_RUN_ID": run_id, "FT_PHASE": "rehearsal", "FT_ROOT": str(host.root),
                    "FT_TREE_DATA": str(host.path("/srv/data")), "FT_DATABASE_APP": database, **more}

        run_id = run.result["run_id"]
        calls = self.recorded()
        self.assertEqual(calls[0], told(self.old, "before_backup", "one two", ""))
        self.assertEqual(calls[1], told(self.new, "after_restore", "$HOME `x`", run_id, "app_ft_incoming", live="0"))
        self.assertEqual(calls[2], told(self.new, "after_restore", "", run_id, "app_ft_incoming"))
        self.assertEqual(calls[3], told(self.new, "before_commit", "three", run_id))
        self.assertEqual(calls[4], told(self.new, "after_commit", "four", run_id))
        self.assertEqual(len(calls), 5)
        self.assertEqual(cluster.sql("app", "SELECT value FROM settings WHERE name = 'quota'"), "off")
        self.assertEqual(cluster.live_databases(), ["app", "postgres"])

        # The first run had the backup of the start; this one gets its own.
        second = self.world.migrate(source)
        self.assertEqual(second.status, 0, second.stderr)
        self.assertEqual(self.recorded()[5], told(self.old, "before_backup", "one two", second.result["run_id"]))

    def test_a_run_without_traffic_is_final(self):
        record = self.recorder()
        for host in (self.old, self.new):
            host.describe(databases=(), hooks={"before_backup": [[record]], "before_commit": [[record]]})
        run = self.world.migrate(Source(self.old, "--port", "0", "--stop-traffic"))
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual([call["FT_PHASE"] for call in self.recorded()], ["final", "final"])

    def test_a_hook_that_fails_before_the_commit_leaves_everything_as_it_was(self):
        failing = self.program("failing", "#!/bin/bash\necho said on stdout; echo first >&2; echo no licence here >&2; exit 7\n")
        for moment in ("after_restore", "before_commit"):
            with self.subTest(moment):
                self.old.describe(databases=())
                self.new.describe(databases=(), hooks={moment: [[failing]], "after_commit": [[self.recorder()]]})
                before = self.state()
                source = Source(self.old, "--port", "0")
                run = self.world.migrate(source)
                self.assertEqual((run.status, run.result["outcome"]), (1, "unchanged"), run.stderr)
                self.assertIn(f"ft: hook {moment} ({failing}): exit status 7: no licence here\n", run.stderr)
                self.require_unchanged(before)
                self.assertEqual(self.recorded(), [])
                log = self.new.path(f"/var/lib/ft/logs/{run.result['run_id']}.log").read_text()
                for line in ("said on stdout", "first", "no licence here"):
                    self.assertIn(line, log)
                self.assertEqual(source.stop(), 0)

    def test_a_hook_that_fails_after_the_commit_is_exit_status_10(self):
        failing = self.program("failing", "#!/bin/bash\necho cache not warm >&2; exit 1\n")
        missing = str(self.world.directory / "no such program")
        self.old.describe(databases=())
        self.new.describe(databases=(), hooks={"after_commit": [[failing], [missing], [self.recorder()]]})
        run = self.world.migrate(Source(self.old, "--port", "0"))
        self.assertEqual((run.status, run.result["outcome"]), (10, "committed"), run.stderr)
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
        problems = run.result["problems"]
        self.assertEqual(problems[0], f"hook after_commit ({failing}): exit status 1: cache not warm")
        self.assertIn(missing, problems[1])
        self.assertEqual(len(problems), 2)
        self.assertEqual([call["FT_HOOK"] for call in self.recorded()], ["after_commit"], "the others have their turn")
        report = json.loads(self.new.path(f"/var/lib/ft/reports/{run.result['run_id']}.json").read_text())
        self.assertEqual(report["problems"], problems)

    def test_a_hook_that_fails_ends_the_start_of_the_source(self):
        failing = self.program("failing", "#!/bin/bash\necho queue not empty >&2; exit 1\n")
        self.old.describe(databases=(), hooks={"before_backup": [[failing]]})
        finished = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        self.assertEqual(finished.returncode, 1, finished.stderr)
        self.assertIn(f"ft: hook before_backup ({failing}): exit status 1: queue not empty", finished.stderr.decode())
        self.assertFalse(self.old.path("/var/lib/ft").exists())

    def test_a_hook_that_fails_at_the_source_during_a_run_ends_that_run_only(self):
        broken = self.world.directory / "broken"
        self.old.describe(databases=(), hooks={"before_backup": [[self.program("check", f"#!/bin/bash\n[ ! -e {broken} ] || exit 4\n")]]})
        self.new.describe(databases=())
        source = Source(self.old, "--port", "0")
        self.assertEqual(self.world.migrate(source).status, 0)
        before = self.state()
        broken.write_text("")
        run = self.world.migrate(source)
        self.assertEqual(run.status, 5, run.stderr)
        self.assertIn("hook before_backup", run.stderr)
        self.assertIn("exit status 4", run.stderr)
        self.require_unchanged(before)
        broken.unlink()
        self.assertEqual(self.world.migrate(source).status, 0)

    def waiting_hook(self):
        """A hook that stands still until it is ended, and the file that shows that it does."""
        standing = self.world.directory / "standing"
        standing.unlink(missing_ok=True)
        return self.program("waiting", f"#!/bin/bash\necho $$ >{standing}\nexec sleep 1000\n"), standing

    def test_an_interruption_ends_a_hook_at_the_destination(self):
        for moment in ("after_restore", "before_commit"):
            with self.subTest(moment):
                waiting, standing = self.waiting_hook()
                self.old.describe(databases=())
                self.new.describe(databases=(), hooks={moment: [[waiting]]})
                before = self.state()
                source = Source(self.old, "--port", "0")
                argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes")
                process = self.world.start(self.new.command(argv), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                wait_until(lambda: standing.exists() and standing.read_text().endswith("\n"), "the hook")
                process.send_signal(signal.SIGINT)
                process.stdout.read()
                self.assertEqual(process.wait(timeout=DEADLINE), 8)
                self.assertEqual(subprocess.run(["ps", "-p", standing.read_text().strip()], stdout=subprocess.DEVNULL).returncode, 1)
                self.require_unchanged(before)
                self.assertEqual(source.stop(), 0)

    def test_an_interruption_ends_a_hook_at_the_source(self):
        waiting, standing = self.waiting_hook()
        self.old.describe(databases=(), hooks={"before_backup": [[waiting]]})
        source = Source(self.old, "--port", "0", wait=False)
        wait_until(lambda: standing.exists() and standing.read_text().endswith("\n"), "the hook")
        self.assertEqual(source.stop(), 8)
        self.assertEqual(subprocess.run(["ps", "-p", standing.read_text().strip()], stdout=subprocess.DEVNULL).returncode, 1)
        self.assertFalse(self.old.path("/var/lib/ft").exists())

    def test_the_end_of_the_source_ends_a_hook_at_the_destination(self):
        waiting, standing = self.waiting_hook()
        self.old.describe(databases=())
        self.new.describe(databases=(), hooks={"before_commit": [[waiting]]})
        before = self.state()
        source = Source(self.old, "--port", "0")
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes")
        process = self.world.start(self.new.command(argv), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: standing.exists() and standing.read_text().endswith("\n"), "the hook")
        self.assertEqual(source.stop(), 0)
        stderr = process.stderr.read().decode()
        process.stderr.close()
        self.assertEqual(process.wait(timeout=DEADLINE), 5, stderr)
        self.assertIn("the source was stopped", stderr)
        self.require_unchanged(before)

    def test_two_names_that_are_one_variable(self):
        self.new.describe(databases=(), trees=("a-b", "a.b"), hooks={"after_commit": [["true"]]})
        finished = self.new.run(self.new.ft("--destination", "127.0.0.1:9", "--yes"))
        self.assertEqual(finished.returncode, 2, finished.stderr)
        self.assertIn(b"FT_TREE_A_B", finished.stderr)


if __name__ == "__main__":
    unittest.main()
