"""Twenty runs leave no more than one: files, directories, locks, databases, roles, processes, open descriptors."""

import os
import re
import subprocess
import unittest
from collections import Counter
from pathlib import Path

from support.hosts import World, wait_until
from support.pair import Pair

# What is kept of each run, and of how many: of logs those of twenty earlier runs and its own.
LIMITED = {"var/lib/ft/logs": 21, "var/lib/ft/reports": 20}


class KeptTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        for host in (self.old, self.new):
            host.make_cluster().sql("postgres", "CREATE DATABASE app")
            host.cluster.sql("app", "CREATE TABLE side (number int)")
        self.pair = Pair(self.world, databases=("app",))
        self.left_in_tmp = self.in_tmp()

    def files(self, host):
        """Paths below the root of a host, numbers that each run has for itself made equal, and how often each is there."""
        found = Counter()
        for folder, folders, names in os.walk(host.root):
            relative = os.path.relpath(folder, host.root)
            if relative == "var/lib":
                folders.remove("postgresql")
            if relative == "run":
                folders.remove("postgresql")
            if relative in LIMITED:
                self.assertLessEqual(len(names), LIMITED[relative], relative)
                names = []
            for name in [*folders, *names]:
                found[re.sub(r"\d+", "N", os.path.join(relative, name))] += 1
        return found

    @staticmethod
    def in_tmp():
        return {name for name in os.listdir("/tmp") if "ft" in name and not name.startswith("ft-test-")}

    def descriptors(self):
        """Of the source, which lives through all runs: what they are, without numbers."""
        def now():
            pids = (self.pair.source.process.pid, self.pair.source.worker())
            return [Counter(re.sub(r"\d+", "N", os.readlink(fd)) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()) for pid in pids]
        seen = []

        def still():
            """A connection that ends is closed a moment after the run."""
            try:
                seen.append(now())
            except FileNotFoundError:
                seen.append(None)
            return len(seen) > 3 and seen[-1] is not None and seen[-1] == seen[-2] == seen[-3]
        wait_until(still, "the source to be at rest")
        return seen[-1]

    def left(self):
        """Everything that is here after a run."""
        for host in (self.old, self.new):
            # The lock is free, whoever had it.
            state = host.path("/var/lib/ft")
            if host is self.new:
                self.assertEqual(subprocess.run(["flock", "-n", state, "true"]).returncode, 0)
        pids = subprocess.run(["ip", "netns", "pids", self.new.namespace], check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual(pids, b"", "a process of a run is left")
        self.assertEqual(self.in_tmp(), self.left_in_tmp)
        return {
            "descriptors": self.descriptors(),
            **{f"files of {host.name}": self.files(host) for host in (self.old, self.new)},
            **{f"databases of {host.name}": host.cluster.databases() for host in (self.old, self.new)},
            **{f"roles of {host.name}": host.cluster.sql("postgres", "SELECT rolname FROM pg_roles ORDER BY 1") for host in (self.old, self.new)},
            **{f"sessions of {host.name}": host.cluster.sql(
                "postgres", "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
               for host in (self.old, self.new)},
        }

    def forth(self):
        """A run that works, from the first state to the second one."""
        while self.pair.here != 0 or self.pair.at_source != 0:
            self.require(self.pair.turn().run())
        self.require(self.pair.turn().run())

    def require(self, run, *statuses):
        self.assertIn(run.status, statuses or (0,), run.stderr)
        self.pair.settle()

    def undo(self):
        self.require(self.new.here("undo", "--yes"))

    def test_twenty_runs(self):
        self.forth()
        # The first of all finds no earlier run to take the place of.
        self.forth()
        once = self.left()
        for number in range(4):
            self.require(self.pair.turn().run())
            self.require(self.pair.turn().run(f"errno:EIO:{9 + number}"), 6)                 # taken back
            self.require(self.pair.turn().run(f"errno:ENOSPC:{40 + 50 * number}", after=""), 0, 6)  # mostly before the commit
            self.assertEqual(self.pair.turn().run(f"kill-before:{70 + 30 * number}", after="").status, -9)
            self.assertEqual(self.pair.turn().run(f"kill-before:{5 + 20 * number}").status, -9)
            self.require(self.pair.recover())
            if number == 2:
                self.undo()
        self.forth()
        self.maxDiff = None
        self.assertEqual(self.left(), once)


if __name__ == "__main__":
    unittest.main()
