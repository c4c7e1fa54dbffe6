"""What helm is given: a values file that names every shipped image, as text."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = "# Made by `somahub images build`; give it to helm by -f. It names each image by what it holds.\n"


def values(references: Mapping[str, str]) -> str:
    """The values file for these references, by image; what is not among them is left to other files."""
    document: dict[str, object] = {}
    apps = {
        name: {"image": reference}
        for name, reference in references.items()
        if name not in ("hub", "service", "session")
    }
    if apps:
        document["apps"] = apps
    if "service" in references:
        document["service"] = {"image": references["service"]}
    if "hub" in references:
        document["jupyterhub"] = {"hub": {"image": split(references["hub"])}}
    return HEAD + "".join(_lines(document, ""))


def split(reference: str) -> dict[str, str]:
    """A reference as the hub's chart takes it: a name and a tag, which it joins by a colon.

    A digest is given so too: ``name@sha256`` and the digits.
    """
    name, _, tag = reference.rpartition(":")
    return {"name": name, "tag": tag}


def _lines(document: Mapping[str, object], indent: str) -> list[str]:
    lines = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:\n", *_lines(value, indent + "  ")]
        else:
            lines.append(f'{indent}{key}: "{value}"\n')
    return lines
