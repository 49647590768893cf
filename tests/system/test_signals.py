"""A destination gets signals where it stands still, before each kind of step: until the commit it ends unchanged, then it
goes on to the end; a hang-up is nothing to it."""

import json
import os
import signal
import subprocess
import unittest

from support.hosts import DEADLINE, FT_FAULTS, World, code_arguments
from support.images import Image
from support.pair import INSIDE_COMMIT, Pair

INTERRUPTED = 8


class SignalsTest(unittest.TestCase):
    def setUp(self):
        world = self.enterContext(World())
        self.pair = Pair(world, mount=lambda: Image.make(world, "ext4", "ext4").mount(world.new.root))
        self.world = world

    def signalled(self, signals, step, after, *command):
        """A command that is stopped before a step, signalled, and goes on: its events before that, and its exit status; no
        status when it has no such step."""
        env = {**os.environ, "FT_FAULT": f"stop-before:{step}", "FT_FAULT_AFTER_TEXT": after}
        out, err = self.world.directory / "out", self.world.directory / "err"
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            process = self.world.start(self.world.new.command(command), stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, env=env)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        events = [json.loads(line) for line in out.read_text().splitlines()]
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0, err.read_text())
            return events, None
        for each in signals:
            process.send_signal(each)
        process.send_signal(signal.SIGCONT)
        return events, process.wait(timeout=DEADLINE)

    def run_signalled(self, signals, step, after):
        pair, source = self.pair.turn(), self.pair.source
        return self.signalled(signals, step, after, *pair.new.ft(
            "--destination", f"{pair.old.address}:{source.port}", *code_arguments(source.code_file), "--yes", "--json", program=FT_FAULTS))

    def test_before_the_commit(self):
        interrupted = 0
        for number, step in enumerate(range(1, 2000, 11)):
            signals = ([signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP, signal.SIGINT, signal.SIGINT, signal.SIGTERM])[number % 3]
            before = self.pair.here
            events, status = self.run_signalled(signals, step, "")
            if status is None:
                break
            committing = any(event["event"] == "phase" and event["phase"] == "commit" for event in events)
            # A signal has a thread of its own, which the last steps before the commit may outrun.
            self.assertIn(status, (0,) if committing else (0, INTERRUPTED), f"step {step}")
            self.assertEqual(self.pair.settle(), before if status else 1 - before, f"step {step}")
            interrupted += status == INTERRUPTED
        self.assertGreater(interrupted, 10)

    def test_in_the_commit(self):
        for number, step in enumerate(range(1, 2000, 9)):
            before = self.pair.here
            _, status = self.run_signalled([(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]] * 3, step, INSIDE_COMMIT)
            self.assertIn(status, (0, None), f"step {step}")
            self.assertEqual(self.pair.settle(), 1 - before, f"step {step}")
            if status is None:
                break
        self.assertGreater(step, 100)

    def test_a_hang_up_and_a_broken_pipe_change_nothing(self):
        for step in range(1, 2000, 37):
            before = self.pair.here
            _, status = self.run_signalled([signal.SIGHUP, signal.SIGPIPE], step, "")
            self.assertIn(status, (0, None), f"step {step}")
            self.assertEqual(self.pair.settle(), 1 - before, f"step {step}")
            if status is None:
                break
        self.assertGreater(step, 200)

    def test_in_an_undo(self):
        pair = self.pair
        for number, step in enumerate(range(2, 2000, 19)):
            self.assertEqual(pair.turn().run().status, 0)
            committed, signals = pair.settle(), [(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]]
            _, status = self.signalled(signals, step, "", *pair.new.here_argv("undo", "--yes", program=FT_FAULTS))
            self.assertIn(status, (0, INTERRUPTED, None), f"step {step}")
            if status == INTERRUPTED:
                self.assertNotIn(signal.SIGHUP, signals)
            self.assertEqual(pair.settle(), committed if status == INTERRUPTED else 1 - committed, f"step {step}")
            if status is None:
                break
        self.assertGreater(step, 100)

    def test_in_a_recovery(self):
        pair, told = self.pair, b"Signals do not end this command"
        for number, step in enumerate(range(2, 2000, 19)):
            self.assertEqual(pair.turn().run("kill-before:5").status, -signal.SIGKILL)
            each = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
            _, status = self.signalled([each], step, "", *pair.new.here_argv("recover", program=FT_FAULTS))
            said = (self.world.directory / "err").read_bytes()
            self.assertIn(status, (0, None), f"step {step}")
            self.assertEqual(told in said, status is not None and each != signal.SIGHUP, said)
            self.assertEqual(pair.settle(), pair.at_source, f"step {step}")
            self.assertIn("Nothing was left unfinished", pair.recover().stderr)
            if status is None:
                break
        self.assertGreater(step, 100)

    def test_while_a_store_is_discarded(self):
        pair = self.pair
        for command in (("undo", "--discard"), ("discard",)):
            ended = False
            for number, step in enumerate(range(2, 2000, 37)):
                self.assertEqual(pair.turn().run().status, 0)
                each = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
                _, status = self.signalled([each], step, "", *pair.new.here_argv(*command, program=FT_FAULTS))
                self.assertIn(status, (0, None), f"{command}, step {step}")
                self.assertEqual(pair.settle(), pair.at_source)
                ended = status is None
                if ended:
                    break
            self.assertTrue(ended)


if __name__ == "__main__":
    unittest.main()
