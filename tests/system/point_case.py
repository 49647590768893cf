"""What tests of faults at each step share.

Steps are those of tests/support/faults.h: each operation that changes a file system, or makes a change durable.
"""

import signal
import unittest
from contextlib import contextmanager

from support.hosts import World
from support.images import Image
from support.pair import Pair

counted = {}  # how many points each test has tried


class PointCase(unittest.TestCase):
    def setUp(self):
        self.tried = 0

    def tearDown(self):
        counted[self.id()] = self.tried

    @contextmanager
    def pair_on(self, kind):
        """The whole new server lies on one file system of this kind."""
        with World() as world:
            yield Pair(world, mount=lambda: Image.make(world, kind, kind).mount(world.new.root))

    def require_killed(self, run, where):
        self.assertEqual(run.status, -signal.SIGKILL, f"{where}: {run.stderr}")

    def recover(self, pair, where):
        """What an admin does; the state that is then here."""
        run = pair.recover()
        self.assertEqual(run.status, 0, f"{where}: {run.stderr}")
        self.assertFalse(pair.new.path("/var/lib/ft/journal").exists(), where)
        self.tried += 1
        return pair.settle()


def small(old, new):
    """What a swap needs beside it: a few objects of which one is replaced, one goes and one comes."""
    for side, tree in enumerate((old, new)):
        tree.mkdir(parents=True)
        (tree / "replaced").write_text(f"side {side}")
        (tree / ("comes" if side else "goes")).mkdir()


class SwapCase(PointCase):
    """Trees on a file system of their own, and a database: both are old or both are new."""

    def setUp(self):
        super().setUp()
        self.world = self.enterContext(World())
        for host in (self.world.old, self.world.new):
            host.make_cluster().sql("postgres", "CREATE DATABASE app")
            host.cluster.sql("app", f"CREATE TABLE side (number int); INSERT INTO side VALUES ({int(host.name == 'old')})")
        Image.make(self.world, "trees", "ext4").mount(self.world.new.path("/srv"))
        self.pair = Pair(self.world, small, databases=("app",))

    def turn(self):
        self.pair.turn()
        self.world.old.cluster.sql("app", f"UPDATE side SET number = {1 - self.pair.here}")
        return self.pair

    def require_database(self, state, where):
        self.assertEqual(self.world.new.cluster.sql("app", "SELECT number FROM side"), str(state), where)
        self.assertNotIn("app_ft_incoming", self.world.new.cluster.databases(), where)
