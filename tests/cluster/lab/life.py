"""A lab's life: up, down, and whether it is."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from somahub.errors import SetupError
from somahub.local import console, processes
from somahub.local.processes import wait_until
from somahub.local.turns import alone
from somahub.spawners.sandbox.processes import children, find
from tests.cluster.lab import build, documents, house, node, pki, state
from tests.cluster.lab import places as at
from tests.cluster.lab.build import Tools
from tests.cluster.lab.lab import CommandError, Lab
from tests.cluster.lab.places import Places

BUSY = "somebody else is starting or stopping the cluster lab; waiting for them"
PATIENCE = 180.0


def up(places: Places, *, kwok: bool = False) -> Lab:
    """Have a lab: build what is not built, start what does not run, wait until it is ready. Raises SetupError."""
    tools = build.ensure(places, kwok=kwok)
    with alone(places.home, BUSY):
        lab = Lab(places.kubeconfig, places, tools)
        try:
            if not _stands(places, tools):
                with console.step("starting the cluster lab"):
                    _end(places)
                    _start(places, tools)
                    _ready(lab)
            else:
                _ready(lab)
        except CommandError as error:
            raise SetupError(f"the cluster lab does not start: {error}", f"its logs are in {places.log}") from None
        return lab


def down(places: Places, *, images: bool = False) -> None:
    """End a lab, whatever state it is in; ``images``: remove those that it was given, too."""
    with alone(places.home, BUSY):
        _end(places)
        if images:
            shutil.rmtree(places.images, ignore_errors=True)


def running(places: Places) -> bool:
    """Whether the lab's first process runs."""
    return state.read(places).init is not None


def _stands(places: Places, tools: Tools) -> bool:
    """Whether a lab runs, from these tools."""
    there = state.read(places)
    link = places.run / "tools"
    return bool(there.holder and there.init) and link.is_symlink() and link.readlink() == tools.folder


def _end(places: Places) -> None:
    there = state.read(places)
    _refuse_another(places)
    house.stop(there.holder, there.init)
    house.sweep(places)
    shutil.rmtree(places.run, ignore_errors=True)


def _refuse_another(places: Places) -> None:
    """A lab of the same number that belongs to another cache is not ours to end."""
    spec = str(_spec_file(places))
    for process in house.inhabitants(places):
        for word in processes.words(process.pid):
            if word.endswith("/run/spec.json") and word != spec:
                cache = Path(word).parents[3]
                raise SetupError(
                    f"a cluster lab of the same number runs already, from {cache}",
                    f"SOMAHUB_CACHE={cache} python -m tests.cluster.lab down --number {places.number}",
                )


def _spec_file(places: Places) -> Path:
    return places.run / "spec.json"


