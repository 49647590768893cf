"""A fresh ext4 in an image file for each tree. It is gone by one unmount: hundreds of thousands of files need not be removed one by one,
behind which ext4 would search long for free inodes in the next timed run; and what others write to this machine's disk is
not waited for by a sync here."""

import subprocess

LEAST = 16 << 30  # sparse; ext4 gives a small file system a small journal


class Disk:
    """Mounted at `path` with room for `content` bytes in `files` files, several times. To be closed."""

    def __init__(self, path, files, content):
        self.path, self.file = path, path.with_suffix(".ext4")
        path.mkdir(parents=True)
        with open(self.file, "wb") as file:
            file.truncate(max(LEAST, 5 * (content + 4096 * files)))
        subprocess.run(["mkfs.ext4", "-q", "-N", str(4 * files + 1_000_000), "-E", "lazy_itable_init=1,lazy_journal_init=1", self.file],
                       check=True)
        # Past this machine's page cache: each page would be there twice.
        loop = subprocess.run(["losetup", "--find", "--show", "--direct-io=on", self.file], check=True,
                              stdout=subprocess.PIPE).stdout.decode().strip()
        try:  # the kernel shall not fill its inode tables while a clock runs
            subprocess.run(["mount", "-t", "ext4", "-o", "noinit_itable", loop, path], check=True)
        finally:
            subprocess.run(["losetup", "--detach", loop], check=True)  # with the unmount

    def settle(self):
        """Nothing waits to be written, and what was freed takes no room."""
        subprocess.run(["sync", "-f", self.path], check=True)
        subprocess.run(["fstrim", self.path], check=True)

    def close(self):
        subprocess.run(["umount", self.path], check=True)
        self.path.rmdir()
        self.file.unlink()
