"""A destination that runs while the test goes on."""

import json
import os
import subprocess

from support.hosts import DEADLINE, FT


class Started:
    """A destination whose events are read while it runs."""

    def __init__(self, world, source, *arguments, program=FT, env=None):
        argv = world.new.ft("--destination", f"{world.old.address}:{source.port}", "--code-file", source.code_file, "--yes",
                            "--json", *arguments, program=program)
        self.stderr_path = world.directory / "destination.stderr"
        with open(self.stderr_path, "wb") as stderr:
            self.process = world.start(world.new.command(argv), stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL,
                                       env={**os.environ, **(env or {})})
        self.events = []

    def wait_phase(self, phase):
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1].get("phase") == phase and self.events[-1]["event"] == "phase":
                return
        raise AssertionError(f"it ended before {phase}:\n{self.stderr()}")

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def end(self, how=None):
        if how:
            self.process.send_signal(how)
        self.events += [json.loads(line) for line in self.process.stdout]
        status = self.process.wait(timeout=DEADLINE)
        results = [event for event in self.events if event["event"] == "result"]
        return status, results[-1] if results else None
