"""Services of a host, for tests: small programs with a flag each, and a systemctl of our own.

Every call is written down ("stop app final"). A test can hold a call until it lets it go on, or make it fail.
"""

import json
import os

from support.hosts import wait_until

SCRIPT = r"""#!/bin/sh
# ACTION NAME
cd '{directory}' || exit 126
[ "$1" = active ] || echo "$1 $2 $FT_PHASE" >> journal
if [ -p "hold-$1-$2" ]; then
    echo "$1 $2" >> held
    read -r line < "hold-$1-$2"
fi
if [ -e "fail-$1-$2" ]; then echo "it does not want to" >&2; exit 1; fi
case "$1" in
    active) [ -e "$2" ] || exit 3 ;;
    start) if [ -e "$2" ]; then echo "started twice: $2" >> journal; fi; : > "$2" ;;
    stop) rm -f "$2" ;;
esac
"""

SYSTEMCTL = r"""#!/bin/sh
case "$1" in
    is-active) if '{directory}/service' active "$2"; then echo active; else echo inactive; exit 3; fi ;;
    start|stop) FT_PHASE=systemctl exec '{directory}/service' "$1" "$2" ;;
    show) if [ -e '{directory}/known-'"$4" ]; then echo loaded; else echo not-found; fi ;;
    set-environment) echo "$1 $2" >> '{directory}/journal' ;;
    *) exit 64 ;;
esac
"""


class Services:
    """Services of one host; those in `active` run."""

    def __init__(self, host, *names, active=(), units=()):
        self.names, self.units = names, units
        self.directory = host.world.directory / f"{host.name}-services"
        (self.directory / "bin").mkdir(parents=True)
        for name, text in (("service", SCRIPT), ("bin/systemctl", SYSTEMCTL)):
            path = self.directory / name
            path.write_text(text.replace("{directory}", str(self.directory)))
            path.chmod(0o755)
        for name in active:
            (self.directory / name).touch()
        for name in units:
            (self.directory / f"known-{name}").touch()
        # For ft: its PATH finds our systemctl first.
        self.env = {"PATH": f"{self.directory}/bin:{os.environ['PATH']}"}

    def described(self, off=(), timeout=60):
        """As system.json has them."""
        services = []
        for name in self.names:
            service = {"unit": name} if name in self.units else {
                "name": name, **{action: [str(self.directory / "service"), action, name] for action in ("stop", "start", "active")}}
            services.append({**service, "timeout": timeout, **({"rehearsal": "off"} if name in off else {})})
        return services

    def active(self):
        return sorted(name for name in self.names if (self.directory / name).exists())

    def journal(self):
        path = self.directory / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def forget(self):
        for name in ("journal", "held"):
            (self.directory / name).unlink(missing_ok=True)

    def fail(self, action, name):
        (self.directory / f"fail-{action}-{name}").touch()

    def mend(self):
        for path in self.directory.glob("fail-*"):
            path.unlink()

    def hold(self, action, name):
        """From now on that call waits."""
        os.mkfifo(self.directory / f"hold-{action}-{name}")

    def wait_held(self, action, name):
        held = self.directory / "held"
        wait_until(lambda: held.exists() and f"{action} {name}" in held.read_text(), f"{action} {name} to be held")

    def release(self):
        """Nobody waits any more, now or later."""
        for path in self.directory.glob("hold-*"):
            end = os.open(path, os.O_RDWR)  # which a waiting call takes for its writer
            path.unlink()
            os.write(end, b"\n\n\n\n")
            self._ends = [*getattr(self, "_ends", ()), end]

    def close(self):
        for end in getattr(self, "_ends", ()):
            os.close(end)
        self._ends = []


def stopped_services(host):
    """The record in the state directory: name -> state; nothing when there is none."""
    path = host.path("/var/lib/ft/stopped-services")
    if not path.exists():
        return None
    return {service["name"]: service["state"] for service in json.loads(path.read_text().split(" ", 1)[1])["services"]}
