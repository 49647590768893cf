"""Production traffic at the source: asked, stopped, and back as it was whatever ends the source."""

import os
import signal
import subprocess
import unittest

from support import sample
from support.hosts import DEADLINE, Held, World, Source, code_arguments, contents, listing, wait_until
from support.services import Services, stopped_services
from system.test_terminal import Terminal

QUESTION = "yes or no: "


class TrafficCase(unittest.TestCase):
    """An old server whose app and worker run, and whose mailer is off."""

    def setUp(self):
        self.world = self.enterContext(World())
        self.old, self.new = self.world.old, self.world.new
        sample.fill_tree(self.old.path("/srv/data"), files=20)
        (self.old.path("/srv/data") / "!first").write_bytes(b"asked for before all others")
        self.services = Services(self.old, "app", "mailer", "worker.service", active=("app", "worker.service"), units=("worker.service",))
        self.addCleanup(self.services.close)

    def describe(self, databases=(), **more):
        self.old.describe(databases=databases, services=self.services.described(**more))
        self.new.describe(databases=databases)
        self.before = self.state()

    def state(self):
        tree = self.old.path("/srv/data")
        return listing(tree), contents(tree), self.services.active()

    def source(self, *arguments, **options):
        return Source(self.old, "--port", "0", *arguments, env=self.services.env, **options)

    def require_as_before(self):
        self.assertEqual(self.state(), self.before)
        self.assertNotIn("started twice", " ".join(self.services.journal()))
        state_dir = self.old.path("/var/lib/ft")
        left = [path.name for path in state_dir.iterdir()] if state_dir.exists() else []
        self.assertLessEqual(set(left), {"running"})  # of a killed one; it holds nothing
        if self.old.cluster:
            sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^(ft|pg_dump)'"
            wait_until(lambda: self.old.cluster.sql("postgres", sessions) == "0", "the server to notice that ft has gone")


