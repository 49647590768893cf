"""File systems, quotas and rights that are less than a replica needs: it works, or nothing is changed and the line says why."""

import shutil
import signal
import subprocess
import unittest
from contextlib import contextmanager
from pathlib import Path

from support import sample
from support.hosts import FT_FAULTS, Held, Run, Source, World, contents, differences, listing, wait_until
from support.images import Image
from support.pair import INSIDE_COMMIT, Pair
from support.started import Started
from system.point_case import PointCase

# Without them a tree of many owners and kinds cannot be made.
NEEDED = {"chown", "dac_override", "fowner", "fsetid", "mknod"}


class RightsTest(PointCase):
    def test_capabilities_dropped_one_by_one(self):
        known = subprocess.run(["setpriv", "--list-caps"], check=True, stdout=subprocess.PIPE).stdout.decode().split()
        refused = set()
        with self.pair_on("ext4") as pair:
            for capability in known:
                before, host = pair.turn().here, pair.new
                argv = host.ft("--destination", f"{pair.old.address}:{pair.source.port}", "--code-file", pair.source.code_file,
                               "--yes", "--json")
                run = Run(host.run(["setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}", *argv]))
                outcome = run.result["outcome"]
                self.assertIn((run.status, outcome), ((0, "committed"), (3, "unchanged"), (6, "unchanged")), f"{capability}: {run.stderr}")
                self.assertEqual(pair.settle(), before if run.status else 1 - before, capability)
                if run.status:
                    refused.add(capability)
                    self.assertRegex(run.stderr, "ft: .*(cannot|reads back)", capability)
            self.assertEqual(refused, NEEDED)
            self.assertEqual(pair.turn().run().status, 0)


class FileSystemTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.theirs, self.ours = self.old.path("/srv/data"), self.new.path("/srv/data")
        sample.fill_tree(self.theirs, files=30)
        for host in (self.old, self.new):
            host.describe(databases=())
        self.source = Source(self.old, "--port", "0")

    def mount(self, kind, *options):
        self.ours.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", kind, *options, kind, self.ours], check=True)
        self.world.mounts.append(self.ours)

    def overlay(self, fill):
        """The tree on an overlay whose lower layer `fill` fills."""
        base = Image.make(self.world, "layers", "ext4").mount(self.world.directory / "layers")
        lower, upper, work = (base / name for name in ("lower", "upper", "work"))
        for layer in (lower, upper, work):
            layer.mkdir()
        fill(lower)
        self.mount("overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}")

    def state(self):
        return listing(self.ours), contents(self.ours)

    def require_works(self):
        before = self.state()
        run = self.world.migrate(self.source)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])
        run = self.new.here("undo", "--yes")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(self.state(), before)

    def require_refused(self, outcome, *texts, **how):
        before = self.state()
        run = self.world.migrate(self.source, **how)
        self.assertEqual((run.status, run.result["outcome"]), (6, outcome), run.stderr)
        for text in texts:
            self.assertIn(text, run.stderr)
        self.assertEqual(self.state(), before)

    def test_tmpfs(self):
        self.mount("tmpfs", "-o", "size=64m")
        sample.fill_tree(self.ours, files=20, seed=4)
        self.require_works()

    def test_overlay(self):
        def fill(lower):
            sample.fill_tree(lower, files=30, seed=4)
            (lower / "goes").write_bytes(b"x")
        self.overlay(fill)
        self.require_works()

    def test_overlay_that_cannot_move_a_directory(self):
        def fill(lower):
            sample.fill_tree(lower, files=10, seed=4)
            (lower / "goes").mkdir()
        self.overlay(fill)
        self.require_refused("rolled_back", "srv/data/goes", "a lower layer of an overlay")

    def test_ramfs_that_tells_no_room(self):
        self.mount("ramfs")
        sample.fill_tree(self.ours, files=10, seed=4)
        self.require_refused("unchanged", "0.0 MB can be used")

    def test_without_exchange(self):
        sample.fill_tree(self.ours, files=10, seed=4)
        fault = {"FT_FAULT": "errno:EINVAL:1+", "FT_FAULT_ONLY": "exchange"}
        self.require_refused("unchanged", "cannot exchange", "ext4", program=FT_FAULTS, env=fault)
        self.assertEqual(self.new.staged("/srv/data"), [])

    def test_inodes(self):
        self.ours.mkdir(parents=True)
        Image.make(self.world, "few", "ext4", options=("-N", "64")).mount(self.ours)
        (self.ours / "mine").write_bytes(b"stays")
        self.require_refused("unchanged", "new files, the file system has room for", "Remove files")

    def test_inodes_that_end_during_the_run(self):
        Image.make(self.world, "few", "ext4", options=("-N", "400")).mount(self.new.path("/srv"))
        self.ours.mkdir()
        (self.theirs / "!first").write_bytes(b"asked for before all others")
        before = self.state()
        taken = self.new.path("/srv/taken")
        with Held(self.theirs / "!first") as held:
            run = Started(self.world, self.source)
            held.wait()
            taken.mkdir()
            with self.assertRaisesRegex(OSError, "No space left"):
                for number in range(400):
                    (taken / str(number)).touch()
        status, result = run.end()
        self.assertEqual((status, result["outcome"]), (6, "unchanged"), run.stderr())
        self.assertIn("No space left", run.stderr())
        self.assertEqual(self.state(), before)
        shutil.rmtree(taken)
        run = self.world.migrate(self.source)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])


