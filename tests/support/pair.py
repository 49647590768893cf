"""A destination that goes to and fro between two states, with a fault in each run: thousands of runs in a minute.

The source has two trees and shows one of them; the destination is a replica of one of them. What a run was to do is done
or not: the destination is one of the two, exactly, and which one is asked for after each.
"""

import subprocess
import threading

from support import kinds
from support.hosts import FT, FT_FAULTS, Source

INSIDE_COMMIT = '"COMMIT"'  # written when the commit is decided


class Pair:
    """`fill(old, new)` makes the two trees; the destination begins as a replica of the first one, on what `mount` mounts."""

    def __init__(self, world, fill=kinds.fill_pair, mount=None, **described):
        self.world, self.old, self.new = world, world.old, world.new
        self.tree = self.new.path("/srv/data")
        self.shown, self.hidden = self.old.path("/srv/data"), self.old.path("/srv/other")
        fill(self.shown, self.hidden)
        self.states = [kinds.snapshot(self.shown), kinds.snapshot(self.hidden)]
        for host in (self.old, self.new):
            host.describe(**{"databases": (), **described})
        self.source = Source(self.old, "--port", "0")
        # A pipe that nobody reads is full after some hundred runs.
        threading.Thread(target=self.source.process.stdout.read, daemon=True).start()
        # Now: what is mounted when a program enters a network namespace stays mounted until it ends.
        if mount:
            mount()
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", self.shown, self.tree], check=True)
        self.at_source = self.here = 0

    def turn(self):
        """The source shows what the destination is not."""
        if self.at_source == self.here:
            between = self.shown.with_name("between")
            self.shown.rename(between)
            self.hidden.rename(self.shown)
            between.rename(self.hidden)
            self.at_source = 1 - self.at_source
        return self

    def run(self, fault=None, after=INSIDE_COMMIT, env=None, arguments=(), port=None):
        """One run, with a fault as FT_FAULT has it; `steps` of the result: how many there were from `after` on."""
        steps = self.world.directory / "steps"
        steps.unlink(missing_ok=True)
        env = {"FT_FAULT_AFTER_TEXT": after, "FT_FAULT_COUNT_FILE": str(steps), **({"FT_FAULT": fault} if fault else {}), **(env or {})}
        run = self.world.migrate(self.source, *arguments, program=FT_FAULTS, env=env, port=port)
        run.steps = int(steps.read_text()) if steps.exists() else None  # it was killed
        return run

    def count(self, after=INSIDE_COMMIT):
        """How many steps a run has; it makes the run."""
        run = self.turn().run(after=after)
        assert run.status == 0, run.stderr
        self.settle()
        return run.steps

    def recover(self, fault=None):
        """`ft recover`, to the end that `fault` leaves it."""
        return self.here_command("recover", fault)

    def undo(self, fault=None, after=""):
        return self.here_command("undo", fault, after, "--yes")

    def here_command(self, command, fault=None, after="", *arguments):
        steps = self.world.directory / "steps"
        steps.unlink(missing_ok=True)
        env = {"FT_FAULT_AFTER_TEXT": after, "FT_FAULT_COUNT_FILE": str(steps), **({"FT_FAULT": fault} if fault else {})}
        run = self.new.here(command, *arguments, program=FT_FAULTS, env=env)
        run.steps = int(steps.read_text()) if steps.exists() else None
        return run

    def settle(self):
        """Finds out which of the two states is here: 0 or 1."""
        now = kinds.snapshot(self.tree)
        if now not in self.states:
            nearest = min((kinds.difference(state, now) for state in self.states), key=len)
            raise AssertionError("neither old nor new; the nearest differs:\n" + "\n".join(nearest))
        self.here = self.states.index(now)
        return self.here