class TrafficTest(TrafficCase):
    def test_stopped_in_order_and_started_in_reverse(self):
        self.describe()
        source = self.source("--stop-traffic")
        self.assertEqual(self.services.active(), [])
        self.assertEqual(stopped_services(self.old), {"app": "stopped", "mailer": "off", "worker.service": "stopped"})
        self.assertEqual(self.services.journal(), ["stop app final", "stop worker.service systemctl"])
        self.assertRegex(source.stderr(), r"Production traffic is stopped: app, worker.service\.")
        self.assertRegex(source.stderr(), r"Production traffic is stopped since 20\S+Z, until this ends\.")
        self.services.forget()
        self.assertEqual(source.stop(), 0)
        self.assertEqual(self.services.journal(), ["start worker.service systemctl", "start app final"])
        self.require_as_before()
        self.assertFalse(self.old.path("/var/lib/ft").exists())

    def test_kept_traffic_touches_nothing(self):
        self.describe()
        source = self.source("--keep-traffic")
        self.assertIn("rehearsal", source.stderr())
        self.assertEqual(source.stop(), 0)
        self.assertEqual(self.services.journal(), [])
        self.require_as_before()

    def test_neither_flag_and_no_terminal(self):
        self.describe()
        refused = self.old.run(self.old.ft("--source", "--port", "0"), env=self.services.env)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn(b"--keep-traffic", refused.stderr)
        self.assertIn(b"--stop-traffic", refused.stderr)
        self.assertFalse(self.old.path("/var/lib/ft").exists())
        self.require_as_before()

    def terminal(self):
        argv = self.old.ft("--source", "--port", "0", *code_arguments(self.world.directory / "code"))
        terminal = Terminal(self.world, self.old.command(argv), self.services.env)
        self.addCleanup(terminal.hang_up)
        return terminal

    def test_the_question(self):
        for typed, stopped in (("no", False), ("yes", True), ("n", False), ("y", True)):
            with self.subTest(typed):
                self.describe()
                terminal = self.terminal()
                terminal.wait_for(QUESTION)
                self.assertIn("Stop production traffic while this runs?", terminal.shown)
                self.assertEqual(self.services.active(), ["app", "worker.service"])
                terminal.shown = ""
                terminal.type("perhaps\n")
                terminal.wait_for(QUESTION)  # again
                terminal.type(typed + "\n")
                terminal.wait_for("Ctrl-C ends this")
                self.assertEqual(self.services.active(), [] if stopped else ["app", "worker.service"])
                terminal.type("\x03")
                self.assertEqual(terminal.wait(), 0, terminal.shown)
                self.require_as_before()

    def test_ctrl_c_at_the_question(self):
        self.describe()
        terminal = self.terminal()
        terminal.wait_for(QUESTION)
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 8, terminal.shown)
        self.assertEqual(self.services.journal(), [])
        self.require_as_before()

    def test_ctrl_c_twice(self):
        self.describe()
        terminal = self.terminal()
        terminal.wait_for(QUESTION)
        terminal.type("yes\n")
        terminal.wait_for("Ctrl-C ends this")
        self.services.hold("start", "worker.service")
        terminal.type("\x03")
        self.services.wait_held("start", "worker.service")
        terminal.type("\x03\x03")
        self.services.release()
        self.assertEqual(terminal.wait(), 0, terminal.shown)
        self.require_as_before()

    def test_a_terminal_that_is_lost(self):
        self.describe()
        terminal = self.terminal()
        terminal.wait_for(QUESTION)
        terminal.type("yes\n")
        terminal.wait_for("Ctrl-C ends this")
        terminal.hang_up()
        self.assertEqual(terminal.wait(), 0)
        self.require_as_before()

    def failing(self, *arguments):
        """The stderr of a source that ends by itself, with status `status`."""
        finished = self.old.run(self.old.ft("--source", "--port", "0", *arguments), env=self.services.env)
        return finished.returncode, finished.stderr.decode() + finished.stdout.decode()

    def test_a_service_that_does_not_stop_in_time(self):
        self.describe(timeout=1)
        self.services.hold("stop", "worker.service")
        status, said = self.failing("--stop-traffic")
        self.assertEqual(status, 1, said)
        self.assertIn("service worker.service: stop: did not end within 1 s", said)
        self.assertIn("This system is as it was before.", said)
        self.services.release()
        self.assertEqual(self.services.active(), ["app", "worker.service"])

    def test_a_service_that_fails_to_stop(self):
        self.describe()
        self.services.fail("stop", "worker.service")
        status, said = self.failing("--stop-traffic")
        self.assertEqual(status, 1, said)
        self.assertIn("service worker.service: stop: exit status 1: it does not want to", said)
        self.assertEqual(self.services.active(), ["app", "worker.service"])
        self.assertIsNone(stopped_services(self.old))

    def test_a_service_that_is_active_after_its_stop(self):
        self.describe()
        self.old.describe(databases=(), services=[{**self.services.described()[0], "stop": ["true"]}])
        status, said = self.failing("--stop-traffic")
        self.assertEqual(status, 1, said)
        self.assertIn("service app: stop: it is active still", said)

    def test_a_service_that_does_not_start_again(self):
        self.describe()
        source = self.source("--stop-traffic")
        self.services.fail("start", "worker.service")
        self.assertEqual(source.stop(), 1)
        self.assertEqual(self.services.active(), ["app"])  # the rest is started
        self.assertIn("ft: service worker.service: start: exit status 1: it does not want to", source.stderr())
        self.assertNotIn("This system is as it was before", source.stderr())
        self.assertEqual(stopped_services(self.old), {"worker.service": "stopped"})
        self.services.mend()
        self.services.forget()
        again = self.source("--keep-traffic")  # each start tries it again
        self.assertIn("starting worker.service", again.stderr())
        self.assertEqual(again.stop(), 0)
        self.assertEqual(self.services.journal(), ["start worker.service systemctl"])
        self.require_as_before()

    def test_a_service_that_does_not_start_again_after_the_worker_was_killed(self):
        self.describe()
        source = self.source("--stop-traffic")
        self.services.fail("start", "worker.service")
        os.kill(source.worker(), signal.SIGKILL)
        self.assertEqual(source.wait(), 1)
        self.assertEqual(self.services.active(), ["app"])
        self.assertIn("service worker.service: start", source.stderr())
        self.assertNotIn("This system is as it was before", source.stderr())
        self.assertIn("Everything else is as it was before", source.stderr())

    def test_findings(self):
        self.describe()
        (self.services.directory / "known-worker.service").unlink()
        services = self.services.described()
        services[0]["active"] = ["/no/such/program"]
        services[1]["active"] = ["sh", "-c", "exit 126"]
        self.old.describe(databases=(), services=services)
        status, said = self.failing("--stop-traffic")
        self.assertEqual(status, 3, said)
        for text in ("service app: active: /no/such/program", "service mailer: active: exit status 126",
                     "systemd does not know unit worker.service"):
            self.assertIn(text, said)
        self.assertEqual(self.services.journal(), [])

    def test_a_damaged_record(self):
        self.describe()
        source = self.source("--stop-traffic")
        source.kill_all()
        record = self.old.path("/var/lib/ft/stopped-services")
        record.write_bytes(record.read_bytes()[:-7])
        self.assertEqual(record.stat().st_mode & 0o777, 0o600)
        status, said = self.failing("--keep-traffic")
        self.assertEqual(status, 11, said)
        self.assertIn("stopped-services", said)

    def test_sessions_that_stay_are_told(self):
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.describe(databases=("app",))
        session = self.world.start(["psql", "-X", "-q", "-h", self.old.cluster.socket, "-U", "postgres", "-d", "app"],
                                   stdin=subprocess.PIPE, env={**os.environ, "PGAPPNAME": "forgotten"})
        self.addCleanup(session.stdin.close)
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forgotten'"
        wait_until(lambda: self.old.cluster.sql("postgres", asked) == "1", "the session")
        source = self.source("--stop-traffic")
        self.assertIn("1 session of user postgres (forgotten)", source.stderr())
        self.assertEqual(source.stop(), 0)
        self.require_as_before()


