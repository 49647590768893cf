"""The table: figures as `ft : rsync`, with their ratio, for a terminal or as markdown."""

from statistics import median

HEAD = ("work", "n", "wall s", "ratio", "reach, aim", "CPU s, source", "CPU s, destination", "ratio",
        "MB, source", "MB, destination", "wire MB", "ratio", "floor s")


def number(value):
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(ours, stock):
    return f"{ours / stock:.2f}" if stock else "-"


def medians(runs):
    return {name: median(getattr(run, name) for run in runs) for name in vars(runs[0])}


def line(title, goal, ours, stock, floor):
    """`ours`, `stock`: the Figures of every round; `floor`: seconds."""
    a, b = medians(ours), medians(stock)

    def pair(name, unit=1):
        return f"{number(a[name] / unit)} : {number(b[name] / unit)}"

    cpu = [each["cpu_source"] + each["cpu_destination"] for each in (a, b)]
    return (title, str(len(ours)), pair("wall"), ratio(a["wall"], b["wall"]), goal, pair("cpu_source"), pair("cpu_destination"),
            ratio(*cpu), pair("memory_source", 1e6), pair("memory_destination", 1e6), pair("wire", 1e6), ratio(a["wire"], b["wire"]),
            number(floor) if floor is not None else "-")


def markdown(lines):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (HEAD, ("---",) * len(HEAD), *lines))


def plain(lines):
    widths = [max(len(cells[column]) for cells in (HEAD, *lines)) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in (HEAD, *lines))
