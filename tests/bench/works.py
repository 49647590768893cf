"""The trees that are moved, and what changes in them. Each has a title, the count of its files and, roughly, the bytes of
their content. The same arguments give the same names, bytes, owners and times."""

import math
import os
import random
from pathlib import Path

LONG_AGO = 1_600_000_000


def put(path, content, rng):
    """Another content always comes with another time."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "wb") as file:
        file.write(content)
        owner = rng.choice((0, 33, 1000))
        os.fchown(fd, owner, owner)
        os.fchmod(fd, rng.choice((0o600, 0o640, 0o644)))
    time_ns = (LONG_AGO + rng.randrange(100_000_000)) * 10**9 + rng.randrange(10**9)
    os.utime(path, ns=(time_ns, time_ns))


def files_of(tree):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(tree) for name in names
                  if not os.path.islink(os.path.join(at, name)))


class Files:
    """`count` files, a hundred in each of the directories of two levels; `sizes(rng)` gives the bytes of one."""

    def __init__(self, title, count, sizes):
        self.title, self.count, self.sizes = title, count, sizes
        rng = random.Random(0)
        self.size = self.count * sum(sizes(rng) for _ in range(1000)) // 1000

    def make(self, tree):
        rng = random.Random(1)
        for number in range(self.count):
            folder = tree / f"{number // 5000:03}" / f"{number // 100 % 50:02}"
            if number % 100 == 0:
                folder.mkdir(parents=True, exist_ok=True)
            put(folder / f"file-{number:07}", self.content(rng), rng)
            if number % 500 == 7:
                (folder / f"link-{number}").symlink_to(f"file-{number:07}")
            if number % 1000 == 8:
                os.link(folder / f"file-{number:07}", folder / f"name-{number}")

    def content(self, rng):
        return rng.randbytes(self.sizes(rng))

    def change(self, tree, turn):
        """1 % of the files changed, 0.5 % added, 0.5 % removed, 0.5 % of the directories with another name."""
        rng = random.Random(100 + turn)
        files = files_of(tree)
        picked = rng.sample(files, len(files) // 50)
        changed, removed, beside = (picked[:len(files) // 100], picked[len(files) // 100:len(files) * 3 // 200],
                                    picked[len(files) * 3 // 200:])
        for path in changed:
            put(path, self.content(rng), rng)
        for path in removed:
            os.unlink(path)
        for number, path in enumerate(beside):
            put(os.path.join(os.path.dirname(path), f"new-{turn}-{number}"), self.content(rng), rng)
        folders = sorted({os.path.dirname(path) for path in files})
        for folder in rng.sample(folders, math.ceil(len(folders) / 200)):
            os.rename(folder, f"{folder}-{turn}")


def small_sizes(rng):
    return rng.randrange(500, 8192)


def tiny_sizes(rng):
    return rng.randrange(1, 64)


class Mixed:
    """Files of all sizes: log-normal, 1 KB to 200 MB; each tenth is text."""

    def __init__(self, count, total):
        self.count, self.size = max(count, 50), int(total)
        self.title = f"{total / 1e9:.3g} GB in {self.count:,} files"

    def make(self, tree):
        rng = random.Random(2)
        sizes = [rng.lognormvariate(10, 2.1) for _ in range(self.count)]
        for _ in range(4):  # clipping takes from the sum
            factor = self.size / sum(sizes)
            sizes = [min(max(size * factor, 1000), 200e6) for size in sizes]
        words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randrange(2, 9))) for _ in range(4000)]
        for number, size in enumerate(map(int, sizes)):
            folder = tree / f"{number // 1000:02}" / f"{number // 50 % 20:02}"
            if number % 50 == 0:
                folder.mkdir(parents=True, exist_ok=True)
            if number % 10:
                content = rng.randbytes(size)
            else:
                page = b" ".join(rng.choices(words, k=min(size // 4 + 1, 20_000)))
                content = (page * (size // len(page) + 1))[:size]
            put(folder / f"file-{number:06}", content, rng)


class Big:
    """One file; its changes are 1 % of its 4-KiB pages, and 4 KB that are inserted near its front."""

    PAGE, INSERTED = 4096, 4000

    def __init__(self, size):
        self.size, self.count = max(int(size), 1 << 20) // self.PAGE * self.PAGE, 1
        self.title = f"one file of {self.size / 1e9:.3g} GB"

    def make(self, tree):
        rng = random.Random(3)
        with open(tree / "big", "wb") as file:
            for begin in range(0, self.size, 1 << 20):
                file.write(rng.randbytes(min(1 << 20, self.size - begin)))

    def change(self, tree, turn):
        rng = random.Random(200 + turn)
        path, step = tree / "big", 1 << 22
        with open(path, "r+b") as file:
            pages = os.fstat(file.fileno()).st_size // self.PAGE
            for page in rng.sample(range(pages), pages // 100):
                file.seek(page * self.PAGE)
                file.write(rng.randbytes(self.PAGE))
            # What comes behind the place moves on, from the end, in the same file: there need be no room for a second one.
            place, end = 12_345, os.fstat(file.fileno()).st_size
            while end > place:
                begin = max(place, end - step)
                file.seek(begin)
                moved = file.read(end - begin)
                file.seek(begin + self.INSERTED)
                file.write(moved)
                end = begin
            file.seek(place)
            file.write(rng.randbytes(self.INSERTED))
        os.utime(path, (LONG_AGO + turn, LONG_AGO + turn))


class Empty:
    title, count, size = "an empty directory", 0, 0

    def make(self, tree):
        pass


def make(work, tree: Path):
    tree.mkdir(parents=True)
    work.make(tree)
    for at, _, _ in os.walk(tree, topdown=False):
        os.utime(at, (LONG_AGO, LONG_AGO))
