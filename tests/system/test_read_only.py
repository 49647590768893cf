"""The live tree is only read until the commit: here it cannot even be written."""

import unittest

from support import sample
from support.hosts import Source, World, contents, differences, listing


class ReadOnlyTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.ours = self.new.path("/srv/data")

    def state(self):
        return listing(self.ours), contents(self.ours)

    def test_everything_up_to_the_commit_works_on_a_tree_that_is_mounted_read_only(self):
        sample.fill_tree(self.old.path("/srv/data"), files=40)
        sample.fill_tree(self.ours, files=40, seed=2)
        marks = self.world.directory / "marks"
        for host in (self.old, self.new):
            host.describe(databases=(), hooks={"before_commit": [["touch", str(marks)]]} if host is self.new else {})
        reserved = self.ours / ".ft-staging"
        reserved.mkdir(mode=0o700)
        before = self.state()
        writable = self.world.directory / "writable"
        writable.mkdir()
        self.world.bind(self.ours, writable)
        self.world.bind(self.ours, self.ours, "ro")
        self.world.bind(writable / ".ft-staging", reserved, "rw")
        source = Source(self.old, "--port", "0")
        run = self.world.migrate(source)
        # All was staged; the first rename of the commit could not be made, and so nothing was changed.
        self.assertTrue(marks.exists(), run.stderr)
        self.assertEqual((run.status, run.result["outcome"]), (6, "rolled_back"), run.stderr)
        self.assertRegex(run.stderr, "Read-only file system|Invalid cross-device link")
        self.assertEqual(self.state(), before)


if __name__ == "__main__":
    unittest.main()
