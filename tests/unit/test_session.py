"""What a session knows of itself, and what its desktop's launcher is made of."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from somahub_lab.session import from_environment

DESKTOP = Path(__file__).parents[2] / "extensions/session/share/somahub/desktop"
STARTED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "usd"), [(0, "0"), (0.5, "0.21"), (10, "4.2"), (-1, "0")], ids=["at once", "half", "ten", "clock behind"]
)
def test_the_cost_so_far_is_hours_times_price(hours: float, usd: str) -> None:
    """And never below nothing, whatever the clock says."""
    session = from_environment({"SOMAHUB_USD_PER_HOUR": "0.42", "SOMAHUB_STARTED": STARTED.isoformat()})
    assert session.cost(STARTED + timedelta(hours=hours)) == Decimal(usd)


def test_ones_own_bucket_comes_first(tmp_path: Path) -> None:
    """Then the others by name; a file among them is no bucket."""
    for name in ("alpha", "mine", "zeta"):
        (tmp_path / "buckets" / name).mkdir(parents=True)
    (tmp_path / "buckets" / "note.txt").touch()
    assert from_environment({"HOME": str(tmp_path)}).buckets() == ["mine", "alpha", "zeta"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What the desktop's scripts make of an app with two programs."""
    entries = tmp_path / "app"
    entries.mkdir()
    (entries / "somahub-label.desktop").write_text(
        "[Desktop Entry]\nName=Label & look\nExec=python -m label %F\nIcon=/i.svg\nX-Somahub-OpensAtStart=true\n"
    )
    (entries / "somahub-view.desktop").write_text(
        "[Desktop Entry]\nName=View\nExec=view <file>\nIcon=/i.svg\nX-Somahub-OpensAtStart=false\n"
    )
    (entries / "other.desktop").write_text("[Desktop Entry]\nName=Not ours\nExec=other\n")
    made = tmp_path / "made"
    made.mkdir()
    subprocess.run(["sh", DESKTOP / "programs", DESKTOP, made, entries], check=True)
    return made


def test_the_launcher_holds_the_apps_programs_a_file_manager_and_a_terminal(made: Path) -> None:
    """Those of the recipe alone: what else a package brought is not offered."""
    items = [line for line in (made / "tint2rc").read_text().splitlines() if line.startswith("launcher_item_app")]
    names = [Path(item.split(" = ")[1]).name for item in items]
    assert names == ["somahub-label.desktop", "somahub-view.desktop", "files.desktop", "terminal.desktop"]


def test_the_menu_offers_the_same_under_their_names(made: Path) -> None:
    """Also names and commands that hold what XML keeps for itself."""
    items = ElementTree.parse(made / "menu.xml").getroot().findall(".//item")  # noqa: S314 - our own script wrote it
    assert [item.get("label") for item in items] == ["Label & look", "View", "Files", "Terminal"]
    assert [command.text for item in items for command in item.iter("command")][:2] == [
        "python -m label",
        "view <file>",
    ]


def test_only_programs_that_say_so_open_at_start(made: Path) -> None:
    """Without the field codes that stand for files."""
    panel, *programs = (made / "startup").read_text().splitlines()
    assert panel.startswith("tint2 ")
    assert programs == ["python -m label &"]


def test_a_display_server_that_cannot_start_is_given_up_with_its_own_last_words(tmp_path: Path) -> None:
    """The page shows them: a desktop that tries for ever says nothing."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "Xvnc").write_text("#!/bin/sh\necho 'Fatal server error: \"no\" room' >&2\nexit 1\n")
    (programs / "Xvnc").chmod(0o755)
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "DISPLAY": ":98", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": "/"}
    command = [DESKTOP.parents[2] / "bin/somahub-desktop"]
    assert subprocess.run(command, env=environment, timeout=20, check=False).returncode == 1
    said = json.loads((tmp_path / "somahub/desktop.json").read_text())
    assert said == {"state": "failed", "starts": 4, "line": "Fatal server error: no room"}
