"""The demo: two servers walk the procedure: test, change-over, way back. Called by tests/demo."""

import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import sample  # noqa: E402
from support.hosts import Application, Source, World, differences  # noqa: E402


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
    found = differences(world.old.path("/srv/data"), world.new.path("/srv/data"))
    if found:
        raise SystemExit(f"the tree is not equal: {found[:5]}")
    print("   tree: equal (find: type, mode, owner, size, time to the nanosecond; sha256sum: contents)")
    if world.old.cluster.dump("app") != world.new.cluster.dump("app"):
        raise SystemExit("the databases are not equal")
    print("   database: equal (pg_dump of both)", flush=True)


def prove_writes(world, written):
    """Every write that production acknowledged has its row and its file on the new server."""
    rows = set(map(int, world.new.cluster.sql("app", "SELECT number FROM writes").split()))
    missing = [n for n in written if n not in rows or not (world.new.path("/srv/data") / f"write-{n}").exists()]
    if missing:
        raise SystemExit(f"{len(missing)} acknowledged writes are missing on the new server")
    print(f"   all {len(written)} writes that users were acknowledged are on the new server", flush=True)


def require(fact, what):
    if not fact:
        raise SystemExit(f"not so: {what}")
    print(f"   {what}", flush=True)


def stop(source):
    print("   old# ^C", flush=True)
    if source.stop() != 0:
        raise SystemExit(f"the source did not end cleanly:\n{source.stderr()}")


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say("Two servers in network namespaces: 'old' in production, 'new' empty")
    with World() as world:
        sample.fill_tree(world.old.path("/srv/data"), files=4000)
        sample.fill_database(world.old.make_cluster(), scale=1500)
        world.new.make_cluster()
        production, replica = Application(world.old), Application(world.new)
        world.old.describe(services=[production.service()])
        world.new.describe(services=[replica.service()])
        production.start()
        print("   old: 4,000 uploads, a database of 150,000 rows, an application that users write to", flush=True)

        say("1. The test: production goes on at the old server")
        users = production.load()
        print("   old# ft migrate --source --keep-traffic", flush=True)
        source = Source(world.old, "--port", "0", "--keep-traffic")
        migrate(world, source)
        stop(source)
        written, errors = users.end()
        require(not errors, f"users made {len(written)} writes meanwhile, without an error")
        testers = replica.load()
        tested, errors = testers.end()
        require(not errors and tested, f"the new server works alone: {len(tested)} test writes")

        say("2. Weeks pass: both sides change")
        sample.change_tree(world.old.path("/srv/data"))
        sample.change_database(world.old.cluster)

        say("3. The change-over: production stops, and what changed since comes")
        users = production.load()
        print("   old# ft migrate --source --stop-traffic", flush=True)
        source = Source(world.old, "--port", "0", "--stop-traffic")
        written, _ = users.end()
        require(not production.active(), "the application at the old server is stopped")
        migrate(world, source)
        require(replica.active(), "the application at the new server runs")
        replica.stop()
        prove(world)
        prove_writes(world, written)

        say("4. The way back: the old server has everything, Ctrl-C puts it into production again")
        stop(source)
        require(production.active(), "the application at the old server runs again")
        require(not world.old.path("/var/lib/ft").exists(), "nothing of ft is left on the old server")
    say("Done. All that the demo made is removed.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\ninterrupted; all that the demo made is removed", file=sys.stderr)
        sys.exit(130)
