"""podman or docker: the few things that are asked of it, and what it says when one fails, in one line."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from somahub.errors import SetupError

PROGRAMS = ("podman", "docker")
_LAST = 12  # lines of a failed build that are shown


@dataclass(frozen=True, slots=True)
class Found:
    """An image in the engine's store. ``digest`` is of its manifest, where the store has one; ``size`` in bytes."""

    identity: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Engine:
    """podman or docker. ``scratch`` holds what builds keep between them: packages, logs."""

    program: str
    scratch: Path

    @property
    def podman(self) -> bool:
        """Whether it is podman, which knows an image's digest before it is pushed."""
        return Path(self.program).name == "podman"

    def find(self, reference: str) -> Found | None:
        """The image of that name, if it is there."""
        shape = "{{.Id}} {{.Size}} " + ("{{.Digest}}" if self.podman else "")
        done = self._run("image", "inspect", "--format", shape, reference)
        if done.returncode:
            return None
        identity, size, *digest = done.stdout.split()
        return Found(identity.removeprefix("sha256:"), digest[0] if digest else "", int(size))

    def pull(self, reference: str) -> Found:
        """Fetch an image from its registry; raises SetupError with the registry's answer."""
        done = self._run("pull", reference)
        if found := self.find(reference):
            return found
        raise SetupError(
            f"the image {reference} could not be fetched: {_reason(done.stdout)}",
            "name one that can be by BASE=…, or make one from Debian's packages, as root: docs/images.md",
        )

    def build(
        self,
        reference: str,
        file: Path,
        context: Path,
        *,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        secret: Path,
        layers: bool,
        hear: Callable[[str], None],
    ) -> None:
        """Build ``reference``, with ``layers`` one a step; ``hear`` gets each line it says.

        Raises SetupError with what it said last.
        """
        command = [self.program, "build", "--network", "host", "--secret", f"id=machine,src={secret}"]
        # What is built anew is decided by names; podman's own guess does not look at what a step mounts.
        ours = ["--format", "oci", "--no-cache", f"--layers={str(layers).lower()}"]
        command += ours if self.podman else ["--progress", "plain"]
        command += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        command += [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
        command += ["--tag", reference, "--file", str(file), str(context)]
        said: list[str] = []
        log = self.scratch / "log" / f"{re.sub(r'[^a-z0-9]+', '-', reference)}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as kept, self._whole_or_gone(command) as process:
            assert process.stdout is not None
            for line in process.stdout:
                kept.write(line)
                said = [*said[-_LAST:], line.rstrip()]
                hear(line.rstrip())
        if process.returncode:
            raise SetupError(f"{reference} could not be built: {_reason(chr(10).join(said))}", f"{log} has all of it")

    @contextmanager
    def _whole_or_gone(self, command: list[str]) -> Iterator[subprocess.Popen[str]]:
        """Run a build to its end; one that is interrupted leaves no process, and no container of gigabytes."""
        before = self._half_made()
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._environment(),
        ) as process:
            try:
                yield process
            except BaseException:
                for pid in descendants(process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                for container in self._half_made() - before:
                    self._run("rm", "--force", container)
                raise

    def _half_made(self) -> set[str]:
        """What podman builds in; docker looks after its own."""
        if not self.podman:
            return set()
        return set(self._must("ps", "--all", "--external", "--quiet", "--filter", "name=-working-container").split())

    def tag(self, reference: str, name: str) -> None:
        """Give an image a second name."""
        self._must("tag", reference, name)

    def push(self, reference: str) -> str:
        """Push an image under its own name; returns the digest that the registry knows it by."""
        if self.podman:
            with tempfile.NamedTemporaryFile(mode="r", dir=self.scratch) as digest:
                self._must("push", "--digestfile", digest.name, reference)
                return digest.read().strip()
        self._must("push", reference)
        name = reference.rpartition(":")[0]
        known = self._must("image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", reference)
        return next(word.partition("@")[2] for word in known.split() if word.startswith(f"{name}@"))

    def tags(self, name: str) -> list[str]:
        """Every tag of an image's name in the store."""
        listed = self._must("images", "--format", "{{.Repository}}:{{.Tag}}", name)
        return [word.rpartition(":")[2] for word in listed.split() if word.rpartition(":")[0] == name]

    def remove(self, reference: str) -> bool:
        """Take a name away, and the image with its last name; False where a container still uses it."""
        return self._run("rmi", reference).returncode == 0

    def forget(self) -> None:
        """Give back the room of what steps of builds share, packages above all; docker does so by itself."""
        for folder in self.scratch.glob("buildah-cache*"):
            shutil.rmtree(folder, ignore_errors=True)

    def load_root(self, archive: Path, reference: str) -> None:
        """Make an image of the files of a whole system, packed as tar."""
        self._must("import", "--change", 'CMD ["bash"]', str(archive), reference)

    def _must(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode:
            raise SetupError(f"{Path(self.program).name} {words[0]} failed: {_reason(done.stdout)}")
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment(),
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        # podman keeps the cache of build steps and its half-made layers in TMPDIR.
        return {**os.environ, "TMPDIR": str(self.scratch), "DOCKER_BUILDKIT": "1", "LANG": "C.UTF-8"}


def choose(name: str | None, scratch: Path) -> Engine:
    """The engine of that name, or the first that answers; raises SetupError where none does."""
    scratch.mkdir(mode=0o755, parents=True, exist_ok=True)
    faults = []
    for program in [name] if name else PROGRAMS:
        path = shutil.which(program)
        if path is None:
            faults.append(f"there is no {program}")
            continue
        engine = Engine(path, scratch)
        done = engine._run("info", "--format", "{{json .}}")
        if done.returncode == 0:
            return engine
        faults.append(f"{program} does not answer: {_reason(done.stdout)}")
    raise SetupError("; ".join(faults), "install one, as root: apt-get install podman")


def descendants(pid: int) -> list[int]:
    """A process, its children and theirs, as they are now; the youngest first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # What stands before the last bracket is the program's name, whatever it holds.
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(entry.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found[::-1]


def _reason(said: str) -> str:
    """What went wrong, as one line: what says so, or the last words."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    named = [line for line in lines if re.search(r"\berror\b|could not|No space left", line, re.IGNORECASE)]
    return (named or lines or ["it said nothing"])[0][:400]
