"""Bad input and bad ground: one clear line, the right exit status, nothing changed."""

import os
import shutil
import subprocess
import unittest

from support import sample
from support.hosts import DEADLINE, World, Source, contents, differences, listing, wait_until


class BadInputTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        self.tree = self.old.path("/srv/data")
        for host in (self.old, self.new):
            host.describe(databases=())

    def fill(self):
        sample.fill_tree(self.tree, files=30)
        sample.fill_tree(self.new.path("/srv/data"), files=10, seed=4)
        self.before = (listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data")))

    def require_unchanged(self):
        self.assertEqual((listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data"))), self.before)
        self.assertEqual(self.new.staged("/srv/data"), [])

    def require_refused(self, finished, status, *texts):
        """The status, and one line for people that holds `texts`."""
        stderr = finished.stderr.decode(errors="replace")
        self.assertEqual(finished.returncode, status, stderr)
        lines = [line for line in stderr.splitlines() if line.startswith("ft: ")]
        self.assertEqual(len(lines), 1, stderr)
        for text in texts:
            self.assertIn(text, stderr)
        self.assertIn(f"(exit status {status})", stderr)

    def destination(self, address, *more, env=None, code="code"):
        return self.new.run(self.new.ft("--destination", address, "--yes", "--code-file", self.world.directory / code, *more), env=env)

    def write_code(self, text="", name="code"):
        path = self.world.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def a_code(self):
        """A code that fits no source here."""
        path = self.world.directory / "other-code"
        self.tree.mkdir(parents=True, exist_ok=True)
        process = self.world.start(self.old.command(self.old.ft("--source", "--port", "0", "--keep-traffic", "--json", "--code-file", path)),
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(path.exists, "a code")
        process.terminate()
        process.stdout.read()
        process.wait(timeout=DEADLINE)
        return path

    def test_arguments(self):
        for arguments in (["migrate"], ["migrate", "--source", "--destination", "x"], ["migrate", "--nonsense"], ["fly"],
                          ["migrate", "--source", "--port", "99999"], ["migrate", "--destination", "host:port"],
                          ["migrate", "--source", "--yes"], ["migrate", "--destination", "x", "--listen", "1.2.3.4"], []):
            finished = self.new.run([self.new.ft()[0], *arguments])
            self.require_refused(finished, 2)

    def test_help_and_version(self):
        program = self.new.ft()[0]
        self.assertRegex(self.new.run([program, "--version"]).stdout, rb"^ft \d+\.\d+\.\d+\n$")
        for arguments in (["--help"], ["migrate", "--help"]):
            text = self.new.run([program, *arguments])
            self.assertEqual(text.returncode, 0)
            places = [text.stdout.index(part) for part in (b"ft migrate --source", b"ft migrate --destination", b"\nOptions:")]
            self.assertEqual(places, sorted(places), "the examples come first, in the order in which they are typed")

    def test_all_findings_of_system_json(self):
        self.old.system_file.write_text('{\n "trees": [{"name": "data", "path": "data"},\n  {"name": "data", "path": "/x"}],\n'
                                        ' "colour": "red",\n "state_dir": 7\n}\n')
        finished = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        self.require_refused(finished, 2, "line 2", "trees[0].path", "line 3", "line 4", "colour", "line 5", "state_dir")

    def test_no_system_json(self):
        self.old.system_file.unlink()
        self.require_refused(self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic")), 2, "old.json")

    def test_wrong_code(self):
        self.fill()
        other = self.a_code()
        source = Source(self.old, "--port", "0")
        finished = self.destination(f"{self.old.address}:{source.port}", code=other.name)
        self.require_refused(finished, 4, self.old.address, str(source.port), "pairing code")
        self.require_unchanged()
        wait_until(lambda: self.new.address in source.stderr(), "the source's line about the wrong code")
        self.assertEqual(source.stop(), 0)

    def test_mistyped_code(self):
        self.write_code("ABCDE-12345")
        self.require_refused(self.destination(self.old.address), 2, "code")

    def test_code_that_others_may_read(self):
        self.write_code().chmod(0o644)
        self.require_refused(self.destination(self.old.address), 2, "others")

    def test_no_code_and_no_terminal(self):
        finished = self.new.run(self.new.ft("--destination", self.old.address, "--yes"))
        self.require_refused(finished, 2, "--code-file", "FT_CODE")

    def test_no_confirmation_and_no_terminal(self):
        finished = self.new.run(self.new.ft("--destination", self.old.address, "--code-file", "x"))
        self.require_refused(finished, 2, "--yes")

    def test_nobody_listens(self):
        code = self.a_code()
        self.require_refused(self.destination(f"{self.old.address}:9", code=code.name), 4, self.old.address, "9", "refused")

    def test_name_that_does_not_resolve(self):
        code = self.a_code()
        self.require_refused(self.destination("no-such-host.invalid", code=code.name), 4, "no-such-host.invalid", "resolve")

    def test_blocked_port(self):
        code = self.a_code()
        subprocess.run(self.old.command(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "873", "-j", "DROP"]), check=True)
        self.require_refused(self.destination(self.old.address, code=code.name), 4, self.old.address, "873", "no answer")

    def test_peers_that_are_no_ft(self):
        code = self.a_code()
        for greeting, text in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", "no ft"), (b"@RSYNCD: 31.0\n", "rsync"),
                               (b"SSH-2.0-OpenSSH_9.2\r\n", "no ft"), (b"", "closed")):
            with self.fake_peer(greeting) as port:
                self.require_refused(self.destination(f"{self.old.address}:{port}", code=code.name), 4, self.old.address, text)

    def fake_peer(self, greeting):
        """A server in the old host's namespace that says `greeting` and closes."""
        script = ("import socket,sys\ns=socket.create_server(('0.0.0.0',0))\nprint(s.getsockname()[1],flush=True)\n"
                  f"c,_=s.accept()\nc.sendall({greeting!r})\nc.recv(9999)\nc.close()\n")
        process = self.world.start(self.old.command(["/usr/bin/python3", "-c", script]), stdout=subprocess.PIPE)

        class Peer:
            def __enter__(self):
                return int(process.stdout.readline())

            def __exit__(self, *_):
                process.kill()
                process.wait()
                process.stdout.close()
        return Peer()

    def test_taken_port(self):
        self.fill()
        first = Source(self.old, "--port", "0")
        other = self.old.system_file.with_name("second.json")
        other.write_text('{"state_dir": "/var/lib/second", "trees": [{"name": "data", "path": "/srv/data"}]}')
        argv = [self.old.ft()[0], "migrate", "--source", "--keep-traffic", "--system", other, "--root", self.old.root, "--port", first.port]
        self.require_refused(self.old.run(argv), 4, str(first.port), "in use")

    def test_missing_tree_at_the_source(self):
        shutil.rmtree(self.old.path("/srv"), ignore_errors=True)
        self.require_refused(self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic")), 3, "/srv/data")

    def test_unknown_tree_on_one_side(self):
        self.fill()
        self.new.describe(trees=("data", "more"), databases=())
        source = Source(self.old, "--port", "0")
        self.require_refused(self.destination(f"{self.old.address}:{source.port}"), 3, "more")
        self.require_unchanged()

    def test_database_that_is_down(self):
        self.fill()
        self.old.describe()
        finished = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        self.require_refused(finished, 3, "app")

    def test_destination_database_that_is_down(self):
        self.fill()
        sample.fill_database(self.old.make_cluster(), scale=10)
        for host in (self.old, self.new):
            host.describe()
        source = Source(self.old, "--port", "0")
        self.require_refused(self.destination(f"{self.old.address}:{source.port}"), 3, "app")
        self.require_unchanged()

    def test_role_that_is_missing(self):
        self.fill()
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.old.describe(databases=({"name": "app", "connection": "host=/run/postgresql user=nobody_here"},))
        self.require_refused(self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic")), 3, "nobody_here")

    # Root without the right to read everything: as on a file system that refuses root.
    UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search")

    def test_unreadable_directory(self):
        self.fill()
        (self.tree / "nobody may read this").mkdir(mode=0)
        os.chown(self.tree / "nobody may read this", 1, 1)
        finished = subprocess.run([*self.UNPRIVILEGED, *self.old.command(self.old.ft("--source", "--port", "0", "--keep-traffic"))],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE)
        self.require_refused(finished, 3, "nobody may read this")

    def test_unreadable_file(self):
        self.fill()
        source = Source(self.old, "--port", "0", wrapper=self.UNPRIVILEGED)
        secret = self.tree / "turned up"
        secret.write_bytes(b"x")
        secret.chmod(0)
        os.chown(secret, 1, 1)
        self.require_refused(self.destination(f"{self.old.address}:{source.port}"), 5, "turned up")
        self.require_unchanged()

    def test_full_disk(self):
        self.world.mount(self.new, "/srv/data", "3m")
        sample.fill_tree(self.tree, files=10)
        (self.tree / "large").write_bytes(os.urandom(8_000_000))
        (self.new.path("/srv/data") / "mine").write_bytes(b"stays")
        self.before = (listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data")))
        source = Source(self.old, "--port", "0")
        self.require_refused(self.destination(f"{self.old.address}:{source.port}"), 6, "/srv/data", "MB")
        self.require_unchanged()

    def test_no_room_for_the_backup(self):
        self.fill()
        sample.fill_database(self.old.make_cluster(), scale=100)
        self.old.describe()
        self.world.mount(self.old, "/var/lib/ft", "1m")
        finished = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        self.require_refused(finished, 3, "/var/lib/ft", "the backup of database app", "MB")

    def test_two_runs_at_once(self):
        self.fill()
        source = Source(self.old, "--port", "0")
        again = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        self.require_refused(again, 9, "--source since")
        self.assertEqual(source.stop(), 0)

    def test_control_characters_are_escaped_everywhere(self):
        self.fill()
        name = b"\x1b]0;owned\x07\n\x9b31m"
        source = Source(self.old, "--port", "0", "--keep-traffic")
        with open(os.fsencode(self.tree) + b"/" + name, "wb") as file:
            file.write(b"x")
        finished = self.destination(f"{self.old.address}:{source.port}")
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertEqual(differences(self.tree, self.new.path("/srv/data")), [])
        # And in an error: the name is that of a mount point, which the source's check refuses.
        self.assertEqual(source.stop(), 0)
        bad = os.fsencode(self.tree) + b"/" + name + b"dir"
        os.mkdir(bad)
        subprocess.run([b"mount", b"-t", b"tmpfs", b"tmpfs", bad], check=True)
        self.world.mounts.append(bad)
        refused = self.old.run(self.old.ft("--source", "--port", "0", "--keep-traffic"))
        self.require_refused(refused, 3, "\\x1b]0;owned\\x07\\x0a\\x9b31mdir")
        log = b"".join(path.read_bytes() for path in self.new.path("/var/lib/ft/logs").iterdir())
        for text in (finished.stdout, finished.stderr, refused.stdout, refused.stderr, log, source.stderr().encode()):
            self.assertNotIn(b"\x1b", text)


if __name__ == "__main__":
    unittest.main()
