"""The command `somahub images`: what an operator types, and what is said meanwhile."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from somahub import __version__
from somahub.errors import SomahubError
from somahub.images import debian, engine, mirrors, table
from somahub.images.engine import Engine
from somahub.images.table import Image
from somahub.images.values import values
from somahub.local import console, layout, trees
from somahub.local.turns import alone

LOCAL = "localhost"
BASE = "debian:12-slim"
WAITING = "another build of images is under way; waiting for it"
QUIET = 10.0  # seconds between two lines of progress, where they cannot overwrite each other


@dataclass
class Builder:
    """Builds the images of a table from a source tree, which nobody changes meanwhile, with one engine."""

    images: Mapping[str, Image]
    source: Path
    engine: Engine
    base: str
    took: dict[str, float] = field(default_factory=dict)

    def build(self, names: Sequence[str]) -> dict[str, str]:
        """Build these images, or all that are shipped, and what they need; returns each one's local name."""
        # Whatever the caller's is: what is written from here on is read by an image's user, who is not root.
        os.umask(0o022)
        images = self.images
        wanted = table.chosen(images, names)
        base = self.engine.find(self.base) or self.engine.pull(self.base)
        versions = table.versions(images, self.source, base.identity)
        references = {name: f"{LOCAL}/somahub-{name}:{version}" for name, version in versions.items()}
        lacking = table.missing(images, wanted, lambda name: self.engine.find(references[name]) is not None)
        for name in lacking:
            self._one(images[name], references)
        self._sweep(references, {*lacking, *wanted})
        self.engine.forget()
        return {name: references[name] for name in wanted}

    def _one(self, image: Image, references: dict[str, str]) -> None:
        started = {**dict(image.starts), **dict(image.uses)}
        arguments = {name: references.get(other, self.base) for name, other in started.items()} | dict(image.arguments)
        labels = {
            "org.opencontainers.image.title": f"somahub-{image.name}",
            "org.opencontainers.image.description": image.title,
            "org.opencontainers.image.version": __version__,
            "org.opencontainers.image.licenses": "BSD-3-Clause",
        }
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self.engine.scratch) as place:
            context, secret = Path(place) / "context", Path(place) / "machine"
            trees.unpack(trees.packed(self.source, image.inputs), context, image.inputs)
            secret.touch(mode=0o600)
            secret.write_text(mirrors.script(os.environ, Path.home()))
            with console.step(f"building {image.name}"):
                self.engine.build(
                    references[image.name],
                    context / image.file,
                    context,
                    arguments=arguments,
                    labels=labels,
                    secret=secret,
                    layers=image.layers,
                    hear=_Ear(image.name),
                )
        self.took[image.name] = time.monotonic() - began

    def _sweep(self, references: dict[str, str], names: set[str]) -> None:
        """Remove what older sources made under these names: they would fill the disk, and can be built again."""
        gone = 0
        for name in sorted(names):
            kept, _, version = references[name].rpartition(":")
            gone += sum(self.engine.remove(f"{kept}:{tag}") for tag in self.engine.tags(kept) if tag != version)
        if gone:
            console.say(f"  removed {gone} older images")


@dataclass
class _Ear:
    """Tells how far the build of an environment is; all else that a build says goes to its log alone."""

    name: str
    told: float = field(default_factory=time.monotonic)

    def __call__(self, line: str) -> None:
        share, _, words = line.partition("% ")
        if share.strip().isdigit() and time.monotonic() - self.told > QUIET:
            self.told = time.monotonic()
            console.say(f"    {self.name}: {share.strip():>3} %  {words}")


