"""Where the two sides stand: on this machine, or at the two ends of a slow line."""

import os
import socket
import subprocess

from support.hosts import built


class Loopback:
    address = "127.0.0.1"
    at_source = at_destination = ()  # what a command line there begins with
    bytes_per_s = None

    def free_port(self):
        with socket.create_server((self.address, 0)) as listener:
            return listener.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class SlowLine:
    """Two network namespaces joined by lag_line.cpp; `rtt_ms` there and back."""

    address = "10.78.0.1"

    def __init__(self, rtt_ms, mbit):
        self.rtt_ms, self.mbit, self.bytes_per_s = rtt_ms, mbit, mbit * 1e6 / 8
        self.names = [f"ft-bench-{os.getpid()}-{side}" for side in ("old", "new")]
        self.at_source, self.at_destination = (("ip", "netns", "exec", name) for name in self.names)
        self.carrier = None

    def free_port(self):
        return 8730  # nobody else lives there

    def __enter__(self):
        try:
            for name in self.names:
                subprocess.run(["ip", "netns", "add", name], check=True)
            self.carrier = subprocess.Popen([built("tests/bench/lag_line"), *self.names, str(self.rtt_ms / 2), str(self.mbit)],
                                            stdout=subprocess.PIPE)
            if self.carrier.stdout.readline() != b"ready\n":
                raise SystemExit("compare-rsync: no line")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.carrier:
            self.carrier.terminate()
            self.carrier.wait()
            self.carrier.stdout.close()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
