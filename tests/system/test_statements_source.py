"""What must be true for the admin, statement by statement (docs/statements.md): the whole, and the source."""

import os
import signal
import subprocess
import time

from support.hosts import DEADLINE, Application, Source, differences, listing
from system.statement_case import StatementCase


class SourceStatements(StatementCase):
    def test_01_users_groups_settings_and_data_are_identical(self):
        for host, uid in ((self.old, 1000), (self.new, 1007)):
            etc = host.path("/etc")
            etc.mkdir()
            (etc / "passwd").write_text("root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
                                        f"anna:x:{uid}:{uid}:{host.name}:/home/anna:/bin/bash\n")
            (etc / "shadow").write_text(f"root:{host.name}:1::::::\nwww-data:*:1::::::\nanna:$y${host.name}:1::::::\n")
            (etc / "group").write_text(f"root:x:0:\nwww-data:x:33:\nanna:x:{uid}:\n")
        with open(self.old.path("/etc/passwd"), "a") as passwd, open(self.old.path("/etc/group"), "a") as group:
            passwd.write("berta:x:1001:1001::/home/berta:/bin/bash\n")
            group.write("berta:x:1001:\neditors:x:1002:anna,berta\n")
        self.old.path("/etc/app").mkdir()
        self.old.path("/etc/app/app.conf").write_text("colour = green\n")
        self.make_systems(accounts=True, trees=("data", {"name": "etc", "path": "/etc"}))
        os.chown(self.old.path("/srv/data/old"), 1000, 1002)
        self.production.stop()
        self.migrate(self.started())
        passwd = self.new.path("/etc/passwd").read_text().splitlines()
        self.assertIn("anna:x:1007:1007:old:/home/anna:/bin/bash", passwd)
        self.assertIn("berta:x:1001:1001::/home/berta:/bin/bash", passwd)
        self.assertIn("anna:$y$old:1::::::", self.new.path("/etc/shadow").read_text().splitlines())
        groups = dict(line.split(":", 1) for line in self.new.path("/etc/group").read_text().splitlines())
        self.assertEqual(groups["editors"], "x:1002:anna,berta")
        self.assertEqual(self.new.path("/etc/app/app.conf").read_text(), "colour = green\n")
        owner = self.new.path("/srv/data/old").stat()
        self.assertEqual((owner.st_uid, owner.st_gid), (1007, 1002))
        old, new = listing(self.old.path("/srv/data")), listing(self.new.path("/srv/data"))
        del old[b"old"], new[b"old"]
        self.assertEqual(old, new)
        self.assertEqual(self.old.cluster.dump("app"), self.new.cluster.dump("app"))

    def test_02_one_direction_and_one_port_are_enough(self):
        self.make_systems()

        def filter_packets(host, *rule):
            subprocess.run(host.command(["iptables", *rule]), check=True)

        for host, opening in ((self.old, ("INPUT", "--dport")), (self.new, ("OUTPUT", "--dport"))):
            for chain in ("INPUT", "OUTPUT"):
                filter_packets(host, "-A", chain, "-i" if chain == "INPUT" else "-o", "lo", "-j", "ACCEPT")
            # What opens a connection: only from new to old, TCP/873. What answers it: anything of such a connection.
            filter_packets(host, "-A", opening[0], "-p", "tcp", opening[1], "873", "-j", "ACCEPT")
            answer = "OUTPUT" if opening[0] == "INPUT" else "INPUT"
            filter_packets(host, "-A", answer, "-p", "tcp", "--sport", "873", "!", "--syn", "-j", "ACCEPT")
            for chain in ("INPUT", "OUTPUT"):
                filter_packets(host, "-P", chain, "DROP")
        self.production.stop()
        source = Source(self.old)
        self.assertEqual(source.port, 873)
        self.migrate(source)
        self.require_replica()

    def test_03_what_keeps_it_from_connecting_is_said(self):
        self.make_systems()
        source = Source(self.old, "--listen", self.old.address6, "--port", "8730")
        before = self.new_state()

        def require_told(address, *texts, rule=None):
            if rule:
                subprocess.run(self.old.command(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8730", "-j", *rule]), check=True)
            began = time.monotonic()
            run = self.new.run(self.new.ft("--destination", address, "--yes", "--code-file", source.code_file))
            told = run.stderr.decode()
            self.assertEqual(run.returncode, 4, told)
            for text in texts:
                self.assertIn(text, told)
            self.assertLess(time.monotonic() - began, DEADLINE)
            self.assertEqual(self.new_state(), before)

        require_told(f"{self.old.address}:8731", self.old.address, "8731", "refused")
        require_told("no.such.host.invalid:8730", "no.such.host.invalid", "resolve")
        require_told(f"{self.old.address}:8730", self.old.address, "8730", "refused")  # it listens on IPv6 only
        require_told(f"{self.old.address}:8730", self.old.address, "8730", rule=("REJECT", "--reject-with", "icmp-admin-prohibited"))
        subprocess.run(self.old.command(["iptables", "-F", "INPUT"]), check=True)
        require_told(f"{self.old.address}:8730", self.old.address, "8730", "no answer", rule=("DROP",))
        run = self.new.run(self.new.ft("--destination", f"[{self.old.address6}]:8730", "--yes", "--code-file", source.code_file))
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_04_ids_and_service_names_may_differ(self):
        # A server that is older than the source's: tests/database/findings_test.cpp.
        for host, uid in ((self.old, 2001), (self.new, 3001)):
            host.path("/etc").mkdir()
            host.path("/etc/passwd").write_text(f"root:x:0:0::/root:/bin/sh\napp:x:{uid}:{uid}::/:/bin/sh\n")
            host.path("/etc/group").write_text(f"root:x:0:\napp:x:{uid}:\n")
        self.make_systems()
        os.chown(self.old.path("/srv/data/old"), 2001, 2001)
        self.new.describe(services=[{**self.replica.service(), "name": "the application, as this release calls it"}])
        self.migrate(self.started())
        owner = self.new.path("/srv/data/old").stat()
        self.assertEqual((owner.st_uid, owner.st_gid), (3001, 3001))
        self.assertTrue(self.replica.active())

    # The source

    def test_05_it_prepares_the_system_before_it_serves(self):
        self.make_systems()
        source = self.started()
        backups = self.old.path("/var/lib/ft/source-backups")
        self.assertTrue(list(backups.rglob("toc.dat")))
        self.assertEqual(source.stop(), 0)
        self.assertFalse(backups.exists())

    def test_06_stock_rsync_gets_the_same_bytes_and_a_taken_port_is_said(self):
        self.make_systems()
        secret = self.world.directory / "secret"
        secret.write_text("plain\n")
        secret.chmod(0o600)
        source = self.started("--allow-plain", "admin", "--plain-secret-file", secret)
        taken = self.old.run([*self.old.ft("--source", "--keep-traffic", "--port", str(source.port)), "--root", self.world.directory / "x"])
        self.assertNotEqual(taken.returncode, 0)
        url = f"rsync://admin@{self.old.address}:{source.port}/"
        modules = self.new.run(["rsync", url], env={"RSYNC_PASSWORD": "plain"}, check=True).stdout.decode()
        self.assertRegex(modules, r"(?m)^data\s")
        self.production.stop()
        self.new.path("/srv/data").mkdir(parents=True)
        self.new.run(["rsync", "-a", "--numeric-ids", url + "data/", self.new.path("/srv/data")], env={"RSYNC_PASSWORD": "plain"}, check=True)
        self.assertEqual(differences(self.old.path("/srv/data"), self.new.path("/srv/data")), [])

    def test_07_the_admin_chooses_whether_traffic_stops(self):
        self.make_systems()
        neither = self.old.run(self.old.ft("--source", "--port", "0"))
        self.assertEqual(neither.returncode, 2)
        for flag in (b"--stop-traffic", b"--keep-traffic"):
            self.assertIn(flag, neither.stderr)
        self.assertTrue(self.production.active())
        kept = self.started("--keep-traffic")
        self.assertTrue(self.production.active())
        kept.stop()
        stopped = self.started("--stop-traffic")
        self.assertFalse(self.production.active())
        stopped.stop()
        self.assertTrue(self.production.active())

    def test_08_kept_traffic_notices_nothing(self):
        self.make_systems()
        users = self.production.load()
        source = self.started("--keep-traffic")
        self.migrate(source)
        self.migrate(source)
        self.assertEqual(source.stop(), 0)
        written, errors = users.end()
        self.assertEqual(errors, [])
        journal = [int(number) for number in (self.production.state / "journal").read_text().split()]
        self.assertEqual(journal, written)
        # Nothing is left: no other database, role, schema, session or file.
        self.assertEqual(self.old.cluster.databases(), ["app", "postgres"])
        self.assertEqual(self.old.cluster.sql("app", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'ft%'"), "0")
        self.assertFalse(self.old.path("/var/lib/ft").exists())
        self.assertFalse((self.old.path("/srv/data") / ".ft-staging").exists())
        count = self.old.cluster.sql("app", "SELECT count(*) FROM writes")
        self.assertEqual(int(count), len(written))

    def test_09_stopped_traffic_is_stopped_until_the_end(self):
        self.make_systems()
        users = self.production.load()
        source = self.started("--stop-traffic")
        _, errors = users.end()
        self.assertEqual(len(errors), 1)  # the one that found nobody
        self.assertEqual(self.old.cluster.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'app'"), "0")
        before = self.old_state()
        self.migrate(source)
        self.assertFalse(self.production.active())
        self.assertEqual(self.old_state(), before)
        self.assertEqual(source.stop(), 0)
        self.assertTrue(self.production.active())

    def test_10_it_stays_for_several_runs_and_shows_them(self):
        self.make_systems()
        source = self.started("--stop-traffic")
        runs = [self.migrate(source).result["run_id"] for _ in range(3)]
        self.assertIsNone(source.process.poll())
        self.assertEqual(source.stop(), 0)
        for run in runs:
            self.assertRegex(source.stderr(), rf"run {run} ended: committed")

    def test_11_an_interrupt_a_hang_up_and_a_termination_end_it(self):
        self.make_systems()
        for how in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            with self.subTest(how):
                source = self.started("--stop-traffic")
                self.assertEqual(source.stop(how), 0, source.stderr())

    def test_12_it_leaves_the_system_as_it_was(self):
        self.make_systems()
        off = Application(self.old)
        off.state = self.old.path("/run/off")
        off.where[0] = off.state
        self.old.describe(services=[self.production.service(), {**off.service(), "name": "off"}])
        for how in (signal.SIGINT, signal.SIGKILL):
            with self.subTest(how):
                before = self.old_state()
                source = self.started("--stop-traffic")
                self.assertFalse(self.production.active())
                if how == signal.SIGKILL:
                    source.kill_all()
                    # It stood still in the middle; the next start of any kind heals.
                    refused = self.old.run(self.old.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file))
                    self.assertIn(b"application", refused.stdout + refused.stderr)
                else:
                    self.assertEqual(source.stop(how), 0)
                self.assertTrue(self.production.active())
                self.assertFalse(off.active())
                self.assertEqual(self.old_state(), before)
                self.assertEqual([p.name for p in self.old.path("/var/lib/ft").glob("*") if p.name not in ("logs", "reports")], [])

    def test_13_no_run_changes_anything_on_the_source(self):
        self.make_systems()
        self.production.stop()
        before = self.old_state()
        source = self.started()
        self.migrate(source)
        self.new.path("/srv/data/only-here").write_text("x")
        self.new.cluster.sql("app", "DELETE FROM settings; CREATE TABLE only_here ()")
        self.migrate(source)
        source.stop()
        final = self.started("--stop-traffic")
        self.migrate(final)
        final.stop()
        self.assertEqual(self.old_state(), before)
