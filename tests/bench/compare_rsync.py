"""Times ft and stock rsync on the same trees, A B A B, with the floors between them, and prints medians and ratios. Called
by compare-rsync.

What makes figures lie is kept away: the kernel is made to know what a run reads right before each; each first sync goes to
a new directory; nothing is removed before the end, since ext4 searches long for a free inode behind many removals, but
files of much content are emptied; nothing waits to be written when a run begins.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bench import table, works
from bench.floors import Floor, floor_of_line, warm
from bench.line import Loopback, SlowLine
from bench.sides import ATTRIBUTES, FtToFt, FtToStock, StockToFt, StockToStock, granted

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
    bulky: bool = False


def rows_of(scale):
    def files(count, sizes=works.small_sizes):
        count = max(200, int(count * scale))
        return works.Files(f"{count:,} {'small' if sizes is works.small_sizes else 'tiny'} files", count, sizes)

    mixed, big = works.Mixed(int(20_000 * scale), 4e9 * scale), works.Big(4e9 * scale)
    rows = {
        "small": Row(files(200_000), (FIRST, SAME, CHANGED),
                     {FIRST: "0.6, 0.33", SAME: "0.4, 0.2; CPU 0.5", CHANGED: "0.5, 0.25"}, roles=True),
        "mixed": Row(mixed, (FIRST,), {FIRST: "0.6, 0.3"}, roles=True, bulky=True),
        "big": Row(big, (FIRST, CHANGED), {FIRST: "0.6, 0.3", CHANGED: "0.33, 0.12; wire 0.2, 0.08"}, roles=True, bulky=True),
        "empty": Row(works.Empty(), (SAME,), {SAME: "0.5, 0.2"}),
        "link": Row(files(20_000), (FIRST, SAME), {FIRST: "1, 1", SAME: "0.35, 0.1"}, line=SlowLine(20, 200)),
    }
    for name, count in (("10^4", 10_000), ("10^5", 100_000), ("10^6", 1_000_000)):
        rows[name] = Row(files(count, works.tiny_sizes), (FIRST, SAME))
    rows["10^6"].goals[SAME] = "memory of both 300 MB, 200 MB"
    return rows


class Bench:
    def __init__(self, directory, rounds):
        self.directory, self.rounds = directory, rounds
        self.whole, self.serving, self.pulling = [], [], []  # lines of the three tables
        self.granted = None

    def measure(self, name, row):
        place = self.directory / name
        tree = place / "source/srv/data"
        works.make(row.work, tree)
        with row.line as line:
            sides = [FtToFt("ft", place / "ft", tree, line), StockToStock("rsync", place / "rsync", tree, line)]
            floor = Floor(tree, line)
            if line.bytes_per_s is None:
                sides.append(floor)
            if row.roles:
                self.granted = self.granted or granted(self.directory, line)
                sides += [kind(name, place / name.replace(" > ", "-"), tree, line, attributes=self.granted, durable=False)
                          for kind, name in ((FtToStock, "ft > rsync"), (StockToStock, "rsync > rsync"), (StockToFt, "rsync > ft"))]
            self.work_bytes = works.bytes_of(tree)
            self.targets = {}
            for phase in (row.phases if FIRST in row.phases else (FIRST, *row.phases)):
                figures = self.phase(name, row, phase, sides, place, tree)
                self.require_equal(tree, sides)
                if phase in row.phases:
                    self.tell(row, phase, figures, line)
        if row.bulky:
            self.empty(place)

    def phase(self, name, row, phase, sides, place, tree):
        once = phase == FIRST and (row.work.count > ONCE_ABOVE or FIRST not in row.phases)
        rounds = 1 if once else self.rounds
        figures = {side.name: [] for side in sides}
        for turn in range(rounds):
            if phase == CHANGED:
                row.work.change(tree, turn)
            for side in sides:
                if phase == FIRST:
                    self.new_target(row, side, place, turn)
                target = self.targets[side.name]
                subprocess.run(["sync", "-f", str(self.directory)], check=True)
                warm(tree, content=phase != SAME)
                warm(target / "srv/data", content=phase == CHANGED)
                run = side.measure(phase, target) if side.name == "floor" else side.measure(target)
                figures[side.name].append(run)
                if side.name == "rsync > ft" and (phase != FIRST or turn + 1 == rounds):
                    side.follow(target)
                print(f"{name} {phase} {turn + 1}/{rounds} {side.name}: {run.wall:.2f} s", file=sys.stderr, flush=True)
        return figures

    def new_target(self, row, side, place, turn):
        if row.bulky and side.name in self.targets:
            self.empty(self.targets[side.name])
        self.targets[side.name] = place / f"to-{side.name}-{turn}".replace(" > ", "-")
        (self.targets[side.name] / "srv/data").mkdir(parents=True)

    @staticmethod
    def empty(directory):
        for path in works.files_of(directory):
            os.truncate(path, 0)

    def require_equal(self, tree, sides):
        """A figure of what did not do its work is none."""
        for side in sides:
            if side.name != "floor":
                told = subprocess.run(["rsync", *ATTRIBUTES, "-n", "-i", "--exclude=/.ft-staging", f"{tree}/",
                                       f"{self.targets[side.name]}/srv/data/"], check=True, stdout=subprocess.PIPE).stdout
                if told:
                    raise SystemExit(f"compare-rsync: {side.name} left a difference:\n{told[:2000].decode(errors='replace')}")

    def tell(self, row, phase, figures, line):
        title = f"{row.work.title}, {TOLD[phase]}" + (f", {line.rtt_ms} ms, {line.mbit} Mbit/s" if line.bytes_per_s else "")
        if line.bytes_per_s:
            floor = floor_of_line(self.work_bytes, phase, line)
        else:
            floor = table.medians(figures["floor"])["wall"]
        self.whole.append(table.line(title, row.goals.get(phase, "-"), figures["ft"], figures["rsync"], floor))
        if row.roles:
            for lines, name in ((self.serving, "ft > rsync"), (self.pulling, "rsync > ft")):
                lines.append(table.line(title, "-", figures[name], figures["rsync > rsync"], None))


def main():
    parser = argparse.ArgumentParser(prog="compare-rsync")
    parser.add_argument("--rows", default=",".join(rows_of(1)), help="which, by comma (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1, help="of the number of files, or of the bytes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-roles", action="store_true", help="leave out the transfer alone")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp"), help="on the file system that is to be measured")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    rows = rows_of(options.scale)
    unknown = set(options.rows.split(",")) - set(rows)
    if unknown or options.scale <= 0 or options.rounds < 1:
        parser.error(f"no such row: {', '.join(sorted(unknown))}" if unknown else "scale and rounds are above zero")
    bench = Bench(Path(tempfile.mkdtemp(prefix="ft-bench-", dir=options.work)), options.rounds)
    try:
        for name in options.rows.split(","):
            rows[name].roles &= not options.no_roles
            bench.measure(name, rows[name])
    finally:
        shutil.rmtree(bench.directory)
    show = table.markdown if options.markdown else table.plain
    print(f"ft to ft : stock rsync {' '.join(ATTRIBUTES)}, from start to durable\n")
    print(show(bench.whole))
    if bench.serving:
        stock = f"stock client {' '.join(bench.granted)}, from a stock daemon"
        for told, lines in ((f"the same client, from ft : {stock}", bench.serving),
                            (f"ft's pull into its staging, from a stock daemon : {stock}", bench.pulling)):
            print(f"\nThe transfer alone, nothing synced; {told}\n\n{show(lines)}")


if __name__ == "__main__":
    main()
