"""Nothing is fetched twice: what a killed or failed run has fetched is used by the next one, and nothing else is."""

import os
import random
import signal
import unittest

from support.hosts import FT_FAULTS, Held, Source, World, contents, differences, listing, wait_until
from support.started import Started

MEGABYTE = 1_000_000


class AdoptionTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.theirs, self.ours = self.old.path("/srv/data"), self.new.path("/srv/data")
        for host, number in ((self.old, "1" * 32), (self.new, "2" * 32)):
            host.path("/etc").mkdir()
            host.path("/etc/machine-id").write_text(number + "\n")
            host.describe(databases=())
        rng = random.Random(7)
        for i in range(40):
            folder = self.theirs / f"d{i % 4}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"f{i}").write_bytes(rng.randbytes(100_000))
        (self.theirs / "zz").mkdir()
        (self.theirs / "zz" / "last").write_bytes(b"last")
        self.ours.mkdir(parents=True)
        (self.ours / "before").write_bytes(b"before")
        self.before = self.state()

    def came(self):
        """The size of the largest file that is staged."""
        return max((path.stat().st_size for path in self.staged().glob("*/*")), default=0)

    def state(self):
        return listing(self.ours), contents(self.ours)

    def staged(self):
        return self.ours / ".ft-staging"

    def kill_at(self, source, path):
        """A run that is killed when all but `path` and what is asked for after it has come."""
        with Held(path) as held:
            run = Started(self.world, source)
            held.wait()
            self.wait_for_files()
            status, _ = run.end(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.assertEqual(self.state(), self.before)

    def wait_for_files(self):
        wait_until(lambda: len(self.staged_files()) >= 36, "the files to come")

    def staged_files(self):
        return [path for path in self.staged().rglob("*") if path.is_file() and path.stat().st_size == 100_000]

    def finish(self, source, *arguments):
        run = self.world.migrate(source, *arguments)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])
        self.assertFalse(self.staged().exists())
        (data,) = run.result["trees"]
        return run, data

    def test_killed_in_the_pull(self):
        source = Source(self.old, "--port", "0")
        self.kill_at(source, self.theirs / "zz" / "last")
        run, data = self.finish(source)
        self.assertGreater(data["files_adopted"], 25)
        self.assertEqual(data["bytes_literal"], data["bytes"] - data["bytes_adopted"])
        self.assertLess(run.result["bytes_received"], 4 * MEGABYTE - data["bytes_adopted"] + 100_000)
        self.assertIn("of an earlier run are here already", run.stderr)
        # And a run after a commit has nothing to adopt.
        _, data = self.finish(source)
        self.assertEqual((data["files_adopted"], data["bytes_literal"]), (0, 0))

    def test_what_changed_in_staging_is_fetched_anew(self):
        source = Source(self.old, "--port", "0")
        self.kill_at(source, self.theirs / "zz" / "last")
        flipped, gone = ([path for path in self.staged_files() if path.name == name][0] for name in ("f0", "f12"))
        times = flipped.stat()
        content = bytearray(flipped.read_bytes())
        content[50_000] ^= 1
        flipped.write_bytes(content)
        os.utime(flipped, ns=(times.st_atime_ns, times.st_mtime_ns))
        gone.unlink()
        _, data = self.finish(source)
        self.assertGreater(data["files_adopted"], 23)
        # One by its difference, the other whole.
        self.assertLess(data["bytes_literal"], data["bytes"] - data["bytes_adopted"] - 90_000)

    def test_what_changed_at_the_source_is_not_adopted(self):
        source = Source(self.old, "--port", "0")
        self.kill_at(source, self.theirs / "zz" / "last")
        (self.theirs / "d0" / "f0").write_bytes(b"new" + (self.theirs / "d0" / "f0").read_bytes())
        (self.theirs / "d1" / "f1").unlink()
        (self.theirs / "d2" / "f2").rename(self.theirs / "d2" / "moved")
        self.finish(source)

    def test_another_source_is_adopted_nothing_of(self):
        source = Source(self.old, "--port", "0")
        self.kill_at(source, self.theirs / "zz" / "last")
        source.stop()
        self.old.path("/etc/machine-id").write_text("3" * 32 + "\n")
        source = Source(self.old, "--port", "0")
        _, data = self.finish(source)
        self.assertEqual((data["files_adopted"], data["bytes_literal"]), (0, data["bytes"]))

    def test_a_source_without_an_id_leaves_nothing_to_adopt(self):
        self.old.path("/etc/machine-id").unlink()
        source = Source(self.old, "--port", "0")
        self.kill_at(source, self.theirs / "zz" / "last")
        _, data = self.finish(source)
        self.assertEqual((data["files_adopted"], data["bytes_literal"]), (0, data["bytes"]))

    def test_half_of_a_big_file_is_gone_on_with(self):
        rng = random.Random(8)
        big = rng.randbytes(200 * MEGABYTE)
        (self.theirs / "big").write_bytes(big)
        source = Source(self.old, "--port", "0")
        run = Started(self.world, source)
        wait_until(lambda: self.came() > 20 * MEGABYTE, "20 MB of it")
        status, _ = run.end(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.assertEqual(self.state(), self.before)
        came = self.came()
        run, data = self.finish(source)
        self.assertLess(run.result["bytes_received"], data["bytes"] - came + 2 * MEGABYTE)

    def test_an_interrupted_run_and_one_without_room_leave_what_came(self):
        source = Source(self.old, "--port", "0")
        with Held(self.theirs / "zz" / "last") as held:
            run = Started(self.world, source)
            held.wait()
            self.wait_for_files()
            status, result = run.end(signal.SIGINT)
        self.assertEqual((status, result["outcome"]), (8, "unchanged"), run.stderr())
        self.assertEqual(self.state(), self.before)
        failed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": "errno:ENOSPC:60+"})
        self.assertEqual(failed.status, 6, failed.stderr)
        self.assertEqual(self.state(), self.before)
        _, data = self.finish(source)
        self.assertGreater(data["files_adopted"], 25)


if __name__ == "__main__":
    unittest.main()