def build(given: argparse.Namespace, made: Engine) -> None:
    """`somahub images build`: build, push where asked to, print the table, write helm's values."""
    images = table.table(given.source)
    with tempfile.TemporaryDirectory(dir=made.scratch) as place:
        builder = Builder(images, copied(images, given.source, Path(place)), made, given.base)
        references = builder.build(given.names)
    sizes = {name: found.size for name, reference in references.items() if (found := made.find(reference))}
    known = {name: _known(made, name, reference, given) for name, reference in references.items()}
    rows = [("image", "size", "built in", "reference")]
    for name, reference in known.items():
        took = builder.took.get(name, 0) + builder.took.get(f"{name}-environment", 0)
        rows.append((name, f"{sizes[name] / 2**20:,.0f} MiB", f"{took:.0f} s" if took else "unchanged", reference))
    console.say(columns(rows))
    given.values.parent.mkdir(parents=True, exist_ok=True)
    given.values.write_text(values(known))
    console.say(f"\nFor helm: -f {given.values}")


def _known(made: Engine, name: str, local: str, given: argparse.Namespace) -> str:
    """The name that a cluster is given: by digest, wherever the engine or the registry says one."""
    repository, _, tag = local.rpartition(":")
    if not given.registry:
        found = made.find(local)
        return f"{repository}@{found.digest}" if found and found.digest else local
    remote = f"{given.registry.rstrip('/')}/somahub-{name}"
    made.tag(local, f"{remote}:{tag}")
    with console.step(f"pushing {remote}:{tag}"):
        digest = made.push(f"{remote}:{tag}")
    # The registry keeps it under that name; here, one more would keep it for ever.
    made.remove(f"{remote}:{tag}")
    return f"{remote}@{digest}"


def base(given: argparse.Namespace, made: Engine) -> None:
    """`somahub images base`: a stand-in for Debian's own image, made where it is not there yet."""
    if made.find(debian.NAME):
        console.say(f"  {debian.NAME} is there; to make it anew, remove it first: {made.program} rmi {debian.NAME}")
    else:
        with console.step(f"making {debian.NAME} from Debian's packages"):
            debian.make(made)
    console.say(f"Build on it: make images BASE={debian.NAME}")


def copied(images: Mapping[str, Image], source: Path, into: Path) -> Path:
    """A copy of all that images are built from: who edits the tree meanwhile changes no image half."""
    inputs = {path for image in images.values() for path in image.inputs}
    trees.unpack(trees.packed(source, inputs), into, inputs)
    return into


def scratch() -> Path:
    """Where builds keep what they share: beside the hub's cache, as it is whoever builds who owns it."""
    cache = layout.from_environment(dict(os.environ), os.geteuid() == 0).cache
    return cache.with_name(f"{cache.name}-images")


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of words, one under the other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line}".rstrip() for line in lines)


def parser() -> argparse.ArgumentParser:
    """The words of the command."""
    words = argparse.ArgumentParser(prog="somahub images", description="The container images of somahub.")
    words.set_defaults(run=None)
    engines = argparse.ArgumentParser(add_help=False)
    engines.add_argument("--engine", choices=engine.PROGRAMS, help="what builds; the first that answers if left out")
    verbs = words.add_subparsers(title="commands", required=True)
    one = verbs.add_parser("build", parents=[engines], help="build what has changed, and write helm's values")
    one.add_argument("names", nargs="*", metavar="NAME", help="the images to build; all if left out")
    one.add_argument("--base", default=BASE, help="the image of Debian 12 to build on (%(default)s)")
    one.add_argument("--registry", help="where to push the images, as registry.lab.org/neuro; nowhere if left out")
    one.add_argument("--source", type=Path, default=Path(), help="the source tree; the working directory if left out")
    one.add_argument("--values", type=Path, default=Path("build/images.yaml"), help="the file for helm (%(default)s)")
    one.set_defaults(run=build)
    other = verbs.add_parser("base", parents=[engines], help="make a base image from Debian's packages, as root")
    other.set_defaults(run=base)
    return words


def main(words: list[str]) -> int:
    """Run the command; what goes wrong on purpose is one line and what helps against it."""
    given = parser().parse_args(words)
    try:
        made = engine.choose(given.engine, scratch())
        with alone(made.scratch, WAITING):
            given.run(given, made)
    except SomahubError as error:
        console.fault(str(error), error.mend)
        return 1
    except KeyboardInterrupt:
        console.fault("interrupted; what was built is kept")
        return 130
    return 0