def _start(places: Places, tools: Tools) -> None:
    for name in ("log", "gates", "etcd", "kubelet", "volumes", "pods", "helm", "kubectl"):
        (places.run / name).mkdir(mode=0o700, parents=True)
    places.images.mkdir(mode=0o700, exist_ok=True)
    (places.run / "tools").symlink_to(tools.folder)
    pki.make(places)
    documents.write(places)
    spec = _spec(places, tools)
    _spec_file(places).write_text(json.dumps(spec, indent=1))
    with (places.log / "node.log").open("ab") as log:
        holder = subprocess.Popen(
            [sys.executable, "-I", node.__file__, "outside", str(_spec_file(places))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )
    record = places.run / "init"
    if not wait_until(lambda: record.exists() or holder.poll() is not None, 20) or not record.exists():
        raise SetupError(f"the lab's namespaces could not be made: {_last_line(places)}")
    outer, init = find(holder.pid), find(int(record.read_text()))
    if outer is None or init is None:
        raise SetupError(f"the lab's first process ended at once: {_last_line(places)}")
    state.write(places, outer, init)
    house.wire(places, init.pid)


def _spec(places: Places, tools: Tools) -> dict[str, Any]:
    kwok = build.kwok_tools(places).folder.name
    return {
        "node": at.NODE,
        "run": str(places.run),
        "tools": str(tools.folder),
        "built": str(places.tools),
        "images": str(places.images),
        "cgroups": [str(folder) for folder in house.make_cgroups(places)],
        "node_address": places.node_address,
        "host_address": places.host_address,
        "services": at.SERVICES,
        "components": documents.components(places, kwok),
    }


def _last_line(places: Places) -> str:
    lines = (places.log / "node.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _ready(lab: Lab) -> None:
    """Bring a lab from wherever it is to where pods can run."""
    _clean(lab)
    _until(lab, "the API server", lambda: _api(lab, "/readyz") is not None)
    done = lab.places.run / "base"
    if not done.exists():
        _until(lab, "the first objects", lambda: _apply(lab))
        done.touch()
    _until(lab, "the node", lambda: _node_is_ready(lab))
    _until(lab, "the names of the cluster", lambda: _dns_is_ready(lab))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    _until(lab, "the account of pods", lambda: _api(lab, account) is not None)


def _clean(lab: Lab) -> None:
    """Once a run, before the kubelet: remove the containers of an earlier run, and load the lab's own images."""
    gate = lab.places.run / "gates/clean"
    if gate.exists():
        return
    _until(lab, "containerd", lambda: _answers(lab))
    old = lab.ctr("containers", "ls", "-q").split()
    boxes = [line.split()[0] for line in lab.ctr("sandboxes", "ls").splitlines()[1:]]
    for kind, names in (("containers", old), ("sandboxes", boxes)):
        if names:
            lab.ctr(kind, "rm", *names)
    if old or boxes:
        _restart(lab, "containerd")
        _until(lab, "containerd", lambda: _answers(lab))
    known = lab.places.images / "from"
    if not known.exists() or known.read_text() != lab.tools.folder.name:
        for archive in sorted(lab.tools.images.iterdir()):
            lab.load(archive)
        known.write_text(lab.tools.folder.name)
    gate.touch()


def _restart(lab: Lab, name: str) -> None:
    """End a part; the node starts it again."""
    init = state.read(lab.places).init
    program = f"{documents.BIN}/{name}"
    numbers = [pid for pid in children(init.pid) if processes.words(pid)[:1] == [program]] if init else []
    processes.end([found for pid in numbers if (found := find(pid))], 0.0)


def _answers(lab: Lab) -> bool:
    return bool(lab.ctr("version"))


def _apply(lab: Lab) -> bool:
    return bool(lab.kubectl("apply", "-f", lab.places.run / "etc/base.yaml"))


def _node_is_ready(lab: Lab) -> bool:
    found = _api(lab, f"/api/v1/nodes/{at.NODE}") or {}
    conditions = found.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _dns_is_ready(lab: Lab) -> bool:
    found = _api(lab, "/apis/apps/v1/namespaces/kube-system/deployments/coredns") or {}
    return bool(found.get("status", {}).get("availableReplicas"))


def _api(lab: Lab, path: str) -> dict[str, Any] | None:
    """Ask the API server; quicker than a kubectl each time. None where it does not answer, or not with this."""
    token = (lab.places.pki / "tokens.csv").read_text().partition(",")[0]
    context = ssl.create_default_context(cafile=str(lab.places.pki / "ca.crt"))
    url = f"https://{lab.places.node_address}:{at.API_PORT}{path}"
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(asked, timeout=5) as answer:
            said = answer.read()
    except (OSError, urllib.error.URLError):
        return None
    found = json.loads(said) if said[:1] == b"{" else {}
    return found if isinstance(found, dict) else {}


def _until(lab: Lab, what: str, done: Callable[[], bool]) -> None:
    """Wait until it is done; what commands said against it is told when it never is."""
    said = [""]

    def settled() -> bool:
        try:
            return not running(lab.places) or done()
        except CommandError as error:
            said[0] = f": {error}"
            return False

    if not wait_until(settled, PATIENCE, 0.1) or not running(lab.places):
        why = "its first process ended: " * (not running(lab.places)) + _last_line(lab.places)
        raise SetupError(f"{what} of the cluster lab did not come{said[0]}; {why}", f"its logs are in {lab.places.log}")


def told(places: Places) -> str:
    """A lab's state, for a person."""
    if not running(places):
        left = house.remains(places)
        return "the cluster lab is not up" + (f"; left behind: {', '.join(left)}" if left else "")
    rows = [("node", places.node_address), ("kubeconfig", str(places.kubeconfig)), ("logs", str(places.log))]
    rows.append(("tools", str((places.run / "tools").readlink() / "bin")))
    return "the cluster lab is up\n" + console.table(rows)
