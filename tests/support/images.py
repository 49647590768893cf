"""File systems in image files, mounted by loop: what a test does to them is done by the kernel's own ext4, XFS and btrfs.

The images lie in memory (a tmpfs), so that a sync costs little. A copy of an image under its mounted file system is the
disk after a power cut: what the kernel had not yet written is not in it.
"""

import subprocess
from pathlib import Path

# The least that each mkfs takes without being talked into less.
MAKE = {
    "ext4": ("96M", ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"]),
    "xfs": ("320M", ["mkfs.xfs", "-q", "-K"]),
    "btrfs": ("160M", ["mkfs.btrfs", "-q", "-K"]),
}
KINDS = tuple(MAKE)


class Image:
    """One image file and, while it is mounted, its mount point."""

    def __init__(self, world, file, kind):
        self.world, self.file, self.kind, self.mounted = world, Path(file), kind, None
        self.after = self.file.with_suffix(".after")  # what is left of it by a power cut

    @classmethod
    def make(cls, world, name, kind, size=None, options=()):
        image = cls(world, images_of(world) / name, kind)
        least, argv = MAKE[kind]
        with open(image.file, "wb") as file:
            file.truncate(_bytes(size or least))
        subprocess.run([*argv, *options, image.file], check=True, stdout=subprocess.DEVNULL)
        return image

    def mount(self, path, *options):
        """The file system's own log is written late: only a sync of ours may bring something onto the disk."""
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        late = {"ext4": ["commit=300"], "btrfs": ["commit=300"], "xfs": []}[self.kind]
        subprocess.run(["mount", "-t", self.kind, "-o", ",".join(["loop", *late, *options]), self.file, path], check=True)
        self.world.mounts.append(path)
        self.mounted = path
        return path

    def unmount(self):
        subprocess.run(["umount", self.mounted], check=True)
        self.world.mounts.remove(self.mounted)
        self.mounted = None

    def sync(self):
        subprocess.run(["sync", "-f", self.mounted], check=True)



def cut_power(images):
    """All power goes in one moment and comes again. Who used the file systems must have ended; an image that is mounted
    below another one comes after it."""
    for image in images:
        subprocess.run(["cp", "--sparse=always", image.file, image.after], check=True)
    paths = [image.mounted for image in images]
    for image in reversed(images):
        image.unmount()  # which writes the rest to what is thrown away
    for image, path in zip(images, paths):
        image.after.replace(image.file)
        image.mount(path)


def images_of(world):
    """Where the images of a world lie."""
    path = world.directory / "images"
    if not path.exists():
        path.mkdir()
        # Who enters a network namespace gets a copy of all that is mounted. What is unmounted here goes there too then.
        subprocess.run(["mount", "--bind", world.directory, world.directory], check=True)
        world.mounts.append(world.directory)
        subprocess.run(["mount", "--make-shared", world.directory], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3G,mode=700", "tmpfs", path], check=True)
        world.mounts.append(path)
    return path


def _bytes(size):
    return int(size[:-1]) << {"K": 10, "M": 20, "G": 30}[size[-1]]
