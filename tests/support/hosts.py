"""Two servers on this machine, for end-to-end tests and the demo.

A World makes two network namespaces joined by a veth pair. Each Host has its own root directory (ft --root), its own
PostgreSQL cluster (socket below its root) and its own system.json. Leaving the World ends what it started, by process
id, and removes what it made.
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
POSTGRES_BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
DEADLINE = 300  # seconds after which a test calls a program stuck


def built(name):
    """The program of this build: FT_BUILD_DIR is set by CTest and the demo."""
    return str(Path(os.environ["FT_BUILD_DIR"]) / name)


FT = "src/ft"
FT_FAULTS = "tests/ft-faults"


def as_postgres(argv, **options):
    return subprocess.run(
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "env", "-i", f"PATH={POSTGRES_BIN}:/usr/bin:/bin",
         "LC_ALL=C.UTF-8", *map(str, argv)],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", **options).stdout.decode()


class Cluster:
    """A PostgreSQL cluster with a private socket; trusts everybody who can reach the socket. `durable`: power may go."""

    def __init__(self, data, socket, durable=False):
        self.data, self.socket = Path(data), Path(socket)
        for directory in (self.data.parent, self.socket):
            directory.mkdir(parents=True, exist_ok=True)
            shutil.chown(directory, "postgres", "postgres")
        as_postgres([POSTGRES_BIN / "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                     "--locale=C.UTF-8", "--no-sync"])
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.socket}'\n"
                       f"fsync = {'on' if durable else 'off'}\nmax_connections = 30\n")

    def start(self):
        as_postgres([POSTGRES_BIN / "pg_ctl", "-D", self.data, "-l", self.data.parent / "log", "-w", "start"])

    def stop(self, mode="fast"):
        if (self.data / "postmaster.pid").exists():
            as_postgres([POSTGRES_BIN / "pg_ctl", "-D", self.data, "-m", mode, "-w", "stop"])

    def sql(self, database, text):
        """Runs `text` and returns what psql prints, unaligned, tuples only."""
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", "postgres", "-d", database],
                              input=text.encode(), check=True, stdout=subprocess.PIPE).stdout.decode().strip()

    def dump(self, database):
        """The lines of the database as pg_dump writes it, sorted: where the server puts a row among others is its affair."""
        dump = subprocess.run([POSTGRES_BIN / "pg_dump", "-h", self.socket, "-U", "postgres", "-d", database],
                              check=True, stdout=subprocess.PIPE).stdout
        # Each dump is fenced by a random word of its own.
        return sorted(line for line in dump.splitlines() if not line.startswith((b"\\restrict ", b"\\unrestrict ")))

    def databases(self):
        return self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").split("\n")

    def live_databases(self):
        """Without those that ft keeps for an undo."""
        return [name for name in self.databases() if not name.endswith(("_ft_previous", "_ft_previous2"))]


class Host:
    def __init__(self, world, name, address, address6):
        self.world, self.name, self.address, self.address6 = world, name, address, address6
        self.namespace = f"ft-{os.getpid()}-{name}"
        self.root = world.directory / name
        self.system_file = world.directory / f"{name}.json"
        self.root.mkdir()
        self.cluster = None

    def make_cluster(self, durable=False):
        self.cluster = Cluster(self.root / "var/lib/postgresql/data", self.root / "run/postgresql", durable)
        self.cluster.start()
        return self.cluster

    def path(self, absolute):
        """Where an absolute path of this host lies on the machine."""
        return self.root / str(absolute).lstrip("/")

    def describe(self, trees=("data",), databases=("app",), **more):
        """Writes system.json: each tree lies in /srv/NAME."""
        system = {"name": "test system", "state_dir": "/var/lib/ft",
                  "trees": [t if isinstance(t, dict) else {"name": t, "path": f"/srv/{t}"} for t in trees],
                  "databases": [d if isinstance(d, dict) else
                                {"name": d, "connection": "host=/run/postgresql user=postgres"} for d in databases]}
        system.update(more)
        self.system_file.write_text(json.dumps(system, indent=1))

    def command(self, argv):
        return ["ip", "netns", "exec", self.namespace, *map(str, argv)]

    def run(self, argv, timeout=DEADLINE, env=None, **options):
        return subprocess.run(self.command(argv), timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, **options)

    def ft(self, *arguments, program=FT):
        return [built(program), "migrate", *map(str, arguments), "--system", str(self.system_file), "--root", str(self.root)]

    def staged(self, absolute):
        """What failed runs have left in a tree: the generations that no undo needs."""
        tree, undo = self.path(absolute), self.path("/var/lib/ft/undo")
        kept = []
        if undo.exists():
            header = json.loads(undo.read_text().splitlines()[0][33:])
            kept = [str(each["generation"]) for each in header["trees"] if each["root"] in (str(tree), absolute)]  # the latter: written in a chroot
        reserved = tree / ".ft-staging"
        return sorted(each.name for each in reserved.iterdir() if each.name not in kept) if reserved.exists() else []

    def here(self, command, *arguments, program=FT, env=None):
        """Runs a command of this machine alone ("undo", "status"...) to its end."""
        return Run(self.run(self.here_argv(command, *arguments, program=program), env=env))

    def here_argv(self, command, *arguments, program=FT):
        return [built(program), command, *map(str, arguments), "--json", "--system", str(self.system_file), "--root", str(self.root)]


def code_arguments(file):
    return ["--code-file", file] if file else []


class Source:
    """`ft migrate --source` while it runs; its events are read from --json."""

    def __init__(self, host, *arguments, program=FT, env=None, wait=True, wrapper=(), code_file=True):
        self.host = host
        self.code_file = host.world.directory / "code" if code_file else None
        if not {"--stop-traffic", "--keep-traffic"} & set(arguments):
            arguments = (*arguments, "--keep-traffic")
        argv = host.ft("--source", "--json", *code_arguments(self.code_file), *arguments, program=program)
        self.stderr_path = host.world.directory / "source.stderr"
        with open(self.stderr_path, "wb") as stderr:
            self.process = host.world.start([*wrapper, *host.command(argv)], stdout=subprocess.PIPE, stderr=stderr,
                                            stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.port = None
        if wait:
            self.wait_ready()

    def wait_ready(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "ready":
                self.port = event["port"]
                return
        raise AssertionError(f"the source ended before it was ready:\n{self.stderr()}")

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def shown_code(self):
        """The code that a source without a file for it shows to the admin."""
        return re.search(r"^Pairing code: (\S+)$", self.stderr(), re.MULTILINE)[1]

    def worker(self):
        """The process that does the work; `process` is its supervisor."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def kill_all(self):
        """SIGKILL for both at once, as a power cut would be."""
        self.process.send_signal(signal.SIGSTOP)  # or it would clean up
        os.kill(self.worker(), signal.SIGKILL)
        self.process.kill()
        return self.wait()

    def stop(self, how=signal.SIGINT):
        """Interrupts it and returns its exit status."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self):
        self.process.stdout.read()
        return self.process.wait(timeout=DEADLINE)


class Application:
    """The production service of a host (application.py): a table `writes` in `database`, files in the tree `tree`."""

    PROGRAM = Path(__file__).resolve().parent / "application.py"

    def __init__(self, host, database="app", tree="data"):
        self.host, self.state = host, host.path("/run/application")
        self.where = [self.state, host.address, host.cluster.socket, database, host.path(f"/srv/{tree}")]
        host.world.applications.append(self)

    def argv(self, command, *arguments):
        return ["/usr/bin/python3", "-B", str(self.PROGRAM), command, *map(str, arguments)]

    def service(self, **more):
        """As a member of `services` in system.json."""
        return {"name": "application", "stop": self.argv("stop", self.state), "start": self.argv("start", *self.where),
                "active": self.argv("active", self.state), "timeout": 60, **more}

    def start(self):
        self.host.run(self.argv("start", *self.where), check=True)

    def stop(self):
        self.host.run(self.argv("stop", self.state), check=True)

    def active(self):
        return self.host.run(self.argv("active", self.state)).returncode == 0

    def phase(self):
        """What FT_PHASE was when it was started last."""
        return (self.state / "phase").read_text()

    def load(self):
        """Users: they write until they are told to stop, or until the first error."""
        return Load(self)


class Load:
    def __init__(self, application):
        argv = application.argv("load", application.host.address, (application.state / "port").read_text())
        self.process = application.host.world.start(application.host.command(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()  # the first write is acknowledged

    def end(self):
        """What was acknowledged, in order, and the errors."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        told = json.loads(self.process.stdout.read().splitlines()[-1])
        self.process.wait(timeout=DEADLINE)
        return told["acknowledged"], told["errors"]


