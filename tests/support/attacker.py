"""A user of the destination who owns the migrated tree, and works against root as fast as he can: run as a program.

attacker.py TREE ATTIC OUTSIDE: until stdin ends, exchanges directories and files of TREE with the symbolic links to
OUTSIDE that lie under the same names in ATTIC, exchanges staging with a directory of his own, and tries to enter it. In
the end everything is where it was. Prints what he did and what he got, as JSON.
"""

import ctypes
import json
import os
import random
import select
import sys

EXCHANGE, HERE = 2, -100  # as <linux/fs.h> and <fcntl.h> have them
STAGING = ".ft-staging"
libc = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    return libc.renameat2(HERE, os.fsencode(a), HERE, os.fsencode(b), EXCHANGE) == 0


class Attacker:
    def __init__(self, tree, attic, names):
        self.tree, self.attic, self.names = tree, attic, names
        self.own = f"{attic}/{STAGING}"
        self.flips = self.staging_flips = 0
        self.entered, self.given = [], []
        self.rng = random.Random(7)

    def flip(self, name):
        if not exchange(f"{self.tree}/{name}", f"{self.attic}/{name}"):
            return False
        self.flips += 1
        # Long enough for somebody else to be in the middle of something, short enough for a thousand times.
        for _ in range(self.rng.randrange(200)):
            pass
        exchange(f"{self.tree}/{name}", f"{self.attic}/{name}")
        return True

    def enter(self, path):
        """Root's staging must not even tell its names."""
        for attempt in (os.listdir, os.chdir, lambda p: os.open(p, os.O_RDONLY), lambda p: os.stat(p + "/0"), lambda p: os.stat(p + "/1")):
            try:
                attempt(path)
            except (PermissionError, FileNotFoundError, NotADirectoryError):
                continue
            if os.stat(path).st_uid == 0:
                self.entered.append(str(attempt))

    def attack_staging(self):
        self.enter(f"{self.tree}/{STAGING}")
        if exchange(f"{self.tree}/{STAGING}", self.own):
            self.staging_flips += 1
            for _ in range(self.rng.randrange(2000)):
                pass
            self.given += os.listdir(f"{self.tree}/{STAGING}")
            exchange(f"{self.tree}/{STAGING}", self.own)

    def appear(self, name):
        """Something new where somebody else may be at work."""
        path = f"{self.tree}/{name}/appeared"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
            os.unlink(path)
        except OSError:
            pass

    def until_stdin_ends(self):
        while not select.select([0], [], [], 0)[0]:
            for name in self.rng.sample(self.names, len(self.names)):
                self.flip(name)
                self.appear(name)
            self.attack_staging()

    def told(self):
        return {"flips": self.flips, "staging_flips": self.staging_flips, "entered": self.entered, "given": self.given}


if __name__ == "__main__":
    tree, attic, outside = sys.argv[1:]
    os.mkdir(f"{attic}/{STAGING}", 0o777)
    names = sorted(os.listdir(tree))  # OUTSIDE is watched
    for name in names:
        os.symlink(f"{outside}/{name}", f"{attic}/{name}")
    attacker = Attacker(tree, attic, names)
    print("ready", flush=True)
    attacker.until_stdin_ends()
    print(json.dumps(attacker.told()))
