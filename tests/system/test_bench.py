"""The benchmark against stock rsync still runs, on trees of next to nothing: every row has its line, and what was moved is equal
(the benchmark itself compares). No figure is looked at."""

import os
import re
import subprocess
import tempfile
import unittest

from bench.compare_rsync import rows_of
from support.hosts import DEADLINE, PROJECT

PAIRS = 6  # cells of a line with a figure for each side


class BenchTest(unittest.TestCase):
    def compare_rsync(self, names, *options):
        """The cells of all lines that it prints."""
        # In memory: a sync of the disk would wait for whatever else this machine writes.
        with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
            run = subprocess.run(["/usr/bin/python3", "-B", "-m", "bench.compare_rsync", "--rows", ",".join(names), "--scale", "0.001",
                                  "--rounds", "1", "--markdown", "--work", work, *options], cwd=PROJECT / "tests", timeout=DEADLINE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(run.returncode, 0, run.stderr.decode())
            self.assertEqual(os.listdir(work), [])
        lines = [line for line in run.stdout.decode().splitlines() if line.startswith("| ")]
        table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith(("| work", "| ---"))]
        for cells in table:
            self.assertTrue(all(cells), cells)
            self.assertEqual(sum(bool(re.fullmatch(r"[\d.]+ : [\d.]+", cell)) for cell in cells), PAIRS, cells)
        return table

    def phases(self, names):
        return sum(len(rows_of(1)[name].phases) for name in names)

    def test_from_start_to_durable(self):
        names = ("small", "link")
        self.assertEqual(len(self.compare_rsync(names, "--no-roles")), self.phases(names))

    def test_the_transfer_alone(self):
        """In both roles beside the whole."""
        self.assertEqual(len(self.compare_rsync(("big",))), 3 * self.phases(("big",)))


if __name__ == "__main__":
    unittest.main()