class EndedTest(TrafficCase):
    """Every phase and every way to end it: the system is as before."""

    WAYS = ("INT", "TERM", "HUP", "the worker killed", "the supervisor killed", "both killed")

    def setUp(self):
        super().setUp()
        sample.fill_database(self.old.make_cluster(), scale=10)
        self.new.make_cluster()
        self.describe(databases=("app",))

    def end(self, source, way, let_go=lambda: None, status=8):
        """Ends it that way; all must be as before, after the next start where both were killed."""
        if way in ("INT", "TERM", "HUP"):
            source.process.send_signal(getattr(signal, "SIG" + way))
            let_go()
            self.assertEqual(source.wait(), status, source.stderr())
        elif way == "the worker killed":
            os.kill(source.worker(), signal.SIGKILL)
            let_go()
            self.assertEqual(source.wait(), 1, source.stderr())
            self.assertIn("ended by signal 9", source.stderr())
            self.assertIn("This system is as it was before.", source.stderr())
        elif way == "the supervisor killed":
            source.process.kill()
            let_go()
            source.wait()  # which reads until the worker has ended, too
        else:
            self.assertEqual(source.kill_all(), -signal.SIGKILL)
            let_go()
            next_start = self.source("--keep-traffic")
            self.assertEqual(next_start.stop(), 0, next_start.stderr())
            for name in self.before[2]:
                if name not in self.left_active:
                    self.assertRegex(next_start.stderr(), f"starting .*{name}")
        self.require_as_before()

    def each_way(self, run, left_active=()):
        """`run` begins a source and returns it, in the phase, with what lets it go on."""
        for way in self.WAYS:
            with self.subTest(way):
                self.left_active = left_active
                self.services.forget()
                source, *more = run()
                self.end(source, way, *more)

    def test_in_the_checks(self):
        def run():
            self.services.hold("active", "mailer")
            source = self.source("--stop-traffic", wait=False)
            self.services.wait_held("active", "mailer")
            return source, self.services.release
        self.each_way(run, left_active=self.before[2])
        self.assertEqual(self.services.journal(), [])

    def test_while_services_stop(self):
        def run():
            self.services.hold("stop", "worker.service")
            source = self.source("--stop-traffic", wait=False)
            self.services.wait_held("stop", "worker.service")
            self.assertEqual(stopped_services(self.old), {"app": "stopped", "mailer": "off", "worker.service": "stopping"})
            return source, self.services.release
        self.each_way(run)

    def test_in_the_dump(self):
        cluster = self.old.cluster

        def run():
            self.services.hold("stop", "app")  # until the checks are over, which would wait for the lock, too
            source = self.source("--stop-traffic", wait=False)
            self.services.wait_held("stop", "app")
            lock = self.world.start(["psql", "-X", "-q", "-h", cluster.socket, "-U", "postgres", "-d", "app"], stdin=subprocess.PIPE)
            lock.stdin.write(b"BEGIN; LOCK TABLE audit IN ACCESS EXCLUSIVE MODE;\n")
            lock.stdin.flush()
            wait_until(lambda: cluster.sql("app", "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") != "0",
                       "the lock")
            self.services.release()
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^(ft|pg_dump)' AND wait_event_type = 'Lock'"
            wait_until(lambda: cluster.sql("postgres", waiting) != "0", "the dump to wait")
            self.assertIn("Making the backup.", source.stderr())
            return source, lambda: lock.communicate(b"COMMIT;\n")
        self.each_way(run)

    def test_idle(self):
        self.each_way(lambda: (self.source("--stop-traffic"), lambda: None, 0))

    def test_in_a_transfer(self):
        self.destination = None

        def run():
            if self.destination:
                self.assertIn(self.destination.wait(timeout=DEADLINE), (4, 5))  # it was told, or lost the connection
            source = self.source("--stop-traffic")
            held = Held(self.old.path("/srv/data/!first"))
            self.destination = self.world.start(
                self.new.command(self.new.ft("--destination", f"{self.old.address}:{source.port}", *code_arguments(source.code_file), "--yes",
                                              "--retry-for", "0")),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            held.wait()
            return source, held.__exit__, 0
        self.each_way(run)


if __name__ == "__main__":
    unittest.main()
