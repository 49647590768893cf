"""What stays the destination's own, accounts that come across, and the host name (statements 15, 16 and 19)."""

import contextlib
import os
import signal
import subprocess
import unittest
from pathlib import Path

from support.host_roots import FAMILIES, make_etc
from support.hosts import FT, FT_FAULTS, Source, World, built, code_arguments, listing

AFTER_COMMIT = '"COMMIT"'


def contents_of(tree):
    """Path -> content, or what a link says, of everything below `tree` but directories."""
    found = {}
    for directory, _, names in os.walk(tree):
        for name in [*names, *(d for d in os.listdir(directory) if os.path.islink(os.path.join(directory, d)))]:
            path = os.path.join(directory, name)
            link = os.path.islink(path)
            found[os.path.relpath(path, tree)] = ("link " + os.readlink(path)) if link else Path(path).read_bytes()
    return found


class HostTest(unittest.TestCase):
    @contextlib.contextmanager
    def two_hosts(self, **case):
        with self.subTest(**case), World() as self.world:
            self.old, self.new = self.world.old, self.world.new
            yield

    def etc(self, host):
        return host.path("/etc")

    def describe(self, host, trees=({"name": "config", "path": "/etc"},), **more):
        host.describe(trees=trees, databases=(), **more)

    def source(self):
        return Source(self.old, "--port", "0")

    def kept(self, run):
        return {(each["kind"], each["name"]): each.get("group", "") for each in run.result["kept"]}

    def require_nothing_left(self):
        for reserved in self.new.root.rglob(".ft-staging"):
            self.assertEqual(self.new.staged("/" + str(reserved.parent.relative_to(self.new.root))), [], reserved)
        self.assertFalse(self.new.path("/var/lib/ft/journal").exists())

    def test_15_host_settings_stay_and_all_else_comes(self):
        for family in FAMILIES:
            for tree in ("/etc", "/"):
                with self.two_hosts(family=family, tree=tree):
                    theirs = make_etc(self.etc(self.old), family, 11)
                    own = make_etc(self.etc(self.new), family, 22)
                    before = contents_of(self.etc(self.new))
                    facts = listing(self.etc(self.new))
                    for host in (self.old, self.new):
                        self.describe(host, trees=({"name": "all", "path": tree},))
                    run = self.world.migrate(self.source())
                    self.assertEqual(run.status, 0, run.stderr)
                    after = contents_of(self.etc(self.new))
                    for path in own:
                        self.assertEqual(after[path], before[path], path)
                        self.assertEqual(listing(self.etc(self.new))[path.encode()], facts[path.encode()], path)
                    source = contents_of(self.etc(self.old))
                    self.assertEqual({p: c for p, c in after.items() if p not in own}, {p: c for p, c in source.items() if p not in theirs})
                    self.assertEqual({f"/etc/{p}" for p in own} - {name for kind, name in self.kept(run) if kind == "host setting"}
                                     - {f"/etc/{p}" for p in own if any(f"/etc/{p}".startswith(name + "/") for _, name in self.kept(run))}, set())
                    self.assertIn("Kept here: ", run.stderr)
                    self.assertEqual(self.kept(run)["host setting", "/etc/resolv.conf"], "DNS servers")
                    self.require_nothing_left()

    def test_15_what_a_host_setting_leads_to_stays(self):
        self.enterContext(self.two_hosts())
        for host, number in ((self.old, 11), (self.new, 22)):
            etc = self.etc(host)
            make_etc(etc, "debian", number)
            (etc / "site").mkdir()
            (etc / "site" / "interfaces").write_text(f"iface ens3 # {number}\n")
            (etc / "site" / "other").write_text(f"{number}\n")
            self.describe(host)
        etc = self.etc(self.new)
        (etc / "network" / "interfaces").unlink()
        (etc / "network" / "interfaces").symlink_to("../site/interfaces")
        (etc / "resolv.conf").unlink()
        (etc / "resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")
        run = self.world.migrate(self.source())
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual(os.readlink(etc / "network" / "interfaces"), "../site/interfaces")
        self.assertEqual(os.readlink(etc / "resolv.conf"), "/run/systemd/resolve/stub-resolv.conf")
        self.assertEqual((etc / "site" / "interfaces").read_text(), "iface ens3 # 22\n")
        self.assertEqual((etc / "site" / "other").read_text(), "11\n")
        self.assertIn(("host setting", "/etc/site/interfaces"), self.kept(run))

    def test_15_keep_files_of_the_destination(self):
        self.enterContext(self.two_hosts())
        for host, number in ((self.old, 11), (self.new, 22)):
            for path in ("a.conf", "kept.conf", "kept.d/x", "kept.d/deep/y", "sub/kept.conf"):
                file = host.path("/srv/data") / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{number}\n")
        (self.new.path("/srv/data") / "kept.d" / "only-here").write_text("22\n")
        (self.old.path("/srv/data") / "absent").write_text("11\n")
        self.old.describe(databases=())
        self.new.describe(databases=(), keep={"files": ["/srv/data/kept.conf", "/srv/data/kept.d", "/srv/data/absent", "/srv/elsewhere"]})
        run = self.world.migrate(self.source())
        self.assertEqual(run.status, 0, run.stderr)
        self.assertEqual({path: content.decode().strip() for path, content in contents_of(self.new.path("/srv/data")).items()},
                         {"a.conf": "11", "kept.conf": "22", "kept.d/x": "22", "kept.d/deep/y": "22", "kept.d/only-here": "22", "sub/kept.conf": "11"})
        self.assertEqual(self.kept(run), {("file", "/srv/data/kept.conf"): "", ("file", "/srv/data/kept.d"): ""})

    def make_accounts(self):
        etc = self.etc(self.old)
        make_etc(etc, "debian", 11)
        (etc / "passwd").write_text("root:x:0:0:old:/root:/bin/bash\nwww-data:x:33:33:www:/var/www:/bin/sh\nanna:x:1000:1000:Anna:/home/anna:/bin/zsh\n"
                                    "app:x:998:998::/srv/data:/usr/sbin/nologin\n")
        (etc / "group").write_text("root:x:0:\nshadow:x:42:\nwww-data:x:33:anna\nanna:x:1000:\napp:x:998:www-data\n")
        (etc / "shadow").write_text("root:OLDROOT:1::::::\nwww-data:*:1::::::\nanna:ANNA:2::::::\napp:!:3::::::\n")
        (etc / "gshadow").write_text("root:*::\nshadow:*::\nwww-data:*::anna\nanna:!::\napp:!::www-data\n")
        etc = self.etc(self.new)
        make_etc(etc, "debian", 22)
        (etc / "passwd").write_text("root:x:0:0:new:/root:/bin/sh\nwww-data:x:48:48:www:/usr/share/www:/usr/sbin/nologin\ndave:x:1000:1000::/home/dave:/bin/bash\n"
                                    "systemd-resolve:x:998:998::/:/usr/sbin/nologin\n")
        (etc / "group").write_text("root:x:0:\nshadow:x:42:\nwww-data:x:48:dave\ndave:x:1000:\nsystemd-resolve:x:998:\n")
        (etc / "shadow").write_text("root:NEWROOT:1::::::\nwww-data:*:1::::::\ndave:DAVE:1::::::\nsystemd-resolve:!:1::::::\n")
        (etc / "gshadow").write_text("root:*::\nshadow:*::\nwww-data:*::dave\ndave:!::\nsystemd-resolve:!::\n")
        for name in ("subuid", "subgid"):
            (self.etc(self.old) / name).write_text("anna:100000:65536\n")
            (etc / name).write_text("dave:100000:65536\n")
        for name in ("shadow", "gshadow"):
            os.chown(etc / name, 0, 42)
        data = self.old.path("/srv/data")
        data.mkdir(parents=True, exist_ok=True)
        for name, owner in (("anna", 1000), ("www-data", 33), ("app", 998), ("root", 0)):
            (data / name).write_text(name)
            os.chown(data / name, owner, owner)

    def require_accounts(self):
        etc = self.etc(self.new)
        self.assertEqual((etc / "passwd").read_text(),
                         "root:x:0:0:new:/root:/bin/sh\nwww-data:x:48:48:www:/usr/share/www:/usr/sbin/nologin\nsystemd-resolve:x:998:998::/:/usr/sbin/nologin\n"
                         "anna:x:1001:1001:Anna:/home/anna:/bin/zsh\napp:x:999:999::/srv/data:/usr/sbin/nologin\n")
        self.assertEqual((etc / "group").read_text(), "root:x:0:\nshadow:x:42:\nwww-data:x:48:anna\nsystemd-resolve:x:998:\nanna:x:1001:\napp:x:999:www-data\n")
        self.assertEqual((etc / "shadow").read_text(), "root:NEWROOT:1::::::\nwww-data:*:1::::::\nsystemd-resolve:!:1::::::\nanna:ANNA:2::::::\napp:!:3::::::\n")
        self.assertEqual((etc / "gshadow").read_text(), "root:*::\nshadow:*::\nwww-data:*::anna\nsystemd-resolve:!::\nanna:!::\napp:!::www-data\n")
        for name in ("subuid", "subgid"):
            self.assertEqual((etc / name).read_text(), "anna:100000:65536\n")
        for name, mode, group in (("passwd", 0o644, 0), ("group", 0o644, 0), ("shadow", 0o640, 42), ("gshadow", 0o640, 42)):
            status = (etc / name).stat()
            self.assertEqual((status.st_mode & 0o7777, status.st_uid, status.st_gid), (mode, 0, group), name)
        data = self.new.path("/srv/data")
        self.assertEqual({name: ((data / name).stat().st_uid, (data / name).stat().st_gid) for name in os.listdir(data)},
                         {"anna": (1001, 1001), "www-data": (48, 48), "app": (999, 999), "root": (0, 0)})

    def test_01_accounts_come_and_trees_follow_by_name(self):
        trees = {"covered": ({"name": "config", "path": "/etc"}, {"name": "data", "path": "/srv/data"}),
                 "whole": ({"name": "all", "path": "/", "exclude": ["/run", "/only-there"]},),
                 "alone": ({"name": "data", "path": "/srv/data"},),
                 "excluded": ({"name": "all", "path": "/", "exclude": ["/etc"]},)}
        for name, described in trees.items():
            with self.two_hosts(case=name):
                self.make_accounts()
                before = self.etc(self.new).stat().st_mtime_ns
                for host in (self.old, self.new):
                    self.describe(host, trees=described, accounts=True)
                source = self.source()
                run = self.world.migrate(source)
                self.assertEqual(run.status, 0, run.stderr)
                self.require_accounts()
                self.assertIn("users that only this server has are removed: dave", run.stderr)
                self.assertEqual(self.kept(run)["account", "root"], "root's password")
                self.assertNotIn(("host setting", "/etc/passwd"), self.kept(run))
                self.require_nothing_left()
                covered = name in ("covered", "whole")
                self.assertEqual(self.etc(self.new).stat().st_mtime_ns, self.etc(self.old).stat().st_mtime_ns if covered else before)
                # The same again: nothing of it is written any more.
                inodes = {file: (self.etc(self.new) / file).stat().st_ino for file in ("passwd", "group", "shadow", "gshadow", "subuid")}
                again = self.world.migrate(source)
                self.assertEqual(again.status, 0, again.stderr)
                self.assertEqual({file: (self.etc(self.new) / file).stat().st_ino for file in inodes}, inodes)
                self.require_accounts()
                source.stop()

    def test_accounts_on_one_side_only(self):
        self.enterContext(self.two_hosts())
        self.make_accounts()
        for old, new, said in ((True, False, "at the source, but not here"), (False, True, "here, but not at the source")):
            self.describe(self.old, accounts=old)
            self.describe(self.new, accounts=new)
            before = contents_of(self.new.root)
            source = self.source()
            run = self.world.migrate(source)
            source.stop()
            self.assertEqual(run.status, 3, run.stderr)
            self.assertIn(said, run.stderr)
            self.assertEqual(contents_of(self.etc(self.new)), {p[4:]: c for p, c in before.items() if p.startswith("etc/")})

    def test_a_source_whose_account_files_are_faulty(self):
        self.enterContext(self.two_hosts())
        self.make_accounts()
        with open(self.etc(self.old) / "passwd", "a") as passwd:
            passwd.write("+::::::\n")
        self.describe(self.old, accounts=True)
        source = Source(self.old, "--port", "0", wait=False)
        self.assertEqual(source.wait(), 3)
        self.assertIn("/etc/passwd, line 5", source.stderr())

    def test_16_the_host_name_becomes_the_public_one(self):
        cases = (("debian", {"name": "config", "path": "/etc"}), ("redhat", {"name": "data", "path": "/srv/data"}))
        for family, tree in cases:
            with self.two_hosts(family=family):
                kernel = os.uname().nodename
                for host, number in ((self.old, 11), (self.new, 22)):
                    make_etc(self.etc(host), family, number)
                    host.path("/srv/data").mkdir(parents=True)
                    self.describe(host, trees=(tree,), public_hostname="files.example.net")
                etc = self.etc(self.new)
                os.chown(etc / "hosts", 12, 34)
                (etc / "hosts").chmod(0o600)
                hosts = (etc / "hosts").read_text()
                source = self.source()
                run = self.world.migrate(source)
                self.assertEqual(run.status, 0, run.stderr)
                self.assertEqual((etc / "hostname").read_text(), "files.example.net\n")
                self.assertEqual((etc / "hosts").read_text(), hosts.replace("web22.example.com\tweb22", "files.example.net files")
                                 .replace("web22.example.com web22", "files.example.net files"))
                self.assertNotEqual((etc / "hosts").read_text(), hosts)
                status = (etc / "hosts").stat()
                self.assertEqual((status.st_mode & 0o7777, status.st_uid, status.st_gid), (0o600, 12, 34))
                if family == "debian":
                    self.assertEqual((etc / "mailname").read_text(), "files.example.net\n")
                else:
                    self.assertFalse((etc / "mailname").exists())
                    self.assertEqual((etc / "sysconfig/network").read_text(), "NETWORKING=yes\nHOSTNAME=files.example.net\nGATEWAY=192.0.2.22\n")
                self.assertIn("host name: becomes files.example.net", run.stderr)
                self.assertEqual(os.uname().nodename, kernel)
                self.require_nothing_left()
                again = self.world.migrate(source)
                self.assertNotIn("host name: becomes", again.stderr)
                source.stop()

    def kernel_run(self, source, program, env=None):
        """A run of a whole machine of its own: /etc and the kernel's name are private. What it is called afterwards, and the run."""
        script = 'mount --bind "$1" /etc && hostname web22 && shift && "$@"; status=$?; hostname >&3; exit $status'
        argv = [built(program), "migrate", "--destination", f"{self.old.address}:{source.port}", *code_arguments(source.code_file), "--yes",
                "--json", "--system", self.new.system_file]
        read, write = os.pipe()
        command = ["unshare", "--uts", "--mount", "--propagation", "private", "sh", "-c", script.replace(">&3", f">&{write}"), "sh", self.etc(self.new), *argv]
        finished = self.new.run(command, env=env, pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as name:
            return name.read().strip(), finished

    def make_whole_machine(self):
        """The destination is the root of the file system that it sees; its trees and state lie below the test's directory."""
        etc = self.etc(self.new)
        make_etc(etc, "debian", 22)
        # What programs need to run at all.
        for name in ("ld.so.cache", "nsswitch.conf", "ssl"):
            if os.path.exists(f"/etc/{name}"):
                subprocess.run(["cp", "-a", f"/etc/{name}", etc / name], check=True)
        self.old.path("/srv/data").mkdir(parents=True)
        (self.old.path("/srv/data") / "file").write_text("new")
        self.describe(self.old, trees=({"name": "data", "path": "/srv/data"},), public_hostname="files.example.net")
        self.describe(self.new, trees=({"name": "data", "path": str(self.new.path("/srv/data"))},), state_dir=str(self.new.path("/var/lib/ft")))

    def test_16_the_kernels_host_name(self):
        self.enterContext(self.two_hosts())
        self.make_whole_machine()
        kernel = os.uname().nodename
        source = self.source()
        name, finished = self.kernel_run(source, FT)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertEqual(name, "files.example.net")
        self.assertEqual((self.etc(self.new) / "hostname").read_text(), "files.example.net\n")
        self.assertEqual(os.uname().nodename, kernel)

    def test_16_a_run_that_is_taken_back_gives_the_old_name_back(self):
        self.enterContext(self.two_hosts())
        self.make_whole_machine()
        before = contents_of(self.etc(self.new))
        source = self.source()
        # The COMMIT's sync, then the name: refused, and then given back after another step is refused.
        for step, said in ((2, b"this machine: cannot name"), (4, b"cannot exchange")):
            name, finished = self.kernel_run(source, FT_FAULTS, {"FT_FAULT": f"errno:EIO:{step}", "FT_FAULT_AFTER_TEXT": AFTER_COMMIT})
            self.assertIn(b'"rolled_back"', finished.stdout, finished.stderr)
            self.assertIn(said, finished.stderr)
            self.assertEqual(name, "web22")
            self.assertEqual(contents_of(self.etc(self.new)), before)
            self.assertFalse((self.new.path("/srv/data") / "file").exists())

    def test_16_killed_after_the_kernel_had_the_name(self):
        self.enterContext(self.two_hosts())
        self.make_whole_machine()
        source = self.source()
        name, finished = self.kernel_run(source, FT_FAULTS, {"FT_FAULT": "kill-after:2", "FT_FAULT_AFTER_TEXT": AFTER_COMMIT})
        self.assertEqual((finished.returncode, name), (128 + signal.SIGKILL, "files.example.net"), finished.stderr)
        # Another start, after the machine's: it is called by its files.
        name, finished = self.kernel_run(source, FT)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertIn(b"committed now", finished.stderr)
        self.assertEqual(name, "files.example.net")
        self.assertEqual((self.etc(self.new) / "hostname").read_text(), "files.example.net\n")
        self.require_nothing_left()

    def test_17_killed_in_a_commit_of_host_files(self):
        for step in (1, 2, 4, 6, 8, 10):
            with self.two_hosts(step=step):
                self.make_accounts()
                trees = ({"name": "data", "path": "/srv/data"},) if step % 4 else ({"name": "config", "path": "/etc"}, {"name": "data", "path": "/srv/data"})
                for host in (self.old, self.new):
                    self.describe(host, trees=trees, accounts=True, public_hostname="files.example.net")
                source = self.source()
                killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": f"kill-before:{step}", "FT_FAULT_AFTER_TEXT": AFTER_COMMIT})
                self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
                recovered = self.new.run(self.new.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file))
                self.assertEqual(recovered.returncode, 4, recovered.stderr)
                self.assertIn(b"committed now", recovered.stdout)
                self.require_accounts()
                self.assertEqual((self.etc(self.new) / "hostname").read_text(), "files.example.net\n")
                self.require_nothing_left()
                source.stop()

    def test_17_killed_before_the_commit(self):
        self.enterContext(self.two_hosts())
        self.make_accounts()
        for host in (self.old, self.new):
            self.describe(host, trees=({"name": "data", "path": "/srv/data"},), accounts=True, public_hostname="files.example.net")
        before = contents_of(self.etc(self.new))
        source = self.source()
        seen = False
        for step in range(4, 60, 4):
            killed = self.world.migrate(source, program=FT_FAULTS, env={"FT_FAULT": f"kill-before:{step}"})
            self.assertEqual(killed.status, -signal.SIGKILL, killed.stderr)
            left = contents_of(self.etc(self.new))
            if any(path.startswith(".ft-staging") for path in left):
                seen = True
                self.assertEqual({path: text for path, text in left.items() if not path.startswith(".ft-staging")}, before)
                self.new.run(self.new.ft("--destination", "127.0.0.1:9", "--yes", "--code-file", source.code_file))
                self.assertEqual(contents_of(self.etc(self.new)), before)
                break
            self.assertEqual(left, before)
        self.assertTrue(seen)
        self.require_nothing_left()


if __name__ == "__main__":
    unittest.main()
