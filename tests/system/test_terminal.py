"""A person at a terminal: what ft asks, what it shows, and what Ctrl-C and a lost terminal do."""

import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import termios
import time
import unittest

from support import sample
from support.hosts import DEADLINE, World, Source, contents, differences, listing

CODE_QUESTION = "Pairing code (the source shows it): "
NAME_QUESTION = f"type this machine's name ({socket.gethostname()}): "


class Terminal:
    """A program on a pseudo terminal of its own, which ends with the test."""

    def __init__(self, world, argv, env=None):
        self.master, slave = pty.openpty()

        def become_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = world.start(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                   preexec_fn=become_terminal, env={**os.environ, **(env or {})})
        os.close(slave)
        self.shown = ""

    def read(self):
        """What comes next; false at the end."""
        if not select.select([self.master], [], [], DEADLINE)[0]:
            raise AssertionError(f"nothing for {DEADLINE} s after:\n{self.shown}")
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)

    def wait_for(self, text):
        end = time.monotonic() + DEADLINE
        while text not in self.shown:
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"{text!r} does not come in:\n{self.shown}")

    def type(self, text):
        os.write(self.master, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def hang_up(self):
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def wait(self):
        """Its exit status, after all that it shows has been read."""
        while self.master is not None and self.read():
            pass
        return self.process.wait(timeout=DEADLINE)


class TerminalTest(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        sample.fill_tree(self.old.path("/srv/data"), files=30)
        sample.fill_tree(self.new.path("/srv/data"), files=10, seed=4)
        for host in (self.old, self.new):
            host.describe(databases=())
        self.before = self.state()
        self.source = Source(self.old, "--port", "0")
        self.code = self.source.code_file.read_text().strip()

    def state(self):
        return listing(self.new.path("/srv/data")), contents(self.new.path("/srv/data"))

    def require_unchanged(self):
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.new.staged("/srv/data"), [])

    def require_replica(self):
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])

    def destination(self, *more, env=None):
        argv = self.new.ft("--destination", f"{self.old.address}:{self.source.port}", *more)
        terminal = Terminal(self.world, self.new.command(argv), env)
        self.addCleanup(terminal.hang_up)
        return terminal

    def test_the_code_without_echo_and_the_name_lead_to_a_replica(self):
        terminal = self.destination()
        terminal.wait_for(CODE_QUESTION)
        self.assertFalse(terminal.echoes())
        terminal.type(self.code + "\n")
        terminal.wait_for(NAME_QUESTION)
        self.assertTrue(terminal.echoes())
        self.assertIn(f"tree data: {self.new.path('/srv/data')}", terminal.shown)
        self.assertIn(f"({socket.gethostname()}) a replica of {socket.gethostname()}", terminal.shown)
        self.require_unchanged()
        terminal.type(socket.gethostname() + "\n")
        self.assertEqual(terminal.wait(), 0, terminal.shown)
        self.assertIn(NAME_QUESTION + socket.gethostname() + "\r\n", terminal.shown)
        self.assertIn("This server is a replica now", terminal.shown)
        self.require_replica()
        for where in [terminal.shown, *(path.read_text() for path in self.new.path("/var/lib/ft").rglob("*") if path.is_file())]:
            self.assertNotIn(self.code, where)

    def test_what_was_changed_here_is_told_before_the_question(self):
        self.assertEqual(self.world.migrate(self.source).status, 0)
        (self.new.path("/srv/data") / "here").write_text("x")
        terminal = self.destination("--code-file", self.source.code_file)
        terminal.wait_for(NAME_QUESTION)
        self.assertIn("tree data: 1 object new or changed: here", terminal.shown)
        terminal.type(socket.gethostname() + "\n")
        self.assertEqual(terminal.wait(), 0, terminal.shown)
        self.assertEqual(terminal.shown.count("new or changed: here"), 1, terminal.shown)
        self.require_replica()

    def test_another_name_changes_nothing(self):
        for name in ("", "y", "yes", socket.gethostname() + "x", socket.gethostname()[:-1]):
            with self.subTest(name):
                terminal = self.destination("--code-file", self.source.code_file)
                terminal.wait_for(NAME_QUESTION)
                terminal.type(name + "\n")
                self.assertEqual(terminal.wait(), 8, terminal.shown)
                self.assertIn("This run changed nothing on this server.", terminal.shown)
                self.require_unchanged()

    def test_ctrl_c_at_a_question(self):
        for question, more in ((CODE_QUESTION, ()), (NAME_QUESTION, ("--code-file", self.source.code_file))):
            with self.subTest(question):
                terminal = self.destination(*more)
                terminal.wait_for(question)
                terminal.type("\x03")
                self.assertEqual(terminal.wait(), 8, terminal.shown)
                self.assertTrue(terminal.echoes(), "the terminal is left as it was")
                self.require_unchanged()
        self.assertEqual(self.world.migrate(self.source).status, 0)
        self.require_replica()

    def test_a_terminal_that_is_lost_before_the_answer_confirms_nothing(self):
        terminal = self.destination("--code-file", self.source.code_file)
        terminal.wait_for(NAME_QUESTION)
        terminal.hang_up()
        self.assertEqual(terminal.wait(), 8)
        self.require_unchanged()

    def test_a_terminal_that_is_lost_after_the_answer_does_not_end_the_run(self):
        terminal = self.destination("--code-file", self.source.code_file)
        terminal.wait_for(NAME_QUESTION)
        # The source stands still, so that the run is surely under way when the terminal goes.
        os.kill(self.source.worker(), signal.SIGSTOP)
        terminal.type(socket.gethostname() + "\n")
        terminal.wait_for("Fetching")
        terminal.hang_up()
        os.kill(self.source.worker(), signal.SIGCONT)
        self.assertEqual(terminal.wait(), 0)
        self.require_replica()

    def test_a_terminal_that_is_lost_ends_the_source(self):
        self.assertEqual(self.source.stop(), 0)
        source = Terminal(self.world, self.old.command(self.old.ft("--source", "--port", "0", "--keep-traffic")))
        source.wait_for("Ctrl-C ends this")
        source.hang_up()
        self.assertEqual(source.wait(), 0)
        self.assertFalse(self.old.path("/var/lib/ft").exists())

    def test_the_code_from_the_environment(self):
        terminal = self.destination(env={"FT_CODE": self.code})
        terminal.wait_for(NAME_QUESTION)
        self.assertNotIn(CODE_QUESTION, terminal.shown)
        terminal.type(socket.gethostname() + "\n")
        self.assertEqual(terminal.wait(), 0, terminal.shown)
        self.require_replica()

    def test_a_wrong_code_from_the_environment(self):
        run = self.new.run(self.new.ft("--destination", f"{self.old.address}:{self.source.port}", "--yes"), env={"FT_CODE": "ABCDE"})
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn(b"FT_CODE", run.stderr)
        self.require_unchanged()

    def test_a_source_that_shows_its_code(self):
        self.assertEqual(self.source.stop(), 0)
        source = Source(self.old, "--port", "0", code_file=False)
        code = source.shown_code()
        run = self.world.migrate(source, env={"FT_CODE": code})
        self.assertEqual(run.status, 0, run.stderr)
        self.require_replica()
        source.process.send_signal(signal.SIGINT)
        self.assertNotIn(code.encode(), source.process.stdout.read(), "the code is not in what scripts read and keep")
        self.assertEqual(source.wait(), 0)
        fresh = Source(self.old, "--port", "0", code_file=False)
        self.assertNotEqual(fresh.shown_code(), code)
        self.assertEqual(self.world.migrate(fresh, env={"FT_CODE": code}).status, 4)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_children_are_not_given_the_code(self):
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.new.make_cluster()
        self.assertEqual(self.source.stop(), 0)
        for host in (self.old, self.new):
            host.describe()
        source = Source(self.old, "--port", "0")
        # Each program that ft starts, with its whole environment.
        trace = self.world.directory / "trace"
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", "--yes")
        run = self.new.run(["strace", "-f", "-qq", "-v", "-s", "4096", "-e", "trace=execve", "-o", trace, *argv], env={"FT_CODE": self.code})
        self.assertEqual(run.returncode, 0, run.stderr)
        started = [line for line in trace.read_text().splitlines() if "execve(" in line]
        self.assertIn(self.code, started[0])
        self.assertTrue(any("pg_restore" in line for line in started[1:]), started)
        for line in started[1:]:
            self.assertNotIn(self.code, line)


if __name__ == "__main__":
    unittest.main()
