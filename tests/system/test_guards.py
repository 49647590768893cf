"""Guard rails: the wrong server, the ruins of a tree, and what others may read of a run."""

import os
import shutil
import socket
import subprocess
import sys
import unittest
from pathlib import Path

from support import sample
from support.hosts import World, Source, contents, differences, listing, wait_until
from system.test_terminal import NAME_QUESTION, Terminal

# A name server for one name: argv is address to listen on, name, address to answer, and a file to make when it listens.
# Without an address it says nothing.
NAME_SERVER = """
import socket, struct, sys
at, name, address, ready = sys.argv[1:]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((at, 53))
open(ready, "w").close()
wanted = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0"
while True:
    query, peer = server.recvfrom(4096)
    if not address:
        continue
    end = query.index(b"\\0", 12) + 1
    asked, (kind,) = query[12:end], struct.unpack("!H", query[end:end + 2])
    known = asked.lower() == wanted
    # Behind an alias, as a public name often is.
    records = [b"\\xc0\\x0c" + struct.pack("!HHIH", 5, 1, 60, 6) + b"\\x03www\\xc0\\x0c"] if known else []
    if known and kind == 1:
        alias = struct.pack("!H", 0xc000 | end + 4 + 12)
        records.append(alias + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address))
    flags = 0x8180 if known else 0x8183
    server.sendto(query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + query[12:end + 4] + b"".join(records), peer)
"""


class Guarded(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new

    def fill(self, files=30, here=10, **more):
        sample.fill_tree(self.old.path("/srv/data"), files=files)
        sample.fill_tree(self.new.path("/srv/data"), files=here, seed=4)
        for host in (self.old, self.new):
            host.describe(databases=(), **more)
        self.before = self.state()

    def state(self):
        return listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data"))

    def require_refused(self, run, *texts, status=3):
        self.assertEqual((run.status, run.result["outcome"]), (status, "unchanged"), run.stderr)
        for text in texts:
            self.assertIn(text, run.stderr)
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.new.staged("/srv/data"), [])

    def require_done(self, run):
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])


class RemovalTest(Guarded):
    def test_an_empty_source_tree(self):
        self.fill()
        shutil.rmtree(self.old.path("/srv/data"))
        self.old.path("/srv/data/lost+found").mkdir(parents=True)  # what an unmounted tree may look like
        source = Source(self.old, "--port", "0")
        here = sum(1 for path in self.new.path("/srv/data").rglob("*") if path.is_file() and not path.is_symlink())
        self.require_refused(self.world.migrate(source), f"tree data: the source has no file in it, this run would remove all that are here ({here})",
                             "--max-delete 100")
        self.require_refused(self.world.migrate(source, "--max-delete", "99"), "the source has no file in it")
        self.require_done(self.world.migrate(source, "--max-delete", "100"))

    def test_more_removals_than_allowed(self):
        for host, kept in ((self.old, 100), (self.new, 1000)):
            for i in range(kept):
                path = host.path(f"/srv/data/{i // 100}/{i}")  # at the source one directory of ten
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"%d" % i)
                os.utime(path, (1_600_000_000, 1_600_000_000))
            host.describe(databases=())
        self.before = self.state()
        source = Source(self.old, "--port", "0")
        self.require_refused(self.world.migrate(source),
                             "ft: tree data: this run would remove 900 of 1,000 files (90 %), --max-delete allows 50 %", "--max-delete 90")
        self.require_refused(self.world.migrate(source, "--max-delete", "89"), "allows 89 %")
        self.require_done(self.world.migrate(source, "--max-delete", "90"))

    def test_half_of_the_files_may_go_and_a_small_tree_may_change_altogether(self):
        for host, numbers in ((self.old, range(100)), (self.new, range(200))):
            host.path("/srv/data").mkdir(parents=True)
            for i in numbers:
                host.path(f"/srv/data/{i}").write_bytes(b"%d" % i)
            host.describe(databases=())
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        for i in range(1, 100):
            self.old.path(f"/srv/data/{i}").unlink()
        self.require_done(self.world.migrate(source))


