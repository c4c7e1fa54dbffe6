"""A cluster as tests use it: anybody's, named by a kubeconfig, or the lab's own."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from somahub.local.runner import SYSTEM_PATH
from tests.cluster.lab import podman, state
from tests.cluster.lab.build import Tools
from tests.cluster.lab.documents import IMAGES, SOCKET
from tests.cluster.lab.places import Places


class CommandError(AssertionError):
    """A command on the cluster failed; the line says which, and what it said."""


@dataclass(frozen=True)
class Cluster:
    """Any cluster: ``kubectl`` and ``helm`` with the rights of its kubeconfig."""

    kubeconfig: Path

    @property
    def node_ip(self) -> str:
        """The first node's address, where NodePorts answer."""
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        addresses = nodes[0]["status"]["addresses"]
        return str(next(each["address"] for each in addresses if each["type"] == "InternalIP"))

    def kubectl(self, *words: str | Path, given: str | None = None, seconds: float = 180) -> str:
        """What kubectl prints; ``given`` is its standard input. Raises CommandError with what it says against it."""
        return self._run(["kubectl", *words], given, seconds)

    def helm(self, *words: str | Path, given: str | None = None, seconds: float = 600) -> str:
        """What helm prints; raises CommandError."""
        return self._run(["helm", *words], given, seconds)

    def apply(self, *documents: dict[str, Any]) -> None:
        """Have the cluster hold these objects."""
        self.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))

    def get(self, *words: str) -> Any:
        """One object or a list of them, as Python's own types."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    @property
    def environment(self) -> dict[str, str]:
        """What commands that speak to this cluster are run with; kubectl and helm are on its PATH."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def logs(self) -> str:
        """What helps to understand a failure: every pod, and the last events."""
        wanted = (("get", "pods", "-A", "-o", "wide"), ("get", "events", "-A", "--sort-by=.lastTimestamp"))
        said = []
        for words in wanted:
            try:
                said.append("\n".join(self.kubectl(*words).splitlines()[-60:]))
            except (CommandError, OSError) as error:
                said.append(str(error))
        return "\n\n".join(said)

    def _run(self, command: list[str | Path], given: str | None, seconds: float) -> str:
        try:
            done = subprocess.run(
                command,
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                text=True,
                env=self.environment,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError:
            raise CommandError(f"{command[0]} is not on the PATH: install it, or unset KUBECONFIG") from None
        except subprocess.TimeoutExpired:
            raise CommandError(f"{_words(command)} had not ended after {seconds:.0f} s") from None
        if done.returncode:
            raise CommandError(f"{_words(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


@dataclass(frozen=True)
class Lab(Cluster):
    """The lab's own cluster, which can be given images and looked into."""

    places: Places
    tools: Tools

    @property
    def node_ip(self) -> str:
        return self.places.node_address

    @property
    def environment(self) -> dict[str, str]:
        run = self.places.run
        own = {f"HELM_{name}_HOME": str(run / "helm" / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        own |= {"KUBECACHEDIR": str(run / "kubectl"), "KUBECONFIG": str(self.kubeconfig)}
        return {**os.environ, **own, "PATH": f"{self.tools.bin}:{os.environ.get('PATH', SYSTEM_PATH)}"}

    def inside(self, *words: str | Path, given: IO[bytes] | None = None) -> str:
        """Run something on the node, in its namespaces; raises CommandError."""
        init = state.read(self.places).init
        if init is None:
            raise CommandError(f"{_words(words)}: the lab is not up")
        enter = ["nsenter", "-t", str(init.pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--"]
        told = {"PATH": f"/run/lab/tools/bin:{SYSTEM_PATH}"}
        done = subprocess.run(
            [*enter, *words], stdin=given or subprocess.DEVNULL, capture_output=True, env=told, check=False
        )
        if done.returncode:
            raise CommandError(f"{_words(words)}: {done.stderr.decode(errors='replace').strip()[-2000:]}")
        return done.stdout.decode(errors="replace")

    def ctr(self, *words: str | Path, given: IO[bytes] | None = None) -> str:
        """Ask containerd, in the namespace of Kubernetes."""
        return self.inside("ctr", "-a", SOCKET, "-n", "k8s.io", *words, given=given)

    def images(self) -> dict[str, str]:
        """Each image's name, and its manifest's digest."""
        rows = [line.split() for line in self.ctr("images", "ls").splitlines()[1:]]
        return {row[0]: row[2] for row in rows}

    def load(self, source: str | Path) -> tuple[str, ...]:
        """Give the node an image: a name that podman knows, or an archive (OCI's or Docker's).

        Returns its references by digest, ``name@sha256:…``; the node knows it by these and by its tags.
        """
        if isinstance(source, Path):
            with source.open("rb") as archive:
                return self._import(archive)
        image = podman.find(source)
        if image and image.names and self._link(image):
            with tempfile.TemporaryFile() as archive:
                archive.write(image.archive())
                archive.seek(0)
                self._import(archive, "--no-unpack")
            return self._pinned(dict.fromkeys(image.names, image.digest))
        save = ["podman", "save", "-q", "--format", "oci-archive", "--uncompressed", source]
        with subprocess.Popen(save, stdout=subprocess.PIPE) as saving:
            assert saving.stdout
            return self._import(saving.stdout)

    def _import(self, archive: IO[bytes], *words: str) -> tuple[str, ...]:
        before = self.images()
        said = self.ctr("images", "import", "--local", *words, "-", given=archive)
        now = self.images()
        new = {name: digest for name, digest in now.items() if name in said or digest != before.get(name)}
        return self._pinned({name: digest for name, digest in new.items() if not name.startswith("sha256:")})

    def _pinned(self, names: dict[str, str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._pin(name, digest) for name, digest in names.items()))

    def _link(self, image: podman.Image) -> bool:
        """Have containerd hold an image's layers by links to podman's files; False where they lie on another disk."""
        there = {line.split()[0] for line in self.ctr("snapshots", "ls").splitlines()[1:]}
        parent: tuple[str, ...] = ()
        for name, layer in zip(image.chain, image.layers, strict=True):
            if name not in there:
                key = f"lab-{secrets.token_hex(8)}"
                self.ctr("snapshots", "prepare", key, *parent)
                folder = _writable(self.ctr("snapshots", "mounts", "/mnt", key))
                copy = ["cp", "-al", f"{layer.folder}/.", str(self.places.images / folder.relative_to(IMAGES))]
                if subprocess.run(copy, capture_output=True, check=False).returncode:
                    self.ctr("snapshots", "rm", key)
                    return False
                self.ctr("snapshots", "commit", name, key)
            parent = (name,)
        return True

    def logs(self) -> str:
        """Pods, events, and the last lines of each part's log."""
        said = [super().logs()]
        for file in sorted(self.places.log.glob("*.log")):
            lines = file.read_text(errors="replace").splitlines()[-15:]
            said.append("\n".join([f"== {file.name}", *lines]))
        return "\n\n".join(said)

    def _pin(self, name: str, digest: str) -> str:
        repository = name.partition("@")[0]
        if ":" in repository.rpartition("/")[2]:
            repository = repository.rpartition(":")[0]
        pinned = f"{repository}@{digest}"
        if pinned != name:
            self.ctr("images", "tag", "--force", name, pinned)
        return pinned


def _writable(mount: str) -> Path:
    """The folder that a snapshot's new files go to, from the line that would mount it."""
    found = re.search(r"upperdir=([^,\s]+)", mount) or re.search(r"(\S+/fs) /mnt", mount)
    assert found, mount
    return Path(found[1])


def _words(command: Any) -> str:
    return " ".join(map(str, command))[:200]
