"""Build what a lab runs, from Go modules whose hashes lie in ``go/go.sum``. What is built is not built again."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from somahub.errors import SetupError
from somahub.local import console, packages
from somahub.local.turns import alone
from tests.cluster.lab import golang, image
from tests.cluster.lab.golang import SOURCES
from tests.cluster.lab.places import Places

KUBERNETES = "v1.36.3"
CONTAINERD = "v2.3.7"
RUNC = "1.4.3"
SYSTEM = Path(__file__).parents[3] / "requirements/system-cluster.txt"
PARTS = (
    "kubectl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "lab-provisioner",
    "lab-policy",
)
IMAGES = {"pause": "localhost/somahub-lab/pause:1", "probe": "localhost/somahub-lab/probe:1"}
COREDNS_IMAGE = "localhost/somahub-lab/coredns:1"

_CONTAINERD = "github.com/containerd/containerd/v2"
_VERSION = "k8s.io/component-base/version"
_LINK = [
    *("-s", "-w"),
    *("-X", f"{_VERSION}.gitVersion={KUBERNETES}", "-X", f"{_VERSION}.gitTreeState=clean"),
    *("-X", f"{_VERSION}.gitMajor=1", "-X", f"{_VERSION}.gitMinor={KUBERNETES.split('.')[1]}"),
    *(
        "-X",
        f"{_VERSION}.buildDate=2026-01-01T00:00:00Z",
        "-X",
        f"k8s.io/client-go/pkg/version.gitVersion={KUBERNETES}",
    ),
    *("-X", f"{_CONTAINERD}/version.Version={CONTAINERD}"),
]


@dataclass(frozen=True, slots=True)
class Step:
    """Programs that are built by one call of Go."""

    words: str
    programs: tuple[str, ...]
    tags: str
    link: tuple[str, ...]
    cgo: bool = False

    @property
    def said(self) -> str:
        """All that decides what comes out, beside the sources."""
        return "\0".join([*self.programs, self.tags, *self.link, str(self.cgo)])


CLUSTER = (
    Step(
        "Kubernetes, etcd, containerd, CoreDNS and Helm",
        (
            *("./kube", "./etcd", "./coredns", "./pause", "./probe", "helm.sh/helm/v4/cmd/helm"),
            *(f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")),
        ),
        "no_btrfs,no_zfs,no_devmapper",
        tuple(_LINK),
    ),
    Step("runc", ("github.com/opencontainers/runc",), "seccomp", ("-s", "-w", "-X", f"main.version={RUNC}"), cgo=True),
)
KWOK = (Step("kwok, which plays nodes", ("sigs.k8s.io/kwok/cmd/kwok",), "", ("-s", "-w")),)
_STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    *(f"pod/fast/pod-{name}.yaml" for name in ("ready", "complete", "delete")),
)


@dataclass(frozen=True, slots=True)
class Tools:
    """What is built: a folder of programs, and one of images."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def images(self) -> Path:
        return self.folder / "images"


def ensure(places: Places, *, kwok: bool = False, keep_caches: bool = False) -> Tools:
    """Build what is not built yet, one at a time; raises SetupError that says what failed.

    Go's caches are 5 GB and are removed after a build, unless the caller named others or wants to keep them.
    """
    install_packages()
    with alone(places.tools, "somebody else is building the cluster lab; waiting for them"):
        sets = {_place(places, CLUSTER): CLUSTER} | ({_place(places, KWOK): KWOK} if kwok else {})
        lacking = {place: steps for place, steps in sets.items() if not place.is_dir()}
        if lacking:
            go = golang.find(places)
            for place, steps in lacking.items():
                _build(places, go, place, steps)
            _prune(places, keep_caches)
    return Tools(_place(places, CLUSTER))


def kwok_tools(places: Places) -> Tools:
    """Where kwok lies once it is built."""
    return Tools(_place(places, KWOK))


def install_packages() -> None:
    """Install what the lab needs from Debian, from ``requirements/system-cluster.txt``."""
    wanted = packages.wanted(SYSTEM)
    if lacking := tuple(sorted(set(wanted) - packages.installed(wanted))):
        packages.install(lacking)


