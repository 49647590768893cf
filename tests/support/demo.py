"""The demo: two servers, a migration, changes, a second migration. Called by tests/demo."""

import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import sample  # noqa: E402
from support.hosts import Source, World, differences  # noqa: E402


def say(text):
    print(f"\n== {text}", flush=True)


def migrate(world, source):
    """The command of the README, as the admin sees it."""
    argv = world.new.ft("--destination", f"{world.old.address}:{source.port}", "--code-file", source.code_file, "--yes")
    print("   new# ft migrate --destination old --yes", flush=True)
    process = world.start(world.new.command(argv), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    for line in process.stdout:
        print("   " + line.decode(errors="replace").rstrip(), flush=True)
    if process.wait() != 0:
        raise SystemExit(f"the migration failed: exit status {process.returncode}")


def prove(world):
    for tree in ("data", "config"):
        found = differences(world.old.path(f"/srv/{tree}"), world.new.path(f"/srv/{tree}"))
        if found:
            raise SystemExit(f"tree {tree} is not equal: {found[:5]}")
    print("   trees: equal (find: type, mode, owner, size, time to the nanosecond; sha256sum: contents)")
    if world.old.cluster.dump("app") != world.new.cluster.dump("app"):
        raise SystemExit("the databases are not equal")
    print("   database: equal (pg_dump of both)", flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say("Two servers in network namespaces: 'old' with users' uploads and a database, 'new' empty")
    with World() as world:
        sample.fill_tree(world.old.path("/srv/data"), files=4000)
        sample.fill_tree(world.old.path("/srv/config"), files=50, seed=3)
        sample.fill_database(world.old.make_cluster(), scale=1500)
        world.new.make_cluster()
        for host in (world.old, world.new):
            host.describe(trees=("data", "config"))
        print("   old: 4,000 uploads, a database of 150,000 rows", flush=True)

        say("The source: backup, pairing code, serving")
        print("   old# ft migrate --source", flush=True)
        source = Source(world.old, "--port", "0")
        say("First run: everything comes")
        migrate(world, source)
        prove(world)

        say("Changes on both sides")
        sample.change_tree(world.old.path("/srv/data"))
        sample.change_database(world.old.cluster)
        sample.change_tree(world.new.path("/srv/config"), seed=9)
        world.new.cluster.sql("app", "DELETE FROM audit WHERE id % 3 = 0")
        say("Second run: only what changed comes; what happened on 'new' is replaced")
        migrate(world, source)
        prove(world)

        say("Ctrl-C at the source")
        status = source.stop()
        left = world.old.path("/var/lib/ft").exists()
        print(f"   exit status {status}; left on the old server: {'something' if left else 'nothing'}")
        if status != 0 or left:
            raise SystemExit("the source did not end cleanly")
    say("Done. All that the demo made is removed.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\ninterrupted; all that the demo made is removed", file=sys.stderr)
        sys.exit(130)
