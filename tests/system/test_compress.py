"""Content that travels compressed, as told or because the link is slow."""

import os
import time
import unittest

from support.cutting_line import CuttingLine
from support.hosts import Source
from support.tree_case import TreeCase

LINES, NOISE = 800_000, 2_000_000


class CompressTest(TreeCase):
    def setUp(self):
        super().setUp()
        self.theirs.mkdir(parents=True)
        (self.theirs / "text").write_text("".join(f"line {number * 7919} of a long text\n" for number in range(LINES)))
        (self.theirs / "noise").write_bytes(os.urandom(NOISE))
        self.size = (self.theirs / "text").stat().st_size + NOISE
        self.source = Source(self.old, "--port", "0")

    def run_over(self, source, *options):
        run = self.replicate(source, *options)
        (data,) = run.result["trees"]
        # Nothing comes twice, whatever becomes of a connection.
        self.assertLess(data["bytes_literal"], self.size + 100_000)
        return run.result

    def test_a_slow_link_turns(self):
        with CuttingLine(self.source) as line:
            line.rate = 2_000_000
            result = self.run_over(line)
        self.assertEqual(result["compression"], "zstd")
        self.assertLess(result["bytes_received"], self.size * 0.75)

    def test_the_rate_is_kept(self):
        begin = time.monotonic()
        result = self.run_over(self.source, "--bwlimit", "10M", "--compress", "none")
        # A lower bound: it cannot come sooner, whatever else this machine does.
        self.assertGreater(time.monotonic() - begin, self.size / 10_000_000 * 0.95)
        self.assertEqual(result["compression"], "none")

    def test_as_told(self):
        plain = self.run_over(self.source, "--compress", "none")
        self.assertEqual(plain["compression"], "none")
        self.assertGreater(plain["bytes_received"], self.size)
        for name in ("text", "noise"):
            (self.ours / name).unlink()
        compressed = self.run_over(self.source, "--compress", "zstd")
        self.assertEqual(compressed["compression"], "zstd")
        self.assertLess(compressed["bytes_received"], self.size / 2)


if __name__ == "__main__":
    unittest.main()
