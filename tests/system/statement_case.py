"""Two hosts for the statements of docs/statements.md: a small application with users on the old one."""

import unittest

from support import sample
from support.hosts import Application, Source, World, differences, listing


NAME = "files.example.com"  # as sample.SCHEMA has it


class StatementCase(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def make_systems(self, **more):
        """Both hosts with a database, a tree of uploads, the application; users only at the old one."""
        sample.fill_tree(self.old.path("/srv/data"), files=60)
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.new.make_cluster()
        self.production, self.replica = Application(self.old), Application(self.new)
        self.old.describe(services=[self.production.service()], public_hostname={"sql": "SELECT value FROM settings "
                          "WHERE name = 'public_hostname'"}, **more)
        self.new.describe(services=[self.replica.service()], **more)
        self.production.start()

    def started(self, *arguments, **options):
        return Source(self.old, "--port", "0", *arguments, **options)

    def migrate(self, source, *arguments, **options):
        run = self.world.migrate(source, *arguments, **options)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(run.result["outcome"], "committed")
        return run

    def new_state(self):
        """All of the destination that a run may change: its tree and its databases."""
        tree = self.new.path("/srv/data")
        databases = self.new.cluster.live_databases()
        return (listing(tree) if tree.exists() else None,
                {name: self.new.cluster.dump(name) for name in databases if name != "postgres"})

    def old_state(self):
        tree = self.old.path("/srv/data")
        roles = self.old.cluster.sql("postgres", "SELECT rolname FROM pg_roles ORDER BY 1")
        return listing(tree), self.old.cluster.dump("app"), self.old.cluster.databases(), roles

    def require_replica(self):
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))
