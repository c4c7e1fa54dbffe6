"""Images that podman has built, given to containerd without a copy.

Both keep a layer as a folder of files, in the form that overlayfs reads, and never change it. So a layer's files are
linked into containerd's store: seconds for 9 GB, and no room on the disk; what either side removes, the other keeps.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Layer:
    """``digest`` of its tar archive, and the folder of its files."""

    digest: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Image:
    """An image in podman's store, as a registry would have it, its layers as folders, the lowest first."""

    names: tuple[str, ...]
    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        """By which podman, a registry and a cluster know it."""
        return f"sha256:{hashlib.sha256(self.manifest).hexdigest()}"

    @property
    def chain(self) -> tuple[str, ...]:
        """The names of its snapshots: each says all layers below it, too."""
        said: list[str] = []
        for layer in self.layers:
            below = f"{said[-1]} {layer.digest}".encode() if said else b""
            said.append(f"sha256:{hashlib.sha256(below).hexdigest()}" if said else layer.digest)
        return tuple(said)

    def archive(self) -> bytes:
        """An OCI archive of all but its layers."""
        manifests = [_named(self.manifest, name) for name in self.names]
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
            for blob in (self.manifest, self.config):
                _add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
        return packed.getvalue()


def find(name: str) -> Image | None:
    """The image of this name; None where podman keeps it in another form than overlayfs's, or in Docker's format."""
    driver, _, root = _asked("info", "--format", "{{.Store.GraphDriverName}} {{.Store.GraphRoot}}").partition(" ")
    number = _asked("image", "inspect", "--format", "{{.Id}}", name).removeprefix("sha256:")
    if driver != "overlay":
        return None
    store = Path(root)
    said: list[dict[str, Any]] = json.loads((store / "overlay-images/images.json").read_text())
    (image,) = (each for each in said if each["id"] == number)
    folder = store / "overlay-images" / number
    manifest = (folder / "manifest").read_bytes()
    if json.loads(manifest).get("mediaType") != MANIFEST:
        return None
    config = (folder / f"={base64.b64encode(f'sha256:{number}'.encode()).decode()}").read_bytes()
    layers = _layers(store, image["layer"])
    if [layer.digest for layer in layers] != json.loads(config)["rootfs"]["diff_ids"]:
        return None
    names = image.get("names") or ()
    return Image((name,) if name in names else tuple(names), manifest, config, layers)


def _layers(store: Path, top: str) -> tuple[Layer, ...]:
    said = {each["id"]: each for each in json.loads((store / "overlay-layers/layers.json").read_text())}
    found = []
    number = top
    while number:
        found.append(Layer(said[number].get("diff-digest", ""), store / "overlay" / number / "diff"))
        number = said[number].get("parent", "")
    return tuple(reversed(found))


def _asked(*words: str) -> str:
    return subprocess.run(["podman", *words], capture_output=True, text=True, check=True).stdout.strip()


def _named(manifest: bytes, name: str) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    named = {"io.containerd.image.name": name}
    return {"mediaType": MANIFEST, "digest": digest, "size": len(manifest), "annotations": named}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))
