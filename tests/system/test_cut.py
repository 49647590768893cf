"""The connection of a whole run is cut at a byte, in either direction: it ends well, or nothing has changed.

Here some tens of places; tests/model/cut-everywhere goes to every 64th byte.
"""

import unittest
from collections import Counter

from support.cutter import DOWN, UP, Cutter
from support.hosts import World
from support.pair import Pair

LOST = {4, 5}  # no connection any more; a source that ended before it said what it must


class Places:
    """Runs that are cut, each at another place."""

    def __init__(self, world, retry_for):
        self.pair = Pair(world)
        self.cutter = Cutter(world, self.pair.source.port)
        self.arguments = ("--retry-for", str(retry_for))
        self.retries = retry_for != 0
        self.whole_literal = 0
        self.seen = Counter()

    def run(self, *arguments):
        pair = self.pair
        return pair.run(port=self.cutter.port, arguments=arguments)

    def bytes_of_a_run(self, direction):
        self.cutter.arm()
        self.pair.turn()
        run = self.run()
        assert run.status == 0, run.stderr
        self.pair.settle()
        self.whole_literal = literal(run)
        return self.cutter.counts[direction]

    def cut(self, direction, at):
        """One place: what must hold, or AssertionError."""
        pair, where = self.pair, f"byte {at} {direction}"
        before = pair.here
        self.cutter.arm(direction, at, orderly=at % 2 == 0)
        pair.turn()
        run = self.run(*self.arguments)
        if not self.cutter.cut:
            self.seen["had less to say"] += 1
        begun = any(event["event"] == "run_started" for event in run.events)
        # A source that was never reached is not waited for.
        may_fail = not self.retries or not begun
        assert run.status == 0 or (run.status in LOST and may_fail), f"{where}: {run.status}: {run.stderr}"
        assert pair.settle() == (1 - before if run.status == 0 else before), f"{where}: exit status {run.status}"
        self.seen["ended well" if run.status == 0 else "changed nothing"] += 1
        if run.status != 0:
            self.cutter.arm()
            again = self.run()
            assert again.status == 0, f"after {where}: {again.stderr}"
            assert pair.settle() == 1 - before, f"after {where}"
            self.seen["adopted something"] += literal(again) < self.whole_literal


def literal(run):
    return sum(tree["bytes_literal"] for tree in run.result["trees"])


class CutTest(unittest.TestCase):
    def places(self, retry_for, points):
        with World() as world:
            places = Places(world, retry_for)
            self.addCleanup(places.cutter.close)
            for direction in (UP, DOWN):
                total = places.bytes_of_a_run(direction)
                for at in range(1, total, total // points):
                    places.cut(direction, at)
            return places.seen

    def test_without_retries_it_ends_or_changes_nothing_and_the_next_run_adopts(self):
        seen = self.places(0, 25)
        self.assertGreater(seen["changed nothing"], 30)
        self.assertGreater(seen["adopted something"], 5)

    def test_with_retries_it_ends_well(self):
        seen = self.places(600, 8)
        self.assertGreater(seen["ended well"], 10)


if __name__ == "__main__":
    unittest.main()
