"""``python -m tests.cluster.lab build|up|down|status``, from the top of a checkout, with the system's own Python."""

from __future__ import annotations

import argparse
import sys

from somahub.errors import SetupError
from somahub.local import console
from tests.cluster.lab import build, fake_nodes, life, places


def main(words: list[str]) -> int:
    """Run one command; what goes wrong on purpose is one line and what helps against it."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.lab", description=str(__doc__))
    parser.add_argument("command", choices=("build", "up", "down", "status"))
    parser.add_argument("--number", type=int, default=0, help="which lab of this machine (default: 0)")
    parser.add_argument("--kwok", type=int, nargs="?", const=100, metavar="NODES", help="build kwok; up: play nodes")
    parser.add_argument("--gpus", type=int, default=4, help="GPUs of each node that kwok plays (default: 4)")
    parser.add_argument("--images", action="store_true", help="down: remove the images that were loaded, too")
    parser.add_argument("--keep-caches", action="store_true", help="build: keep Go's caches, 5 GB")
    said = parser.parse_args(words)
    try:
        return run(said, places.from_environment(said.number))
    except SetupError as error:
        console.fault(str(error), error.mend)
        return 1
    except KeyboardInterrupt:
        console.fault("interrupted; `down` removes what is half-made")
        return 130


def run(said: argparse.Namespace, place: places.Places) -> int:
    """One command on one lab."""
    if said.command == "build":
        build.ensure(place, kwok=said.kwok is not None, keep_caches=said.keep_caches)
    elif said.command == "up":
        lab = life.up(place, kwok=said.kwok is not None)
        if said.kwok:
            fake_nodes.add(lab, said.kwok, said.gpus)
    elif said.command == "down":
        life.down(place, images=said.images)
    if said.command in ("up", "status"):
        console.say(life.told(place))
        return 0 if life.running(place) else 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