class Run:
    """A finished `ft migrate --destination --json`."""

    def __init__(self, finished):
        self.status = finished.returncode
        self.stderr = finished.stderr.decode(errors="replace")
        self.events = [json.loads(line) for line in finished.stdout.splitlines()]
        results = [event for event in self.events if event["event"] == "result"]
        self.result = results[-1] if results else None


class World:
    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="ft-test-"))
        self.directory.chmod(0o755)
        self.processes = []
        self.mounts = []
        self.namespaces = []
        self.applications = []

    def __enter__(self):
        try:
            self.old = Host(self, "old", "10.77.0.1", "fd77::1")
            self.new = Host(self, "new", "10.77.0.2", "fd77::2")
            for host in (self.old, self.new):
                self._ip("netns", "add", host.namespace)
                self.namespaces.append(host.namespace)
                self._ip("-n", host.namespace, "link", "set", "lo", "up")
            self._ip("-n", self.old.namespace, "link", "add", "ft0", "type", "veth", "peer", "name", "ft0", "netns", self.new.namespace)
            for host in (self.old, self.new):
                self._ip("-n", host.namespace, "addr", "add", f"{host.address}/30", "dev", "ft0")
                self._ip("-n", host.namespace, "-6", "addr", "add", f"{host.address6}/64", "dev", "ft0", "nodad")
                self._ip("-n", host.namespace, "link", "set", "ft0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)

    def start(self, argv, **options):
        process = subprocess.Popen(argv, **options)
        self.processes.append(process)
        return process

    def mount(self, host, absolute, size):
        """A small tmpfs at a path of `host`."""
        path = host.path(absolute)
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path], check=True)
        self.mounts.append(path)
        return path

    def mount_image(self, host, absolute, kind="ext4", megabytes=64, options="rw"):
        """A file system of its own at a path of `host`, from an image."""
        path = host.path(absolute)
        path.mkdir(parents=True, exist_ok=True)
        image = self.directory / f"{host.name}{absolute.replace('/', '-')}.{kind}"
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run([f"mkfs.{kind}", "-q", image], check=True)
        subprocess.run(["mount", "-o", f"loop,{options}", image, path], check=True)
        self.mounts.append(path)
        return path

    def bind(self, path, onto, *options):
        """Makes `path` seen at `onto` too."""
        subprocess.run(["mount", "--bind", path, onto], check=True)
        self.mounts.append(onto)
        if options:
            subprocess.run(["mount", "-o", ",".join(("remount", "bind", *options)), onto], check=True)

    def migrate(self, source, *arguments, program=FT, env=None, port=None):
        """Runs the destination to its end; `port`: of what stands before the source."""
        argv = self.new.ft("--destination", f"{self.old.address}:{port or source.port}", *code_arguments(source.code_file), "--yes",
                           "--json", *arguments, program=program)
        return Run(self.new.run(argv, env=env))

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        for application in self.applications:
            application.stop()
        for host in (getattr(self, "old", None), getattr(self, "new", None)):
            if host and host.cluster:
                host.cluster.stop("immediate")
        for path in reversed(self.mounts):
            if subprocess.run(["umount", path], check=False, stderr=subprocess.DEVNULL).returncode != 0:
                # A loop device lets go of its image a moment after its file system is unmounted.
                subprocess.run(["umount", "-l", path], check=False)
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