class GroundTest(Guarded):
    def require_no_start(self, *texts):
        finished = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        stderr = finished.stderr.decode()
        self.assertEqual(finished.returncode, 3, stderr)
        for text in texts:
            self.assertIn(text, stderr)

    def test_what_must_exist(self):
        tree = {"name": "data", "path": "/srv/data", "must_exist": ["big.dat", "00/batch 0", "no/such thing"]}
        self.fill(trees=(tree,))
        missing = f"tree data: {self.old.path('/srv/data')}/no/such thing: is missing, which system.json says must exist"
        self.require_no_start(missing)
        self.old.path("/srv/data/no").mkdir()
        self.old.path("/srv/data/no/such thing").symlink_to("/anywhere")
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        # Asked again before each run: what vanished meanwhile is not a change to be copied.
        self.before = self.state()
        self.old.path("/srv/data/big.dat").unlink()
        self.require_refused(self.world.migrate(source), f"tree data: {self.old.path('/srv/data')}/big.dat: is missing", status=5)

    def test_a_mount_that_is_missing(self):
        self.fill(trees=({"name": "data", "path": "/srv/data", "mount_point": True},))
        self.require_no_start(f"tree data: {self.old.path('/srv/data')}: no file system is mounted here")
        shutil.rmtree(self.old.path("/srv/data"))
        mounted = self.world.mount(self.old, "/srv/data", "60m")
        sample.fill_tree(mounted, files=20)
        source = Source(self.old, "--port", "0")
        self.require_done(self.world.migrate(source))
        self.before = self.state()
        # Where the source sees it: a program in a network namespace has mounts of its own.
        subprocess.run(["nsenter", "--mount", "--target", str(source.process.pid), "umount", mounted], check=True)
        self.require_refused(self.world.migrate(source), str(mounted), status=5)

    def test_a_destination_needs_no_mount(self):
        self.fill()
        self.new.describe(databases=(), trees=({"name": "data", "path": "/srv/data", "mount_point": True, "must_exist": ["only there"]},))
        self.require_done(self.world.migrate(Source(self.old, "--port", "0")))


class IdentityTest(Guarded):
    def test_the_same_machine_id(self):
        self.fill()
        for host in (self.old, self.new):
            host.path("/etc").mkdir()
            host.path("/etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        source = Source(self.old, "--port", "0")
        self.require_refused(self.world.migrate(source), "/etc/machine-id", "is the same here and at the source", "systemd-machine-id-setup")
        self.new.path("/etc/machine-id").write_text("fedcba9876543210fedcba9876543210\n")
        self.require_done(self.world.migrate(source))

    def test_a_source_that_is_this_machine(self):
        self.fill()
        # As a real system, whose root is "/", with everything that it has in the test's directory.
        whole = self.world.directory / "whole.json"
        self.new.describe(databases=(), state_dir=str(self.world.directory / "state"),
                          trees=({"name": "data", "path": str(self.new.path("/srv/data"))},))
        self.new.system_file.rename(whole)
        self.old.namespace, there = self.new.namespace, self.old.namespace
        source = Source(self.old, "--port", "0")
        self.old.namespace = there
        start = [self.new.ft()[0], "migrate", "--yes", "--system", whole, "--code-file", source.code_file, "--destination"]
        for address in (self.new.address, f"[{self.new.address6}]"):
            finished = self.new.run([*start, f"{address}:{source.port}"])
            self.assertEqual(finished.returncode, 3, finished.stderr)
            self.assertIn(f"ft: {address.strip('[]')} is this machine", finished.stderr.decode())
            self.assertEqual(self.state(), self.before)
        # Below a root, two systems may share a machine.
        self.new.describe(databases=())
        finished = self.new.run(self.new.ft("--yes", "--code-file", source.code_file, "--destination", f"{self.new.address}:{source.port}"))
        self.assertEqual(finished.returncode, 0, finished.stderr)


class PublicNameTest(Guarded):
    NAME = "files.example.com"

    def setUp(self):
        super().setUp()
        self.fill(public_hostname=self.NAME)
        # What `ip netns exec` shows as /etc/hosts and /etc/resolv.conf.
        self.etc = Path("/etc/netns") / self.new.namespace
        made = not self.etc.parent.exists()
        self.etc.mkdir(parents=True)
        self.addCleanup(lambda: made and not any(self.etc.parent.iterdir()) and self.etc.parent.rmdir())
        self.addCleanup(shutil.rmtree, self.etc)
        (self.etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (self.etc / "hosts").write_text("127.0.0.1 localhost\n")
        self.source = Source(self.old, "--port", "0")

    def serve_names(self, address):
        ready = self.world.directory / "name-server"
        script = self.world.directory / "name-server.py"
        script.write_text(NAME_SERVER)
        self.world.start(self.new.command([sys.executable, "-B", script, "127.0.0.1", self.NAME, address, ready]))
        wait_until(ready.exists, "the name server")

    def destination(self, *more):
        argv = self.new.ft("--destination", f"{self.old.address}:{self.source.port}", "--code-file", self.source.code_file, *more)
        terminal = Terminal(self.world, self.new.command(argv))
        self.addCleanup(terminal.hang_up)
        return terminal

    def test_a_name_that_leads_here_by_dns(self):
        # As Debian's installer writes it: the C library alone would say that the name leads nowhere.
        (self.etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.NAME}\n")
        self.serve_names(self.new.address)
        self.require_refused(self.world.migrate(self.source), f"ft: users reach this server as {self.NAME}", "without --yes")

    def test_a_name_that_leads_here_by_the_hosts_file(self):
        (self.etc / "hosts").write_text(f"127.0.0.1 localhost\n{self.new.address6} {self.NAME}\n")
        self.require_refused(self.world.migrate(self.source), f"ft: users reach this server as {self.NAME}")

    def test_a_name_that_leads_to_the_source(self):
        self.serve_names(self.old.address)
        self.require_done(self.world.migrate(self.source))

    def test_a_name_server_that_does_not_answer(self):
        self.serve_names("")
        run = self.world.migrate(self.source)
        self.require_done(run)
        log = self.new.path(f"/var/lib/ft/logs/{run.result['run_id']}.log").read_text()
        self.assertIn(f"{self.NAME}: no whole answer", log)

    def test_a_person_is_asked(self):
        self.serve_names(self.new.address)
        question = f"Users reach this server as {self.NAME}; type {self.NAME} to replace it all the same: "
        for answer in ("", "yes", socket.gethostname()):
            terminal = self.destination()
            terminal.wait_for(question)
            terminal.type(answer + "\n")
            self.assertEqual(terminal.wait(), 8, terminal.shown)
            self.assertEqual(self.state(), self.before)
        terminal = self.destination()
        terminal.wait_for(question)
        terminal.type(self.NAME + "\n")
        terminal.wait_for(NAME_QUESTION)
        terminal.type(socket.gethostname() + "\n")
        self.assertEqual(terminal.wait(), 0, terminal.shown)
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])


