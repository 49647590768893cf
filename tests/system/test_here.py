"""`ft status`, `ft discard` and `ft recover`: what ft holds on one machine, and what goes."""

import os
import random
import signal
import unittest

from support.hosts import FT, Held, Source, World, built, contents, differences, listing, wait_until
from support.started import Started

NOTHING = {"running": None, "unfinished": False, "last_run": None, "undo": None, "staged": [], "services_off": [], "problems": []}


class HereTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.theirs, self.ours = self.old.path("/srv/data"), self.new.path("/srv/data")
        for number, host in enumerate((self.old, self.new)):
            host.path("/etc").mkdir()
            host.path("/etc/machine-id").write_text(str(number) * 32 + "\n")
            host.describe(databases=())
        rng = random.Random(3)
        self.theirs.mkdir(parents=True)
        for number in range(20):
            (self.theirs / f"f{number:02}").write_bytes(rng.randbytes(100_000))
        (self.theirs / "zz").write_bytes(b"last")
        self.ours.mkdir(parents=True)
        (self.ours / "before").write_bytes(b"before")

    def state(self):
        return listing(self.ours), contents(self.ours)

    def here(self, command, status=0):
        run = self.new.here(command)
        self.assertEqual(run.status, status, run.stderr)
        return run

    def status(self):
        (event,) = [event for event in self.here("status").events if event["event"] == "status"]
        return {name: value for name, value in event.items() if name not in ("event", "time")}

    def staged_files(self):
        return [path for path in (self.ours / ".ft-staging").rglob("*") if path.is_file() and path.stat().st_size == 100_000]

    def test_a_machine_that_ft_has_not_seen(self):
        self.assertEqual(self.status(), NOTHING)
        self.assertFalse(self.new.path("/var/lib/ft").exists(), "it changes nothing")
        self.assertIn("Nothing was left unfinished", self.here("recover").stderr)
        self.assertIn("Nothing is staged", self.here("discard").stderr)

    def test_a_run_that_works_and_what_it_leaves_when_it_is_killed(self):
        before = self.state()
        source = Source(self.old)
        with Held(self.theirs / "zz") as held:
            run = Started(self.world, source)
            held.wait()
            wait_until(lambda: len(self.staged_files()) >= 15, "files to come")
            told = self.status()
            self.assertIn("ft migrate --destination since ", told["running"])
            status, _ = run.end(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        told = self.status()
        self.assertIsNone(told["running"], "the lock went with the process")
        ((staged,)) = told["staged"]
        self.assertEqual(staged["root"], str(self.ours))
        self.assertGreaterEqual(staged["bytes"], 15 * 100_000)
        self.assertEqual(self.status(), told, "looking changes nothing")
        freed = self.here("discard")
        self.assertIn({"bytes": staged["bytes"]},
                      [{"bytes": event["bytes"]} for event in freed.events if event["event"] == "discarded"])
        self.assertEqual(self.new.staged("/srv/data"), [])
        self.assertEqual(self.status()["staged"], [])
        self.assertEqual(self.state(), before)

    def test_discard_leaves_what_an_undo_needs(self):
        before = self.state()
        source = Source(self.old)
        done = self.world.migrate(source)
        self.assertEqual(done.status, 0, done.stderr)
        (self.theirs / "f00").write_bytes(os.urandom(100_000))
        (self.theirs / "zz").write_bytes(b"other")
        with Held(self.theirs / "zz") as held:
            run = Started(self.world, source)
            held.wait()
            run.end(signal.SIGKILL)
        told = self.status()
        self.assertEqual(told["undo"]["run_id"], done.result["run_id"])
        self.assertEqual(told["last_run"]["run_id"], done.result["run_id"])
        self.here("discard")
        self.assertEqual(self.status()["undo"], told["undo"])
        undone = self.new.here("undo", "--yes")
        self.assertEqual(undone.status, 0, undone.stderr)
        self.assertEqual(self.state(), before)
        again = self.world.migrate(source)
        self.assertEqual(again.status, 0, again.stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])

    def test_status_with_a_damaged_journal_tells_the_rest(self):
        done = self.world.migrate(Source(self.old))
        self.assertEqual(done.status, 0, done.stderr)
        undo = self.new.path("/var/lib/ft/undo")
        undo.write_bytes(undo.read_bytes()[:-20] + b"x" * 20)
        told = self.status()
        self.assertEqual(told["last_run"]["run_id"], done.result["run_id"])
        self.assertTrue(any("undo" in problem for problem in told["problems"]), told)
        self.assertEqual(self.here("recover", status=11).status, 11)

    def test_twenty_logs_are_kept(self):
        logs = self.new.path("/var/lib/ft/logs")
        logs.mkdir(parents=True)
        for number in range(25):
            (logs / f"2001-01-{number + 1:02}.log").touch()
        self.assertEqual(self.new.here("undo", "--yes").status, 3)
        kept = sorted(path.name for path in logs.iterdir())
        self.assertEqual(len(kept), 20, kept)
        self.assertEqual(kept[:-1], [f"2001-01-{number:02}.log" for number in range(7, 26)])

    def test_a_working_directory_that_is_gone(self):
        gone = self.world.directory / "gone"
        script = 'mkdir "$1" && cd "$1" && rmdir "$1" && exec "$2" status --system here.json'
        run = self.new.run(["sh", "-c", script, "sh", gone, built(FT)])
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertTrue(run.stderr.startswith(b"ft: "), run.stderr)

    def test_a_state_directory_that_cannot_be_read(self):
        self.new.path("/var/lib").mkdir(parents=True)
        self.new.path("/var/lib/ft").write_text("a file")
        self.here("status", status=6)


if __name__ == "__main__":
    unittest.main()