def _place(places: Places, steps: tuple[Step, ...]) -> Path:
    """A folder named for all that decides what is in it."""
    digest = hashlib.sha256(platform.machine().encode())
    for step in steps:
        digest.update(step.said.encode())
    sources = [SOURCES / "go.mod", SOURCES / "go.sum"]
    if steps is not KWOK:
        sources += [*sorted(SOURCES.glob("*/*.go")), Path(image.__file__)]
    for file in sources:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    name = "kwok" if steps is KWOK else "cluster"
    return places.tools / f"{name}-{digest.hexdigest()[:12]}"


def _build(places: Places, go: Path, place: Path, steps: tuple[Step, ...]) -> None:
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "bin").mkdir(parents=True)
    for step in steps:
        _compile(places, go, partial / "bin", step)
    if steps is KWOK:
        _stages(places, go, partial)
    else:
        _finish(partial)
    partial.rename(place)


def _finish(partial: Path) -> None:
    """The links by which one program is all of Kubernetes, and the images of the lab's own pods."""
    for name in PARTS:
        (partial / "bin" / name).symlink_to("kube")
    (partial / "images").mkdir()
    for name, reference in {**IMAGES, "coredns": COREDNS_IMAGE}.items():
        image.write(partial / "bin" / name, reference, partial / "images" / f"{name}.tar")
        (partial / "bin" / name).unlink()


def _stages(places: Places, go: Path, partial: Path) -> None:
    """What kwok plays: it has stages in its module, and plays only those that it is given."""
    command = [str(go), "list", "-m", "-mod=readonly", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"]
    module = _asked(command, golang.environment(places)).strip()
    texts = [Path(module, "kustomize/stage", name).read_text() for name in _STAGES]
    (partial / "stages.yaml").write_text("\n---\n".join(texts))


def _compile(places: Places, go: Path, into: Path, step: Step) -> None:
    told = {**golang.environment(places), "CGO_ENABLED": "1" if step.cgo else "0"}
    flags = ["-mod=readonly", "-modcacherw", "-tags", step.tags]
    console.say(f"  building {step.words}: fetching their sources")
    deps = [str(go), "list", *flags, "-deps", "-f", "{{.ImportPath}}", *step.programs]
    every = len(_asked(deps, told).splitlines())
    build = [str(go), "build", "-v", *flags, "-trimpath", "-buildvcs=false", "-ldflags", " ".join(step.link)]
    with console.step(f"building {step.words}"):
        # One call for all: what they share is compiled once, and one is linked while another compiles.
        _watched([*build, "-o", f"{into}/", *step.programs], told, every)


def _asked(command: list[str], told: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=SOURCES, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _fault(done.stderr.splitlines())
    return done.stdout


def _watched(command: list[str], told: dict[str, str], every: int) -> None:
    """Run Go, and say every half minute how far it is: it names each package that it has compiled."""
    lines: list[str] = []
    said, compiled = time.monotonic(), 0
    with subprocess.Popen(
        command, cwd=SOURCES, env=told, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as go:
        assert go.stderr
        for line in go.stderr:
            if re.fullmatch(r"[\w./~-]+\n", line):
                compiled += 1
            else:
                lines.append(line)
            if time.monotonic() - said > 30:
                said = time.monotonic()
                _progress(compiled, every)
    if go.returncode:
        raise _fault(lines)


def _progress(compiled: int, every: int) -> None:
    if not sys.stdout.isatty():
        console.say(f"    {min(compiled, every):,} of {every:,} packages are compiled")


def _fault(lines: Iterable[str]) -> SetupError:
    told = [line.strip() for line in lines if line.strip() and not line.startswith("go: downloading")]
    line = " ".join(told[:3])[:400] or "Go ended without a word"
    mend = "run it again: what is compiled is kept"
    if any(word in line for word in ("dial tcp", "i/o timeout", "certificate", "Forbidden", "no such host")):
        mend = "check that this machine reaches its Go module proxy (GOPROXY), then run it again"
    elif "no space left" in line:
        mend = "free 8 GB on the disk of SOMAHUB_CACHE, then run it again"
    return SetupError(f"the cluster lab could not be built: {line}", mend)


def _prune(places: Places, keep_caches: bool) -> None:
    """Remove what older sources made, unless a lab runs from it, and Go's caches."""
    keep = {_place(places, CLUSTER).name, _place(places, KWOK).name}
    used = {link.readlink().name for link in places.root.glob("lab*/run/tools")}
    for old in places.tools.iterdir():
        if old.name not in keep | used:
            shutil.rmtree(old, ignore_errors=True)
    if not keep_caches:
        for cache in golang.caches_of_our_own(places):
            shutil.rmtree(cache, ignore_errors=True)