class RightsTest(Guarded):
    def test_nobody_else_reads_what_a_run_leaves_whatever_the_umask(self):
        self.fill()
        for mask in ("000", "077", "777"):
            with self.subTest(mask):
                shutil.rmtree(self.new.path("/var"), ignore_errors=True)
                # What hooks make has the rights that an admin expects, not those of the shell that started ft.
                made = self.new.path("/made")
                shutil.rmtree(made, ignore_errors=True)
                self.new.describe(databases=(), hooks={"after_commit": [["mkdir", str(made)]]})
                source = Source(self.old, "--port", "0")
                argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes")
                finished = self.new.run(["bash", "-c", 'umask "$0" && exec "$@"', mask, *argv])
                self.assertEqual(finished.returncode, 0, finished.stderr)
                state = self.new.path("/var/lib/ft")
                for kind in ("logs", "reports"):
                    self.assertEqual(len(list((state / kind).iterdir())), 1)
                found = subprocess.run(["find", state, "-perm", "/077", "-o", "-type", "d", "!", "-perm", "700", "-o",
                                        "-type", "f", "!", "-perm", "600"], check=True, stdout=subprocess.PIPE).stdout
                self.assertEqual(found, b"")
                self.assertEqual(made.stat().st_mode & 0o7777, 0o755)
                self.assertEqual(source.stop(), 0)

    def test_nobody_else_reads_the_backup(self):
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.new.make_cluster()
        for host in (self.old, self.new):
            host.path("/srv/data").mkdir(parents=True)
            host.describe()
        source = Source(self.old, "--port", "0", wrapper=("bash", "-c", 'umask 000 && exec "$0" "$@"'))
        self.assertEqual(self.world.migrate(source).status, 0)
        for host, file in ((self.old, "source-backups"), (self.new, "last-backup")):
            state = host.path("/var/lib/ft")
            dumped = next((state / file).rglob("toc.dat"))
            # The files have pg_dump's modes, which the umask of ft decides; nobody else gets to them, or changes them.
            found = subprocess.run(["find", state, "-type", "d", "-perm", "/077", "-o", "-perm", "/022"], check=True, stdout=subprocess.PIPE)
            self.assertEqual(found.stdout, b"")
            reads = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", dumped], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
            self.assertIn(b"Permission denied", reads.stderr)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_no_shell_is_needed_on_either_side(self):
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.new.make_cluster()
        hooks = {moment: [["env"]] for moment in ("before_backup", "after_restore", "before_commit", "after_commit")}
        for host in (self.old, self.new):
            host.path("/srv/data").mkdir(parents=True)
            host.describe(hooks=hooks)
        traces = [self.world.directory / name for name in ("source-trace", "destination-trace")]
        strace = ["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-o"]
        source = Source(self.old, "--port", "0", wrapper=(*strace, traces[0]))
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--code-file", source.code_file, "--yes")
        finished = self.new.run([*strace, traces[1], *argv])
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.world.migrate(source)
        started = [line for trace in traces for line in trace.read_text().splitlines() if "execve" in line]
        for tool in ("pg_dump", "pg_restore", "/env"):
            self.assertTrue(any(tool in line for line in started), started)
        for line in started:
            self.assertNotRegex(line, r'execve(at)?\(.*"[^"]*/(ba|da)?sh"')


if __name__ == "__main__":
    unittest.main()