class Held:
    """While it lives, whoever opens `path` waits: so a run stands still at a known place."""

    OPEN_PERMISSION, ADD, HERE, CONTENT_CLASS = 0x10000, 1, -100, 0x5  # as <sys/fanotify.h> has them

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.events = libc.fanotify_init(self.CONTENT_CLASS, os.O_RDONLY | os.O_LARGEFILE)
        if self.events < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")
        if libc.fanotify_mark(self.events, self.ADD, ctypes.c_uint64(self.OPEN_PERMISSION), self.HERE, os.fsencode(path)) < 0:
            raise OSError(ctypes.get_errno(), "fanotify_mark", str(path))

    def __enter__(self):
        return self

    def wait(self):
        """Until somebody stands here."""
        if not select.select([self.events], [], [], DEADLINE)[0]:
            raise AssertionError(f"nobody opened it in {DEADLINE} s")
        *_, opened, _ = struct.unpack_from("=IBBHQii", os.read(self.events, 4096))
        os.close(opened)

    def __exit__(self, *_):
        os.close(self.events)  # which lets them go on


def listing(tree):
    """Every object below `tree` with type, mode, owner, size, time, link target, device number and the first name of the
    same object, by find and stat: to be compared."""
    out = subprocess.run(["find", ".", "-name", ".ft-staging", "-prune", "-o", "-printf", r"%P\0%y %m %U %G %T@ %l %s\0%D %i\0"],
                         cwd=tree, check=True, stdout=subprocess.PIPE).stdout.split(b"\0")[:-1]
    listed, firsts = {}, {}
    for path, facts, inode in sorted(zip(out[::3], out[1::3], out[2::3])):
        # The size of a directory is the file system's affair.
        listed[path] = facts.rsplit(b" ", 1)[0] if facts.startswith(b"d") else facts + b" " + firsts.setdefault(inode, path)
        if facts[:1] in b"bc":
            listed[path] += b" %x" % os.lstat(os.path.join(os.fsencode(tree), path)).st_rdev
    return listed


def contents(tree):
    """Checksums of every file below `tree`, by sha256sum."""
    out = subprocess.run("find . -name .ft-staging -prune -o -type f -print0 | sort -z | xargs -0r sha256sum -z --", shell=True,
                         cwd=tree, check=True, stdout=subprocess.PIPE).stdout
    return out.split(b"\0")


def differences(a, b):
    """What differs between two trees, found by find and sha256sum; empty when b is an exact replica of a."""
    old, new = listing(a), listing(b)
    found = [f"{path!r}: {old.get(path)} is {new.get(path)}" for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    if contents(a) != contents(b):
        found.append("contents differ")
    return found


def wait_until(condition, what, timeout=DEADLINE):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.02)
