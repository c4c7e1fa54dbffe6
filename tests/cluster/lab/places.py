"""Where a lab lies and which addresses it has. Several can run on one machine; each has a number."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from somahub.errors import SetupError
from somahub.local import layout, packages

NODE = "node1"
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API_PORT = 6443


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of lab ``number`` below ``root``, and its names among the machine's interfaces and cgroups."""

    root: Path
    number: int = 0

    @property
    def tools(self) -> Path:
        """What is built, shared by all labs."""
        return self.root / "tools"

    @property
    def go(self) -> Path:
        """Go itself, and its caches while something is built."""
        return self.root / "go"

    @property
    def home(self) -> Path:
        """All of this lab."""
        return self.root / f"lab{self.number}"

    @property
    def run(self) -> Path:
        """What lives from up to down."""
        return self.home / "run"

    @property
    def images(self) -> Path:
        """containerd's images, kept from one run to the next."""
        return self.home / "images"

    @property
    def state(self) -> Path:
        """Which processes are this lab."""
        return self.run / "state.json"

    @property
    def log(self) -> Path:
        """One log a component."""
        return self.run / "log"

    @property
    def pki(self) -> Path:
        """Keys, certificates and tokens."""
        return self.run / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's way in."""
        return self.run / "kubeconfig"

    @property
    def name(self) -> str:
        """Of its cgroup, and of the host's end of its network; an interface's name holds 15 letters."""
        return f"somahub-lab{self.number}"

    @property
    def host_address(self) -> str:
        """The host's end. Private, as nodes' addresses are: policies tell private addresses from others."""
        return f"10.84.198.{4 * self.number + 1}"

    @property
    def node_address(self) -> str:
        """The node's end, where the API and NodePorts answer."""
        return f"10.84.198.{4 * self.number + 2}"


def from_environment(number: int = 0) -> Places:
    """The lab that the environment names by SOMAHUB_CACHE; raises SetupError where there cannot be one."""
    if os.geteuid() != 0:
        raise SetupError(
            "the cluster lab needs root: it makes namespaces, mounts and control groups",
            "run it as root, or set KUBECONFIG to a cluster of yours",
        )
    if not 0 <= number < 60:
        raise SetupError(f"a lab's number must lie between 0 and 59, got {number}")
    place = layout.from_environment(dict(os.environ), root=True)
    if fault := place.fault():
        raise SetupError(fault)
    _make(place)
    places = Places(place.cache / "cluster", number)
    for folder in (places.root, places.tools, places.go, places.home):
        folder.mkdir(mode=0o700, exist_ok=True)
    return places


def _make(place: layout.Layout) -> None:
    """Make the cache as `make up` does: the hub's user owns it; what the lab puts below is root's."""
    if not place.cache.is_dir():
        user = packages.make_user(os.environ.get("SOMAHUB_USER", "somahub"), place.data)
        place.cache.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        place.cache.mkdir(mode=0o700)
        os.chown(place.cache, user.pw_uid, user.pw_gid)