class QuotaTest(PointCase):
    """A quota of btrfs, which counts what root writes too: it ends in staging, and in a commit."""

    def btrfs(self, *arguments):
        return subprocess.run(["btrfs", *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout.decode()

    @contextmanager
    def pair(self):
        with World() as world:
            self.root = world.new.root

            def mount():
                Image.make(world, "root", "btrfs").mount(self.root)
                self.btrfs("quota", "enable", self.root)
                self.btrfs("subvolume", "create", self.root / "srv")

            pair = Pair(world, mount=mount)
            self.group = "0/" + self.btrfs("inspect-internal", "rootid", self.root / "srv").strip()
            self.btrfs("quota", "rescan", "-w", self.root)
            self.assertEqual(pair.turn().run().status, 0)
            pair.settle()
            yield pair

    def limit(self, amount):
        self.btrfs("qgroup", "limit", amount, self.group, self.root)

    def used(self):
        subprocess.run(["sync", "-f", self.root], check=True)
        lines = self.btrfs("qgroup", "show", "--raw", "-r", self.root).splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith(self.group)][0]

    def test_it_ends_while_staging(self):
        with self.pair() as pair:
            for more in range(0, 4 << 20, 32 << 10):
                self.limit(self.used() + more)
                before = pair.turn().here
                run = pair.run()
                self.limit("none")
                outcome = run.result["outcome"]
                self.assertEqual(pair.settle(), 1 - before if outcome == "committed" else before, run.stderr)
                if outcome == "committed":
                    break
                self.assertEqual(run.status, 6, run.stderr)
                self.assertIn("Disk quota exceeded", run.stderr)
            self.assertEqual(outcome, "committed")
            self.assertGreater(more, 0)

    def test_it_ends_in_a_commit(self):
        with self.pair() as pair:
            # Before the first change of the live tree; and after some, which cannot be taken back then either.
            for step, ended in ((2, (6, "rolled_back")), (20, (11, "recovery_needed"))):
                before = pair.turn().here
                run = Started(pair.world, pair.source, program=FT_FAULTS,
                              env={"FT_FAULT": f"stop-before:{step}", "FT_FAULT_AFTER_TEXT": INSIDE_COMMIT})
                stat = Path(f"/proc/{run.process.pid}/stat")
                wait_until(lambda: stat.read_text().rsplit(") ", 1)[1][0] == "T", "the step")
                self.used()
                self.limit(1)
                status, result = run.end(signal.SIGCONT)
                self.limit("none")
                self.assertEqual((status, result["outcome"]), ended, run.stderr())
                self.assertIn("Disk quota exceeded", run.stderr())
                self.assertEqual(self.recover(pair, f"after step {step}"), before)


if __name__ == "__main__":
    unittest.main()
