"""Services of the destination: off while trees and databases are replaced, on afterwards, whatever happens."""

import json
import os
import signal
import subprocess
import unittest

from support.hosts import DEADLINE, FT_FAULTS, Held, Run, World, Source, built, code_arguments, differences
from support.services import Services, stopped_services


class ServicesTest(unittest.TestCase):
    """A new server whose app runs; worker is off, and mailer must not run in a rehearsal."""

    NAMES = ("app", "mailer", "worker.service")

    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        tree = self.old.path("/srv/data")
        (tree / "some").mkdir(parents=True)
        (tree / "!first").write_bytes(b"asked for before all others")
        (tree / "some" / "file").write_bytes(b"new")
        self.new.path("/srv/data").mkdir(parents=True)
        (self.new.path("/srv/data") / "own").write_bytes(b"old")
        self.services = Services(self.new, *self.NAMES, active=("app", "mailer"), units=("worker.service",))
        self.addCleanup(self.services.close)
        self.old.describe(databases=())
        self.new.describe(databases=(), services=self.services.described(off=("mailer",)))

    def migrate(self, source, *arguments, env=None, **options):
        return self.world.migrate(source, *arguments, env={**self.services.env, **(env or {})}, **options)

    def begin(self, source):
        argv = self.new.ft("--destination", f"{self.old.address}:{source.port}", *code_arguments(source.code_file), "--yes", "--json")
        return self.world.start(self.new.command(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                env={**os.environ, **self.services.env})

    @staticmethod
    def finish(process):
        stdout, stderr = process.communicate(timeout=DEADLINE)
        return Run(subprocess.CompletedProcess((), process.returncode, stdout, stderr))

    def next_start(self, source):
        """A run that cannot connect: what it says before."""
        argv = self.new.ft("--destination", "127.0.0.1:9", "--yes", *code_arguments(source.code_file))
        finished = self.new.run(argv, env=self.services.env)
        self.assertEqual(finished.returncode, 4, finished.stderr)
        self.assertIsNone(stopped_services(self.new))
        return finished.stdout.decode()

    def start_services(self, *arguments):
        argv = [built("src/ft"), "start-services", "--system", self.new.system_file, "--root", self.new.root, *arguments]
        finished = self.new.run(argv, env=self.services.env)
        return finished.returncode, finished.stdout.decode() + finished.stderr.decode()

    def require_replica(self):
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])

    def test_rehearsal_and_final_run(self):
        source = Source(self.old, "--port", "0", "--keep-traffic")
        rehearsal = self.migrate(source)
        self.assertEqual((rehearsal.status, rehearsal.result["phase"], rehearsal.result["problems"]), (0, "rehearsal", []), rehearsal.stderr)
        self.require_replica()
        self.assertEqual(self.services.journal(), ["stop app rehearsal", "stop mailer rehearsal", "set-environment FT_PHASE=rehearsal",
                                                   "start worker.service systemctl", "start app rehearsal"])
        self.assertEqual(self.services.active(), ["app", "worker.service"])
        self.assertIn("This is a rehearsal: production goes on at", rehearsal.stderr)
        self.assertIn("stay off, because this was a rehearsal: mailer. To start them: ft start-services", rehearsal.stderr)
        self.assertIsNone(stopped_services(self.new))
        self.assertEqual(source.stop(), 0)

        self.services.forget()
        source = Source(self.old, "--port", "0", "--stop-traffic")
        final = self.migrate(source)
        self.assertEqual((final.status, final.result["phase"]), (0, "final"), final.stderr)
        self.assertEqual(self.services.journal(), ["stop app final", "stop worker.service systemctl", "set-environment FT_PHASE=final",
                                                   "start worker.service systemctl", "start mailer final", "start app final"])
        self.assertEqual(self.services.active(), sorted(self.NAMES))
        self.assertIn("This is a final run: production is stopped at", final.stderr)
        self.assertNotIn("stay off", final.stderr)

    def test_what_services_change_once_they_run_again_is_told_by_the_next_run(self):
        service = self.services.directory / "service"
        written = self.new.path("/srv/data") / "written"
        # Not within one tick of the kernel's clock.
        service.write_text(service.read_text().replace("start) ", f"start) sleep 0.1; echo new > '{written}'; "))
        source = Source(self.old, "--port", "0")
        self.assertEqual(self.migrate(source).status, 0)
        self.assertTrue(written.exists())
        again = self.migrate(source)
        (changed,) = [event for event in again.events if event["event"] == "changed_here"]
        self.assertIn("written", changed["trees"][0]["examples"])

    def test_a_final_run_that_fails_leaves_a_rehearsal(self):
        source = Source(self.old, "--port", "0", "--keep-traffic")
        self.assertEqual(self.migrate(source).status, 0)
        self.assertEqual(source.stop(), 0)
        self.services.forget()
        source = Source(self.old, "--port", "0", "--stop-traffic")
        self.old.path("/srv/data/!first").write_bytes(b"changed")
        with Held(self.old.path("/srv/data/!first")) as held:
            process = self.begin(source)
            held.wait()
            process.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(process).status, 8)
        self.assertEqual(self.services.journal(), ["stop app final", "stop worker.service systemctl", "set-environment FT_PHASE=rehearsal",
                                                   "start worker.service systemctl", "start app rehearsal"])

    def test_start_services(self):
        self.assertEqual(self.migrate(Source(self.old, "--port", "0")).status, 0)
        self.services.forget()
        self.services.fail("start", "mailer")
        (self.services.directory / "worker.service").unlink()
        status, said = self.start_services()
        self.assertEqual(status, 1, said)
        self.assertIn("ft: service mailer: start: exit status 1: it does not want to", said)
        self.assertEqual(self.services.active(), ["app", "worker.service"])
        self.services.mend()
        status, said = self.start_services("--json")
        self.assertEqual(status, 0, said)
        self.assertIn("mailer: started.", said)
        self.assertIn("app: is active.", said)
        self.assertEqual(self.services.active(), sorted(self.NAMES))
        self.assertEqual(self.services.journal()[-1], "start mailer final")

    def test_stopped_while_it_fetches_and_as_before_after_an_interruption(self):
        source = Source(self.old, "--port", "0")
        with Held(self.old.path("/srv/data/!first")) as held:
            process = self.begin(source)
            held.wait()
            self.assertEqual(self.services.active(), [])
            self.assertEqual(stopped_services(self.new), {"app": "stopped", "mailer": "stopped", "worker.service": "off"})
            process.send_signal(signal.SIGINT)
            run = self.finish(process)
        self.assertEqual(run.status, 8, run.stderr)
        self.assertEqual(self.services.active(), ["app", "mailer"])
        self.assertIsNone(stopped_services(self.new))

    def test_as_before_after_a_commit_that_was_taken_back(self):
        source = Source(self.old, "--port", "0")
        run = self.migrate(source, program=FT_FAULTS, env={"FT_FAULT": "errno:EIO:2", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
        self.assertEqual((run.status, run.result["outcome"]), (6, "rolled_back"), run.stderr)
        self.assertEqual(self.services.active(), ["app", "mailer"])
        self.assertIsNone(stopped_services(self.new))

    def test_a_service_that_does_not_stop(self):
        self.services.fail("stop", "mailer")
        run = self.migrate(Source(self.old, "--port", "0"))
        self.assertEqual((run.status, run.result["outcome"]), (1, "unchanged"), run.stderr)
        self.assertIn("service mailer: stop: exit status 1: it does not want to", run.stderr)
        self.assertEqual(self.services.active(), ["app", "mailer"])

    def test_a_service_that_does_not_start_after_the_commit(self):
        self.services.fail("start", "worker.service")
        source = Source(self.old, "--port", "0")
        run = self.migrate(source)
        self.assertEqual((run.status, run.result["outcome"]), (10, "committed"), run.stderr)
        self.assertEqual(len(run.result["problems"]), 1)
        self.assertIn("service worker.service: start", run.result["problems"][0])
        self.assertIn("service worker.service: start", run.stderr)
        self.require_replica()
        self.assertEqual(self.services.active(), ["app"])
        self.services.mend()
        self.assertIn("starting worker.service", self.next_start(source))
        self.assertEqual(self.services.active(), ["app", "worker.service"])

    def test_the_phase_that_units_cannot_be_told(self):
        systemctl = self.services.directory / "bin/systemctl"
        systemctl.write_text(systemctl.read_text().replace("set-environment)", "set-environment) exit 1;; never)"))
        run = self.migrate(Source(self.old, "--port", "0"))
        self.assertEqual(run.status, 10, run.stderr)
        self.assertEqual(self.services.active(), ["app"])  # no unit is started that might take it for the real thing

    def test_unknown_unit(self):
        (self.services.directory / "known-worker.service").unlink()
        run = self.migrate(Source(self.old, "--port", "0"))
        self.assertEqual(run.status, 3, run.stderr)
        self.assertIn("systemd does not know unit worker.service", run.stderr)
        self.assertEqual(self.services.journal(), [])

    def test_killed_while_it_fetches(self):
        source = Source(self.old, "--port", "0")
        with Held(self.old.path("/srv/data/!first")) as held:
            process = self.begin(source)
            held.wait()
            process.kill()
            self.assertEqual(self.finish(process).status, -signal.SIGKILL)
        self.assertEqual(self.services.active(), [])
        self.assertIn("starting app, mailer", self.next_start(source))
        self.assertEqual(self.services.active(), ["app", "mailer"])

    def test_killed_while_it_starts_services(self):
        source = Source(self.old, "--port", "0")
        self.services.hold("start", "app")
        process = self.begin(source)
        self.services.wait_held("start", "app")
        process.kill()
        self.assertEqual(self.finish(process).status, -signal.SIGKILL)
        self.services.release()
        self.require_replica()
        self.next_start(source)
        self.assertEqual(self.services.active(), ["app", "worker.service"])

    def test_killed_at_any_step_after_the_decision(self):
        source = Source(self.old, "--port", "0")
        for step in range(1, 1000):
            (self.old.path("/srv/data") / "some" / "file").write_bytes(b"%d" % step)
            run = self.migrate(source, program=FT_FAULTS, env={"FT_FAULT": f"kill-before:{step}", "FT_FAULT_AFTER_TEXT": '"COMMIT"'})
            with self.subTest(step):
                if run.status == -signal.SIGKILL:
                    self.next_start(source)
                    last = json.loads(self.new.path("/var/lib/ft/last-run").read_text())
                    self.assertEqual([last["run_id"]], [event["run_id"] for event in run.events if event["event"] == "run_started"])
                else:
                    self.assertEqual(run.status, 0, run.stderr)
                self.assertEqual(self.services.active(), ["app", "worker.service"])
                self.require_replica()
            if run.status == 0:
                break
        self.assertGreater(step, 10)


if __name__ == "__main__":
    unittest.main()
