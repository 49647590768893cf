"""Bad lines: slow ones, ones that lose packets, and a hole in which large packets vanish. The run ends well, late."""

import subprocess
import time
import unittest

from support import sample
from support.hosts import Source, differences, wait_until
from support.started import Started
from support.tree_case import TreeCase


class LineTest(TreeCase):
    def iptables(self, host, *arguments):
        return subprocess.run(host.command(["iptables", *arguments]), check=True, stdout=subprocess.PIPE).stdout.decode()

    def dropped(self, host):
        """Packets that its rule has dropped."""
        return int(self.iptables(host, "-L", "INPUT", "-v", "-x", "-n").splitlines()[2].split()[0])

    def require_replica(self, status, result, stderr):
        self.assertEqual((status, result["outcome"]), (0, "committed"), stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])

    def migrate(self):
        run = self.world.migrate(self.source)
        self.require_replica(run.status, run.result, run.stderr)

    def test_two_kilobytes_a_second(self):
        self.theirs.mkdir(parents=True)
        for name in "ab":
            (self.theirs / name).write_bytes(sample.random.Random(name).randbytes(3000))
        self.source = Source(self.old, "--port", "0")
        for host in (self.old, self.new):
            subprocess.run(host.command(["tc", "qdisc", "add", "dev", "ft0", "root", "tbf", "rate", "16kbit", "burst", "1600",
                                         "latency", "2s"]), check=True)
        began = time.monotonic()
        self.migrate()
        self.assertGreater(time.monotonic() - began, 2, "the line was not slow")

    def test_a_line_that_loses_packets(self):
        sample.fill_tree(self.theirs, files=100)
        self.source = Source(self.old, "--port", "0")
        rule = ("INPUT", "-m", "statistic", "--mode", "nth", "--every", "20", "--packet", "0", "-j", "DROP")
        for host in (self.old, self.new):
            self.iptables(host, "-A", *rule)
        self.migrate()
        for host in (self.old, self.new):
            self.assertGreater(self.dropped(host), 3)

    def test_a_hole_for_large_packets(self):
        sample.fill_tree(self.theirs, files=30)
        self.source = Source(self.old, "--port", "0")
        rule = ("INPUT", "-m", "length", "--length", "1000:65535", "-j", "DROP")
        self.iptables(self.new, "-A", *rule)
        run = Started(self.world, self.source)
        wait_until(lambda: self.dropped(self.new) >= 3, "the source to send in vain")
        self.assertIsNone(run.process.poll(), run.stderr())
        self.iptables(self.new, "-D", *rule)
        status, result = run.end()
        self.require_replica(status, result, run.stderr())


if __name__ == "__main__":
    unittest.main()
