"""Runs that compare all content, whatever sizes and times say."""

import os
import unittest

from support.hosts import Source, differences
from support.tree_case import TreeCase


def damage(path, at):
    """One byte becomes another, and nothing else tells."""
    before = path.stat()
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class VerifyTest(TreeCase):
    def setUp(self):
        super().setUp()
        self.theirs.mkdir(parents=True)
        (self.theirs / "big").write_bytes(os.urandom(3_000_000))
        for number in range(20):
            (self.theirs / f"file {number}").write_bytes(os.urandom(1000))
        os.link(self.theirs / "file 1", self.theirs / "link")
        self.source = Source(self.old, "--port", "0")
        self.run_with()

    def run_with(self, *options):
        run = self.world.migrate(self.source, *options)
        self.assertEqual(run.status, 0, run.stderr)
        (data,) = run.result["trees"]
        return data, run

    def test_damage_is_found_and_mended_by_its_blocks(self):
        damage(self.ours / "big", 2_000_000)
        damage(self.ours / "file 7", 5)
        data, _ = self.run_with()  # not seen
        self.assertEqual((data["files_verified"], data["bytes_literal"]), (0, 0))
        self.assertNotEqual(differences(self.theirs, self.ours), [])
        data, run = self.run_with("--verify=full")
        self.assertEqual((data["files_verified"], data["files_differing"]), (22, 2))
        self.assertLess(data["bytes_literal"], 20_000)
        self.assertIn("22 files compared by checksum; 2 had another content under the same size and time",
                      run.stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])
        data, _ = self.run_with("--verify", "full")
        self.assertEqual((data["files_differing"], data["bytes_literal"], data["files_changed"]), (0, 0, 0))

    def test_a_time_alone_costs_no_content(self):
        for path in self.ours.iterdir():
            os.utime(path, (1, 1))
        data, _ = self.run_with("--verify=full")
        self.assertEqual((data["bytes_literal"], data["files_changed"]), (0, 0))
        self.assertEqual(differences(self.theirs, self.ours), [])

    def test_a_final_run_verifies_too(self):
        self.source.stop()
        damage(self.ours / "file 3", 17)
        self.source = Source(self.old, "--port", "0", "--keep-traffic", "--allow-final")
        data, _ = self.run_with("--verify=full", "--final")
        self.assertGreaterEqual(data["files_differing"], 1)
        self.assertEqual(differences(self.theirs, self.ours), [])


if __name__ == "__main__":
    unittest.main()
