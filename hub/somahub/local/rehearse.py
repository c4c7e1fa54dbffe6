"""The developer's targets: tests, style and benchmarks, run in a copy of the checkout by the hub's unprivileged user.

In a copy, because the hub's user may not be able to read the checkout, and because tests must not write in it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from somahub.local import trees
from somahub.local.runner import Runner
from somahub.local.venvs import Venvs, code_base

# Names the folder of real recordings that the tests use; without it they use the sample.
RECORDINGS = "SOMAHUB_TEST_DATA"

EVERYTHING = (
    ".ci",
    ".importlinter",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "extensions",
    "helm",
    "hub",
    "images",
    "notebooks",
    "pyproject.toml",
    "requirements",
    "spawner_profiles",
    "tests",
)


@dataclass(frozen=True, slots=True)
class Target:
    """Commands run one after the other until one fails; ``back`` names what they make, brought to the checkout.

    ``lists`` are those of the Debian packages that it needs; ``root`` says that only root can.
    """

    commands: tuple[tuple[str, ...], ...]
    back: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    root: bool = False


# Every lock anew, from the extras in pyproject.toml and from images/<app>/requirements.in.
_LOCKS = """
lock() {
    uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --upgrade --python-version 3.11 \\
        --overrides requirements/overrides.txt "$@"
}
every="--extra hub --extra machine --extra sample"
lock pyproject.toml $every -o requirements/hub.txt
lock pyproject.toml $every --extra cluster --extra service --extra dev -c requirements/hub.txt -o requirements/dev.txt
lock pyproject.toml --extra hub --extra cluster -c requirements/dev.txt -o requirements/cluster.txt
lock pyproject.toml --extra service -c requirements/dev.txt -o requirements/service.txt
echo uv | lock - -c requirements/hub.txt -o requirements/uv.txt
for app in images/*/requirements.in; do
    lock "$app" -o "${app%.in}.txt"
done
"""

_DESKTOP = ("system", "system-test")

TARGETS = {
    "test": Target((("python", "-m", "pytest", "--ignore=tests/cluster"),), back=("artifacts",), lists=_DESKTOP),
    "test-cluster": Target(
        (("python", "-m", "tests.cluster.prepare"), ("python", "-m", "pytest", "tests/cluster")),
        back=("artifacts",),
        lists=("system-test", "system-cluster"),
        root=True,
    ),
    "test-fast": Target((("python", "-m", "pytest", "-q", "tests/unit"),)),
    "lint": Target(
        (
            ("ruff", "check", "."),
            ("ruff", "format", "--check", "."),
            ("python", "-m", "mypy"),
            ("env", "PYTHONPATH=hub:extensions", "lint-imports"),
        )
    ),
    "bench": Target((("python", "-m", "tests.bench"),), back=("docs/benchmarks.md", "artifacts"), lists=_DESKTOP),
    "locks": Target((("sh", "-euc", _LOCKS),), back=("requirements", "images/*/requirements.txt")),
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A copy of the checkout, and the environment that its targets run in."""

    tree: Path
    environment: Mapping[str, str]


def prepare(venvs: Venvs) -> Ready:
    """Install what the targets need and copy the checkout; whoever calls holds the cache's lock."""
    code = venvs.code("dev")
    folder = venvs.layout.cache / "rehearsal"
    tree = venvs.tree(EVERYTHING, folder / "checkout")
    base = code.parent / code_base(code)
    environment = {
        "PATH": f"{code / 'bin'}:{base / 'bin'}:{venvs.runner.environment['PATH']}",
        # Never this machine's own data, whatever a test forgets to say.
        "HOME": str(folder),
        "SOMAHUB_DATA": str(folder / "data"),
    }
    return Ready(tree, environment)


def run(target: Target, clone: Path, ready: Ready, user: Runner) -> int:
    """Run a target's commands in the copy; returns the first exit status that is not 0."""
    status, told = 0, {**ready.environment, **_recordings(clone, ready, user)}
    for command in target.commands:
        status = status or user.show(command, cwd=ready.tree, extra=told)
    _bring_back(target.back, clone, ready.tree, user)
    return status


def _recordings(clone: Path, ready: Ready, user: Runner) -> dict[str, str]:
    """Where the tests find real recordings, if there are any: in a copy that the hub's user can read."""
    source = Path(user.environment.get(RECORDINGS) or clone.parent / "shared" / "data")
    if not source.is_dir():
        return {}
    place = ready.tree.with_name("recordings")
    user.run(["rm", "-rf", place])
    user.run(["mkdir", "-p", place])
    packed = subprocess.run(["tar", "-c", "-C", source, "."], stdout=subprocess.PIPE, check=True).stdout
    user.run(["tar", "-x", "-C", place, "--no-same-permissions"], given=packed)
    user.run(["chmod", "-R", "u+rwX", place])
    return {RECORDINGS: str(place)}


def _bring_back(patterns: tuple[str, ...], clone: Path, tree: Path, user: Runner) -> None:
    """Copy what was made into the checkout; the copy belongs to a less trusted user, so only plain files come."""
    names = {str(found.relative_to(clone)) for pattern in patterns for found in clone.glob(pattern)} | set(patterns)
    there = sorted(name for name in names if user.run(["test", "-e", tree / name]).returncode == 0)
    if there:
        archive = user.run(["tar", "-c", "-C", tree, *there]).stdout
        owner = clone.stat()
        for file in trees.unpack(archive, clone, there):
            if os.geteuid() == 0:
                os.chown(file, owner.st_uid, owner.st_gid)
