"""Recipes, digests, progress and failures: what is decided about environments without building one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from somahub.environments import Program, digest, load, load_all
from somahub.environments.failures import explain
from somahub.environments.furnish import desktop_entry, kernel_spec, manifest
from somahub.environments.progress import BEGIN, Installer, Progress, overall, read, write
from somahub.errors import CatalogError
from somahub.instance import shipped

HASH = "a" * 64
GOOD = """\
name: scope
title: Scope
summary: Looks at things.
size_gib: 0.5
programs:
  - {name: scope, title: Scope, exec: scope --now, icon: scope.svg, comment: Look}
"""


def recipe_in(folder: Path, text: str = GOOD, lock: str = f"six==1.17.0 \\\n    --hash=sha256:{HASH}\n") -> Path:
    app = folder / "scope"
    app.mkdir(parents=True, exist_ok=True)
    (app / "recipe.yaml").write_text(text)
    (app / "requirements.txt").write_text(lock)
    (app / "scope.svg").write_text("<svg/>")
    return app


def test_every_shipped_recipe_loads() -> None:
    recipes = load_all(shipped("images"))
    assert {"session", "dlc", "napari", "notebook"} <= recipes.keys()
    assert [program.name for program in recipes["dlc"].programs if program.opens_at_start] == ["deeplabcut"]


def test_locks_name_no_host() -> None:
    for recipe in load_all(shipped("images")).values():
        lock = recipe.lock_file.read_text()
        assert "://" not in lock
        assert "--index" not in lock
        assert "--find-links" not in lock


def test_every_app_is_a_notebook_kernel() -> None:
    for recipe in load_all(shipped("images")).values():
        assert "\nipykernel==" in recipe.lock_file.read_text(), recipe.name


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("title: Scope\n", ""), "title: is required"),
        (("size_gib", "size_gb"), "size_gb: is not a key of a recipe, got 0.5"),
        (("size_gib: 0.5", "size_gib: much"), "got 'much'"),
        (("size_gib: 0.5", "size_gib: -1"), "size_gib: input should be greater than 0, got -1"),
        (("name: scope\n", "name: other\n"), "name: must be the folder's name, 'scope', got 'other'"),
        (("icon: scope.svg", "icon: gone.svg"), "programs.0.icon: must name a file beside recipe.yaml, got 'gone.svg'"),
        (("icon: scope.svg", "icon: ../x.svg"), "programs.0.icon: "),
        (("exec: scope --now", 'exec: "a\\nb"'), "programs.0.exec: "),
        (("name: scope", ": ["), "not YAML"),
    ],
)
def test_a_fault_in_a_recipe_is_one_line_with_file_path_rule_and_value(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    app = recipe_in(tmp_path, GOOD.replace(*change, 1))
    with pytest.raises(CatalogError) as caught:
        load(app)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{app / 'recipe.yaml'}: ") for line in lines)
    assert sum(fault in line for line in lines) == 1


@pytest.mark.parametrize(
    "lock", ["six\n", "six==1.17.0\n", f"six>=1.17 --hash=sha256:{HASH}\n", "--index-url http://x\n"]
)
def test_a_lock_pins_and_hashes_every_package(tmp_path: Path, lock: str) -> None:
    with pytest.raises(CatalogError, match="lock: every package must be pinned by == and --hash"):
        load(recipe_in(tmp_path, lock=lock))


def test_a_folder_without_recipe_says_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"there is no such file; every app's folder needs a recipe\.yaml"):
        load(tmp_path)
    with pytest.raises(CatalogError, match="holds no recipe"):
        load_all(tmp_path)


def test_the_digest_changes_with_what_is_installed_and_with_nothing_else(tmp_path: Path) -> None:
    app = recipe_in(tmp_path)
    first = digest(load(app))
    assert len(first) == 12
    assert digest(load(app)) == first
    (app / "recipe.yaml").write_text(GOOD.replace("Looks at things.", "Looks at many things.").replace("0.5", "0.6"))
    assert digest(load(app)) == first, "a summary and a size install nothing"
    seen = {first}
    (app / "recipe.yaml").write_text(GOOD.replace("--now", "--later"))
    seen.add(digest(load(app)))
    (app / "scope.svg").write_text("<svg> </svg>")
    seen.add(digest(load(app)))
    (app / "share").mkdir()
    (app / "share/open.py").write_text("")
    seen.add(digest(load(app)))
    (app / "requirements.txt").write_text(f"six==1.16.0 --hash=sha256:{HASH}\n")
    seen.add(digest(load(app)))
    wheel = tmp_path / "x.whl"
    wheel.write_text("1")
    seen.add(digest(load(app), wheel))
    wheel.write_text("2")
    seen.add(digest(load(app), wheel))
    assert len(seen) == 7


def test_a_desktop_entry_names_program_icon_and_whether_it_opens_by_itself() -> None:
    program = Program(
        name="scope", title="Scope", exec="scope %F", icon="scope.svg", comment="Look", opens_at_start=True
    )
    lines = desktop_entry(program, "/opt/somahub/apps/scope").splitlines()
    assert lines[0] == "[Desktop Entry]"
    assert {"Name=Scope", "Exec=scope %F", "Comment=Look", "X-Somahub-OpensAtStart=true"} <= set(lines)
    assert "Icon=/opt/somahub/apps/scope/share/icons/scope.svg" in lines


def test_a_kernel_is_named_by_its_path_inside_a_session(tmp_path: Path) -> None:
    recipe = load(recipe_in(tmp_path))
    spec = json.loads(kernel_spec(recipe, "3.11"))
    assert spec["argv"][0] == "/opt/somahub/apps/scope/bin/python"
    assert spec["display_name"] == "Scope (Python 3.11)"


def test_a_manifest_says_what_was_built(tmp_path: Path) -> None:
    recipe = load(recipe_in(tmp_path))
    said = json.loads(manifest(recipe, "0123456789ab", {"six": "1.17.0"}, "2026-01-01T00:00:00+00:00", 42))
    assert said["digest"] == "0123456789ab"
    assert said["packages"] == {"six": "1.17.0"}
    assert said["programs"][0]["exec"] == "scope --now"


SAID = [
    ("Using Python 3.11.2 environment at: v", "starting", "Looking up packages"),
    ("Resolved 187 packages in 1.53s", "starting", "Installing 187 packages"),
    ("Would download 129 packages", "starting", "Downloading · 31 of 129 packages"),
    ("Downloading torch (514.2MiB)", "starting", "Downloading torch (514 MiB) · 31 of 129 packages"),
    ("Downloading six (11.0KiB)", "starting", "Downloading torch (514 MiB) · 31 of 129 packages"),
    (" Downloaded torch", "starting", "Downloading six (11 KiB) · 31 of 129 packages"),
    (" Downloaded six", "starting", "Downloading · 31 of 129 packages"),
    ("   Building pims==0.7", "starting", "Building pims 0.7 · 31 of 129 packages"),
    ("      Built pims==0.7", "starting", "Downloading · 31 of 129 packages"),
    ("Prepared 129 packages in 30.41s", "installing", "Installing 187 packages"),
    ("Installed 187 packages in 483ms", "compiling", "Preparing Python files, so that the app opens faster"),
    ("Bytecode compiled 21069 files in 22.45s", "finishing", "Finishing"),
]


def test_what_the_installer_says_becomes_words_for_people() -> None:
    heard = Installer()
    for line, stage, words in SAID:
        heard.hear(line)
        assert (heard.stage, heard.words(31)) == (stage, words), line


def test_progress_stays_within_its_stage() -> None:
    stages = list(BEGIN)[:-2]
    fractions = [overall(stage, share) for stage in stages for share in (0.0, 0.5, 1.0, 7.0)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_status_is_read_as_written_and_a_torn_one_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    assert read(file) is None
    write(file, Progress("compiling", 0.7, "Preparing"), pid=5)
    assert read(file) == (Progress("compiling", 0.7, "Preparing"), 5)
    file.write_text('{"stage": "comp')
    assert read(file) is None


REFUSED = """\
error: Request failed after 3 retries in 7.5s
  cause: Failed to fetch: http://127.0.0.1:9/simple/six/
  cause: error sending request for url (http://127.0.0.1:9/simple/six/)
  cause: client error (Connect)
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""
NO_NAME = """\
error: Request failed after 3 retries in 6.1s
  cause: Failed to fetch: https://user:word@mirror.lab/simple/six/
  cause: error sending request for url (https://mirror.lab/simple/six/)
  cause: client error (Connect)
  cause: dns error
  cause: failed to lookup address information: Name or service not known
"""
CERTIFICATE = """\
error: Failed to fetch: https://mirror.lab/simple/six/
  cause: error sending request for url (https://mirror.lab/simple/six/)
  cause: client error (Connect)
  cause: invalid peer certificate: UnknownIssuer
"""
WRONG_HASH = """\
error: Failed to download `six==1.17.0`
  cause: Hash mismatch for `six==1.17.0`
"""
NOT_THERE = """\
error: No solution found when resolving dependencies
  cause: Because sixxyz was not found in the package registry and you require sixxyz==1.17.0, we can conclude
"""
NO_WHEEL = """\
error: No solution found when resolving dependencies
  cause: Because pims==0.7 has no usable wheels and you require pims==0.7, we can conclude
"""
FULL = """\
error: Failed to download `google-crc32c==1.9.0`
  cause: failed to write to file `/c/.tmp1UJ6NN/WHEEL`: No space left on device (os error 28)
"""


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        (REFUSED, 2, "the package registry at 127.0.0.1:9 could not be reached (connection refused)"),
        (NO_NAME, 2, "the package registry at mirror.lab could not be reached (failed to lookup address information"),
        (CERTIFICATE, 2, "the package registry at mirror.lab shows a certificate that this machine does not trust"),
        (WRONG_HASH, 1, "what was downloaded as six==1.17.0 is not what the lock promises"),
        (NOT_THERE, 1, "the package registry does not have sixxyz"),
        (NO_WHEEL, 1, "pims==0.7 has no wheel for this machine"),
        (FULL, 1, "the disk that holds /cache is full"),
        ("", -9, "it was killed (perhaps for want of memory)"),
        ("", -15, "it was stopped (signal 15)"),
        ("error: Something new\n", 2, "Something new"),
        ("", 2, "the installer ended with status 2"),
    ],
)
def test_a_failure_says_why_and_what_to_do(said: str, status: int, why: str) -> None:
    failure = explain(said, status, "/cache")
    assert failure.why.startswith(why)
    assert failure.mend
    assert "\n" not in failure.why + failure.mend
    assert "word" not in failure.why, "a registry's password is never shown"


def test_a_recipe_lies_where_sessions_look(tmp_path: Path) -> None:
    recipe = load(recipe_in(tmp_path))
    assert recipe.inside == "/opt/somahub/apps/scope"
    assert load_all(shipped("images"))["session"].inside == "/opt/somahub/session"
