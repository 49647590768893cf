"""Two small trees of all kinds of objects, and what a tree is as a value."""

import hashlib
import os
import stat
from pathlib import Path

KINDS = ("nothing", "file", "directory", "link", "fifo", "socket", "device")
LONG_AGO = 1_600_000_000_000_000_000


def make(path, kind, seed):
    """One object; two seeds make two objects that differ."""
    path = Path(path)
    if kind == "nothing":
        return
    if kind == "file":
        path.write_bytes(f"content {seed}\n".encode() * (1 + seed))
    elif kind == "directory":
        path.mkdir()
        (path / "inside").write_bytes(b"inside %d" % seed)
        os.utime(path / "inside", ns=(0, LONG_AGO + seed))
    elif kind == "link":
        path.symlink_to(f"target {seed}")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK)
    else:
        os.mknod(path, stat.S_IFBLK if seed % 2 else stat.S_IFCHR, os.makedev(7, 100 + seed))
    if kind != "link":
        os.chmod(path, (0o640, 0o751, 0o4755, 0o600)[seed % 4])
    os.chown(path, 1000 + seed, 2000 + seed, follow_symlinks=False)
    if kind not in ("link", "directory"):  # an owner that changes takes the set-user-ID bit away
        os.chmod(path, (0o640, 0o751, 0o4755, 0o600)[seed % 4])
    os.utime(path, ns=(0, LONG_AGO + seed * 1_000_000_007), follow_symlinks=False)


def fill_pair(old, new):
    """Two trees between which every kind is replaced by every other and by its own, appears and vanishes; with deep
    removals, whole new directories, and objects of which only attributes differ."""
    for side, tree in enumerate((old, new)):
        tree = Path(tree)
        tree.mkdir(parents=True, exist_ok=True)
        for before in KINDS:
            for after in KINDS:
                make(tree / f"{before}-{after}", (before, after)[side], 1 + side)
        (tree / "same").mkdir()
        for kind in KINDS:
            make(tree / "same" / kind, kind, 5)
        (tree / "attributes").mkdir()
        for kind in ("file", "directory", "fifo"):
            path = tree / "attributes" / kind
            make(path, kind, 6)
            os.chown(path, 5000 + side, 6000)
            os.chmod(path, 0o700 + side)
            os.utime(path, ns=(0, LONG_AGO))
        for kind in KINDS:
            make(tree / "attributes" / f"{('gone', 'new')[side]} {kind}", kind, side)
        fill_links(tree / "links", side, ("file",))  # each object costs a run at each of its steps
        deep = tree / ("gone" if side == 0 else "new")
        for level in range(4):
            (deep / "/".join(["level"] * level)).mkdir(parents=True, exist_ok=True)
            for kind in KINDS:
                make(deep / "/".join(["level"] * level) / kind, kind, level)
        for folder, _, _ in os.walk(tree, topdown=False):
            if not folder.endswith("directory"):
                os.utime(folder, ns=(0, LONG_AGO + 11 + side * 1_000_000_007))


LINKED = ("file", "link", "fifo", "socket", "device")


def fill_links(tree, side, linked=LINKED):
    """Groups of hard links that grow, shrink, part and join, with the same objects; one that changes in place, and one of
    which the content changes."""
    (tree / "deep").mkdir(parents=True)
    groups = (("a", "deep/b"), ("c", "d"), ("e",), ("f",), ("g", "deep/h"), ("i", "j")), \
             (("a",), ("deep/b", "c", "d"), ("e", "deep/f"), ("deep/g", "deep/h"), ("i", "deep/j"))
    for kind in linked:
        for first, *others in (*groups[side], ("in place", "deep/in place"), ("new content", "deep/new content")):
            name = lambda path: tree / path.replace(os.path.basename(path), f"{kind} {os.path.basename(path)}")
            make(name(first), kind, 1 + side if first == "new content" else 5)
            if first == "in place":
                os.chown(name(first), 3000 + side, 3000, follow_symlinks=False)
            for other in others:
                os.link(name(first), name(other), follow_symlinks=False)


def extended(path):
    """ACLs and extended attributes; XFS lists ACLs once more as what it keeps them in."""
    names = [name for name in sorted(os.listxattr(path, follow_symlinks=False)) if not name.startswith("trusted.SGI_ACL_")]
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)


def snapshot(tree):
    """Everything that a replica must have, by lstat and SHA-256: path -> facts. Staging is not of the tree."""
    tree, facts, names = os.fsencode(tree), {}, {}
    for folder, folders, files in os.walk(tree):
        if folder == tree and b".ft-staging" in folders:
            folders.remove(b".ft-staging")
        for name in [b".", *folders, *files] if folder == tree else [*folders, *files]:
            path = os.path.join(folder, name)
            is_link = os.path.islink(path)
            status = os.lstat(path)
            facts[os.path.relpath(path, tree)] = (
                oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns,
                status.st_rdev if stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode) else 0,
                os.readlink(path) if is_link else b"",
                hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else "",
                extended(path))
            if not stat.S_ISDIR(status.st_mode):
                names.setdefault((status.st_dev, status.st_ino), []).append(os.path.relpath(path, tree))
    for group in names.values():
        for path in group:
            facts[path] += (min(group),)
    return facts


def difference(a, b):
    """What differs between two snapshots, in words."""
    return [f"{path!r}: {a.get(path)} is {b.get(path)}" for path in sorted(a.keys() | b.keys()) if a.get(path) != b.get(path)]
