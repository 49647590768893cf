"""Cuts a run everywhere, called by cut-everywhere. Ends with the first place that does not hold."""

import argparse

from support.cutter import DOWN, UP
from support.hosts import World
from system.test_cut import Places


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=64, metavar="BYTES")
    parser.add_argument("--retry-for", type=int, default=0, metavar="SECONDS")
    options = parser.parse_args()
    with World() as world:
        places = Places(world, options.retry_for)
        tried = 0
        for direction in (UP, DOWN):
            total = places.bytes_of_a_run(direction)
            for at in range(1, total + 1, options.every):
                places.cut(direction, at)
                tried += 1
            print(f"{direction}: {total} bytes, cut at every {options.every}th", flush=True)
        print(f"{tried} places: " + ", ".join(f"{count} {what}" for what, count in places.seen.most_common()))
        places.cutter.close()


if __name__ == "__main__":
    main()
