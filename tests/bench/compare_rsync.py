"""Times ft and stock rsync on the same trees, A B A B, with the floors between them, and prints medians and ratios. Called
by compare-rsync.

What makes figures lie is kept away: the kernel is made to know what a run reads right before each; each first sync goes to
a new file system, where nothing was ever removed; nothing waits to be written when a run begins.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from bench import table, works
from bench.contest import CHANGED, FIRST, SAME, Contest, Row
from bench.disk import Disk
from bench.floors import Floor, floor_of_line
from bench.line import SlowLine
from bench.sides import ATTRIBUTES, FtToFt, FtToStock, StockToFt, StockToStock, granted


ROOM = 7  # times the content: of the source, three destinations, what can be taken back in one, what is new in one


def rows_of(scale):
    def files(count, sizes=works.small_sizes):
        count = max(500, int(count * scale))  # of fewer directories a renamed one would be too much for --max-delete
        return works.Files(f"{count:,} {'small' if sizes is works.small_sizes else 'tiny'} files", count, sizes)

    mixed, big = works.Mixed(int(20_000 * scale), 4e9 * scale), works.Big(4e9 * scale)
    rows = {
        "small": Row(files(200_000), (FIRST, SAME, CHANGED),
                     {FIRST: "0.6, 0.33", SAME: "0.4, 0.2; CPU 0.5", CHANGED: "0.5, 0.25"}, roles=True),
        "mixed": Row(mixed, (FIRST,), {FIRST: "0.6, 0.3"}, roles=True),
        "big": Row(big, (FIRST, CHANGED), {FIRST: "0.6, 0.3", CHANGED: "0.33, 0.12; wire 0.2, 0.08"}, roles=True),
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
        self.attributes = None  # of the transfers alone

    def measure(self, name, row):
        place = self.directory / name
        source = Disk(place / "source", row.work.count, row.work.size)
        try:
            tree = source.path / "srv/data"
            works.make(row.work, tree)
            with row.line as line:
                sides = [FtToFt("ft", place / "ft", tree, line), StockToStock("rsync", place / "rsync", tree, line)]
                if line.bytes_per_s is None:
                    sides.append(Floor(tree, line))
                Contest(name, row, self.rounds, source, sides).run(self.tell_whole)
                if row.roles:
                    self.attributes = self.attributes or granted(self.directory, line)
                    sides = [kind(name, place / name.replace(" > ", "-"), tree, line, attributes=self.attributes, durable=False)
                             for kind, name in ((FtToStock, "ft > rsync"), (StockToStock, "rsync > rsync"), (StockToFt, "rsync > ft"))]
                    Contest(name, row, self.rounds, source, sides).run(self.tell_roles)
        finally:
            source.close()

    def tell_whole(self, row, phase, figures):
        line = row.line
        title = row.title(phase) + (f", {line.rtt_ms} ms, {line.mbit} Mbit/s" if line.bytes_per_s else "")
        floor = floor_of_line(row.work.size, phase, line) if line.bytes_per_s else table.medians(figures["floor"])["wall"]
        self.whole.append(table.line(title, figures["ft"], figures["rsync"], row.goals.get(phase, "none"), table.number(floor)))

    def tell_roles(self, row, phase, figures):
        for lines, name in ((self.serving, "ft > rsync"), (self.pulling, "rsync > ft")):
            lines.append(table.line(row.title(phase), figures[name], figures["rsync > rsync"]))


def main():
    parser = argparse.ArgumentParser(prog="compare-rsync")
    parser.add_argument("--rows", default=",".join(rows_of(1)), help="which, by comma (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1, help="of the number of files, or of the bytes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-roles", action="store_true", help="leave out the transfer alone")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp"), help="where the file systems lie in image files")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    rows = rows_of(options.scale)
    unknown = set(options.rows.split(",")) - set(rows)
    if unknown or options.scale <= 0 or options.rounds < 1:
        parser.error(f"no such row: {', '.join(sorted(unknown))}" if unknown else "scale and rounds are above zero")
    need = ROOM * max(rows[name].work.size for name in options.rows.split(","))
    if shutil.disk_usage(options.work).free < need:
        sys.exit(f"compare-rsync: {options.work} must have {need / 1e9:.0f} GB free (or see --rows, --scale and --work)")
    # Mounts and namespaces are taken down then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare-rsync: ended by a signal"))
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
        stock = f"stock client {' '.join(bench.attributes)}, from a stock daemon"
        for told, lines in ((f"the same client, from ft : {stock}", bench.serving),
                            (f"ft's pull into its staging, from a stock daemon : {stock}", bench.pulling)):
            print(f"\nThe transfer alone, nothing synced; {told}\n\n{show(lines)}")


if __name__ == "__main__":
    main()
