"""The table: figures as `ft : rsync`, with their ratio, for a terminal or as markdown."""

from statistics import median

HEAD = ("work", "n", "wall s", "ratio", "CPU s, source", "CPU s, destination", "ratio", "MB, source", "MB, destination",
        "wire MB", "ratio")
BESIDE = ("reach, aim", "floor s")  # of the whole only


def number(value):
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(ours, stock):
    return f"{ours / stock:.2f}" if stock else "-"


def medians(runs):
    return {name: median(getattr(run, name) for run in runs) for name in vars(runs[0])}


def line(title, ours, stock, *beside):
    """`ours`, `stock`: the Figures of every round."""
    a, b = medians(ours), medians(stock)

    def pair(name, unit=1):
        return f"{number(a[name] / unit)} : {number(b[name] / unit)}"

    cpu = [each["cpu_source"] + each["cpu_destination"] for each in (a, b)]
    return (title, str(len(ours)), pair("wall"), ratio(a["wall"], b["wall"]), pair("cpu_source"), pair("cpu_destination"), ratio(*cpu),
            pair("memory_source", 1e6), pair("memory_destination", 1e6), pair("wire", 1e6), ratio(a["wire"], b["wire"]), *beside)


def markdown(lines):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head(lines), ("---",) * len(lines[0]), *lines))


def plain(lines):
    shown = [head(lines), *lines]
    widths = [max(map(len, column)) for column in zip(*shown)]
    return "\n".join("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in shown)


def head(lines):
    return (HEAD + BESIDE)[:len(lines[0])]
