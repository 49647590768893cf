"""Tests of two hosts that have one tree and no database."""

import unittest

from support.hosts import World, differences


class TreeCase(unittest.TestCase):
    """`theirs` is the tree's path at the source, `ours` at the destination; neither is there yet."""

    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        for host in (self.old, self.new):
            host.describe(databases=())
        self.theirs, self.ours = self.old.path("/srv/data"), self.new.path("/srv/data")

    def replicate(self, source, *options, **run_options):
        """One run that must succeed, and make the trees equal."""
        run = self.world.migrate(source, *options, **run_options)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.theirs, self.ours), [])
        return run

    def migrate(self, source, *options):
        """What such a run reports of the tree."""
        return next(tree for tree in self.replicate(source, *options).result["trees"] if tree["name"] == "data")
