"""A row of the table: what is moved, in which phases, and the sides that take turns at it."""

import subprocess
import sys
from dataclasses import dataclass, field

from bench.disk import Disk
from bench.floors import Floor, warm
from bench.line import Loopback
from bench.sides import ATTRIBUTES, StockToFt

FIRST, SAME, CHANGED = "first", "same", "changed"
TOLD = {FIRST: "first sync", SAME: "nothing changed", CHANGED: "changes"}
ONCE_ABOVE = 300_000  # files: a first sync is timed once


@dataclass
class Row:
    work: object
    phases: tuple
    goals: dict = field(default_factory=dict)  # phase: "reach, aim" of wall time, and of what else counts
    line: object = field(default_factory=Loopback)
    roles: bool = False  # also each role of ft with the stock other

    def title(self, phase):
        return f"{self.work.title}, {TOLD[phase]}"


class Contest:
    """Sides that take turns at one source, each with a destination of its own."""

    turns = 0  # no change is made twice

    def __init__(self, name, row, rounds, source, sides):
        self.name, self.row, self.rounds, self.source, self.sides = name, row, rounds, source, sides
        self.tree = source.path / "srv/data"
        self.targets = {}

    def run(self, tell):
        """Calls tell(row, phase, {name of a side: its figures}) after each phase."""
        phases = self.row.phases
        try:
            for phase in phases if FIRST in phases else (FIRST, *phases):
                figures = self.measure(phase)
                self.require_equal()
                if phase in phases:
                    tell(self.row, phase, figures)
        finally:
            for target in self.targets.values():
                target.close()

    def measure(self, phase):
        once = phase == FIRST and (self.row.work.count > ONCE_ABOVE or FIRST not in self.row.phases)
        rounds = 1 if once else self.rounds
        figures = {side.name: [] for side in self.sides}
        for turn in range(1, rounds + 1):
            if phase == CHANGED:
                Contest.turns += 1
                self.row.work.change(self.tree, Contest.turns)
            for side in self.sides:
                if phase == FIRST:
                    self.new_target(side)
                run = self.timed(side, phase, self.targets[side.name])
                figures[side.name].append(run)
                if isinstance(side, StockToFt) and (phase != FIRST or turn == rounds):
                    side.follow(self.targets[side.name].path)
                print(f"{self.name} {phase} {turn}/{rounds} {side.name}: {run.wall:.2f} s", file=sys.stderr, flush=True)
        return figures

    def timed(self, side, phase, target):
        for disk in (self.source, target):
            disk.settle()
        warm(self.tree, content=phase != SAME)
        warm(target.path / "srv/data", content=phase == CHANGED)
        run = side.measure(phase, target.path) if isinstance(side, Floor) else side.measure(target.path)
        target.settle()
        return run

    def new_target(self, side):
        if side.name in self.targets:
            self.targets.pop(side.name).close()
        disk = Disk(self.source.path.parent / f"to-{side.name}".replace(" > ", "-"), self.row.work.count, self.row.work.size)
        self.targets[side.name] = disk
        (disk.path / "srv/data").mkdir(parents=True)

    def require_equal(self):
        """A figure of what did not do its work is none."""
        for side in self.sides:
            if not isinstance(side, Floor):
                told = subprocess.run(["rsync", *ATTRIBUTES, "-n", "-i", "--exclude=/.ft-staging", f"{self.tree}/",
                                       f"{self.targets[side.name].path}/srv/data/"], check=True, stdout=subprocess.PIPE).stdout
                if told:
                    raise SystemExit(f"compare-rsync: {side.name} left a difference:\n{told[:2000].decode(errors='replace')}")
