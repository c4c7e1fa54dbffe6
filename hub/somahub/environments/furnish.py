"""What an environment holds besides packages: desktop entries, icons, a kernel, a manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from somahub.environments.recipes import Program, Recipe, python_minor

MANIFEST = "somahub.json"


def desktop_entry(program: Program, inside: str) -> str:
    """The freedesktop entry of a program, as the desktop's launcher reads it."""
    return "\n".join(
        [
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.0",
            f"Name={program.title}",
            f"Comment={program.comment}",
            f"Exec={program.exec}",
            f"Icon={inside}/share/icons/{program.icon}",
            "Terminal=false",
            "Categories=Science;Education;",
            f"X-Somahub-OpensAtStart={'true' if program.opens_at_start else 'false'}",
            "",
        ]
    )


def kernel_spec(recipe: Recipe, minor: str) -> str:
    """The Jupyter kernel of an app, whose interpreter is named by its path inside a session."""
    spec = {
        "argv": [f"{recipe.inside}/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"{recipe.title} (Python {minor})",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return json.dumps(spec, indent=1) + "\n"


def manifest(recipe: Recipe, digest: str, packages: dict[str, str], built: str, size: int) -> str:
    """What this environment is, for people and for the session: JSON, ``bytes`` as counted on disk."""
    document: dict[str, Any] = {
        "app": recipe.name,
        "digest": digest,
        "title": recipe.title,
        "summary": recipe.summary,
        "built": built,
        "bytes": size,
        "programs": [program.model_dump() for program in recipe.programs],
        "packages": packages,
    }
    return json.dumps(document, indent=1) + "\n"


def furnish(recipe: Recipe, folder: Path) -> None:
    """Put desktop entries, icons, the recipe's own files and the kernel into ``folder``."""
    for program in recipe.programs:
        _put(folder / "share/applications" / f"somahub-{program.name}.desktop", desktop_entry(program, recipe.inside))
        icon = folder / "share/icons" / program.icon
        icon.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recipe.folder / program.icon, icon)
    if recipe.share.is_dir():
        shutil.copytree(recipe.share, folder / "share/somahub", dirs_exist_ok=True)
    if recipe.name != "session":
        minor = python_minor(folder / "bin/python")
        _put(folder / "share/jupyter/kernels/python3/kernel.json", kernel_spec(recipe, minor))


def installed(folder: Path) -> dict[str, str]:
    """The packages in an environment and their versions."""
    found = {}
    for info in (folder / "lib").glob("python3*/site-packages/*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        found[name.replace("_", "-").lower()] = version
    return dict(sorted(found.items()))


def size(folder: Path) -> int:
    """The bytes of all files below ``folder``, as long as they are read; links count nothing."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def _put(file: Path, text: str) -> None:
    """Write a file anew: what the installer put here may be a hard link into its cache."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text)
